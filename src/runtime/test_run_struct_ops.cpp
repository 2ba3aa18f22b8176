// Test runs of struct_ops programs: those of bpf_dummy_ops, as on Linux (net/bpf/bpf_dummy_struct_ops.c,
// behaviour only). The context is a word for each argument; the first is the address of the caller's state,
// which the program gets a copy of and which comes back.
#include "contract/struct_ops.h"
#include "runtime/test_run_code.h"

namespace osmia::runtime {
namespace {

constexpr u32 kMaxArgs = 12;
// struct bpf_dummy_ops_state
struct State {
  s32 val = 0;
};

// A pointer may be null only where the program was verified for that.
Status check_null_args(const Program& p, std::span<const u64> args) {
  const btf::Btf& btf = *p.desc.attach.btf;
  const btf::TypeView proto = btf.type(p.facts.attach_proto);
  OSMIA_ASSIGN(const auto nullable, contract::struct_ops_nullable(*p.facts.struct_ops_member, btf, proto));
  for (u32 i = 0; i < args.size(); i++) {
    if (args[i] || !btf.skip_modifiers(proto.params()[i].type).is(btf::Kind::kPtr)) continue;
    const s32 off = contract::struct_ops_arg_offset(btf, proto, i);
    bool may_be = false;
    for (const auto& n : nullable) may_be |= n.offset == off;
    if (!may_be)
      return Error{EINVAL,
                   "ctx_in: argument " + std::to_string(i) + " is null, and the program does not check"};
  }
  return Ok{};
}

}  // namespace

Result<TestRunResult> test_run_struct_ops(Kernel&, Program& p, const TestRunRequest& r) {
  if (!p.facts.struct_ops || p.facts.struct_ops->name != "bpf_dummy_ops" || !p.desc.attach.btf)
    return Error{EOPNOTSUPP, "of struct_ops programs only those of bpf_dummy_ops have a test run"};
  const u32 nr = p.desc.attach.btf->type(p.facts.attach_proto).params().size();
  if (r.ctx_in.size() != u64{nr} * 8 || nr > kMaxArgs)
    return Error{EINVAL, "ctx_in: expected " + std::to_string(nr) + " words, one for each argument, found " +
                             std::to_string(r.ctx_in.size()) + " bytes"};
  u64 args[kMaxArgs + 1] = {};
  std::copy(r.ctx_in.begin(), r.ctx_in.end(), reinterpret_cast<u8*>(args));
  const u64 user_state = args[0];
  State state;
  if (user_state && (!r.copy_in || r.copy_in(&state, user_state, sizeof state)))
    return Error{EFAULT, "ctx_in: the state that the first argument points to cannot be read"};
  OSMIA_TRY(check_null_args(p, std::span(args).first(nr)));
  OSMIA_TRY(check_executable(p));
  if (user_state) args[0] = reinterpret_cast<u64>(&state);
  TestRunResult out;
  timed_runs(p, args, 1, out);
  out.duration_ns = 0;
  if (user_state && (!r.copy_out || r.copy_out(user_state, &state, sizeof state)))
    return Error{EFAULT, "ctx_in: the state that the first argument points to cannot be written"};
  return out;
}

}  // namespace osmia::runtime
