// The control-flow graph: every instruction is reachable, the unprivileged have no back edges, and where the
// explorer compares states (prune points) and records history (jump points).
#include "verifier/prepare/prepare.h"

namespace osmia::verifier {
namespace {

// A depth-first search with an explicit stack: programs are as long as a million instructions.
class Cfg {
 public:
  explicit Cfg(Env& env) : env_(env), state_(env.insns.size(), 0) { stack_.reserve(env.insns.size()); }

  void run() {
    walk(0);
    if (env_.exception_callback_subprog > 0) walk(env_.subprogs[env_.exception_callback_subprog].start);
    for (u32 i = 0; i < env_.insns.size(); i++) {
      if (state_[i] != kExplored) env_.reject(EINVAL, "unreachable insn {}", i);
      if (isa::is_ld_imm64(env_.insns[i])) {
        if (state_[i + 1] != 0) env_.reject(EINVAL, "jump into the middle of ldimm64 insn {}", i);
        i++;
      }
    }
  }

 private:
  enum : u8 { kDiscovered = 0x10, kExplored = 0x20, kFallthrough = 1, kBranch = 2 };
  enum class Go { kDone, kDeeper };

  void walk(u32 start) {
    state_[start] = kDiscovered;
    stack_.push_back(start);
    while (!stack_.empty()) {
      const u32 t = stack_.back();
      if (visit(t) == Go::kDone) {
        state_[t] = kExplored;
        stack_.pop_back();
      }
    }
  }

  // Follows the edge t -> w once.
  Go edge(u32 t, s64 w, u8 kind) {
    if (state_[t] >= (kDiscovered | kind)) return Go::kDone;
    if (w < 0 || w >= static_cast<s64>(env_.insns.size()))
      env_.reject(EINVAL, "jump out of range from insn {} to {}", t, w);
    if (kind == kBranch) {
      env_.aux[w].prune_point = env_.aux[w].jmp_point = true;
      env_.aux[w].jump_target = true;
    }
    if (state_[w] == 0) {
      state_[t] = kDiscovered | kind;
      state_[w] = kDiscovered;
      stack_.push_back(static_cast<u32>(w));
      return Go::kDeeper;
    }
    if ((state_[w] & 0xf0) == kDiscovered) {
      if (env_.bpf_capable) return Go::kDone;
      env_.reject(EINVAL, "back-edge from insn {} to {}", t, w);
    }
    state_[t] = kDiscovered | kind;
    return Go::kDone;
  }

  Go visit_call(u32 t, bool into_callee) {
    const u32 next = t + (isa::is_ld_imm64(env_.insns[t]) ? 2 : 1);
    if (edge(t, next, kFallthrough) == Go::kDeeper) return Go::kDeeper;
    env_.aux[next].prune_point = env_.aux[next].jmp_point = true;  // returning is not linear
    if (!into_callee) return Go::kDone;
    const s64 callee = static_cast<s64>(t) + env_.insns[t].imm + 1;
    env_.aux[t].prune_point = true;
    note_callee_effects(t, static_cast<u32>(callee));
    return edge(t, callee, kBranch);
  }

  Subprog& subprog_of(u32 insn) {
    size_t lo = 0, hi = env_.subprogs.size();
    while (hi - lo > 1) {
      const size_t mid = (lo + hi) / 2;
      (env_.subprogs[mid].start <= insn ? lo : hi) = mid;
    }
    return env_.subprogs[lo];
  }
  void note_callee_effects(u32 t, u32 callee) {
    subprog_of(t).changes_packet_data |= subprog_of(callee).changes_packet_data;
  }

  Go visit(u32 t) {
    using namespace isa;
    const Insn& in = env_.insns[t];
    if (is_pseudo_func(in)) return visit_call(t, true);
    if (in.cls() != kJmp && in.cls() != kJmp32) return edge(t, t + (is_ld_imm64(in) ? 2 : 1), kFallthrough);
    InsnAux& aux = env_.aux[t];
    switch (in.op()) {
      case kExit: return Go::kDone;
      case kCall: {
        if (calls_async_callback(env_, in)) aux.prune_point = true;
        // How often a callback runs is unknown: states are compared before each run, to see it converge.
        if (calls_sync_callback(env_, in))
          aux.calls_callback = aux.force_checkpoint = aux.prune_point = aux.jmp_point = true;
        if (const auto* h = helper_of(env_, in); h && (h->effects & contract::kChangesPacketData))
          subprog_of(t).changes_packet_data = true;
        if (const auto* k = kfunc_of(env_, in); k && (k->flags & contract::kKfIterNext))
          aux.prune_point = aux.force_checkpoint = true;
        return visit_call(t, in.src == kPseudoCall);
      }
      case kJa: {
        if (in.is_reg_src()) env_.reject_silently(EINVAL);
        const s64 w = static_cast<s64>(t) + (in.cls() == kJmp ? in.off : in.imm) + 1;
        if (edge(t, w, kFallthrough) == Go::kDeeper) return Go::kDeeper;
        env_.aux[w].prune_point = env_.aux[w].jmp_point = true;
        env_.aux[w].jump_target = true;
        return Go::kDone;
      }
      default:
        aux.prune_point = true;
        if (in.code == (kJmp | kJcond)) aux.is_may_goto = aux.force_checkpoint = true;
        if (edge(t, t + 1, kFallthrough) == Go::kDeeper) return Go::kDeeper;
        return edge(t, static_cast<s64>(t) + in.off + 1, kBranch);
    }
  }

  Env& env_;
  std::vector<u8> state_;
  std::vector<u32> stack_;
};

}  // namespace

void check_cfg(Env& env) {
  Cfg(env).run();
}

}  // namespace osmia::verifier
