// Arena pointers: 32-bit offsets into a region with guard areas all around, so that every access is safe; a
// fault reads zero and drops writes. Only the fact that the address needs the arena's base is noted.
#include "verifier/access/region.h"

namespace osmia::verifier {

void touch_arena(Env& env, const Touch& t) {
  const isa::Insn& in = env.insns[t.insn_idx];
  if (in.cls() == isa::kLdx && in.mode() == isa::kMemsx)
    env.reject(EOPNOTSUPP, "sign extending loads from arena are not supported yet");
  env.aux[t.insn_idx].arena_access = true;
  if (t.loads_reg()) mark_unknown(env, t.value_regno);
}

}  // namespace osmia::verifier
