// The editor: whatever grows or shrinks, jumps, calls and function references still mean what they meant.
#include "rewrite/editor.h"

#include <gtest/gtest.h>

#include <random>

#include "interp/interp.h"
#include "isa/asm.h"
#include "isa/disasm.h"
#include "rewrite/unverified.h"

namespace osmia::rewrite {
namespace {

using namespace isa;

std::vector<Insn> program(std::string_view text) {
  auto p = assemble(text);
  EXPECT_TRUE(p.ok()) << (p.ok() ? "" : p.error().message);
  return p.ok() ? *p : std::vector<Insn>{};
}
const Insn kPadding{.code = kAlu64 | kMov | kX, .dst = 9, .src = 9};

u64 run(std::span<const Insn> insns, u64 r1 = 0) {
  auto p = unverified(insns);
  EXPECT_TRUE(p.ok()) << (p.ok() ? "" : p.error().message);
  auto code = interp::Code::compile(*p);
  EXPECT_TRUE(code.ok());
  return code.ok() ? (*code)->run(r1) : ~u64{0};
}

const char* const kBusy = R"(
r9 = 0
r7 = 0
r6 = r1
again:
if r6 == 0 goto done
r1 = r6
call twice
r7 += r0
r6 -= 1
if r6 != 3 goto again
r8 = 0x100000000 ll
r7 += 5
gotol again
done:
r0 = r7
if w0 > 100 goto +1
exit
r0 -= 1
exit
twice:
r0 = r1
r0 += r1
exit
)";

TEST(Editor, KeepsAProgramThatIsNotEdited) {
  const auto p = program(kBusy);
  auto out = Editor(p).apply();
  ASSERT_TRUE(out.ok());
  EXPECT_EQ(out->insns, p);
  for (u32 i = 0; i < p.size(); i++) {
    EXPECT_EQ(out->original[i], i);
    EXPECT_EQ(out->position[i], i);
  }
  EXPECT_EQ(out->position[p.size()], p.size());
}

TEST(Editor, InsertionsAnywhereChangeNoResult) {
  const auto p = program(kBusy);
  std::mt19937 random(5);
  for (int round = 0; round < 300; round++) {
    Editor e(p);
    for (u32 i = 0; i < p.size(); i++) {
      if (i && is_ld_imm64(p[i - 1])) continue;
      std::vector<Insn> pad(random() % 4, kPadding);
      if (random() % 2)
        e.insert_before(i, pad);
      else if (!is_ld_imm64(p[i]) && p[i].code != (kJmp | kExit))
        e.insert_after(i, pad);
    }
    auto out = e.apply();
    ASSERT_TRUE(out.ok());
    ASSERT_EQ(out->insns.size(), out->original.size());
    for (const u64 n : {0u, 1u, 3u, 4u, 9u, 20u})
      ASSERT_EQ(run(out->insns, n), run(p, n)) << round << "\n"
                                               << disasm_program(out->insns, source_options());
  }
}

TEST(Editor, JumpsToARemovedInstructionGoToWhatFollows) {
  const auto p = program("r0 = 1\nif r1 == 0 goto target\nr0 = 2\ntarget:\nr9 = 5\nr0 += 10\nexit");
  Editor e(p);
  e.remove(3);
  auto out = e.apply();
  ASSERT_TRUE(out.ok());
  EXPECT_EQ(out->insns, program("r0 = 1\nif r1 == 0 goto +1\nr0 = 2\nr0 += 10\nexit"));
  EXPECT_EQ(out->original, (std::vector<u32>{0, 1, 2, 4, 5}));
  EXPECT_EQ(out->position, (std::vector<u32>{0, 1, 2, 3, 3, 4, 5}));
}

TEST(Editor, ReplacedJumpsKeepTheirTargetAndFixedPiecesTheirOffset) {
  const auto p = program("r0 = 0\nif r1 == 0 goto out\nr0 = 1\nout:\nexit");
  Editor e(p);
  // "if r1 == 0" becomes: skip over a fixed jump into the replacement, then the original jump.
  e.replace(1, {Piece{Insn{.code = kJmp | kJne | kK, .dst = 1, .off = 1, .imm = 7}, true},
                Piece{kPadding, true}, Piece{p[1], false}});
  e.insert_before(2, std::vector<Insn>{kPadding, kPadding});
  auto out = e.apply();
  ASSERT_TRUE(out.ok());
  EXPECT_EQ(
      out->insns,
      program("r0 = 0\nif r1 != 7 goto +1\nr9 = r9\nif r1 == 0 goto +3\nr9 = r9\nr9 = r9\nr0 = 1\nexit"));
}

TEST(Editor, CallsAndFunctionReferencesFollowTheirTarget) {
  const auto p = program("r2 = subprog[f]\ncall f\nexit\nf:\nr0 = 3\nexit");
  Editor e(p);
  e.insert_before(4, std::vector<Insn>(5, kPadding));
  e.insert_before(3, std::vector<Insn>{kPadding});
  auto out = e.apply();
  ASSERT_TRUE(out.ok());
  EXPECT_EQ(out->insns[0].imm,
            4);  // to the first inserted one; counted from the instruction after its first half
  EXPECT_EQ(run(out->insns), 3u);
  EXPECT_EQ(out->position[4], 5u);
}

TEST(Editor, OnlyCallsRunEntryInstructions) {
  const auto p = program("call f\nexit\nf:\nr1 -= 1\nif r1 > 1 goto f\nr0 = r9\nexit");
  Editor e(p);
  const Insn count{.code = kAlu64 | kMov | kK, .dst = 9, .imm = 7};
  e.insert_at_entry(2, std::span(&count, 1));
  auto out = e.apply();
  ASSERT_TRUE(out.ok());
  EXPECT_EQ(out->insns,
            program("call f\nexit\nf:\nr9 = 7\nagain:\nr1 -= 1\nif r1 > 1 goto again\nr0 = r9\nexit"));
  EXPECT_EQ(out->entry[2], 2u);
  EXPECT_EQ(out->position[2], 3u);
  EXPECT_EQ(out->original[2], 2u);
}

TEST(Editor, PiecesMayNameTheirTargetAndAppendedOnesMoveNothing) {
  const auto p = program("r0 = 1\nr0 = 2\nr0 = 3\nexit\nr0 = 4\nexit");
  Editor e(p);
  e.replace(1, {Piece{kPadding}, Piece{Insn{.code = kJmp | kCall, .src = kPseudoCall}, false, 4}});
  e.append(std::vector<Insn>{kPadding, p[5]});
  auto out = e.apply();
  ASSERT_TRUE(out.ok());
  EXPECT_EQ(out->insns, program("r0 = 1\nr9 = r9\ncall +2\nr0 = 3\nexit\nr0 = 4\nexit\nr9 = r9\nexit"));
  EXPECT_EQ(out->position[6], 7u);
}

TEST(Editor, ALongJumpBecomesGotol) {
  std::vector<Insn> p = program("r0 = 1\ngoto far\nr0 = 2\nfar:\nexit");
  Editor e(p);
  e.insert_before(2, std::vector<Insn>(40000, kPadding));
  auto out = e.apply();
  ASSERT_TRUE(out.ok()) << out.error().message;
  EXPECT_EQ(out->insns[1].code, kJmp32 | kJa);
  EXPECT_EQ(out->insns[1].imm, 40001);
  EXPECT_EQ(out->insns[1].off, 0);
  EXPECT_EQ(run(out->insns), 1u);
}

TEST(Editor, ALongConditionalJumpIsErange) {
  const auto p = program("r0 = 1\nif r0 == 1 goto far\nr0 = 2\nfar:\nexit");
  for (const size_t n : {32766u, 32767u}) {
    Editor e(p);
    e.insert_before(2, std::vector<Insn>(n, kPadding));
    auto out = e.apply();
    EXPECT_EQ(out.ok(), n == 32766u);
    if (!out.ok()) {
      EXPECT_EQ(out.error().code, ERANGE);
    }
  }
}

}  // namespace
}  // namespace osmia::rewrite
