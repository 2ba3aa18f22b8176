// Builds the opcode table at compile time from the few families that the instruction set is made of, and
// an index from the code byte to its adjacent rows. Source of the facts: RFC 9669 sections 4 and 5, Linux
// 6.12 uapi/linux/bpf.h, and the list of opcodes that Linux's loader takes.
#include "isa/opcode_table.h"

#include <algorithm>
#include <array>

namespace osmia::isa {
namespace {

using K = OpKind;
using F = FieldRule;

struct Named {
  int op;
  std::string_view text;
};
constexpr Named kArithmetic[] = {
    {kAdd, "+="},  {kSub, "-="},  {kMul, "*="}, {kDiv, "/="}, {kOr, "|="},     {kAnd, "&="},
    {kLsh, "<<="}, {kRsh, ">>="}, {kMod, "%="}, {kXor, "^="}, {kArsh, "s>>="},
};
constexpr Named kCompare[] = {
    {kJeq, "=="},   {kJgt, ">"}, {kJge, ">="}, {kJset, "&"},  {kJne, "!="},   {kJsgt, "s>"},
    {kJsge, "s>="}, {kJlt, "<"}, {kJle, "<="}, {kJslt, "s<"}, {kJsle, "s<="},
};
constexpr Named kAtomicPlain[] = {{kAdd, "+="}, {kOr, "|="}, {kAnd, "&="}, {kXor, "^="}};
constexpr Named kAtomicFetch[] = {
    {kAdd | kFetch, "fetch_add"},
    {kOr | kFetch, "fetch_or"},
    {kAnd | kFetch, "fetch_and"},
    {kXor | kFetch, "fetch_xor"},
    {kXchg, "xchg"},
    {kCmpxchg, "cmpxchg"},
};
constexpr u8 kSizes[] = {kB, kH, kW, kDw};

constexpr std::string_view unsigned_text(int bits) {
  return bits == 8 ? "u8" : bits == 16 ? "u16" : bits == 32 ? "u32" : "u64";
}
constexpr std::string_view signed_text(int bits) {
  return bits == 8 ? "s8" : bits == 16 ? "s16" : bits == 32 ? "s32" : "s64";
}

// Overrides of the all-zero field rules and flags, in one place so that a family is one call a row.
struct Fields {
  F dst = F::kZero, src = F::kZero, off = F::kZero, imm = F::kZero, next_imm = F::kZero;
  bool internal = false, text_only = false;
};

struct Table {
  std::array<OpInfo, 320> rows{};
  int count = 0;

