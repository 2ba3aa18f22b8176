// Random instructions and programs that obey the opcode table's rules: the variety behind the round-trip
// tests.
#pragma once
#include <random>
#include <vector>

#include "isa/opcode_table.h"

namespace osmia::isa::testing {

class Generator {
 public:
  explicit Generator(u32 seed) : x_rng(seed) {}

  u32 below(u32 n) { return static_cast<u32>(x_rng() % n); }

  s32 interesting() {
    static constexpr s32 kValues[] = {0,     1, -1, 2, 7, 31, 63, 64, 255, 4096, 0x7fffffff, -0x7fffffff - 1,
                                      -12345};
    return below(3) == 0 ? static_cast<s32>(x_rng()) : kValues[below(std::size(kValues))];
  }
  s32 field(FieldRule rule, const OpInfo& op) {
    switch (rule) {
      case FieldRule::kAny: return interesting();
      case FieldRule::kZero: return 0;
      case FieldRule::kReg: return static_cast<s32>(below(11));
      case FieldRule::kFixed: return op.variant;
      case FieldRule::kNonZero:
      case FieldRule::kDivisor: return static_cast<s16>(interesting() | 1);
      case FieldRule::kShift: return static_cast<s32>(below(op.width));
      case FieldRule::kSpaces: return below(2) ? 1 : 1 << 16;
    }
    return 0;
  }
  // One instruction of this row, with its second slot if it has one.
  std::vector<Insn> instruction(const OpInfo& op) {
    std::vector<Insn> out(1);
    out[0].code = op.code;
    out[0].dst = static_cast<u8>(field(op.dst, op)) & 15;
    out[0].src = static_cast<u8>(field(op.src, op)) & 15;
    out[0].off = static_cast<s16>(field(op.off, op));
    if (op.off == FieldRule::kNonZero && out[0].off == 0) out[0].off = 1;
    out[0].imm = field(op.imm, op);
    if (op.kind == OpKind::kLdImm64) {
      out.emplace_back();
      out[1].imm = field(op.next_imm, op);
    }
    return out;
  }

 private:
  std::mt19937 x_rng;
};

}  // namespace osmia::isa::testing
