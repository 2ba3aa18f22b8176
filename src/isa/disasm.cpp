// One format a kind of instruction; operators, access types and register letters come from the opcode table.
#include "isa/disasm.h"

#include <fmt/format.h>

#include <iterator>

#include "isa/decode.h"
#include "isa/opcode_table.h"

namespace osmia::isa {
namespace {

// Linux's text for code bytes that it has no format for, by class.
std::string no_text(u8 code) {
  switch (code & 7) {
    case kLd: return fmt::format("BUG_ld_{:02x}", code);
    case kLdx: return fmt::format("BUG_ldx_{:02x}", code);
    case kSt: return fmt::format("BUG_st_{:02x}", code);
    case kStx: return fmt::format("BUG_{:02x}", code);
    case kAlu:
    case kAlu64: return fmt::format("BUG_alu_{:02x}", code);
    default: return fmt::format("BUG_jmp_{:02x}", code);
  }
}

std::string atomic_text(const Insn& i, const OpInfo& op) {
  const std::string_view type = access_text(op.width, false);
  const std::string_view wide = op.width == 64 ? "64" : "";
  const unsigned dst = i.dst, src = i.src;
  const s16 off = i.off;
  if (!(i.imm & kFetch)) return fmt::format("lock *({} *)(r{} {:+}) {} r{}", type, dst, off, op.text, src);
  if (i.imm == kCmpxchg)
    return fmt::format("r0 = atomic{}_{}(({} *)(r{} {:+}), r0, r{})", wide, op.text, type, dst, off, src);
  return fmt::format("r{} = atomic{}_{}(({} *)(r{} {:+}), r{})", src, wide, op.text, type, dst, off, src);
}

std::string ld_imm64_text(const Insn& lo, const Insn& hi, const DisasmOptions& options) {
  u64 imm = imm64(lo, hi);
  const bool is_pointer = lo.src != 0 && lo.src != kPseudoFunc && lookup(lo) != nullptr;
  if (is_pointer && !options.show_pointers) imm = 0;
  const std::string value = options.imm_text ? options.imm_text(lo, hi, imm) : fmt::format("0x{:x}", imm);
  return fmt::format("r{} = {}", unsigned{lo.dst}, value);
}

std::string call_text(const Insn& i, const DisasmOptions& options) {
  std::string name;
  if (i.src == kHelperCall && options.helper_name) name = options.helper_name(i.imm);
  if (name.empty() && options.call_name) name = options.call_name(i);
  if (i.src == kPseudoCall) return name.empty() ? fmt::format("call pc{:+}", i.imm) : "call pc" + name;
  if (name.empty()) name = i.src == kPseudoKfuncCall ? "kernel-function" : "unknown";
  return fmt::format("call {}#{}", name, i.imm);
}

std::string text_of(const Insn& i, const Insn& next, const OpInfo& op, const DisasmOptions& options) {
  const char letter = op.width == 32 ? 'w' : 'r';
  const unsigned dst = i.dst, src = i.src;
  const s16 off = i.off;
  switch (op.kind) {
    case OpKind::kAlu:
    case OpKind::kMov:
      if (op.reg_src()) return fmt::format("{}{} {} {}{}", letter, dst, op.text, letter, src);
      return fmt::format("{}{} {} {}", letter, dst, op.text, i.imm);
    case OpKind::kMovSx: return fmt::format("{}{} = {}{}{}", letter, dst, op.text, letter, src);
    case OpKind::kNeg: return fmt::format("{}{} = -{}{}", letter, dst, letter, dst);
    case OpKind::kEndian:
    case OpKind::kBswap: return fmt::format("r{} = {}{} r{}", dst, op.text, i.imm, dst);
    case OpKind::kAddrSpaceCast:
      return fmt::format("r{} = {}(r{}, {}, {})", dst, op.text, src, static_cast<u32>(i.imm) >> 16,
                         static_cast<u16>(i.imm));
    case OpKind::kMovPercpu: return fmt::format("r{} = {}(r{})", dst, op.text, src);
    case OpKind::kLoad:
    case OpKind::kLoadSx: return fmt::format("r{} = *({} *)(r{} {:+})", dst, op.text, src, off);
    case OpKind::kStore: return fmt::format("*({} *)(r{} {:+}) = r{}", op.text, dst, off, src);
    case OpKind::kStoreImm: return fmt::format("*({} *)(r{} {:+}) = {}", op.text, dst, off, i.imm);
    case OpKind::kAtomic: return atomic_text(i, op);
    case OpKind::kLdImm64: return ld_imm64_text(i, next, options);
    case OpKind::kLdAbs: return fmt::format("r0 = *({} *)skb[{}]", op.text, i.imm);
    case OpKind::kLdInd: return fmt::format("r0 = *({} *)skb[r{} + {}]", op.text, src, i.imm);
    case OpKind::kJa:
    case OpKind::kMayGoto: return fmt::format("{} pc{:+}", op.text, off);
    case OpKind::kJaLong: return fmt::format("{} pc{:+}", op.text, i.imm);
    case OpKind::kJcc:
      if (op.reg_src())
        return fmt::format("if {}{} {} {}{} goto pc{:+}", letter, dst, op.text, letter, src, off);
      return fmt::format("if {}{} {} 0x{:x} goto pc{:+}", letter, dst, op.text, static_cast<u32>(i.imm), off);
    case OpKind::kCall: return call_text(i, options);
    case OpKind::kTailCall:
    case OpKind::kExit:
    case OpKind::kNospec: return std::string(op.text);
  }
  return {};
}

// Linux has formats for these two only.
bool linux_prints(const OpInfo& op) {
  return !op.internal || op.kind == OpKind::kMovPercpu || op.kind == OpKind::kNospec;
}

std::string map_text(const Insn& lo, const Insn& hi, u64 imm) {
  const u32 id = static_cast<u32>(lo.imm), off = static_cast<u32>(hi.imm);
  switch (lo.src) {
    case kPseudoMapFd: return fmt::format("map[id:{}]", id);
    case kPseudoMapValue: return fmt::format("map[id:{}][0]+{}", id, off);
    case kPseudoMapIdxValue: return fmt::format("map[idx:{}]+{}", id, off);
    case kPseudoFunc: return fmt::format("subprog[{:+}]", lo.imm);
    default: return fmt::format("0x{:x}", imm);
  }
}

std::string source_imm_text(const Insn& lo, const Insn& hi, u64 imm) {
  const bool one_slot = hi.imm == 0;
  if (lo.src == kPseudoMapIdx && one_slot) return fmt::format("map[idx:{}]", static_cast<u32>(lo.imm));
  if (lo.src == kPseudoBtfId && one_slot) return fmt::format("btf[id:{}]", static_cast<u32>(lo.imm));
  const bool map_value = lo.src == kPseudoMapValue || lo.src == kPseudoMapIdxValue;
  if (lo.src == 0 || map_value || (one_slot && (lo.src == kPseudoMapFd || lo.src == kPseudoFunc)))
    return map_text(lo, hi, imm);
  return fmt::format("pseudo{} 0x{:x}", unsigned{lo.src}, imm);
}

}  // namespace

DisasmOptions xlated_options() {
  DisasmOptions o;
  o.imm_text = map_text;
  o.call_name = [](const Insn& call) {
    return call.src == kPseudoCall ? fmt::format("{:+}", call.off) : std::string();
  };
  return o;
}

DisasmOptions source_options() {
  DisasmOptions o;
  o.imm_text = source_imm_text;
  o.call_name = [](const Insn& call) {
    return call.src == kPseudoKfuncCall && call.off != 0 ? fmt::format("kernel-function[{}]", call.off)
                                                         : std::string();
  };
  return o;
}

std::string disasm(std::span<const Insn> prog, size_t idx, const DisasmOptions& options) {
  const Insn& insn = prog[idx];
  const OpInfo* op = lookup_text(insn);
  const bool known = op != nullptr && (linux_prints(*op) || options.show_internal);
  // Linux has no text for an atomic operation that it does not know.
  if (!known || (op->kind == OpKind::kAtomic && lookup(insn) == nullptr)) return no_text(insn.code);
  const Insn next = idx + 1 < prog.size() ? prog[idx + 1] : Insn{};
  std::string text = text_of(insn, next, *op, options);
  if (op->internal && !linux_prints(*op)) text = "internal " + text;
  return fmt::format("({:02x}) {}", insn.code, text);
}

std::string disasm_program(std::span<const Insn> prog, const DisasmOptions& options) {
  std::string out;
  for (size_t i = 0; i < prog.size(); i += slots(prog[i]))
    fmt::format_to(std::back_inserter(out), "{:4}: {}\n", i, disasm(prog, i, options));
  return out;
}

}  // namespace osmia::isa
