// Register values and register uses. A use checks that the register may be read or written by the current
// instruction, and notes liveness and whether the upper half of a 32-bit definition is needed.
#include "verifier/state/ops.h"

namespace osmia::verifier {

void set_unknown(const Env& env, RegState& r) {
  r = RegState{};
  r.type = RegType(RegBase::kScalar);
  r.precise = !env.bpf_capable;
}

void set_known(RegState& r, u64 value) {
  const s32 subreg_def = r.subreg_def;
  const bool precise = r.precise;
  r = RegState{};
  r.type = RegType(RegBase::kScalar);
  r.s = Scalar::constant(value);
  r.subreg_def = subreg_def;
  r.precise = precise;
}

void set_not_init(const Env& env, RegState& r) {
  set_unknown(env, r);
  r.type = RegType(RegBase::kNotInit);
}

void set_pointer(RegState& r, RegType type) {
  const s32 subreg_def = r.subreg_def;
  r = RegState{};
  r.type = type;
  r.s = Scalar::constant(0);
  r.subreg_def = subreg_def;
}

void copy_value(RegState& dst, const RegState& src) {
  dst = src;
}

namespace {

// Whether the current instruction uses all 64 bits of the register (else only its low half).
bool uses_64_bits(const Insn& in, const RegState* reg, bool is_read) {
  using namespace isa;
  const u8 cls = in.cls(), op = in.op();
  switch (cls) {
    case kJmp:
      if (op == kExit) return true;
      // A call reads its arguments in full (conservative) and defines r0 through the callee.
      if (op == kCall) return is_read && in.src != kPseudoCall;
      return true;
    case kAlu64: return !(op == kEnd && (in.imm == 16 || in.imm == 32));
    case kAlu: return op == kEnd && in.imm == 64;
    case kJmp32: return false;
    case kLdx: return is_read || in.size_bits() == kDw || in.mode() == kMemsx;
    case kStx:
      if (is_read && reg && !reg->is_scalar()) return true;
      return in.size_bits() == kDw;
    case kLd:
      if (in.mode() == kImm) return true;
      return is_read;  // LD_ABS and LD_IND define 32 bits; their sources count in full
    default: return true;
  }
}

}  // namespace

void note_zext(Env& env, RegState& r) {
  if (r.subreg_def == 0) return;
  env.aux[r.subreg_def - 1].zext_dst = true;
  r.subreg_def = 0;
}

void use_reg(Env& env, u32 regno, RegUse use) {
  if (regno >= isa::kMaxReg) env.reject(EINVAL, "R{} is invalid", regno);
  env.scratch_reg(regno);
  PathState& st = *env.cur;
  const u32 f = st.curframe;
  const RegState& reg = st.frame().regs[regno];
  const bool full = uses_64_bits(env.insn(), &reg, use == RegUse::kRead);
  if (use == RegUse::kRead) {
    if (reg.is_not_init()) env.reject(EACCES, "R{} !read_ok", regno);
    if (regno == isa::kFp) return;
    if (full && reg.subreg_def != 0) note_zext(env, st.mut_frame().regs[regno]);
    mark_reg_read(env, st, f, regno, full ? ReadWidth::k64 : ReadWidth::k32);
    return;
  }
  if (regno == isa::kFp) env.reject(EACCES, "frame pointer is read only");
  mark_reg_written(st, f, regno);
  RegState& dst = st.mut_frame().regs[regno];
  if (use == RegUse::kWrite) set_unknown(env, dst);
  dst.subreg_def = full ? 0 : static_cast<s32>(env.insn_idx) + 1;
}

void mark_unknown(Env& env, u32 regno) {
  RegState& r = env.mut_reg(regno);
  const s32 def = r.subreg_def;
  set_unknown(env, r);
  r.subreg_def = def;
}

void mark_not_init(Env& env, u32 regno) {
  RegState& r = env.mut_reg(regno);
  const s32 def = r.subreg_def;
  set_not_init(env, r);
  r.subreg_def = def;
}

void clear_caller_saved(Env& env) {
  for (u32 r = 0; r <= 5; r++) {
    mark_not_init(env, r);
    use_reg(env, r, RegUse::kWriteNoMark);
  }
}

}  // namespace osmia::verifier