  constexpr void add(K kind, int code, int width, std::string_view text, Fields f,
                     Selector selector = Selector::kNone, s32 variant = 0) {
    if (selector == Selector::kOff) f.off = F::kFixed;
    if (selector == Selector::kSrc) f.src = F::kFixed;
    if (selector == Selector::kImm) f.imm = F::kFixed;
    OpInfo& row = rows[count++];
    row.kind = kind;
    row.code = static_cast<u8>(code);
    row.width = static_cast<u8>(width);
    row.selector = selector;
    row.variant = variant;
    row.dst = f.dst;
    row.src = f.src;
    row.off = f.off;
    row.imm = f.imm;
    row.next_imm = f.next_imm;
    row.internal = f.internal;
    row.text_only = f.text_only;
    row.text = text;
  }
};

constexpr void add_arithmetic(Table& t, int cls, int width) {
  for (const Named& n : kArithmetic) {
    const bool divides = n.op == kDiv || n.op == kMod;
    const bool shifts = n.op == kLsh || n.op == kRsh || n.op == kArsh;
    const Fields imm{.dst = F::kReg, .imm = divides ? F::kDivisor : shifts ? F::kShift : F::kAny};
    const Fields reg{.dst = F::kReg, .src = F::kReg};
    for (const bool x : {false, true}) {
      const int code = cls | n.op | (x ? kX : kK);
      t.add(K::kAlu, code, width, n.text, x ? reg : imm, divides ? Selector::kOff : Selector::kNone);
      if (divides)
        t.add(K::kAlu, code, width, n.op == kDiv ? "s/=" : "s%=", x ? reg : imm, Selector::kOff, 1);
    }
  }
}

constexpr void add_moves(Table& t, int cls, int width) {
  const Fields reg{.dst = F::kReg, .src = F::kReg};
  const int code = cls | kMov | kX;
  t.add(K::kMov, cls | kMov | kK, width, "=", {.dst = F::kReg, .imm = F::kAny});
  t.add(K::kMov, code, width, "=", reg, Selector::kOff, 0);
  t.add(K::kMovSx, code, width, "(s8)", reg, Selector::kOff, 8);
  t.add(K::kMovSx, code, width, "(s16)", reg, Selector::kOff, 16);
  t.add(K::kMovSx, code, width, "(s32)", {.dst = F::kReg, .src = F::kReg, .text_only = width == 32},
        Selector::kOff, 32);
  if (width == 64) {
    t.add(K::kAddrSpaceCast, code, width, "addr_space_cast",
          {.dst = F::kReg, .src = F::kReg, .imm = F::kSpaces}, Selector::kOff, kAddrSpaceCast);
    t.add(K::kMovPercpu, code, width, "&(void __percpu *)",
          {.dst = F::kReg, .src = F::kReg, .internal = true}, Selector::kOff, kAddrPercpu);
  }
  t.add(K::kNeg, cls | kNeg, width, "-", {.dst = F::kReg});
}

constexpr void add_byte_orders(Table& t) {
  for (const int bits : {16, 32, 64}) {
    const Fields f{.dst = F::kReg};
    t.add(K::kEndian, kAlu | kEnd | kK, bits, "le", f, Selector::kImm, bits);
    t.add(K::kEndian, kAlu | kEnd | kX, bits, "be", f, Selector::kImm, bits);
    t.add(K::kBswap, kAlu64 | kEnd | kK, bits, "bswap", f, Selector::kImm, bits);
  }
}

constexpr void add_memory(Table& t) {
  const Fields load{.dst = F::kReg, .src = F::kReg, .off = F::kAny};
  const Fields store_imm{.dst = F::kReg, .off = F::kAny, .imm = F::kAny};
  Fields probe = load, probe_imm = store_imm;
  probe.internal = probe_imm.internal = true;
  for (const u8 size : kSizes) {
    const int bits = 8 * size_bytes(size);
    const std::string_view u = unsigned_text(bits), s = signed_text(bits);
    t.add(K::kLoad, kLdx | kMem | size, bits, u, load);
    t.add(K::kLoad, kLdx | kProbeMem | size, bits, u, probe);
    t.add(K::kLoad, kLdx | kProbeMem32 | size, bits, u, probe);
    t.add(K::kStore, kStx | kMem | size, bits, u, load);
    t.add(K::kStore, kStx | kProbeMem32 | size, bits, u, probe);
    t.add(K::kStoreImm, kSt | kMem | size, bits, u, store_imm);
    t.add(K::kStoreImm, kSt | kProbeMem32 | size, bits, u, probe_imm);
    if (size == kDw) continue;
    t.add(K::kLoadSx, kLdx | kMemsx | size, bits, s, load);
    t.add(K::kLoadSx, kLdx | kProbeMemsx | size, bits, s, probe);
    t.add(K::kLdAbs, kLd | kAbs | size, bits, u, {.imm = F::kAny});
    t.add(K::kLdInd, kLd | kInd | size, bits, u, {.src = F::kReg, .imm = F::kAny});
  }
  for (const u8 size : {kW, kDw}) {
    for (const bool internal : {false, true}) {
      const int code = kStx | (internal ? int{kProbeAtomic} : int{kAtomic}) | size;
      const Fields f = internal ? probe : load;
      for (const Named& n : kAtomicPlain)
        t.add(K::kAtomic, code, 8 * size_bytes(size), n.text, f, Selector::kImm, n.op);
      for (const Named& n : kAtomicFetch)
        t.add(K::kAtomic, code, 8 * size_bytes(size), n.text, f, Selector::kImm, n.op);
    }
  }
  t.add(K::kNospec, kSt | kNospecMode, 0, "nospec", {.internal = true});
}

constexpr void add_ld_imm64(Table& t) {
  const int code = kLd | kImm | kDw;
  const Fields two{.dst = F::kReg, .imm = F::kAny, .next_imm = F::kAny};
  const Fields one{.dst = F::kReg, .imm = F::kAny};
  t.add(K::kLdImm64, code, 64, "", two, Selector::kSrc, 0);
  t.add(K::kLdImm64, code, 64, "map", one, Selector::kSrc, kPseudoMapFd);
  t.add(K::kLdImm64, code, 64, "map", two, Selector::kSrc, kPseudoMapValue);
  t.add(K::kLdImm64, code, 64, "btf", two, Selector::kSrc, kPseudoBtfId);
  t.add(K::kLdImm64, code, 64, "subprog", two, Selector::kSrc, kPseudoFunc);
  t.add(K::kLdImm64, code, 64, "map", one, Selector::kSrc, kPseudoMapIdx);
  t.add(K::kLdImm64, code, 64, "map", two, Selector::kSrc, kPseudoMapIdxValue);
}

constexpr void add_jumps(Table& t) {
  for (const int cls : {kJmp, kJmp32}) {
    const int width = cls == kJmp ? 64 : 32;
    for (const Named& n : kCompare) {
      t.add(K::kJcc, cls | n.op | kK, width, n.text, {.dst = F::kReg, .off = F::kAny, .imm = F::kAny});
      t.add(K::kJcc, cls | n.op | kX, width, n.text, {.dst = F::kReg, .src = F::kReg, .off = F::kAny});
    }
  }
  t.add(K::kJa, kJmp | kJa, 0, "goto", {.off = F::kAny});
  t.add(K::kJaLong, kJmp32 | kJa, 0, "gotol", {.imm = F::kAny});
  t.add(K::kMayGoto, kJmp | kJcond, 0, "may_goto", {.off = F::kNonZero}, Selector::kSrc, kMayGoto);
  // Linux's table of comparisons has no text for a JCOND of another kind, and prints it so.
  t.add(K::kJcc, kJmp | kJcond, 64, "(null)", {.text_only = true});
  t.add(K::kCall, kJmp | kCall, 0, "call", {.imm = F::kAny}, Selector::kSrc, kHelperCall);
  t.add(K::kCall, kJmp | kCall, 0, "call", {.imm = F::kAny}, Selector::kSrc, kPseudoCall);
  t.add(K::kCall, kJmp | kCall, 0, "call", {.off = F::kAny, .imm = F::kAny}, Selector::kSrc,
        kPseudoKfuncCall);
  t.add(K::kExit, kJmp | kExit, 0, "exit", {});
  t.add(K::kTailCall, kJmp | kTailCallOp, 0, "tail_call", {.imm = F::kAny, .internal = true});
}

constexpr Table build() {
  Table t;
  add_arithmetic(t, kAlu, 32);
  add_arithmetic(t, kAlu64, 64);
  add_moves(t, kAlu, 32);
  add_moves(t, kAlu64, 64);
  add_byte_orders(t);
  add_memory(t);
  add_ld_imm64(t);
  add_jumps(t);
  // Insertion sort: std::stable_sort is not constexpr, and the order within a code byte must stay.
  for (int i = 1; i < t.count; ++i)
    for (int j = i; j > 0 && t.rows[j].code < t.rows[j - 1].code; --j) std::swap(t.rows[j], t.rows[j - 1]);
  return t;
}
constexpr Table kTable = build();

struct Rows {
  u16 first = 0;
  u8 count = 0;
};
constexpr std::array<Rows, 256> build_index() {
  std::array<Rows, 256> index{};
  for (int i = kTable.count - 1; i >= 0; --i) {
    Rows& r = index[kTable.rows[i].code];
    r.first = static_cast<u16>(i);
    ++r.count;
  }
  return index;
}
constexpr std::array<Rows, 256> kIndex = build_index();

constexpr std::span<const OpInfo> rows_of(u8 code) {
  return {kTable.rows.data() + kIndex[code].first, kIndex[code].count};
}

constexpr bool selects(const OpInfo& row, const Insn& insn) {
  switch (row.selector) {
    case Selector::kNone: return true;
    case Selector::kSrc: return insn.src == row.variant;
    case Selector::kOff: return insn.off == row.variant;
    case Selector::kImm: return insn.imm == row.variant;
  }
  return false;
}

}  // namespace

const OpInfo* lookup(const Insn& insn) {
  for (const OpInfo& row : rows_of(insn.code))
    if (!row.text_only && selects(row, insn)) return &row;
  return nullptr;
}

const OpInfo* lookup_code(u8 code) {
  const auto rows = rows_of(code);
  return rows.empty() || rows.front().internal ? nullptr : &rows.front();
}

const OpInfo* lookup_text(const Insn& insn) {
  const auto rows = rows_of(insn.code);
  for (const OpInfo& row : rows)
    if (selects(row, insn)) return &row;
  return rows.empty() ? nullptr : &rows.front();
}

std::span<const OpInfo> all_ops() {
  return {kTable.rows.data(), static_cast<size_t>(kTable.count)};
}

std::string_view access_text(unsigned width_bits, bool sign_extends) {
  return sign_extends ? signed_text(static_cast<int>(width_bits))
                      : unsigned_text(static_cast<int>(width_bits));
}

}  // namespace osmia::isa
