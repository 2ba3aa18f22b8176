// The door for instructions: one load or store, sent to its region by the pointer's type. After it the loaded
// register holds what the bytes can be, narrowed to the access size.
#include "verifier/access/region.h"
#include "verifier/domain/print.h"
#include "verifier/log/log.h"

namespace osmia::verifier {

std::string reg_type_name(const Env& env, RegType type) {
  return reg_type_str(env, type);
}

void assign_scalar_id(Env& env, u32 regno) {
  const RegState& r = env.reg(regno);
  if (!r.is_scalar()) return;
  const bool linked_by_offset = r.id & kAddConst;  // copies of such a register are not followed: start anew
  if (!linked_by_offset && (r.id || r.s.is_const())) return;
  RegState& w = env.mut_reg(regno);
  if (linked_by_offset) clear_scalar_id(w);
  if (!w.id && !w.s.is_const()) w.id = env.new_id();
}

void check_bounds_sanity(Env& env, Scalar& s, const char* role) {
  const char* what = s.violation();
  if (!what) return;
  say(env, "{}", format_violation(s, role, what));
  if (env.opt.test_reg_invariants) env.reject_silently(EFAULT);
  s.set_unbounded();
}

void check_ptr_off_reg(Env& env, const RegState& r, u32 regno, bool fixed_off_ok) {
  if (r.off < 0)
    env.reject(EACCES, "negative offset {} ptr R{} off={} disallowed", reg_type_name(env, r.type), regno,
               r.off);
  if (!fixed_off_ok && r.off)
    env.reject(EACCES, "dereference of modified {} ptr R{} off={} disallowed", reg_type_name(env, r.type),
               regno, r.off);
  if (!r.s.is_const() || r.s.var_off.value)
    env.reject(EACCES, "variable {} access var_off={} disallowed", reg_type_name(env, r.type),
               tnum_strn(r.s.var_off));
}

namespace {

void dispatch(Env& env, const Touch& t) {
  const RegType type = env.reg(t.regno).type;
  if (type.flags == 0) {
    switch (type.base) {
      case RegBase::kMapKey: return touch_map_key(env, t);
      case RegBase::kMapValue: return touch_map_value(env, t);
      case RegBase::kCtx: return touch_ctx(env, t);
      case RegBase::kStack: return touch_stack(env, t);
      case RegBase::kFlowKeys: return touch_flow_keys(env, t);
      case RegBase::kTpBuffer: return touch_tp_buffer(env, t);
      case RegBase::kConstMapPtr: return touch_map_pointer(env, t);
      case RegBase::kArena: return touch_arena(env, t);
      default: break;
    }
    if (is_socket_like(type)) return touch_socket(env, t);
  }
  switch (type.base) {
    case RegBase::kMem: return touch_mem(env, t);
    case RegBase::kPacket:
    case RegBase::kPacketMeta: return touch_packet(env, t);
    case RegBase::kBtfId:
      if (type.maybe_null()) break;
      return check_btf_access(env, t.regno, t.off, t.size, t.how, t.value_regno);
    case RegBase::kBuf:
      if (type.maybe_null()) break;
      return touch_buf(env, t);
    default: break;
  }
  env.reject(EACCES, "R{} invalid mem access '{}'", t.regno, reg_type_name(env, type));
}

}  // namespace

void check_mem_access(Env& env, u32 insn_idx, u32 regno, s32 off, int size, Access access, int value_regno,
                      bool strict_alignment_once, bool sign_extend) {
  const RegState& r = env.reg(regno);
  check_alignment(env, r, off, size, strict_alignment_once);
  const Touch t{insn_idx, regno, off + r.off, size, access, value_regno, sign_extend};
  if (access == Access::kWrite && value_regno >= 0) note_escape(env, env.reg(static_cast<u32>(value_regno)));
  dispatch(env, t);
  if (size < kRegSize && t.loads_reg() && env.reg(value_regno).is_scalar()) {
    Scalar& s = env.mut_reg(value_regno).s;
    if (sign_extend) {
      // A filled value that may change here is no longer equal to what was spilled.
      if (width_of(s) >= size * 8) clear_scalar_id(env.mut_reg(value_regno));
      s.sign_extend(size);
    } else {
      s.truncate(size);  // loads of less than a word zero-extend
    }
  }
}

}  // namespace osmia::verifier
