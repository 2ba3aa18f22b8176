// bpf_fastcall: compilers that know a call to clobber few registers still spill the others for older kernels.
// Where the spills and fills around such a call stand in mirror order at the bottom of the stack, and nothing
// else touches those slots, they may be removed, and the stack counts without them.
#include <algorithm>

#include "btf/btf.h"
#include "verifier/prepare/prepare.h"

namespace osmia::verifier {
namespace {

constexpr u32 kCallerSaved = 0x3f;  // r0..r5
constexpr u8 kSpill = isa::kStx | isa::kMem | isa::kDw;
constexpr u8 kFill = isa::kLdx | isa::kMem | isa::kDw;

struct Clobber {
  u32 regs = kCallerSaved;
  bool inlined = false;  // the call will become instructions that clobber just these
};

Clobber clobber_of(const Env& env, const Insn& in) {
  Clobber c;
  if (in.src == isa::kHelperCall) {
    const auto* h = env.cat.helper_for(*env.type, env.caller(), static_cast<u32>(in.imm));
    if (!h) return c;
    c.regs = h->ret.kind == contract::RetKind::kVoid ? 0 : 1;
    for (u32 a = 0; a < 5; a++)
      if (h->args[a].kind != contract::ArgKind::kNone) c.regs |= 2u << a;
    c.inlined = (h->effects & contract::kFastcall) && env.opt.jit_requested;
  } else if (const auto* k = kfunc_of(env, in)) {
    const auto& btf = env.cat.vmlinux;
    const auto proto = btf->type(btf->type(static_cast<u32>(in.imm)).type());
    c.regs = btf->skip_modifiers(proto.type()).id() ? 1 : 0;
    for (u32 a = 0; a < proto.params().size() && a < 5; a++) c.regs |= 2u << a;
    const bool cast =
        k->role == contract::KfuncRole::kCastToKernCtx || k->role == contract::KfuncRole::kRdonlyCast;
    c.inlined = in.off == 0 && (cast || k->flags & contract::kKfFastcall);
  }
  return c;
}

void mark_call(Env& env, Subprog& sub, u32 idx, s16 lowest) {
  const Clobber clobber = clobber_of(env, env.insns[idx]);
  if (clobber.regs == kCallerSaved) return;
  u32 expected = ~clobber.regs & kCallerSaved;
  u32 pairs = 0;
  s32 off = lowest;
  for (u32 i = 1; i <= 6; i++, off += 8) {
    if (idx < i || idx + i >= env.insns.size()) break;
    // A jump may lead to the first spill only.
    if (env.aux[idx - i + 1].jump_target || env.aux[idx + i].jump_target) break;
    const Insn &spill = env.insns[idx - i], &fill = env.insns[idx + i];
    if (spill.code != kSpill || fill.code != kFill || spill.dst != isa::kFp || fill.src != isa::kFp) break;
    if (spill.src != fill.dst || !(expected >> spill.src & 1) || spill.off != off || fill.off != off) break;
    expected &= ~(1u << spill.src);
    env.aux[idx - i].fastcall_pattern = env.aux[idx + i].fastcall_pattern = 1;
    pairs = i;
  }
  if (!pairs) return;
  if (clobber.inlined)
    env.aux[idx].fastcall_spills = pairs;
  else
    sub.keep_fastcall_stack = true;
  sub.fastcall_stack_off = std::min<s16>(sub.fastcall_stack_off, static_cast<s16>(off));
}

}  // namespace

void mark_fastcall(Env& env) {
  for (Subprog& sub : env.subprogs) {
    s16 lowest = 0;
    for (u32 i = sub.start; i < sub.end; i++)
      if (env.insns[i].code == kSpill && env.insns[i].dst == isa::kFp)
        lowest = std::min(lowest, env.insns[i].off);
    for (u32 i = sub.start; i < sub.end; i++)
      if (env.insns[i].code == (isa::kJmp | isa::kCall)) mark_call(env, sub, i, lowest);
  }
}

void remove_fastcall_spills(Env& env) {
  for (Subprog& sub : env.subprogs) {
    bool removed = false;
    sub.frame_bytes = sub.stack_depth;
    for (u32 i = sub.start; i < sub.end; i++) {
      for (u32 j = 1; j <= env.aux[i].fastcall_spills; j++)
        env.aux[i - j].removable = env.aux[i + j].removable = true;
      removed |= env.aux[i].fastcall_spills > 0;
    }
    if (removed && !sub.keep_fastcall_stack) sub.stack_depth = static_cast<u16>(-sub.fastcall_stack_off);
  }
}

}  // namespace osmia::verifier
