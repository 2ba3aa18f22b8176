// What compilers emit for common things and a JIT makes shorter: rotations, divisions by constants, choices,
// fields, byte order, tables, loops over arrays. Random arithmetic alone would hardly ever hit on them.
#include <algorithm>
#include <bit>

#include "generator_parts.h"

namespace osmia::fuzz {

using namespace isa;

bool Writer::pair(u32& x, u32& y) {
  const auto unlocked = [this] {
    for (u32 tries = 0; tries < 4; tries++) {
      const u32 r = scalar();
      if (!(locked_ >> r & 1)) return r;
    }
    return 10u;
  };
  x = unlocked();
  if (x == 10) return false;
  const u16 was = locked_;
  locked_ |= static_cast<u16>(1u << x);
  y = target();
  locked_ = was;
  if (x == y || (locked_ >> y & 1) || b.r[x].kind != Kind::kScalar) return false;
  b.r[y] = {Kind::kScalar};
  return true;  // y is still to be written
}

void Writer::rotation() {
  u32 x, y;
  if (!pair(x, y)) return arithmetic();
  const bool wide = c.chance(50);
  const s32 w = wide ? 64 : 32, k = 1 + static_cast<s32>(c.below(static_cast<u32>(w - 1)));
  alu_reg(kMov, y, x, wide || c.chance(50));
  alu(kLsh, y, k, wide);
  // Now and then the two shifts do not add up, or the right one is of another width.
  alu(kRsh, x, c.chance(90) ? w - k : static_cast<s32>(c.below(static_cast<u32>(w))), wide || c.chance(10));
  static constexpr u8 kJoin[] = {kOr, kXor, kAdd};
  c.chance(50) ? alu_reg(kJoin[c.below(3)], y, x, wide) : alu_reg(kJoin[c.below(3)], x, y, wide);
}

// murmur's: two products whose constants differ by a power of two.
void Writer::product_rotation() {
  u32 x, y;
  if (!pair(x, y)) return arithmetic();
  const u32 k = 1 + c.below(31), m = static_cast<u32>(c.bits(4));
  alu_reg(kMov, y, x, c.chance(50));
  alu(kMul, y, static_cast<s32>(m << k), false);
  alu(kMul, x, static_cast<s32>(m), false);
  alu(kRsh, x, static_cast<s32>(32 - k), false);
  alu_reg(c.chance(70) ? kOr : kXor, y, x, c.chance(30));
}

void Writer::extension() {
  u32 x, y;
  if (!pair(x, y)) return arithmetic();
  if (c.chance(50))
    alu_reg(kMov, y, x, c.chance(60)), x = y;
  else
    mov(y, constant());
  static constexpr s32 kBy[] = {32, 48, 56, 16, 24, 31, 1, 8};
  const bool wide = c.chance(70);
  const s32 k = kBy[c.below(8)] & (wide ? 63 : 31);
  alu(kLsh, x, k, wide);
  alu(c.chance(50) ? kRsh : kArsh, x, c.chance(70) ? k : static_cast<s32>(c.below(wide ? 64 : 32)), wide);
}

void Writer::quotient_and_remainder() {
  u32 x, y;
  if (!pair(x, y)) return arithmetic();
  static constexpr s32 kOften[] = {3,          5,  7,  10,  12, 100, 641, 1000,      60000,
                                   1000000007, -1, -3, -10, 1,  2,   64,  0x7fffffff};
  s32 d = c.chance(70) ? kOften[c.below(std::size(kOften))] : constant();
  if (!d) d = 11;
  const bool wide = c.chance(50);
  const u8 cls = wide ? kAlu64 : kAlu;
  const s16 sign = c.chance(40) ? 1 : 0;
  alu_reg(kMov, y, x, wide);
  const auto divide = [&](u8 op, u32 r) {
    emit({.code = static_cast<u8>(cls | op | kK), .dst = static_cast<u8>(r), .off = sign, .imm = d});
  };
  if (c.chance(70)) divide(kDiv, x);
  if (c.chance(70)) divide(kMod, y);
  if (c.chance(30)) {  // x - x / d * d
    alu(kMul, x, d, wide);
    alu_reg(kSub, y, x, wide);
  }
}

// Minimum, maximum, absolute value, a flag from a comparison.
void Writer::choice() {
  u32 x, y;
  if (!pair(x, y)) return arithmetic();
  const bool wide = c.chance(60);
  mov(y, constant());
  switch (c.below(4)) {
    case 0: {
      const u32 j = jump_reg(condition(), x, y, wide);
      alu_reg(kMov, x, y, wide || c.chance(50));
      return land(j);
    }
    case 1: {
      const u32 j = jump(kJsgt, x, -1, wide);
      alu(kNeg, x, 0, wide);
      return land(j);
    }
    case 2: {
      const s32 yes = constant(), no = constant();
      mov(y, c.chance(50) ? 1 : yes);
      const u32 j =
          c.chance(50) ? jump(condition(), x, constant(), wide) : jump(kJset, x, 1 << c.below(31), wide);
      mov(y, c.chance(50) ? 0 : no);
      return land(j);
    }
    default: {
      const u32 j = jump(condition(), x, constant(), wide);
      static constexpr u8 kOps[] = {kAdd, kSub, kXor, kOr, kAnd};
      alu_reg(kOps[c.below(5)], x, y, c.chance(60));
      return land(j);
    }
  }
}

void Writer::bit_field() {
  u32 x, y;
  if (!pair(x, y)) return arithmetic();
  const bool wide = c.chance(60);
  const u32 w = wide ? 64 : 32, low = c.below(w - 1), n = 1 + c.below(std::min(w - low, 31u));
  const s32 mask = static_cast<s32>((u32{1} << n) - 1);
  alu_reg(kMov, y, x, wide);
  switch (c.below(4)) {
    case 0:
      alu(kRsh, y, static_cast<s32>(low), wide);
      alu(kAnd, y, mask, wide || c.chance(40));
      break;
    case 1:
      alu(kAnd, y, mask, wide);
      alu(kLsh, y, static_cast<s32>(low), wide);
      break;
    case 2:  // inserted
      alu(kAnd, y, mask, wide);
      alu(kLsh, y, static_cast<s32>(low % 31), wide);
      alu(kAnd, x, ~static_cast<s32>(static_cast<u32>(mask) << low % 31), wide);
      alu_reg(kOr, x, y, wide);
      break;
    default:
      alu(kAnd, y, static_cast<s32>(static_cast<u32>(mask) << low % 31), wide);
      alu(kRsh, y, static_cast<s32>(c.below(w)), wide);
      break;
  }
}

void Writer::sum_of_products() {
  u32 x, y;
  if (!pair(x, y)) return arithmetic();
  const bool wide = c.chance(60);
  alu_reg(kMov, y, x, wide);
  static constexpr s32 kFactors[] = {2, 3, 4, 5, 8, 9, 31, 33, -1, 10, 24, 0x10001};
  switch (c.below(3)) {
    case 0: alu(kMul, y, kFactors[c.below(std::size(kFactors))], wide); break;
    case 1: alu(kLsh, y, static_cast<s32>(c.below(5)), wide); break;
    default: alu_reg(kMul, y, x, wide);
  }
  if (c.chance(50)) alu(kAdd, y, constant(), wide);
  static constexpr u8 kOps[] = {kAdd, kAdd, kSub, kXor, kAnd, kOr};
  c.chance(60) ? alu_reg(kOps[c.below(6)], x, y, wide || c.chance(30))
               : alu_reg(kOps[c.below(6)], y, x, wide);
}

void Writer::update_in_memory() {
  const int m = pick(Kind::kMem);
  if (m < 0 || !b.r[m].writable) return arithmetic();
  const Reg mem = b.r[m];
  u32 bytes = size();
  while (bytes > mem.size && bytes > 1) bytes /= 2;
  if (bytes > mem.size) return;
  u32 off = c.below(mem.size - bytes + 1);
  if (mem.stack) off = off / bytes * bytes;
  const u32 other = scalar();
  if (b.r[m].kind != Kind::kMem) return;
  const u16 was = locked_;
  locked_ |= static_cast<u16>(1u << m | 1u << other);
  const u32 v = target();
  locked_ = was;
  if (v == static_cast<u32>(m) || v == other || (locked_ >> v & 1)) return;
  load(v, static_cast<u32>(m), static_cast<s32>(off), bytes);
  b.r[v] = {Kind::kScalar};
  static constexpr u8 kOps[] = {kAdd, kSub, kOr, kAnd, kXor, kLsh, kMul};
  const u8 op = kOps[c.below(7)];
  const bool wide = c.chance(60);
  if (op == kLsh)
    alu(op, v, static_cast<s32>(c.below(32)), wide);
  else
    c.chance(50) ? alu(op, v, constant(), wide) : alu_reg(op, v, other, wide);
  store(static_cast<u32>(m), static_cast<s32>(off), v, bytes);
}

// A number of several bytes, little or big endian, put together byte by byte.
void Writer::bytes_together() {
  const int m = pick(Kind::kMem);
  const u32 n = 2u << c.below(3);
  if (m < 0 || b.r[m].size < n || b.r[m].stack) return arithmetic();
  const u32 off = c.below(b.r[m].size - n + 1);
  const u16 was = locked_;
  locked_ |= static_cast<u16>(1u << m);
  const u32 sum = target();
  locked_ |= static_cast<u16>(1u << sum);
  const u32 byte = target();
  locked_ = was;
  if (sum == byte || sum == static_cast<u32>(m) || byte == static_cast<u32>(m)) return;
  if (locked_ >> sum & 1 || locked_ >> byte & 1) return;
  const bool big = c.chance(50), wide = n == 8 || c.chance(50);
  for (u32 i = 0; i < n; i++) {
    const u32 r = i ? byte : sum;
    load(r, static_cast<u32>(m), static_cast<s32>(off + i), 1);
    const u32 shift = 8 * (big ? n - 1 - i : i);
    if (shift) alu(kLsh, r, static_cast<s32>(shift), wide);
    if (i) alu_reg(c.chance(80) ? kOr : kAdd, sum, byte, wide);
  }
  b.r[sum] = b.r[byte] = {Kind::kScalar};
}

void Writer::copy_words() {
  const int m = pick(Kind::kMem);
  if (m < 0 || !b.r[m].writable || b.r[m].size < 16 || (b.r[m].stack && b.r[m].size % 8)) return arithmetic();
  const u32 words = std::min(b.r[m].size / 8, 2 + c.below(4));
  const u32 from = c.below(b.r[m].size / 8 - words + 1) * 8, to = c.below(b.r[m].size / 8 - words + 1) * 8;
  const u16 was = locked_;
  locked_ |= static_cast<u16>(1u << m);
  const u32 x = target();
  locked_ |= static_cast<u16>(1u << x);
  const u32 y = target();
  locked_ = was;
  if (x == y || x == static_cast<u32>(m) || y == static_cast<u32>(m)) return;
  if (locked_ >> x & 1 || locked_ >> y & 1) return;
  const u32 base = static_cast<u32>(m);
  for (u32 i = 0; i + 1 < words; i += 2) {
    load(x, base, static_cast<s32>(from + 8 * i), 8);
    if (c.chance(30)) store_imm(base, static_cast<s32>(to + 8 * i), constant(), 8);
    load(y, base, static_cast<s32>(from + 8 * i + 8), 8);
    store(base, static_cast<s32>(to + 8 * i), c.chance(50) ? x : y, 8);
    store(base, static_cast<s32>(to + 8 * i + 8), y, 8);
  }
  b.r[x] = b.r[y] = {Kind::kScalar};
}

// A switch over few values: a chain of comparisons, or a tree of them.
void Writer::table(u32 depth) {
  u32 x, y;
  if (depth > 2 || !pair(x, y)) return arithmetic();
  const u32 cases = 3 + c.below(7);
  const s32 first = c.chance(60) ? 0 : constant() & 0xffff;
  if (c.chance(60)) alu(kAnd, x, 15);
  const bool wide = c.chance(60);
  mov(y, constant());
  std::vector<u32> ends;
  u32 tree = 0;
  const bool split = c.chance(40);
  if (split) tree = jump(kJgt, x, first + static_cast<s32>(cases / 2), wide);
  for (u32 k = 0; k < cases; k++) {
    if (split && k == cases / 2 + 1) {
      emit({.code = kJmp | kJa});
      ends.push_back(here() - 1);
      land(tree);
      tree = 0;
    }
    const u32 j = jump(kJne, x, first + static_cast<s32>(k), wide);
    c.chance(50) ? mov(y, constant()) : alu(kAdd, y, constant(), c.chance(50));
    emit({.code = kJmp | kJa});
    ends.push_back(here() - 1);
    land(j);
  }
  if (tree) land(tree);
  for (u32 j : ends) land(j);
}

// for (i = 0; i < n; i++) sum op= array[i], perhaps writing it too.
void Writer::array_loop() {
  const int m = pick(Kind::kMem);
  if (m < 0 || b.r[m].packet || b.r[m].stack || loops_ > 4) return arithmetic();
  const u32 bytes = size(), n = std::min(b.r[m].size / bytes, 2 + c.below(15));
  if (!n) return arithmetic();
  u32 r[4], got = 0;  // index, sum, address, element
  for (u32 k = 0; k < 10 && got < 4; k++)
    if (!(locked_ >> k & 1) && k != static_cast<u32>(m) && b.r[k].kind != Kind::kCtx) r[got++] = k;
  if (got < 4) return arithmetic();
  loops_++;
  const u32 i = r[c.below(2)], sum = i == r[0] ? r[1] : r[0], at = r[2], v = r[3];
  const bool walks = c.chance(40), writes = b.r[m].writable && c.chance(40);
  mov(i, 0);
  mov(sum, constant());
  const u32 base = static_cast<u32>(m);
  if (walks) mov_reg(at, base);
  const u32 top = here();
  if (!walks) {
    mov_reg(at, i);
    if (bytes > 1)
      c.chance(70) ? alu(kLsh, at, std::countr_zero(bytes)) : alu(kMul, at, static_cast<s32>(bytes));
    alu_reg(kAdd, at, base);
  }
  load(v, at, 0, bytes, c.chance(25));
  static constexpr u8 kOps[] = {kAdd, kXor, kSub, kMul, kAdd};
  alu_reg(kOps[c.below(5)], sum, v, c.chance(70));
  if (c.chance(40)) alu(kMul, sum, 31, c.chance(70));
  if (writes) {
    alu(kAdd, v, constant(), c.chance(70));
    store(at, 0, c.chance(70) ? v : i, bytes);
  }
  if (walks) alu(kAdd, at, static_cast<s32>(bytes));
  alu(kAdd, i, 1);
  static constexpr u8 kUntil[] = {kJlt, kJne, kJslt};
  const u32 back = jump(kUntil[c.below(3)], i, static_cast<s32>(n), c.chance(70));
  p.insns[back].off = static_cast<s16>(static_cast<s32>(top) - static_cast<s32>(back) - 1);
  b.r[i] = b.r[sum] = b.r[v] = {Kind::kScalar};
  b.r[at] = {};
}

void Writer::idiom(u32 depth) {
  switch (c.below(12)) {
    case 0: return rotation();
    case 1: return product_rotation();
    case 2: return extension();
    case 3: return quotient_and_remainder();
    case 4: return choice();
    case 5: return bit_field();
    case 6: return sum_of_products();
    case 7: return update_in_memory();
    case 8: return bytes_together();
    case 9: return copy_words();
    case 10: return table(depth);
    default: return o.loops ? array_loop() : choice();
  }
}

}  // namespace osmia::fuzz
