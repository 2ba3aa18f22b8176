// The door for helpers' and kfuncs' memory arguments: a pointer and a size, fixed or in the next register.
#include "verifier/access/region.h"

namespace osmia::verifier {
namespace {

// The program type's loads from its context are rewritten, so nobody else can know what its bytes are.
bool converts_ctx(const contract::ProgTypeDef& type) {
  if (type.ctx_model == contract::CtxModel::kFields) return true;
  for (const contract::CtxField& f : type.fields)
    if (f.host.count) return true;
  return false;
}

void check_writable(Env& env, u32 regno, Access access, bool read_only) {
  if (read_only && access == Access::kWrite)
    env.reject(EACCES, "R{} cannot write into {}", regno, reg_type_name(env, env.reg(regno).type));
}

}  // namespace

void check_helper_mem(Env& env, u32 regno, s32 size, Access access, bool zero_size_allowed, MemArg* arg) {
  const RegState& r = env.reg(regno);
  const bool read_only = r.type.has(contract::kRdOnly);
  switch (r.type.base) {
    case RegBase::kPacket:
    case RegBase::kPacketMeta: return check_packet_access(env, regno, r.off, size, zero_size_allowed);
    case RegBase::kMapKey:
      check_writable(env, regno, access, true);
      return check_mem_region(env, regno, r.off, size, r.map->key_size, false);
    case RegBase::kMapValue:
      check_map_flags(env, regno, r.off, size, access);
      return check_map_value_access(env, regno, r.off, size, zero_size_allowed, access);
    case RegBase::kMem:
      check_writable(env, regno, access, read_only);
      return check_mem_region(env, regno, r.off, size, r.mem_size, zero_size_allowed);
    case RegBase::kBuf:
      check_writable(env, regno, access, read_only);
      return check_iter_buffer(env, regno, r.off, size, read_only);
    case RegBase::kStack:
      return check_stack_initialized(env, regno, r.off, size, zero_size_allowed, true, arg);
    case RegBase::kBtfId: return check_btf_access(env, regno, r.off, size, Access::kRead, -1);
    case RegBase::kCtx:
      if (converts_ctx(*env.type)) break;
      if (size == 0) {
        if (zero_size_allowed) return;
        env.reject_silently(EACCES);
      }
      // The last byte is checked; how far a program reaches is compared with the real context when it runs.
      return check_mem_access(env, env.insn_idx, regno, size - 1, 1, access, -1, false, false);
    default: break;
  }
  if (zero_size_allowed && size == 0 && r.is_null()) return;
  env.reject(EACCES, "R{} type={} expected={}", regno, reg_type_name(env, r.type),
             reg_type_name(env, RegType(RegBase::kStack)));
}

void check_mem_size_reg(Env& env, u32 regno, u32 size_regno, Access access, bool zero_size_allowed,
                        MemArg* arg) {
  const Scalar size = env.reg(size_regno).s;
  // Of a size that varies only the greatest is known to be in bounds; then the bytes must be initialised.
  if (!size.is_const()) arg = nullptr;
  if (size.smin < 0)
    env.reject(EACCES, "R{} min value is negative, either use unsigned or 'var &= const'", size_regno);
  if (size.umin == 0 && !zero_size_allowed)
    env.reject(EACCES, "R{} invalid zero-sized read: u64=[{},{}]", size_regno, static_cast<s64>(size.umin),
               static_cast<s64>(size.umax));
  if (size.umax >= kMaxVarSize)
    env.reject(EACCES, "R{} unbounded memory access, use 'var &= const' or 'if (var < const)'", size_regno);
  check_helper_mem(env, regno, static_cast<s32>(size.umax), access, zero_size_allowed, arg);
  mark_precise(env, size_regno);
}

}  // namespace osmia::verifier
