// Atomic operations: a read and a write of the same memory by one instruction, and maybe a load of the old
// value.
#include "verifier/transfer/parts.h"

namespace osmia::verifier {
namespace {

using namespace isa;

// What x86-64's JIT does to arena memory in one instruction.
bool arena_op_supported(const Insn& in) {
  return in.imm != (static_cast<s32>(kAnd) | kFetch) && in.imm != (static_cast<s32>(kOr) | kFetch) &&
         in.imm != (static_cast<s32>(kXor) | kFetch);
}

bool region_ok(const RegState& r, const Insn& in) {
  if (is_exactly(r.type, RegBase::kCtx) || r.is_packet() || is_exactly(r.type, RegBase::kFlowKeys) ||
      is_socket_like(r.type))
    return false;
  return !is_exactly(r.type, RegBase::kArena) || arena_op_supported(in);
}

}  // namespace

void check_atomic(Env& env) {
  const Insn in = env.insn();
  check_fields_once(env);
  const int size = size_bytes(in.size_bits());
  use_reg(env, in.src, RegUse::kRead);
  use_reg(env, in.dst, RegUse::kRead);
  if (in.imm == kCmpxchg) {
    use_reg(env, kR0, RegUse::kRead);
    if (is_pointer_value(env, env.reg(kR0))) env.reject(EACCES, "R{} leaks addr into mem", 0);
  }
  if (is_pointer_value(env, env.reg(in.src))) env.reject(EACCES, "R{} leaks addr into mem", u32{in.src});
  if (!region_ok(env.reg(in.dst), in))
    env.reject(EACCES, "BPF_ATOMIC stores into R{} {} is not allowed", u32{in.dst},
               reg_type_name(env, env.reg(in.dst).type));
  int load_reg = -1;
  if (in.imm & kFetch) {
    load_reg = in.imm == kCmpxchg ? int{kR0} : int{in.src};
    use_reg(env, load_reg, RegUse::kWrite);
  }
  // First whether the memory may be read at all, then what the register gets.
  check_mem_access(env, env.insn_idx, in.dst, in.off, size, Access::kRead, -1, true, false);
  if (load_reg >= 0)
    check_mem_access(env, env.insn_idx, in.dst, in.off, size, Access::kRead, load_reg, true, false);
  note_ptr_type(env, env.reg(in.dst).type, false);
  check_mem_access(env, env.insn_idx, in.dst, in.off, size, Access::kWrite, -1, true, false);
}

}  // namespace osmia::verifier
