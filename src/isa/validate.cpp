// Field checks driven by the rules in the opcode table. Invariant: an instruction that passes
// check_insn_fields() has a row from lookup(), that row is not internal, and every field obeys it.
#include "isa/validate.h"

#include <fmt/format.h>

#include <vector>

#include "isa/decode.h"
#include "isa/opcode_table.h"

namespace osmia::isa {
namespace {

using Message = std::optional<std::string>;

bool obeys(FieldRule rule, s32 value, const OpInfo& op) {
  switch (rule) {
    case FieldRule::kAny:
    case FieldRule::kReg:
    case FieldRule::kDivisor:
    case FieldRule::kShift: return true;  // each has a message of its own
    case FieldRule::kZero: return value == 0;
    case FieldRule::kFixed: return value == op.variant;
    case FieldRule::kNonZero: return value != 0;
    case FieldRule::kSpaces: return value == 1 || value == 1 << 16;
  }
  return false;
}

bool fields_obey(const Insn& insn, const OpInfo& op) {
  return obeys(op.dst, insn.dst, op) && obeys(op.src, insn.src, op) && obeys(op.off, insn.off, op) &&
         obeys(op.imm, insn.imm, op);
}

std::string reserved_message(const Insn& insn, const OpInfo& plain) {
  switch (plain.kind) {
    case OpKind::kAlu: return "BPF_ALU uses reserved fields";
    case OpKind::kMov:
    case OpKind::kMovSx:
    case OpKind::kAddrSpaceCast:
    case OpKind::kMovPercpu: return "BPF_MOV uses reserved fields";
    case OpKind::kNeg: return "BPF_NEG uses reserved fields";
    case OpKind::kEndian:
    case OpKind::kBswap: return "BPF_END uses reserved fields";
    case OpKind::kLoad:
    case OpKind::kLoadSx: return "BPF_LDX uses reserved fields";
    case OpKind::kStore: return "BPF_STX uses reserved fields";
    case OpKind::kStoreImm: return "BPF_ST uses reserved fields";
    case OpKind::kAtomic:
      return fmt::format("BPF_ATOMIC uses invalid atomic opcode {:02x}", static_cast<u32>(insn.imm));
    case OpKind::kLdImm64: return "BPF_LD_IMM64 uses reserved fields";
    case OpKind::kLdAbs:
    case OpKind::kLdInd: return "BPF_LD_[ABS|IND] uses reserved fields";
    case OpKind::kJa:
    case OpKind::kJaLong: return "BPF_JA uses reserved fields";
    case OpKind::kJcc: return "BPF_JMP/JMP32 uses reserved fields";
    case OpKind::kMayGoto: return fmt::format("invalid may_goto off {} imm {}", insn.off, insn.imm);
    case OpKind::kCall: return "BPF_CALL uses reserved fields";
    case OpKind::kExit: return "BPF_EXIT uses reserved fields";
    case OpKind::kTailCall:
    case OpKind::kNospec: break;
  }
  return fmt::format("unknown opcode {:02x}", insn.code);
}

Message check_register(FieldRule rule, unsigned number) {
  if (rule == FieldRule::kReg && number >= kMaxReg) return fmt::format("R{} is invalid", number);
  return std::nullopt;
}

Message check_immediate(const Insn& insn, const OpInfo& op) {
  if (op.imm == FieldRule::kDivisor && insn.imm == 0) return "div by zero";
  if (op.imm == FieldRule::kShift && (insn.imm < 0 || insn.imm >= op.width))
    return fmt::format("invalid shift {}", insn.imm);
  return std::nullopt;
}

// Where a jump, call or function reference at i leads; nullopt if the instruction is none of these.
std::optional<s64> target(const Insn& insn, s64 i) {
  const OpInfo* op = lookup(insn);
  switch (op->kind) {
    case OpKind::kJa:
    case OpKind::kJcc:
    case OpKind::kMayGoto: return i + 1 + insn.off;
    case OpKind::kJaLong: return i + 1 + insn.imm;
    case OpKind::kCall:
      if (insn.src == kPseudoCall) return i + 1 + insn.imm;
      return std::nullopt;
    case OpKind::kLdImm64:
      if (insn.src == kPseudoFunc) return i + 1 + insn.imm;
      return std::nullopt;
    default: return std::nullopt;
  }
}

Error bad(size_t i, std::string_view what, int code = EINVAL) {
  return {code, fmt::format("insn {}: {}", i, what)};
}

}  // namespace

Message check_load_fields(const Insn& insn, const Insn* next) {
  if (insn.cls() == kLdx && ((insn.mode() != kMem && insn.mode() != kMemsx) || insn.imm != 0))
    return "BPF_LDX uses reserved fields";
  const OpInfo* plain = lookup_code(insn.code);
  if (plain == nullptr) return fmt::format("unknown opcode {:02x}", insn.code);
  if (plain->kind != OpKind::kLdImm64) return std::nullopt;
  if (next == nullptr || next->code != 0 || next->dst != 0 || next->src != 0 || next->off != 0)
    return "invalid bpf_ld_imm64 insn";
  const OpInfo* op = lookup(insn);
  if (op == nullptr || !obeys(op->next_imm, next->imm, *op)) return "unrecognized bpf_ld_imm64 insn";
  return std::nullopt;
}

Message check_insn_fields(const Insn& insn, const Insn* next) {
  if (Message m = check_load_fields(insn, next)) return m;
  const OpInfo* op = lookup(insn);
  const OpInfo& plain = *lookup_code(insn.code);
  // A conditional jump's destination is read before its other fields are looked at.
  if (plain.kind == OpKind::kJcc)
    if (Message m = check_register(plain.dst, insn.dst)) return m;
  if (op != nullptr && op->kind == OpKind::kAddrSpaceCast && !obeys(op->imm, insn.imm, *op))
    return "addr_space_cast insn can only convert between address space 1 and 0";
  if (op == nullptr || op->internal || !fields_obey(insn, *op)) return reserved_message(insn, plain);
  if (Message m = check_register(op->src, insn.src)) return m;
  if (Message m = check_register(op->dst, insn.dst)) return m;
  return check_immediate(insn, *op);
}

std::optional<FieldError> check_fields(std::span<const Insn> prog) {
  for (size_t i = 0; i < prog.size(); i += slots(prog[i])) {
    const Insn* next = i + 1 < prog.size() ? &prog[i + 1] : nullptr;
    if (Message m = check_load_fields(prog[i], next))
      return FieldError{static_cast<int>(i), EINVAL, *std::move(m)};
  }
  return std::nullopt;
}

Status validate(std::span<const Insn> prog) {
  if (prog.empty()) return Error{EINVAL, "program: expected at least one instruction, found none"};
  if (prog.size() > kComplexityLimitInsns)
    return Error{E2BIG, fmt::format("program: expected at most {} instructions, found {}",
                                    kComplexityLimitInsns, prog.size())};
  std::vector<bool> starts(prog.size());
  size_t last = 0;
  for (size_t i = 0; i < prog.size(); i += slots(prog[i])) {
    const Insn* next = i + 1 < prog.size() ? &prog[i + 1] : nullptr;
    if (Message m = check_insn_fields(prog[i], next)) return bad(i, *m);
    starts[i] = true;
    last = i;
  }
  for (size_t i = 0; i < prog.size(); i += slots(prog[i])) {
    const std::optional<s64> to = target(prog[i], static_cast<s64>(i));
    if (!to) continue;
    if (*to < 0 || *to >= static_cast<s64>(prog.size()))
      return bad(i, fmt::format("jump out of range from insn {} to {}", i, *to));
    if (!starts[static_cast<size_t>(*to)])
      return bad(i, fmt::format("jump into the middle of ldimm64 insn {}", *to - 1));
  }
  const OpKind end = lookup(prog[last])->kind;
  if (end != OpKind::kExit && end != OpKind::kJa && end != OpKind::kJaLong)
    return bad(last, "last insn is not an exit or jmp");
  return Ok{};
}

}  // namespace osmia::isa
