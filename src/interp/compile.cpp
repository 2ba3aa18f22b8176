// From instructions to operations: opcodes are looked up once, jump targets become operation indexes.
#include "interp/machine.h"
#include "isa/opcode_table.h"

namespace osmia::interp {
namespace {

using namespace isa;

// The four variants of an ALU or jump operation lie in this order: 64K, 64X, 32K, 32X.
OpCode variant(OpCode base64k, bool is32, bool reg) {
  return static_cast<OpCode>(static_cast<int>(base64k) + (is32 ? 2 : 0) + (reg ? 1 : 0));
}

OpCode alu_base(const Insn& in) {
  const bool is_signed = in.off == 1;
  switch (in.op()) {
    case kAdd: return OpCode::kAdd64K;
    case kSub: return OpCode::kSub64K;
    case kMul: return OpCode::kMul64K;
    case kDiv: return is_signed ? OpCode::kSdiv64K : OpCode::kDiv64K;
    case kOr: return OpCode::kOr64K;
    case kAnd: return OpCode::kAnd64K;
    case kLsh: return OpCode::kLsh64K;
    case kRsh: return OpCode::kRsh64K;
    case kMod: return is_signed ? OpCode::kSmod64K : OpCode::kMod64K;
    case kXor: return OpCode::kXor64K;
    case kMov: return OpCode::kMov64K;
    case kArsh: return OpCode::kArsh64K;
    default: return OpCode::kCount;
  }
}

OpCode jmp_base(u8 op) {
  switch (op) {
    case kJeq: return OpCode::kJeq64K;
    case kJgt: return OpCode::kJgt64K;
    case kJge: return OpCode::kJge64K;
    case kJset: return OpCode::kJset64K;
    case kJne: return OpCode::kJne64K;
    case kJsgt: return OpCode::kJsgt64K;
    case kJsge: return OpCode::kJsge64K;
    case kJlt: return OpCode::kJlt64K;
    case kJle: return OpCode::kJle64K;
    case kJslt: return OpCode::kJslt64K;
    case kJsle: return OpCode::kJsle64K;
    default: return OpCode::kCount;
  }
}

OpCode alu_code(const Insn& in, bool has_arena) {
  const bool is32 = in.cls() == kAlu;
  if (in.op() == kNeg) return is32 ? OpCode::kNeg32 : OpCode::kNeg64;
  if (in.op() == kEnd) {
    if (!is32 || in.is_reg_src()) {  // unconditional swap, or to big endian (this host is little)
      if (in.imm == 16) return OpCode::kBswap16;
      return in.imm == 32 ? OpCode::kBswap32 : OpCode::kBswap64;
    }
    if (in.imm == 16) return OpCode::kZext16;
    return in.imm == 32 ? OpCode::kZext32 : OpCode::kNop;
  }
  if (in.op() == kMov && in.is_reg_src() && in.off != 0) {
    if (in.off == kAddrSpaceCast) return has_arena && !is32 ? OpCode::kArenaCast : OpCode::kCount;
    if (in.off != 8 && in.off != 16 && in.off != 32) return OpCode::kCount;
    return is32 ? OpCode::kMovSx32 : OpCode::kMovSx64;
  }
  const OpCode base = alu_base(in);
  return base == OpCode::kCount ? base : variant(base, is32, in.is_reg_src());
}

// Loads and stores: nine operations per width.
OpCode mem_code(const Insn& in, bool has_arena) {
  int width = 0;
  switch (size_bytes(in.size_bits())) {
    case 1: width = 0; break;
    case 2: width = 1; break;
    case 4: width = 2; break;
    default: width = 3;
  }
  int kind;
  if (in.cls() == kLdx) {
    switch (in.mode()) {
      case kMem: kind = 0; break;
      case kMemsx: kind = 1; break;
      case kProbeMem: kind = 4; break;
      case kProbeMemsx: kind = 5; break;
      case kProbeMem32: kind = 6; break;
      default: return OpCode::kCount;
    }
  } else if (in.mode() == kProbeMem32) {
    kind = in.cls() == kStx ? 7 : 8;
  } else {
    if (in.mode() != kMem) return OpCode::kCount;
    kind = in.cls() == kStx ? 2 : 3;
  }
  if (kind >= 6 && !has_arena) return OpCode::kCount;
  return static_cast<OpCode>(static_cast<int>(OpCode::kLoad8) + width * 9 + kind);
}

OpCode atomic_code(const Insn& in) {
  int op;
  switch (in.imm) {
    case kAdd: op = 0; break;
    case kOr: op = 1; break;
    case kAnd: op = 2; break;
    case kXor: op = 3; break;
    case kAdd | kFetch: op = 4; break;
    case kOr | kFetch: op = 5; break;
    case kAnd | kFetch: op = 6; break;
    case kXor | kFetch: op = 7; break;
    case kXchg: op = 8; break;
    case kCmpxchg: op = 9; break;
    default: return OpCode::kCount;
  }
  const int width = size_bytes(in.size_bits());
  if (width != 4 && width != 8) return OpCode::kCount;
  return static_cast<OpCode>(static_cast<int>(OpCode::kAtomicAdd64) + op * 2 + (width == 4));
}

OpCode jump_code(const rewrite::ExecProgram& p, const Insn& in) {
  const bool is32 = in.cls() == kJmp32;
  switch (in.op()) {
    case kJa: return OpCode::kJa;
    case kExit: return is32 ? OpCode::kCount : OpCode::kExit;
    case kJcond: return is32 ? OpCode::kCount : OpCode::kMayGoto;
    case kCall:
      if (is32) return OpCode::kCount;
      if (in.src == kPseudoCall) return OpCode::kCallSubprog;
      if (in.src != kHelperCall || in.imm < 0 || static_cast<size_t>(in.imm) >= p.calls.size())
        return OpCode::kCount;
      if (p.calls[in.imm].throws) return OpCode::kThrow;
      return p.calls[in.imm].tail_call ? OpCode::kTailCall : OpCode::kCallHelper;
    default: {
      const OpCode base = jmp_base(in.op());
      return base == OpCode::kCount ? base : variant(base, is32, in.is_reg_src());
    }
  }
}

}  // namespace

Result<std::shared_ptr<const Code>> Code::compile(const rewrite::ExecProgram& p, TailCallFn tail_call) {
  auto code = std::shared_ptr<Code>(new Code);
  code->program_ = &p;
  code->tail_call_ = tail_call;
  for (const auto& call : p.calls) code->throws_ |= call.throws;
  const auto& insns = p.insns;
  std::vector<u32> op_of(insns.size() + 1);
  u32 count = 0;
  for (size_t i = 0; i < insns.size(); i++) {
    op_of[i] = count++;
    if (is_ld_imm64(insns[i]) && i + 1 < insns.size()) op_of[++i] = count;
  }
  op_of[insns.size()] = count;
  code->ops_ = std::make_unique<Op[]>(count + 1);
  for (const auto& s : p.subprogs) {
    code->subprog_op_.push_back(op_of[s.start]);
    code->stack_bytes_.push_back(s.stack_bytes);
  }
  code->callbacks_.reserve(p.subprogs.size());
  for (u32 s = 0; s < p.subprogs.size(); s++) code->callbacks_.push_back({&p, s, &Machine::callback_entry});
  for (u32 s = 0; s < p.subprogs.size(); s++) code->callbacks_[s].owner = code.get();

  auto bad = [&](size_t i) {
    return Error{EINVAL, "interpreter: unknown instruction " + std::to_string(i) + ", code " +
                             std::to_string(insns[i].code)};
  };
  auto target = [&](s64 t, s64* out) {
    if (t < 0 || t >= static_cast<s64>(insns.size())) return false;
    *out = op_of[t];
    return true;
  };
  for (size_t i = 0; i < insns.size(); i++) {
    const Insn& in = insns[i];
    Op& op = code->ops_[op_of[i]];
    if (in.dst >= kMaxReg + 1 || in.src >= kMaxReg + 1) return bad(i);
    op.dst = in.dst;
    op.src = in.src;
    op.off = in.off;
    op.imm = in.imm;
    op.insn = static_cast<u32>(i);
    switch (in.cls()) {
      case kAlu:
      case kAlu64: op.code = alu_code(in, p.arena); break;
      case kLdx: op.code = mem_code(in, p.arena); break;
      case kSt:  // a speculation barrier is nothing to an interpreter
        op.code = in.mode() == kNospecMode ? OpCode::kNop : mem_code(in, p.arena);
        break;
      case kStx:
        if (in.mode() == kAtomic || in.mode() == kProbeAtomic)
          op.code = atomic_code(in);
        else
          op.code = mem_code(in, p.arena);
        if (in.mode() != kProbeAtomic || op.code == OpCode::kCount) break;
        op.code = p.arena ? OpCode::kArenaAtomic : OpCode::kCount;
        op.target = size_bytes(in.size_bits());
        break;
      case kJmp:
      case kJmp32: {
        op.code = jump_code(p, in);
        if (op.code == OpCode::kCallSubprog) {
          op.target = p.subprog_at(static_cast<s64>(i) + 1 + in.imm);
          if (op.target < 0) return bad(i);
        } else if (in.op() != kCall && in.op() != kExit) {
          const s64 distance = in.code == (kJmp32 | kJa) ? in.imm : in.off;
          if (!target(static_cast<s64>(i) + 1 + distance, &op.target)) return bad(i);
        }
        break;
      }
      default:
        op.code = OpCode::kCount;
        if (is_ld_imm64(in) && i + 1 < insns.size()) {
          op.code = OpCode::kLdImm64;
          op.imm = static_cast<s64>(static_cast<u64>(static_cast<u32>(insns[i + 1].imm)) << 32 |
                                    static_cast<u32>(in.imm));
          if (in.src == kPseudoFunc) {
            const s64 s = p.subprog_at(static_cast<s64>(i) + 1 + in.imm);
            if (s < 0) return bad(i);
            op.imm = static_cast<s64>(reinterpret_cast<u64>(&code->callbacks_[s]));
          } else if (in.src != 0) {
            return bad(i);
          }
          i++;
        }
    }
    if (op.code == OpCode::kCount) return bad(i);
  }
  code->ops_[count].code = OpCode::kExit;  // falling off the end cannot happen; if it does, it ends
  Machine::link(*code, count + 1);
  return std::shared_ptr<const Code>(std::move(code));
}

}  // namespace osmia::interp
