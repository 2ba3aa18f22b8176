// Env: everything that one verification shares between the verifier's folders: the program as resolved, what
// the loader may do, the current state, per-instruction and per-subprogram notes, the log. One Env per
// verify() call, one thread. Folders add free functions over Env; they keep no state of their own elsewhere.
#pragma once
#include <fmt/format.h>

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/bug.h"
#include "isa/insn.h"
#include "verifier/state/path_state.h"
#include "verifier/verify.h"

namespace osmia::verifier {

using isa::Insn;
class Explorer;
namespace native {
class Merger;
}

// Thrown by Env::reject and caught by verify() alone.
struct Rejection {
  int error;
  bool unsupported = false;
};

// The verifier's own notes on an instruction; what rewrite/ may see is in `facts`.
struct InsnAux : InsnFacts {
  bool jmp_point = false;         // history is recorded here
  bool prune_point = false;       // states are compared here
  bool force_checkpoint = false;  // a state is always saved here
  bool calls_callback = false;
  bool is_iter_next = false, is_may_goto = false, jump_target = false;
  bool fields_ok = false;                 // its reserved fields were checked
  bool map_ptr_set = false;               // `map` holds the map pointer this call used on the paths so far
  u64 map_key_state = 0;                  // call/: constant-key tracking
  const btf::Btf* btf_var_btf = nullptr;  // ld_imm64 of a kernel variable: kBtfId type
  u32 btf_var_type = 0;
  bool object_set = false;   // the calls on program objects: object_* hold what the paths so far use
  u16 fastcall_pattern = 0;  // spills around a bpf_fastcall call that may be removed
  u32 fastcall_spills = 0;
};

struct SubprogArg {  // of a global function, from BTF
  contract::ArgKind kind = contract::ArgKind::kAnything;
  u32 flags = 0;  // contract::RegFlag
  u32 mem_size = 0;
  u32 btf_id = 0;
};

struct Subprog : SubprogFacts {
  bool has_tail_call_reachable = false;
  bool called = false, verified = false;  // a global function: called by what was verified; verified itself
  bool args_cached = false;
  u8 arg_count = 0;
  SubprogArg args[5];
};

enum class Access : u8 { kRead, kWrite };

struct Env {
  Env(const Program& p, const contract::Catalog& c, Resolver& r, const Options& o, LogSink* sink);

  const Program& prog;
  const contract::Catalog& cat;
  Resolver& resolver;
  const Options& opt;
  const contract::ProgTypeDef* type = nullptr;

  // Privileges, from Options::caps (Linux: CAP_PERFMON and CAP_BPF).
  bool bpf_capable = true, allow_ptr_leaks = true, allow_uninit_stack = true, bypass_spec_v1 = true,
       bypass_spec_v4 = true;
  bool strict_alignment = false;
  bool prog_sleepable = false;  // BPF_F_SLEEPABLE, or a type that always may sleep

  std::vector<Insn> insns;  // the program, pseudo immediates resolved to indexes (prepare/)
  std::vector<InsnAux> aux;
  std::vector<Subprog> subprogs;  // subprogs[0] is the entry; [n].end exclusive
  std::vector<const MapInfo*> used_maps;
  std::vector<std::shared_ptr<const btf::Btf>> used_btfs;
  s32 exception_callback_subprog = -1;
  bool seen_direct_write = false, seen_exception = false, dst_needed = false, cb_access = false;
  u32 max_ctx_offset = 0, max_pkt_offset = 0, max_tp_access = 0, max_key_access = 0,
      max_value_access = 0;  // of the buffers of iterators

  // Where a tracing, LSM or extension program attaches (prepare/attach.cpp): the function's prototype.
  const btf::Btf* attach_btf = nullptr;
  u32 attach_proto = 0;  // FUNC_PROTO id in attach_btf, 0 = unknown (all arguments are scalars)
  std::string attach_name;
  bool attach_raw_tp = false;  // the prototype's first argument is the tracepoint's own data pointer
  // Of programs that implement a member of a kernel struct (prepare/struct_ops.cpp).
  const contract::StructOpsDef* struct_ops = nullptr;
  const contract::StructOpsMember* struct_ops_member = nullptr;
  std::vector<contract::NullableArg> nullable_args;
  const MapInfo* arena = nullptr;
  std::vector<const MapInfo*> cgroup_storages;
  // Structs with special fields, by BTF; found when first asked for (access/objects.cpp).
  std::map<const btf::Btf*, std::vector<btf::StructMeta>> struct_metas;

