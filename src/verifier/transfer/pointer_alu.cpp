// Pointer arithmetic. A constant goes into the fixed offset; anything else into the variable part, whose
// ranges must not wrap. A packet pointer with a new variable part is a new base: what was proved of the old
// one says nothing of it.
#include "verifier/transfer/parts.h"

namespace osmia::verifier {
namespace {

using namespace isa;

void check_sane_offset(Env& env, const RegState& r, RegType type) {
  const s64 value = static_cast<s64>(r.s.var_off.value);
  if (r.s.is_const() && (value >= kMaxVarOff || value <= -kMaxVarOff))
    env.reject(EINVAL, "math between {} pointer and {} is not allowed", reg_type_name(env, type), value);
  if (r.off >= kMaxVarOff || r.off <= -kMaxVarOff)
    env.reject(EINVAL, "{} pointer offset {} is not allowed", reg_type_name(env, type), r.off);
  if (r.s.smin == INT64_MIN)
    env.reject(EINVAL, "math between {} pointer and register with unbounded min value is not allowed",
               reg_type_name(env, type));
  if (r.s.smin >= kMaxVarOff || r.s.smin <= -kMaxVarOff)
    env.reject(EINVAL, "value {} makes {} pointer be out of bounds", r.s.smin, reg_type_name(env, type));
}

void check_kind(Env& env, const Insn& in, RegType type, const RegState& off) {
  if (type.maybe_null())
    env.reject(EACCES, "R{} pointer arithmetic on {} prohibited, null-check it first", u32{in.dst},
               reg_type_name(env, type));
  const bool known = off.s.is_const();
  bool ok = false;
  switch (type.base) {
    case RegBase::kCtx:
    case RegBase::kMapValue:
    case RegBase::kMapKey:
    case RegBase::kStack:
    case RegBase::kPacketMeta:
    case RegBase::kPacket:
    case RegBase::kTpBuffer:
    case RegBase::kBtfId:
    case RegBase::kMem:
    case RegBase::kBuf:
    case RegBase::kFunc:
    case RegBase::kDynptr: ok = true; break;
    case RegBase::kFlowKeys:
      if (known) {
        ok = true;
        break;
      }
      [[fallthrough]];
    case RegBase::kConstMapPtr: ok = known && off.s.smin == 0 && in.op() == kAdd; break;
    default: break;
  }
  if (!ok)
    env.reject(EACCES, "R{} pointer arithmetic on {} prohibited", u32{in.dst}, reg_type_name(env, type));
}

bool fits_fixed(s64 sum) {
  return sum == static_cast<s32>(sum);
}

// dst (a copy of ptr) += off
void add(Env& env, RegState& dst, const RegState& ptr, const RegState& off) {
  const Scalar &p = ptr.s, &o = off.s;
  s64 fixed;
  if (o.is_const() && !__builtin_add_overflow(s64{ptr.off}, o.smin, &fixed) && fits_fixed(fixed)) {
    dst.off = static_cast<s32>(fixed);
    return;
  }
  Scalar& d = dst.s;
  if (__builtin_add_overflow(p.smin, o.smin, &d.smin) | __builtin_add_overflow(p.smax, o.smax, &d.smax)) {
    d.smin = INT64_MIN;
    d.smax = INT64_MAX;
  }
  if (__builtin_add_overflow(p.umin, o.umin, &d.umin) | __builtin_add_overflow(p.umax, o.umax, &d.umax)) {
    d.umin = 0;
    d.umax = UINT64_MAX;
  }
  d.var_off = tnum_add(p.var_off, o.var_off);
  if (!ptr.is_packet()) return;
  dst.id = env.new_id();
  // As many bytes fewer as the pointer may have moved. Linux forgets the range.
  const bool forward = env.merger && o.smin >= 0 && ptr.range > 0 && o.umax < static_cast<u64>(ptr.range);
  const s32 left = forward ? ptr.range - static_cast<s32>(o.umax) : 0;
  dst.by_type = 0;
  dst.range = left;
}

// dst (ptr itself) -= off
void sub(Env& env, const Insn& in, RegState& dst, const RegState& ptr, const RegState& off) {
  const Scalar &p = ptr.s, &o = off.s;
  // JITs need not cope with other bases than the frame pointer plus a constant.
  if (is_exactly(ptr.type, RegBase::kStack))
    env.reject(EACCES, "R{} subtraction from stack pointer prohibited", u32{in.dst});
  s64 fixed;
  if (o.is_const() && !__builtin_sub_overflow(s64{ptr.off}, o.smin, &fixed) && fits_fixed(fixed)) {
    dst.off = static_cast<s32>(fixed);
    return;
  }
  Scalar& d = dst.s;
  if (__builtin_sub_overflow(p.smin, o.smax, &d.smin) | __builtin_sub_overflow(p.smax, o.smin, &d.smax)) {
    d.smin = INT64_MIN;
    d.smax = INT64_MAX;
  }
  if (p.umin < o.umax) {
    d.umin = 0;
    d.umax = UINT64_MAX;
  } else {
    d.umin = p.umin - o.umax;
    d.umax = p.umax - o.umin;
  }
  d.var_off = tnum_sub(p.var_off, o.var_off);
  if (!ptr.is_packet()) return;
  dst.id = env.new_id();
  if (o.smin < 0) dst.by_type = 0;  // moved towards the end: the range may not reach
}

}  // namespace

void pointer_alu(Env& env, const Insn& in, u32 ptr_regno, const RegState& off) {
  const RegState ptr = env.reg(ptr_regno);
  const u8 op = in.op();
  const u32 dst_regno = in.dst;
  const bool ptr_is_dst = ptr_regno == dst_regno;
  const Scalar& o = off.s;
  if ((o.is_const() && (o.smin != o.smax || o.umin != o.umax)) || o.smin > o.smax || o.umin > o.umax)
    return mark_unknown(env, dst_regno);  // an impossible path
  if (in.cls() != kAlu64) {
    if (op == kSub && env.allow_ptr_leaks) return mark_unknown(env, dst_regno);
    env.reject(EACCES, "R{} 32-bit pointer arithmetic prohibited", dst_regno);
  }
  check_kind(env, in, ptr.type, off);
  if (!ptr_is_dst) {
    RegState& d = env.mut_reg(dst_regno);
    const s32 subreg_def = d.subreg_def;
    d = ptr;
    d.subreg_def = subreg_def;
  }
  check_sane_offset(env, off, ptr.type);
  check_sane_offset(env, ptr, ptr.type);
  const bool masked = op == kAdd || op == kSub;
  SanitizeInfo info;
  if (masked) sanitize_ptr_alu(env, in, ptr, off, ptr_is_dst, info, false);

  RegState& dst = env.mut_reg(dst_regno);
  dst.s.set_unbounded32();  // pointers have no 32-bit ranges
  switch (op) {
    case kAdd: add(env, dst, ptr, off); break;
    case kSub:
      if (!ptr_is_dst) env.reject(EACCES, "R{} tried to subtract pointer from scalar", dst_regno);
      sub(env, in, dst, ptr, off);
      break;
    case kAnd:
    case kOr:
    case kXor: env.reject(EACCES, "R{} bitwise operator {} on pointer prohibited", dst_regno, alu_text(op));
    default:
      env.reject(EACCES, "R{} pointer arithmetic with {} operator prohibited", dst_regno, alu_text(op));
  }
  check_sane_offset(env, dst, ptr.type);
  dst.s.sync();
  sanitize_check_bounds(env, in, dst_regno);
  if (!masked) return;
  const RegState moved = env.reg(dst_regno);
  sanitize_ptr_alu(env, in, moved, off, true, info, true);
}

}  // namespace osmia::verifier
