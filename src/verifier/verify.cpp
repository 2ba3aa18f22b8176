// verify(): the phases in order, and the only place where a rejection becomes a Verdict.
#include "verifier/verify.h"

#include <chrono>

#include "verifier/call/call.h"
#include "verifier/log/log.h"
#include "verifier/native/merger.h"
#include "verifier/native/profile.h"
#include "verifier/path/explorer.h"
#include "verifier/prepare/prepare.h"

namespace osmia::verifier {
namespace {

// Global functions are verified for any arguments of their type, when something verified so far calls them.
void check_global_subprogs(Env& env) {
  if (env.prog.func_info.empty()) return;
  if (env.exception_callback_subprog > 0) env.subprogs[env.exception_callback_subprog].called = true;
  for (bool more = true; more;) {
    more = false;
    for (u32 i = 1; i < env.subprogs.size(); i++) {
      if (!env.subprogs[i].is_global || !env.subprogs[i].called || env.subprogs[i].verified) continue;
      Explorer(env).run(i);
      if (env.log_states())
        env.log("Func#{} ('{}') is safe for any args that match its prototype\n", i, env.subprogs[i].name);
      env.subprogs[i].verified = true;
      more = true;
    }
  }
}

// A tail call through a map that differs between paths cannot have its index masked, which the unprivileged
// need.
void check_tail_call_maps(Env& env) {
  if (env.bypass_spec_v1) return;
  for (size_t i = 0; i < env.insns.size(); i++)
    if (env.aux[i].seen && env.aux[i].helper && (env.aux[i].helper->effects & contract::kTailCall) &&
        env.aux[i].map_ptr_poisoned)
      env.reject(EINVAL, "tail_call abusing map_ptr");
}

void relocate(Env& env) {
  if (const Status s = env.resolver.relocate(env.sink_); !s.ok()) {
    env.note_reason(s.error().message);
    env.reject_silently(s.error().code);
  }
  env.insns.assign(env.prog.insns.begin(), env.prog.insns.end());
}

// merger: made here, once what it looks at is prepared; null for Linux's way.
void run_phases(Env& env, Observer** seen_by, std::unique_ptr<native::Merger>* merger) {
  check_func_info_early(env);
  find_subprograms(env);
  check_jumps(env);
  check_btf_records(env);
  relocate(env);
  resolve_pseudo(env);
  check_cfg(env);
  check_attach_target(env);
  mark_fastcall(env);
  if (merger) {
    *merger = std::make_unique<native::Merger>(env, seen_by);
    env.merger = merger->get();
  }
  Explorer(env).run(0);
  check_global_subprogs(env);
  remove_fastcall_spills(env);
  check_stack_depth(env);
  note_stack_extra(env);
  check_tail_call_maps(env);
  check_unresolved_kfuncs(env);
}

void fill_facts(const Env& env, Facts& facts) {
  facts.insns.assign(env.aux.begin(), env.aux.end());
  facts.subprogs.assign(env.subprogs.begin(), env.subprogs.end());
  facts.used_maps = env.used_maps;
  facts.used_btfs = env.used_btfs;
  facts.dst_needed = env.dst_needed;
  facts.cb_access = env.cb_access;
  facts.needs_packet_prologue = env.seen_direct_write;
  facts.max_ctx_offset = env.max_ctx_offset;
  facts.max_pkt_offset = env.max_pkt_offset;
  facts.max_tp_access = env.max_tp_access;
  facts.struct_ops = env.struct_ops;
  facts.struct_ops_member = env.struct_ops_member;
  facts.attach_proto = env.attach_proto;
  facts.max_key_access = env.max_key_access;
  facts.max_value_access = env.max_value_access;
  facts.uses_arena = env.arena != nullptr;
  facts.default_exception_callback = env.seen_exception && env.exception_callback_subprog <= 0;
  for (const Subprog& s : env.subprogs) facts.has_tail_call |= s.has_tail_call;
}

// Subprograms that the rewriting removes whole have no depth any more; a hidden one (what bpf_throw ends in
// without a callback) needs none.
void fill_stack_stats(Env& env, bool accepted) {
  std::vector<u32>& out = env.stats.subprog_stack;
  for (size_t i = 0; i < env.subprogs.size(); i++) {
    const Subprog& s = env.subprogs[i];
    bool live = !i || !accepted || !env.bpf_capable;
    for (u32 k = s.start; k < s.end && !live; k++) live = env.aux[k].seen;
    if (live) out.push_back(u32{s.stack_depth} + s.stack_extra);
  }
  if (accepted && env.seen_exception && env.exception_callback_subprog <= 0) out.push_back(0);  // hidden
  if (!out.empty()) env.stats.stack_bytes = out[0];
}

void print_stats(Env& env) {
  if (env.opt.log_level & 4) {
    env.log("verification time {} usec\nstack depth ", env.stats.verify_ns / 1000);
    for (size_t i = 0; i < env.stats.subprog_stack.size(); i++)
      env.log("{}{}", i ? "+" : "", env.stats.subprog_stack[i]);
    env.log("\n");
  }
  env.log(
      "processed {} insns (limit {}) max_states_per_insn {} total_states {} peak_states {} mark_read {}\n",
      env.insns_processed, isa::kComplexityLimitInsns, env.stats.max_states_per_insn, env.stats.total_states,
      env.stats.peak_states, env.stats.longest_mark_read_walk);
}

}  // namespace

Verdict attempt(const Program& program, const contract::Catalog& catalog, Resolver& resolver,
                const Options& options, LogSink* log, Facts* facts, const Attempt& how) {
  const auto start = std::chrono::steady_clock::now();
  Verdict verdict;
  Options seen = options;  // merging hides its search from the observer
  Env env(program, catalog, resolver, seen, log);
  env.insn_limit = how.insn_limit;
  std::unique_ptr<native::Merger> merger;
  try {
    env.type = catalog.prog_type(program.type);
    if (!env.type) env.unsupported(fmt::format("program type {}", program.type));
    env.insns.assign(program.insns.begin(), program.insns.end());
    env.aux.resize(env.insns.size());
    run_phases(env, &seen.observer, how.merges ? &merger : nullptr);
    verdict.accepted = true;
  } catch (const Rejection& r) {
    verdict.error = r.error;
    verdict.unsupported = r.unsupported;
    verdict.message = env.reason;
    verdict.insn = env.cur || env.insns_processed ? static_cast<s32>(env.insn_idx) : -1;
  } catch (const native::Undecided& u) {
    verdict.error = E2BIG;
    verdict.message = u.why;
  } catch (const BugError& e) {
    verdict.error = EFAULT;
    verdict.message = e.what();
    env.log("{}\n", e.what());
  } catch (const std::bad_alloc&) {
    verdict.error = ENOMEM;
    verdict.message = "out of memory";
  }
  env.stats.verify_ns = static_cast<u64>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start).count());
  env.stats.insns_processed = env.insns_processed;
  fill_stack_stats(env, verdict.accepted);
  print_stats(env);
  verdict.stats = env.stats;
  if (verdict.accepted && facts) fill_facts(env, *facts);
  return verdict;
}

Verdict verify(const Program& program, const contract::Catalog& catalog, Resolver& resolver,
               const Options& options, LogSink* log, Facts* facts) {
  if (options.native_profile) return native::verify(program, catalog, resolver, options, log, facts);
  return attempt(program, catalog, resolver, options, log, facts, Attempt{});
}

}  // namespace osmia::verifier