  PathState* cur = nullptr;      // owned by the explorer
  Explorer* explorer = nullptr;  // path/
  native::Merger* merger =
      nullptr;  // native/: states are merged, so nothing is pruned and no history is kept
  u32 insn_limit = isa::kComplexityLimitInsns;  // to be processed
  u32 insn_idx = 0;
  s32 prev_insn_idx = -1;
  std::vector<HistoryEntry> history;  // of the current path; each state owns a range of it
  s32 current_history = -1;           // the current instruction's entry, -1 if it has none yet
  u32 jmps_processed = 0, prev_jmps_processed = 0, prev_insns_processed = 0;
  bool explore_alu_limits = false;  // Spectre v1 sanitation wants exact pruning
  u32 id_gen = 0;
  Stats stats;
  u32 insns_processed = 0;

  // -- registers of the current frame
  const RegState& reg(u32 r) const { return cur->frame().regs[r]; }
  RegState& mut_reg(u32 r) { return cur->mut_frame().regs[r]; }
  // Who calls, for what depends on the attach point (attach_name is known after prepare/attach.cpp).
  contract::Caller caller() const { return caller(attach_name); }
  contract::Caller caller(std::string_view target) const {
    return {prog.expected_attach_type,      opt.caps,  prog_sleepable, target,
            prog.attach.program != nullptr, struct_ops};
  }
  u32 new_id() { return ++id_gen; }
  const Insn& insn() const { return insns[insn_idx]; }

  // -- the log. Text is appended as Linux would print it (callers give the '\n').
  bool log_on() const { return sink_ != nullptr; }
  u32 log_level() const { return sink_ ? opt.log_level : 0; }
  bool log_insns() const { return log_level() & 2; }
  bool log_states() const { return log_level() & 3; }
  template <class... A>
  void log(fmt::format_string<A...> f, A&&... args) {
    if (sink_) log_text(fmt::format(f, std::forward<A>(args)...));
  }
  void log_text(std::string_view text);
  void note_reason(std::string_view line);  // remembers the line for Verdict::message (also without a log)

  // Ends the verification: logs the line (the '\n' is added) and throws. The message is Linux's, to the
  // letter.
  template <class... A>
  [[noreturn]] void reject(int error, fmt::format_string<A...> f, A&&... args) {
    reject_text(error, fmt::format(f, std::forward<A>(args)...));
  }
  [[noreturn]] void reject_text(int error, std::string line);
  [[noreturn]] void reject_silently(int error) { throw Rejection{error}; }  // the reason was logged already
  // "not supported yet: ..." - Osmia's own limit, never Linux's rule.
  [[noreturn]] void unsupported(std::string_view what);

  // -- scratch marks: what the next state line prints (log/)
  std::array<u16, kMaxFrames> scratched_regs{};
  std::array<u64, kMaxFrames> scratched_slots{};
  void scratch_reg(u32 r) { scratched_regs[cur->curframe] |= 1u << r; }
  void scratch_slot(u32 frame, int slot) { scratched_slots[frame] |= 1ull << slot; }
  s32 prev_linfo = -1;  // last source line printed
  u64 log_pos = 0, prev_log_pos = 0, prev_insn_print_pos = 0;

  std::string reason;  // the last rejection's line
  LogSink* sink_ = nullptr;
};

// Logs a line that is followed by more, or that does not end the verification; it is the reason until another
// line is.
template <class... A>
void say(Env& env, fmt::format_string<A...> f, A&&... args) {
  std::string line = fmt::format(f, std::forward<A>(args)...);
  env.note_reason(line);
  line += '\n';
  env.log_text(line);
}

}  // namespace osmia::verifier
