// Arena accesses: loads, stores and atomics through an arena pointer take the arena's base and may find no
// page there; casts to the program's address space and 64-bit arithmetic on arena pointers keep 32 bits.
#include "rewrite/rewrite.h"

namespace osmia::rewrite {

using namespace isa;

namespace {

constexpr s32 kCastToProgram = 1;  // imm of a cast: destination space << 16 | source space

u8 with_mode(u8 code, u8 mode) {
  return static_cast<u8>((code & 0x1f) | mode);
}

}  // namespace

Status convert_arena(Pass& p) {
  if (!p.facts.uses_arena) return Ok{};
  for (const verifier::MapInfo* m : p.facts.used_maps)
    if (m->def->traits & contract::kMapIsArena) p.out.arena = m->code.arena;
  if (!p.out.arena) return Error{EFAULT, "rewriting: a program with an arena that has no window"};
  return for_each_live(p, [&](u32 i, Insn in) -> Status {
    const verifier::InsnFacts& f = p.facts.insns[i];
    if (f.arena_access) {
      if (in.cls() == kLdx && in.mode() == kMemsx)
        return Error{EOPNOTSUPP, "sign extending loads from arena are not supported yet"};
      in.code = with_mode(in.code, in.cls() == kStx && in.mode() == kAtomic ? kProbeAtomic : kProbeMem32);
      p.editor.set(i, in);
    } else if (in.code == (kAlu64 | kMov | kX) && in.off == kAddrSpaceCast) {
      if (in.imm != kCastToProgram && !p.out.arena->no_user_conv) return Ok{};  // a cast that engines do
      p.editor.set(i, Insn{.code = kAlu | kMov | kX, .dst = in.dst, .src = in.src});
    } else if (f.arena_cast_needed) {
      in.code = static_cast<u8>(kAlu | in.op() | (in.is_reg_src() ? kX : kK));
      p.editor.set(i, in);
    }
    return Ok{};
  });
}

}  // namespace osmia::rewrite
