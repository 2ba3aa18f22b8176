// The disassembler's text, form by form, and the options that fill in names and hide pointers.
#include "isa/disasm.h"

#include <gtest/gtest.h>

namespace osmia::isa {
namespace {

std::string one(Insn insn, const DisasmOptions& options = {}) {
  return disasm(std::vector{insn}, 0, options);
}

TEST(Disasm, PrintsEachFormAsLinuxDoes) {
  const std::pair<Insn, const char*> cases[] = {
      {{0xbf, 6, 1, 0, 0}, "(bf) r6 = r1"},
      {{0xb7, 0, 0, 0, -5}, "(b7) r0 = -5"},
      {{0xb4, 3, 0, 0, 7}, "(b4) w3 = 7"},
      {{0x0f, 1, 2, 0, 0}, "(0f) r1 += r2"},
      {{0xcc, 1, 2, 0, 0}, "(cc) w1 s>>= w2"},
      {{0x37, 1, 0, 0, 3}, "(37) r1 /= 3"},
      {{0x37, 1, 0, 1, 3}, "(37) r1 s/= 3"},
      {{0x9c, 1, 2, 1, 0}, "(9c) w1 s%= w2"},
      {{0xbf, 1, 2, 8, 0}, "(bf) r1 = (s8)r2"},
      {{0xbc, 1, 2, 16, 0}, "(bc) w1 = (s16)w2"},
      {{0xbf, 1, 2, 32, 0}, "(bf) r1 = (s32)r2"},
      {{0xbf, 1, 2, 1, 1 << 16}, "(bf) r1 = addr_space_cast(r2, 1, 0)"},
      {{0xbf, 1, 2, 1, 1}, "(bf) r1 = addr_space_cast(r2, 0, 1)"},
      {{0xbf, 1, 2, -1, 0}, "(bf) r1 = &(void __percpu *)(r2)"},
      {{0x84, 4, 0, 0, 0}, "(84) w4 = -w4"},
      {{0xd4, 4, 0, 0, 16}, "(d4) r4 = le16 r4"},
      {{0xdc, 4, 0, 0, 64}, "(dc) r4 = be64 r4"},
      {{0xd7, 4, 0, 0, 32}, "(d7) r4 = bswap32 r4"},
      {{0x79, 1, 10, -8, 0}, "(79) r1 = *(u64 *)(r10 -8)"},
      {{0x91, 1, 2, 0, 0}, "(91) r1 = *(s8 *)(r2 +0)"},
      {{0x81, 1, 2, 4, 0}, "(81) r1 = *(s32 *)(r2 +4)"},
      {{0x6b, 1, 2, 2, 0}, "(6b) *(u16 *)(r1 +2) = r2"},
      {{0x72, 1, 0, -1, -1}, "(72) *(u8 *)(r1 -1) = -1"},
      {{0xdb, 1, 2, 8, 0x00}, "(db) lock *(u64 *)(r1 +8) += r2"},
      {{0xc3, 1, 2, 8, 0xa0}, "(c3) lock *(u32 *)(r1 +8) ^= r2"},
      {{0xdb, 1, 2, 8, 0x41}, "(db) r2 = atomic64_fetch_or((u64 *)(r1 +8), r2)"},
      {{0xc3, 1, 2, 8, 0x51}, "(c3) r2 = atomic_fetch_and((u32 *)(r1 +8), r2)"},
      {{0xdb, 1, 2, 8, 0xe1}, "(db) r2 = atomic64_xchg((u64 *)(r1 +8), r2)"},
      {{0xc3, 1, 2, 8, 0xf1}, "(c3) r0 = atomic_cmpxchg((u32 *)(r1 +8), r0, r2)"},
      {{0xdb, 1, 2, 8, 0x61}, "BUG_db"},
      {{0x28, 0, 0, 0, 12}, "(28) r0 = *(u16 *)skb[12]"},
      {{0x50, 0, 3, 0, -4}, "(50) r0 = *(u8 *)skb[r3 + -4]"},
      {{0x05, 0, 0, -3, 0}, "(05) goto pc-3"},
      {{0x06, 0, 0, 0, 70000}, "(06) gotol pc+70000"},
      {{0xe5, 0, 0, 5, 0}, "(e5) may_goto pc+5"},
      {{0xe5, 1, 1, 5, 2}, "(e5) if r1 (null) 0x2 goto pc+5"},
      {{0x15, 1, 0, 2, -1}, "(15) if r1 == 0xffffffff goto pc+2"},
      {{0xde, 1, 2, -2, 0}, "(de) if w1 s<= w2 goto pc-2"},
      {{0x45, 1, 0, 2, 16}, "(45) if r1 & 0x10 goto pc+2"},
      {{0x85, 0, 0, 0, 1}, "(85) call unknown#1"},
      {{0x85, 0, 1, 0, 2}, "(85) call pc+2"},
      {{0x85, 0, 1, 0, -9}, "(85) call pc-9"},
      {{0x85, 0, 2, 0, 77}, "(85) call kernel-function#77"},
      {{0x95, 0, 0, 0, 0}, "(95) exit"},
      {{0xc2, 0, 0, 0, 0}, "(c2) nospec"},
      {{0x39, 1, 2, 0, 0}, "BUG_ldx_39"},
      {{0xe0, 1, 2, 0, 0}, "BUG_ld_e0"},
  };
  for (const auto& [insn, text] : cases) EXPECT_EQ(one(insn), text);
}

TEST(Disasm, HidesPointersOnlyWhereLinuxDoes) {
  DisasmOptions hide;
  hide.show_pointers = false;
  const Insn hi{0, 0, 0, 0, 0x12};
  for (u8 src = 0; src < 8; ++src) {
    const std::vector<Insn> prog = {{0x18, 1, src, 0, 0x345}, hi};
    const bool hidden = src == 1 || src == 2 || src == 3 || src == 5 || src == 6;
    EXPECT_EQ(disasm(prog, 0), "(18) r1 = 0x1200000345");
    EXPECT_EQ(disasm(prog, 0, hide), hidden ? "(18) r1 = 0x0" : "(18) r1 = 0x1200000345");
  }
  EXPECT_EQ(one({0x18, 1, 0, 0, -1}), "(18) r1 = 0xffffffff");
}

TEST(Disasm, PrintsWhatBpftoolPrints) {
  const auto text = [](u8 src) {
    return disasm(std::vector<Insn>{{0x18, 1, src, 0, 3}, {0, 0, 0, 0, 16}}, 0, xlated_options());
  };
  EXPECT_EQ(text(kPseudoMapFd), "(18) r1 = map[id:3]");
  EXPECT_EQ(text(kPseudoMapValue), "(18) r1 = map[id:3][0]+16");
  EXPECT_EQ(text(kPseudoMapIdxValue), "(18) r1 = map[idx:3]+16");
  EXPECT_EQ(text(kPseudoFunc), "(18) r1 = subprog[+3]");
  EXPECT_EQ(text(0), "(18) r1 = 0x1000000003");
  EXPECT_EQ(one({0x85, 0, 1, 12, 4}, xlated_options()), "(85) call pc+12");
  EXPECT_EQ(disasm_program(std::vector<Insn>{{0x18, 1, 1, 0, 3}, {}, {0x95}}, xlated_options()),
            "   0: (18) r1 = map[id:3]\n   2: (95) exit\n");
}

TEST(Disasm, NamesCallees) {
  DisasmOptions names;
  names.helper_name = [](s32 id) { return id == 1 ? std::string("bpf_map_lookup_elem") : std::string(); };
  names.call_name = [](const Insn& i) {
    return i.src == kPseudoKfuncCall ? std::string("bpf_task_acquire") : "";
  };
  EXPECT_EQ(one({0x85, 0, 0, 0, 1}, names), "(85) call bpf_map_lookup_elem#1");
  EXPECT_EQ(one({0x85, 0, 0, 0, 9}, names), "(85) call unknown#9");
  EXPECT_EQ(one({0x85, 0, 2, 0, 1}, names), "(85) call bpf_task_acquire#1");
  EXPECT_EQ(one({0x85, 0, 1, 0, 1}, names), "(85) call pc+1");
}

TEST(Disasm, ShowsInternalFormsOnRequest) {
  DisasmOptions internal;
  internal.show_internal = true;
  EXPECT_EQ(one({0x39, 1, 2, 4, 0}, internal), "(39) internal r1 = *(u64 *)(r2 +4)");
  EXPECT_EQ(one({0xf5, 0, 0, 0, 0}, internal), "(f5) internal tail_call");
}

}  // namespace
}  // namespace osmia::isa
