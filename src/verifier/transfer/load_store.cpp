// Loads and stores: the registers they use, the access itself, and that an instruction whose access depends
// on the kind of pointer sees one kind on all paths.
#include "verifier/transfer/parts.h"

namespace osmia::verifier {
namespace {

using namespace isa;

// Accesses through these are rewritten (or handled specially when they fault).
bool is_rewritten(RegType t) {
  switch (t.base) {
    case RegBase::kCtx:
    case RegBase::kSocket:
    case RegBase::kSockCommon:
    case RegBase::kTcpSock:
    case RegBase::kXdpSock:
    case RegBase::kBtfId:
    case RegBase::kArena: return true;
    default: return false;
  }
}

}  // namespace

void note_ptr_type(Env& env, RegType type, bool trust_may_differ) {
  RegType& seen = env.aux[env.insn_idx].ptr_type;
  if (seen == RegType()) {
    seen = type;
    return;
  }
  if (type == seen || (!is_rewritten(type) && !is_rewritten(seen))) return;
  if (trust_may_differ && type.base == RegBase::kBtfId && seen.base == RegBase::kBtfId) {
    seen = RegType(RegBase::kBtfId, contract::kUntrusted);  // as careful as the least trusted path asks
    return;
  }
  env.reject(EINVAL, "same insn cannot be used with different pointers");
}

void check_load(Env& env) {
  const Insn in = env.insn();
  use_reg(env, in.src, RegUse::kRead);
  use_reg(env, in.dst, RegUse::kWriteNoMark);
  const RegType type = env.reg(in.src).type;
  check_mem_access(env, env.insn_idx, in.src, in.off, size_bytes(in.size_bits()), Access::kRead, in.dst,
                   false, in.mode() == kMemsx);
  note_ptr_type(env, type, true);
  if (env.reg(in.dst).s.violation()) check_bounds_sanity(env, env.mut_reg(in.dst).s, "ldx");
}

void check_store(Env& env) {
  const Insn in = env.insn();
  check_fields_once(env);
  const bool from_reg = in.cls() == kStx;
  if (from_reg) use_reg(env, in.src, RegUse::kRead);
  use_reg(env, in.dst, RegUse::kRead);
  const RegType type = env.reg(in.dst).type;
  check_mem_access(env, env.insn_idx, in.dst, in.off, size_bytes(in.size_bits()), Access::kWrite,
                   from_reg ? static_cast<int>(in.src) : -1, false, false);
  note_ptr_type(env, type, false);
}

}  // namespace osmia::verifier
