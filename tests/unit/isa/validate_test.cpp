// Field checks: Linux's words for each kind of mistake, when each is made, and the strict whole-program form.
#include "isa/validate.h"

#include <gtest/gtest.h>

#include "generate.h"
#include "isa/asm.h"
#include "isa/decode.h"

namespace osmia::isa {
namespace {

TEST(Decode, SplitsTheBytesAndPutsThemBack) {
  const u8 bytes[] = {0x7b, 0x1a, 0xf8, 0xff, 0x00, 0x00, 0x00, 0x00,
                      0xb7, 0x00, 0x00, 0x00, 0x78, 0x56, 0x34, 0x92};
  const auto prog = decode(bytes);
  ASSERT_TRUE(prog.ok());
  ASSERT_EQ(prog->size(), 2u);
  EXPECT_EQ((*prog)[0], (Insn{0x7b, 10, 1, -8, 0}));
  EXPECT_EQ((*prog)[1].imm, static_cast<s32>(0x92345678));
  EXPECT_EQ(encode(*prog), std::vector<u8>(std::begin(bytes), std::end(bytes)));
}

TEST(Decode, RefusesAPartialInstruction) {
  for (const size_t n : {1u, 7u, 9u, 15u}) {
    const auto prog = decode(std::vector<u8>(n));
    ASSERT_FALSE(prog.ok());
    EXPECT_EQ(prog.error().code, EINVAL);
    EXPECT_NE(prog.error().message.find("found " + std::to_string(n)), std::string::npos);
  }
  EXPECT_TRUE(decode({})->empty());
}

struct Bad {
  Insn insn;
  const char* message;
};
const Insn kNothing{};

TEST(Fields, SaysWhatLinuxSays) {
  const Bad cases[] = {
      {{0x00, 0, 0, 0, 0}, "unknown opcode 00"},
      {{0x8c, 1, 0, 0, 0}, "unknown opcode 8c"},
      {{0xdf, 1, 0, 0, 16}, "unknown opcode df"},
      {{0x99, 1, 2, 0, 0}, "unknown opcode 99"},
      {{0x86, 0, 0, 0, 1}, "unknown opcode 86"},
      {{0xc2, 0, 0, 0, 0}, "unknown opcode c2"},
      {{0xbb, 1, 2, 0, 0}, "unknown opcode bb"},
      {{0x39, 1, 2, 0, 0}, "BPF_LDX uses reserved fields"},
      {{0x61, 1, 2, 0, 5}, "BPF_LDX uses reserved fields"},
      {{0x07, 1, 3, 0, 5}, "BPF_ALU uses reserved fields"},
      {{0x0f, 1, 3, 0, 5}, "BPF_ALU uses reserved fields"},
      {{0x0f, 1, 3, 1, 0}, "BPF_ALU uses reserved fields"},
      {{0x3f, 1, 3, 2, 0}, "BPF_ALU uses reserved fields"},
      {{0xb7, 1, 0, 8, 0}, "BPF_MOV uses reserved fields"},
      {{0xb4, 1, 2, 0, 0}, "BPF_MOV uses reserved fields"},
      {{0xbf, 1, 2, 24, 0}, "BPF_MOV uses reserved fields"},
      {{0xbf, 1, 2, -1, 0}, "BPF_MOV uses reserved fields"},
      {{0xbc, 1, 2, 32, 0}, "BPF_MOV uses reserved fields"},
      {{0xbc, 1, 2, 1, 0}, "BPF_MOV uses reserved fields"},
      {{0xbf, 1, 2, 1, 2}, "addr_space_cast insn can only convert between address space 1 and 0"},
      {{0x87, 1, 2, 0, 0}, "BPF_NEG uses reserved fields"},
      {{0x84, 1, 0, 0, 1}, "BPF_NEG uses reserved fields"},
      {{0xd4, 1, 0, 0, 8}, "BPF_END uses reserved fields"},
      {{0xd7, 1, 0, 1, 16}, "BPF_END uses reserved fields"},
      {{0x7b, 1, 2, 0, 1}, "BPF_STX uses reserved fields"},
      {{0x7a, 1, 2, 0, 1}, "BPF_ST uses reserved fields"},
      {{0xdb, 1, 2, 0, 0x61}, "BPF_ATOMIC uses invalid atomic opcode 61"},
      {{0xdb, 1, 2, 0, -1}, "BPF_ATOMIC uses invalid atomic opcode ffffffff"},
      {{0x30, 1, 0, 0, 0}, "BPF_LD_[ABS|IND] uses reserved fields"},
      {{0x30, 0, 1, 0, 0}, "BPF_LD_[ABS|IND] uses reserved fields"},
      {{0x50, 0, 1, 4, 0}, "BPF_LD_[ABS|IND] uses reserved fields"},
      {{0x05, 0, 0, 1, 1}, "BPF_JA uses reserved fields"},
      {{0x06, 0, 0, 1, 1}, "BPF_JA uses reserved fields"},
      {{0x15, 1, 2, 1, 0}, "BPF_JMP/JMP32 uses reserved fields"},
      {{0x1e, 1, 2, 1, 7}, "BPF_JMP/JMP32 uses reserved fields"},
      {{0xe5, 0, 0, 0, 0}, "invalid may_goto off 0 imm 0"},
      {{0xe5, 0, 1, 4, 0}, "invalid may_goto off 4 imm 0"},
      {{0xe5, 0, 0, -4, 9}, "invalid may_goto off -4 imm 9"},
      {{0x85, 0, 0, 1, 1}, "BPF_CALL uses reserved fields"},
      {{0x85, 0, 1, 1, 1}, "BPF_CALL uses reserved fields"},
      {{0x85, 0, 3, 0, 1}, "BPF_CALL uses reserved fields"},
      {{0x85, 2, 0, 0, 1}, "BPF_CALL uses reserved fields"},
      {{0x95, 0, 0, 0, 1}, "BPF_EXIT uses reserved fields"},
      {{0x95, 1, 0, 0, 0}, "BPF_EXIT uses reserved fields"},
      {{0x18, 1, 0, 1, 0}, "BPF_LD_IMM64 uses reserved fields"},
      {{0x18, 1, 7, 0, 0}, "unrecognized bpf_ld_imm64 insn"},
      {{0x37, 1, 0, 0, 0}, "div by zero"},
      {{0x94, 1, 0, 1, 0}, "div by zero"},
      {{0x67, 1, 0, 0, 64}, "invalid shift 64"},
      {{0x64, 1, 0, 0, 32}, "invalid shift 32"},
      {{0xc7, 1, 0, 0, -1}, "invalid shift -1"},
      {{0xbf, 11, 12, 0, 0}, "R12 is invalid"},
      {{0xbf, 11, 2, 0, 0}, "R11 is invalid"},
      {{0x79, 15, 2, 0, 0}, "R15 is invalid"},
      {{0x7b, 14, 2, 0, 0}, "R14 is invalid"},
      {{0x1d, 13, 12, 1, 0}, "R13 is invalid"},
      {{0x1d, 13, 12, 1, 5}, "R13 is invalid"},  // read before the reserved fields are looked at
      {{0x1d, 1, 12, 1, 5}, "BPF_JMP/JMP32 uses reserved fields"},
      {{0x18, 11, 0, 0, 0}, "R11 is invalid"},
      {{0x50, 0, 11, 0, 0}, "R11 is invalid"},
  };
  for (const Bad& c : cases) {
    const auto message = check_insn_fields(c.insn, &kNothing);
    ASSERT_TRUE(message.has_value()) << "expected: " << c.message;
    EXPECT_EQ(*message, c.message);
  }
}

TEST(Fields, JudgesTheSecondSlotOfLdImm64) {
  const Insn lo{0x18, 1, 0, 0, 5};
  EXPECT_EQ(check_load_fields(lo, nullptr), "invalid bpf_ld_imm64 insn");
  const Insn bad[] = {{1, 0, 0, 0, 0}, {0, 1, 0, 0, 0}, {0, 0, 1, 0, 0}, {0, 0, 0, 1, 0}};
  for (const Insn& hi : bad) EXPECT_EQ(check_load_fields(lo, &hi), "invalid bpf_ld_imm64 insn");
  const Insn upper{0, 0, 0, 0, 9};
  EXPECT_EQ(check_load_fields(lo, &upper), std::nullopt);
  for (const u8 src : {kPseudoMapFd, kPseudoMapIdx}) {
    const Insn map{0x18, 1, src, 0, 5};
    EXPECT_EQ(check_load_fields(map, &upper), "unrecognized bpf_ld_imm64 insn");
    EXPECT_EQ(check_load_fields(map, &kNothing), std::nullopt);
  }
  for (const u8 src : {kPseudoMapValue, kPseudoMapIdxValue, kPseudoBtfId, kPseudoFunc})
    EXPECT_EQ(check_load_fields(Insn{0x18, 1, src, 0, 5}, &upper), std::nullopt);
}

// Dead code may hold reserved fields in Linux, but no unknown opcode.
TEST(Fields, LoadTimeChecksLeaveVisitTimeOnesAlone) {
  std::vector<Insn> prog = {{0xb7, 0, 0, 0, 0}, {0x95}, {0xb7, 0, 3, 0, 0}, {0x95}};
  EXPECT_FALSE(check_fields(prog).has_value());
  prog[2] = {0xff, 0, 0, 0, 0};
  const auto error = check_fields(prog);
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->insn_idx, 2);
  EXPECT_EQ(error->code, EINVAL);
  EXPECT_EQ(error->message, "unknown opcode ff");
}

TEST(Fields, AcceptsWhatTheTableAllowsAndNothingInternal) {
  testing::Generator gen(7);
  for (const OpInfo& op : all_ops())
    for (int n = 0; n < 50; ++n) {
      const auto insn = gen.instruction(op);
      const auto message = check_insn_fields(insn[0], insn.size() > 1 ? &insn[1] : nullptr);
      EXPECT_EQ(message.has_value(), op.internal || op.text_only)
          << op.text << ": " << message.value_or("accepted");
    }
}

// Whatever the check lets through obeys its row in every field.
TEST(Fields, AcceptedImpliesARowThatHolds) {
  testing::Generator gen(8);
  int accepted = 0;
  for (int n = 0; n < 300000; ++n) {
    Insn i{static_cast<u8>(gen.below(256)), static_cast<u8>(gen.below(16)), static_cast<u8>(gen.below(16)),
           static_cast<s16>(gen.below(4) ? 0 : gen.below(40)), gen.below(3) ? 0 : gen.interesting()};
    if (check_insn_fields(i, &kNothing)) continue;
    ++accepted;
    const OpInfo* op = lookup(i);
    ASSERT_NE(op, nullptr);
    ASSERT_FALSE(op->internal || op->text_only);
    if (op->dst == FieldRule::kReg) {
      ASSERT_LE(i.dst, 10);
    } else {
      ASSERT_EQ(i.dst, 0);
    }
    if (op->src == FieldRule::kReg) {
      ASSERT_LE(i.src, 10);
    }
    if (op->imm == FieldRule::kDivisor) {
      ASSERT_NE(i.imm, 0);
    }
    if (op->imm == FieldRule::kShift) {
      ASSERT_LT(static_cast<u32>(i.imm), op->width);
    }
  }
  EXPECT_GT(accepted, 1000);
}

std::string verdict(std::string_view text) {
  const auto prog = assemble(text);
  if (!prog) return prog.error().message;
  const auto status = validate(*prog);
  return status.ok() ? "ok" : status.error().message;
}

TEST(Validate, ChecksWhereJumpsLead) {
  EXPECT_EQ(verdict("r0 = 0\nexit"), "ok");
  EXPECT_EQ(verdict("r0 = 0\nif r0 == 0x0 goto pc+1\nr0 = 1\nexit"), "ok");
  EXPECT_EQ(verdict("goto pc+1\nexit"), "insn 0: jump out of range from insn 0 to 2");
  EXPECT_EQ(verdict("gotol pc-2\nexit"), "insn 0: jump out of range from insn 0 to -1");
  EXPECT_EQ(verdict("may_goto pc+1\nr1 = 0x5\nexit"), "insn 0: jump into the middle of ldimm64 insn 1");
  EXPECT_EQ(verdict("call pc+1\nr1 = 0x5\nexit"), "insn 0: jump into the middle of ldimm64 insn 1");
  EXPECT_EQ(verdict("r1 = subprog[+2]\nr1 = 0x5\nexit"), "insn 0: jump into the middle of ldimm64 insn 2");
  EXPECT_EQ(verdict("r1 = subprog[+2000000000]\nexit"),
            "insn 0: jump out of range from insn 0 to 2000000001");
  EXPECT_EQ(verdict("exit\nr0 = 0"), "insn 1: last insn is not an exit or jmp");
  EXPECT_EQ(verdict("exit\nr1 = 0x5"), "insn 1: last insn is not an exit or jmp");
}

TEST(Validate, RefusesTheEmptyAndTheTooLong) {
  EXPECT_EQ(validate({}).error().code, EINVAL);
  std::vector<Insn> prog(kComplexityLimitInsns, Insn{0xb7, 0, 0, 0, 0});
  prog.back() = {0x95};
  EXPECT_TRUE(validate(prog).ok());
  prog.push_back({0x95});
  EXPECT_EQ(validate(prog).error().code, E2BIG);
}

}  // namespace
}  // namespace osmia::isa
