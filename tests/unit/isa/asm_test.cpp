// The assembler: it undoes the disassembler, takes labels and comments, settles what is ambiguous, and says
// where a text is wrong.
#include "isa/asm.h"

#include <gtest/gtest.h>

#include "generate.h"
#include "isa/disasm.h"
#include "isa/validate.h"

namespace osmia::isa {
namespace {

std::vector<Insn> must(std::string_view text, const AsmOptions& options = {}) {
  auto prog = assemble(text, options);
  EXPECT_TRUE(prog.ok()) << text << ": " << (prog.ok() ? "" : prog.error().message);
  return prog.ok() ? *prog : std::vector<Insn>{};
}
std::string error(std::string_view text) {
  const auto prog = assemble(text);
  return prog.ok() ? "assembled" : prog.error().message;
}

TEST(Asm, UndoesTheDisassemblerOnEveryRow) {
  testing::Generator gen(1);
  for (const OpInfo& op : all_ops()) {
    if (op.internal || op.text_only) continue;
    for (int n = 0; n < 200; ++n) {
      const auto prog = gen.instruction(op);
      const std::string text = disasm(prog, 0, source_options());
      EXPECT_EQ(must(text), prog) << text;
    }
  }
}

TEST(Asm, UndoesTheDisassemblerOnWholePrograms) {
  testing::Generator gen(2);
  const auto ops = all_ops();
  for (int n = 0; n < 200; ++n) {
    std::vector<Insn> prog;
    for (u32 length = 1 + gen.below(100); prog.size() < length;) {
      const OpInfo& op = ops[gen.below(static_cast<u32>(ops.size()))];
      if (op.internal || op.text_only) continue;
      const auto insn = gen.instruction(op);
      prog.insert(prog.end(), insn.begin(), insn.end());
    }
    EXPECT_EQ(must(disasm_program(prog, source_options())), prog);
  }
}

// Without opcode bytes the text still says everything.
TEST(Asm, NeedsNoOpcodeByte) {
  testing::Generator gen(3);
  for (const OpInfo& op : all_ops()) {
    if (op.internal || op.text_only) continue;
    const auto prog = gen.instruction(op);
    const std::string text = disasm(prog, 0, source_options()).substr(5);
    EXPECT_EQ(must(text), prog) << text;
  }
}

TEST(Asm, SettlesWhatIsAmbiguous) {
  EXPECT_EQ(must("r1 = 5"), (std::vector<Insn>{{0xb7, 1, 0, 0, 5}}));
  EXPECT_EQ(must("r1 = 0x5"), (std::vector<Insn>{{0x18, 1, 0, 0, 5}, {}}));
  EXPECT_EQ(must("r1 = 5 ll"), (std::vector<Insn>{{0x18, 1, 0, 0, 5}, {}}));
  EXPECT_EQ(must("r1 = -1 ll"), (std::vector<Insn>{{0x18, 1, 0, 0, -1}, {0, 0, 0, 0, -1}}));
  EXPECT_EQ(must("(b7) r1 = 0x5"), (std::vector<Insn>{{0xb7, 1, 0, 0, 5}}));
  EXPECT_EQ(must("(18) r1 = 5"), (std::vector<Insn>{{0x18, 1, 0, 0, 5}, {}}));
  EXPECT_EQ(must("w1 = 0xffffffff"), (std::vector<Insn>{{0xb4, 1, 0, 0, -1}}));
  EXPECT_EQ(must("call foo#7"), (std::vector<Insn>{{0x85, 0, 0, 0, 7}}));
  EXPECT_EQ(must("call 7"), must("call #7"));
  EXPECT_EQ(must("call kernel-function#7"), (std::vector<Insn>{{0x85, 0, 2, 0, 7}}));
  EXPECT_EQ(must("call kernel-function[3]#7"), (std::vector<Insn>{{0x85, 0, 2, 3, 7}}));
  AsmOptions names;
  names.is_kfunc = [](std::string_view name) { return name == "bpf_task_acquire"; };
  names.helper_id = [](std::string_view name) {
    return name == "bpf_ktime_get_ns" ? std::optional<s32>(5) : std::nullopt;
  };
  EXPECT_EQ(must("call bpf_task_acquire#9", names), (std::vector<Insn>{{0x85, 0, 2, 0, 9}}));
  EXPECT_EQ(must("call bpf_ktime_get_ns", names), (std::vector<Insn>{{0x85, 0, 0, 0, 5}}));
}

TEST(Asm, TakesLabelsIndexesAndComments) {
  const auto prog = must(R"(
; int prog(void *ctx)
0: (b7) r0 = 0                        ; R0_w=0
1: r1 = 0x100000000 ll                // two slots
again:
   r0 += 1
   if r0 < 0xa goto again
   r2 = subprog[callee]
   call callee
   goto done
done: exit
callee:
   may_goto done
   gotol again
)");
  const std::vector<Insn> want = {{0xb7, 0, 0, 0, 0},
                                  {0x18, 1, 0, 0, 0},
                                  {0, 0, 0, 0, 1},
                                  {0x07, 0, 0, 0, 1},
                                  {0xa5, 0, 0, -2, 10},
                                  {0x18, 2, 4, 0, 4},
                                  {},
                                  {0x85, 0, 1, 0, 2},
                                  {0x05, 0, 0, 0, 0},
                                  {0x95, 0, 0, 0, 0},
                                  {0xe5, 0, 0, -2, 0},
                                  {0x06, 0, 0, 0, -9}};
  EXPECT_EQ(prog, want);
  EXPECT_EQ(must("r1=*(u32*)(r10-4)"), must("r1 = *(u32 *)(r10 -4)"));
  EXPECT_EQ(must("*(u8 *)(r1) = 0"), must("*(u8 *)(r1 +0) = 0"));
  EXPECT_EQ(must("r1 = map[fd:4]"), must("r1 = map[id:4]"));
  EXPECT_TRUE(must("\n\n ; nothing\n").empty());
}

TEST(Asm, SaysWhereAndWhatIsWrong) {
  EXPECT_EQ(error("r0 = 0\nfrob r1\nexit"), "line 2: expected an instruction, found \"frob r1\"");
  EXPECT_EQ(error("r0 ="), "line 1: expected a value, found the end of the line");
  EXPECT_EQ(error("r16 = 0"), "line 1: expected an instruction, found \"r16 = 0\"");
  EXPECT_EQ(error("r1 = w2"), "line 1: expected a register of the same width, found \"w2\"");
  EXPECT_EQ(error("r1 += 99999999999"), "line 1: expected a 32-bit number, found \"99999999999\"");
  EXPECT_EQ(error("r1 = 4294967296"), "line 1: expected a 32-bit number, found \"4294967296\"");
  EXPECT_EQ(error("\ngoto nowhere"), "line 2: expected a label or a known function, found nowhere");
  EXPECT_EQ(error("goto pc+40000"), "line 1: expected a 16-bit distance, found \"pc+40000\"");
  EXPECT_EQ(error("goto 4"), "line 1: expected a target such as pc+4 or a label, found \"4\"");
  EXPECT_EQ(error("a:\na: exit"), "line 2: expected a new label, found a again");
  EXPECT_EQ(error("exit now"), "line 1: expected the end of the line, found \"now\"");
  EXPECT_EQ(error("(bf) r1 = 5"), "line 1: expected the text of opcode bf, found that of b7");
  EXPECT_EQ(error("(zz) r1 = 5"), "line 1: expected an opcode byte such as (bf), found \"(zz) r1 = 5\"");
  EXPECT_EQ(error("r1 = *(u32 *)(r2 +70000)"), "line 1: expected a signed 16-bit offset, found \"+70000)\"");
  EXPECT_EQ(error("r1 = be16 r2"), "line 1: expected r1, found \"r2\"");
  EXPECT_EQ(error("r1 = *(s64 *)(r2 +0)"),
            "line 1: expected an access type u8..u64 or s8..s32, found \"s64 *)(r2 +0)\"");
  EXPECT_EQ(error("r1 = *(u32 *)skb[4]"),
            "line 1: expected a packet load: r0 = *(u8|u16|u32 *)skb[...], found \"(u32 *)skb[4]\"");
  EXPECT_EQ(error("r3 = atomic64_xchg((u64 *)(r1 +0), r2)"),
            "line 1: xchg: expected the result in the operand r2, found r3");
  EXPECT_EQ(error("r1 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r2)"),
            "line 1: cmpxchg: expected the result in r0, found r1");
  EXPECT_EQ(error("lock *(u16 *)(r1 +0) += r2"),
            "line 1: expected a u32 or u64 in memory, found \"(u16 *)(r1 +0) += r2\"");
  EXPECT_EQ(error("*(s32 *)(r1 +0) = 1"),
            "line 1: expected a place to store to, such as (u32 *)(r1 +4), found \"(s32 *)(r1 +0) = 1\"");
}

// No text makes it crash or hang; what it takes, the disassembler can print.
TEST(Asm, SurvivesMangledText) {
  testing::Generator gen(4);
  const auto ops = all_ops();
  for (int n = 0; n < 20000; ++n) {
    std::string text =
        disasm(gen.instruction(ops[gen.below(static_cast<u32>(ops.size()))]), 0, source_options());
    for (u32 edits = 1 + gen.below(3); edits > 0 && !text.empty(); --edits) {
      const size_t at = gen.below(static_cast<u32>(text.size()));
      if (gen.below(2)) {
        text.erase(at, 1 + gen.below(3));
      } else {
        text[at] = static_cast<char>(gen.below(128));
      }
    }
    const auto prog = assemble(text);
    if (!prog.ok()) continue;
    for (size_t i = 0; i < prog->size(); ++i) EXPECT_FALSE(disasm(*prog, i).empty());
  }
}

}  // namespace
}  // namespace osmia::isa
