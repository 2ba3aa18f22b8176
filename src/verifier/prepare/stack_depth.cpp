// Stack depth: the frames of every possible call chain together stay within 512 bytes (Q&A, "How much stack
// space a BPF program uses?"), and within 256 below a frame that makes tail calls.
#include <algorithm>

#include "base/bits.h"
#include "verifier/prepare/prepare.h"

namespace osmia::verifier {
namespace {

inline constexpr int kStackLimit = 512, kTailCallLimit = 256, kPrivateStackMin = 64;

class StackDepth {
 public:
  explicit StackDepth(Env& env)
      : env_(env), subs_(env.subprogs), private_(env.subprogs.size(), Private::kUnknown) {}

  void run() {
    bool tail_calls = false;
    for (const Subprog& s : subs_) tail_calls |= s.has_tail_call;
    const bool adaptive = !tail_calls && (env_.type->traits & contract::kPrivateStack) &&
                          env_.opt.jit_requested &&
                          !(env_.type->ctx_model == contract::CtxModel::kTracingArgs &&
                            env_.prog.expected_attach_type == kTraceIter);
    // Asynchronous callbacks run on a stack of their own. Last to first: what they share with the main
    // program is then known to need an ordinary frame.
    for (size_t i = subs_.size(); i-- > 0;)
      if (i == 0 || subs_[i].is_async_cb) chain(i, i == 0 && adaptive);
  }

 private:
  static constexpr u32 kTraceIter = 28;  // expected attach type of iterator programs
  enum class Private : u8 { kUnknown, kNo, kAdaptive };

  int rounded(size_t sub) const {
    return env_.opt.jit_requested ? static_cast<int>(align_up(subs_[sub].stack_depth, 16))
                                  : static_cast<int>(align_up(std::max<u32>(subs_[sub].stack_depth, 1), 32));
  }

  bool in_callback(size_t sub, u32 frame) const {
    bool cb = subs_[sub].is_callback;
    for (u32 f = 0; f < frame; f++) cb |= subs_[ret_sub_[f]].is_callback;
    return cb;
  }

  void enter(size_t sub, u32 frame, bool adaptive) {
    Subprog& s = subs_[sub];
    if (s.has_ld_abs && in_callback(sub, frame))
      env_.reject(EINVAL, "cannot use BPF_LD_[ABS|IND] within callback");
    if (sub && s.has_tail_call && depth_ >= kTailCallLimit)
      env_.reject(EACCES,
                  "tail_calls are not allowed when call stack of previous frames is {} bytes. Too large",
                  depth_);
    const int bytes = rounded(sub);
    if (adaptive && private_[sub] == Private::kUnknown && bytes >= kPrivateStackMin)
      private_[sub] = Private::kAdaptive;
    if (private_[sub] == Private::kAdaptive) {
      s.priv_stack = true;
      if (bytes > kStackLimit) env_.reject(EACCES, "stack size of subprog {} is {}. Too large", sub, bytes);
      return;
    }
    depth_ += bytes;
    if (depth_ > kStackLimit)
      env_.reject(EACCES, "combined stack size of {} calls is {}. Too large", frame + 1, depth_);
  }

  void chain(size_t sub, bool adaptive) {
    u32 frame = 0;
    depth_ = 0;
    bool tail_call_reachable = false;
    if (!adaptive) private_[sub] = Private::kNo;
    enter(sub, frame, adaptive);
    u32 i = subs_[sub].start;
    for (;;) {
      bool entered = false;
      for (; i < subs_[sub].end; i++) {
        const Insn& in = env_.insns[i];
        if (isa::is_kfunc_call(in) && in.off == 0) {
          if (is_throw(env_, in) && in_callback(sub, frame))
            env_.reject(EINVAL, "bpf_throw kfunc (insn {}) cannot be called from callback subprog {}", i,
                        sub);
          continue;
        }
        if (!isa::is_pseudo_call(in) && !isa::is_pseudo_func(in)) continue;
        const s32 callee = subprog_at(env_, i + static_cast<u32>(in.imm) + 1);
        OSMIA_BUG_IF(callee < 0);
        if (subs_[callee].is_async_cb) {
          OSMIA_BUG_IF(subs_[callee].has_tail_call);
          if (!isa::is_pseudo_call(in)) continue;
          if (subs_[callee].is_exception_cb)
            env_.reject(EINVAL, "insn {} cannot call exception cb directly", i);
        }
        ret_insn_[frame] = i + 1;
        ret_sub_[frame] = sub;
        sub = static_cast<size_t>(callee);
        if (!adaptive) private_[sub] = Private::kNo;
        tail_call_reachable |= subs_[sub].has_tail_call;
        if (++frame >= kMaxFrames) env_.reject(E2BIG, "the call stack of {} frames is too deep !", frame);
        enter(sub, frame, adaptive);
        i = subs_[sub].start;
        entered = true;
        break;
      }
      if (entered) continue;
      if (tail_call_reachable)
        for (u32 f = 0; f < frame; f++) {
          if (subs_[ret_sub_[f]].is_exception_cb) env_.reject(EINVAL, "cannot tail call within exception cb");
          subs_[ret_sub_[f]].has_tail_call_reachable = true;
        }
      if (frame == 0) return;
      if (private_[sub] != Private::kAdaptive) depth_ -= rounded(sub);
      frame--;
      i = ret_insn_[frame];
      sub = ret_sub_[frame];
    }
  }

  Env& env_;
  std::vector<Subprog>& subs_;
  std::vector<Private> private_;
  int depth_ = 0;
  u32 ret_insn_[kMaxFrames] = {};
  size_t ret_sub_[kMaxFrames] = {};
};

}  // namespace

void check_stack_depth(Env& env) {
  StackDepth(env).run();
}

void note_stack_extra(Env& env) {
  for (Subprog& s : env.subprogs) {
    bool loop = false, may_goto = false;
    for (u32 i = s.start; i < s.end; i++) {
      const InsnAux& aux = env.aux[i];
      loop |= aux.inlinable_loop;
      may_goto |= aux.seen && aux.is_may_goto;
    }
    const u32 with_loop =
        loop ? static_cast<u32>(align_up(s.stack_depth, kRegSize)) + kLoopSpillBytes : s.stack_depth;
    const bool epilogue =
        &s == &env.subprogs[0] && env.struct_ops_member && !env.struct_ops_member->epilogue.empty();
    s.stack_extra = static_cast<u16>(with_loop - s.stack_depth + (may_goto ? kRegSize : 0) +
                                     (epilogue ? kContextSlotBytes : 0));
  }
}

}  // namespace osmia::verifier
