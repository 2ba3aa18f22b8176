// The opcode table against an enumeration written independently of it, and its own invariants.
#include "isa/opcode_table.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

namespace osmia::isa {
namespace {

// The code bytes that Linux 6.12 loads, by class.
std::set<int> loadable() {
  std::set<int> codes = {
      0x18, 0x20, 0x28, 0x30, 0x40, 0x48, 0x50,  // LD: imm64, abs w h b, ind w h b
      0x61, 0x69, 0x71, 0x79, 0x81, 0x89, 0x91,  // LDX: mem w h b dw, memsx w h b
      0x62, 0x6a, 0x72, 0x7a,                    // ST
      0x63, 0x6b, 0x73, 0x7b, 0xc3, 0xdb,        // STX and atomics
      0x84, 0xd4, 0xdc, 0x87, 0xd7,              // neg, le, be, neg, bswap
      0x05, 0x06, 0x85, 0x95, 0xe5,              // ja, gotol, call, exit, may_goto
  };
  for (const int op : {0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x90, 0xa0, 0xb0, 0xc0})
    for (const int rest : {0x04, 0x0c, 0x07, 0x0f}) codes.insert(op | rest);
  for (const int op : {0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xa0, 0xb0, 0xc0, 0xd0})
    for (const int rest : {0x05, 0x0d, 0x06, 0x0e}) codes.insert(op | rest);
  return codes;
}

TEST(OpcodeTable, KnowsExactlyTheCodesThatLinuxLoads) {
  const std::set<int> want = loadable();
  EXPECT_EQ(want.size(), 126u);
  for (int code = 0; code < 256; ++code)
    EXPECT_EQ(lookup_code(static_cast<u8>(code)) != nullptr, want.count(code) == 1) << std::hex << code;
}

TEST(OpcodeTable, RowsOfOneCodeAreAdjacentAndToldApartByOneField) {
  std::map<int, const OpInfo*> last;
  const OpInfo* previous = nullptr;
  for (const OpInfo& op : all_ops()) {
    if (previous != nullptr) {
      EXPECT_LE(previous->code, op.code);
    }
    previous = &op;
    Insn insn;
    insn.code = op.code;
    if (op.selector == Selector::kSrc) insn.src = static_cast<u8>(op.variant) & 15;
    if (op.selector == Selector::kOff) insn.off = static_cast<s16>(op.variant);
    if (op.selector == Selector::kImm) insn.imm = op.variant;
    EXPECT_TRUE(op.text_only || lookup(insn) == &op)
        << "row " << op.text << " of " << int{op.code} << " is hidden";
  }
}

TEST(OpcodeTable, SelectsTheVariantByItsField) {
  struct Case {
    Insn insn;
    OpKind kind;
    std::string_view text;
    int width;
  };
  const Case cases[] = {
      {{0xbf, 1, 2, 0, 0}, OpKind::kMov, "=", 64},
      {{0xbf, 1, 2, 8, 0}, OpKind::kMovSx, "(s8)", 64},
      {{0xbf, 1, 2, 32, 0}, OpKind::kMovSx, "(s32)", 64},
      {{0xbc, 1, 2, 16, 0}, OpKind::kMovSx, "(s16)", 32},
      {{0xbf, 1, 2, 1, 1}, OpKind::kAddrSpaceCast, "addr_space_cast", 64},
      {{0x3c, 1, 2, 1, 0}, OpKind::kAlu, "s/=", 32},
      {{0x97, 1, 0, 1, 3}, OpKind::kAlu, "s%=", 64},
      {{0xdb, 1, 2, 0, 0xf1}, OpKind::kAtomic, "cmpxchg", 64},
      {{0xc3, 1, 2, 0, 0x41}, OpKind::kAtomic, "fetch_or", 32},
      {{0xd7, 1, 0, 0, 16}, OpKind::kBswap, "bswap", 16},
      {{0xdc, 1, 0, 0, 64}, OpKind::kEndian, "be", 64},
      {{0x89, 1, 2, 0, 0}, OpKind::kLoadSx, "s16", 16},
      {{0x06, 0, 0, 0, 9}, OpKind::kJaLong, "gotol", 0},
      {{0xe5, 0, 0, 9, 0}, OpKind::kMayGoto, "may_goto", 0},
      {{0x39, 1, 2, 0, 0}, OpKind::kLoad, "u64", 64},  // PROBE_MEM
  };
  for (const Case& c : cases) {
    const OpInfo* op = lookup(c.insn);
    ASSERT_NE(op, nullptr) << c.text;
    EXPECT_EQ(op->kind, c.kind) << c.text;
    EXPECT_EQ(op->text, c.text);
    EXPECT_EQ(op->width, c.width) << c.text;
  }
  const Insn none[] = {{0xbf, 1, 2, 3, 0}, {0xbc, 1, 2, 32, 0}, {0xdb, 1, 2, 0, 0x61}, {0x18, 1, 7, 0, 0},
                       {0x85, 0, 3, 0, 1}, {0xe5, 0, 1, 4, 0},  {0x37, 1, 0, 2, 5},    {0xd4, 1, 0, 0, 8}};
  for (const Insn& insn : none) EXPECT_EQ(lookup(insn), nullptr) << std::hex << int{insn.code};
}

TEST(OpcodeTable, MarksInternalForms) {
  for (const u8 code : {0x39, 0x59, 0xb9, 0xbb, 0xba, 0xfb, 0xc2, 0xf5}) {
    Insn insn;
    insn.code = code;
    if (lookup(insn) == nullptr) continue;
    EXPECT_TRUE(lookup(insn)->internal) << std::hex << int{code};
    EXPECT_EQ(lookup_code(code), nullptr) << std::hex << int{code};
  }
}

}  // namespace
}  // namespace osmia::isa
