// Memory and calls. The interesting part is bound(): the many ways in which code keeps an offset in range,
// each of which the verifier must understand exactly as far as it is true.
#include <algorithm>

#include "generator_parts.h"

namespace osmia::fuzz {

using namespace isa;

namespace {
constexpr s32 kMapLookup = 1, kMapUpdate = 2, kMapDelete = 3, kTime = 5, kRandom = 7, kCpu = 8, kLoop = 181;
constexpr u32 kStack = 512;
}  // namespace

// An aligned part of the stack, at most 256 bytes down so that callees have room.
s32 Writer::stack_area(u32 bytes, bool filled) {
  const u32 slots = (bytes + 7) / 8, most = 20;
  const u32 slot = slots + c.below(most - slots);
  const s32 off = -8 * static_cast<s32>(slot);
  if (filled)
    for (u32 i = 0; i < slots; i++) {
      const s32 at = off + 8 * static_cast<s32>(i);
      const int r = pick(Kind::kScalar);
      if (r >= 0 && c.chance(50))
        store(kFp, at, static_cast<u32>(r), 8);
      else
        store_imm(kFp, at, constant(), 8);
    }
  for (u32 i = 0; i < slots; i++) b.slot[64 - slot + i] = {};
  if (filled)
    for (u32 i = 0; i < slots * 8; i++) b.init.set(kStack - slot * 8 + i);
  return off;
}

void Writer::stack_access() {
  const u32 bytes = size();
  const s32 off = -static_cast<s32>(bytes * (1 + c.below(160 / bytes)));
  const u32 first = kStack + static_cast<u32>(off);
  const u32 slot = first / 8;
  bool ready = true;
  for (u32 i = 0; i < bytes; i++) ready &= b.init[first + i];
  const bool pointer = b.slot[slot].kind != Kind::kNone;
  if (pointer && bytes != 8) return;
  if (c.chance(50) && (ready || (!o.deterministic && !pointer && c.chance(40)))) {
    const u32 dst = target();
    load(dst, kFp, off, bytes, c.chance(30));
    b.r[dst] = {Kind::kScalar};
    if (pointer) b.r[dst] = b.slot[slot];
    return;
  }
  if (c.chance(40)) {
    store_imm(kFp, off, c.chance(30) ? 0 : constant(), bytes);
  } else {
    const u32 src = scalar();
    store(kFp, off, src, bytes);
  }
  b.slot[slot] = {};
  for (u32 i = 0; i < bytes; i++) b.init.set(first + i);
}

// A register to the stack and back, perhaps in another size, with something in between.
void Writer::spill() {
  const bool pointer = c.chance(35) && pick(Kind::kMem) >= 0;
  const u32 src = pointer ? static_cast<u32>(pick(Kind::kMem)) : scalar();
  const u32 slot = 1 + c.below(20);
  const s32 off = -8 * static_cast<s32>(slot);
  const u32 bytes = pointer ? 8 : c.chance(60) ? 8 : size();
  store(kFp, off, src, bytes);
  b.slot[64 - slot] = pointer ? b.r[src] : Reg{};
  for (u32 i = 0; i < bytes; i++) b.init.set(kStack - slot * 8 + i);
  if (c.chance(50)) compare_only();
  if (c.chance(30)) arithmetic();
  if (c.chance(25)) return;
  if (pointer) {
    const u32 dst = target();
    if (b.slot[64 - slot].kind == Kind::kNone) return;
    load(dst, kFp, off, 8);
    b.r[dst] = b.slot[64 - slot];
    return;
  }
  u32 back = c.chance(60) ? bytes : size();
  if (back > bytes && o.deterministic) back = bytes;
  const u32 dst = target();
  const s32 into = back < bytes && c.chance(30) ? static_cast<s32>(back) : 0;
  load(dst, kFp, off + into, back, c.chance(20));
  b.r[dst] = {Kind::kScalar};
}

void Writer::memory_access() {
  const int m = pick(Kind::kMem);
  if (m < 0) return stack_access();
  const Reg mem = b.r[m];
  u32 bytes = size();
  while (bytes > mem.size && bytes > 1) bytes /= 2;
  if (bytes > mem.size) return;
  u32 off = c.below(mem.size - bytes + 1);
  if (mem.stack) off = off / bytes * bytes;
  if (bold()) off += c.below(16);
  if (mem.writable && c.chance(45)) {
    if (c.chance(40))
      store_imm(static_cast<u32>(m), static_cast<s32>(off), constant(), bytes);
    else {
      const u32 src = scalar();
      if (b.r[m].kind == Kind::kMem) store(static_cast<u32>(m), static_cast<s32>(off), src, bytes);
    }
    return;
  }
  const u32 dst = target();
  load(dst, static_cast<u32>(m), static_cast<s32>(off), bytes, c.chance(30));
  b.r[dst] = {Kind::kScalar};
}

// Afterwards 0 <= r <= most, or the code went through one of the jumps in `out`.
void Writer::bound(u32 r, u32 most, std::vector<u32>& out) {
  u32 mask = 1;
  while (mask * 2 - 1 <= most) mask *= 2;
  mask -= 1;  // the greatest 2^k-1 within
  if (bold()) most += 1 + c.below(8), mask = mask * 2 + 1;
  const s32 top = static_cast<s32>(most);
  switch (c.below(16)) {
    case 0: return alu(kAnd, r, static_cast<s32>(mask));
    case 1: return alu(kAnd, r, static_cast<s32>(mask), false);
    case 2: out.push_back(jump(kJgt, r, top)); return;
    case 3: out.push_back(jump(kJge, r, top + 1)); return;
    case 4:
      out.push_back(jump(kJsgt, r, top));
      out.push_back(jump(kJslt, r, 0));
      return;
    case 5:
      out.push_back(jump(kJslt, r, 0));
      out.push_back(jump(kJgt, r, top));
      return;
    case 6: return alu(kMod, r, top + 1);
    case 7: return alu(kMod, r, top + 1, false);
    case 8:
      if (!mask) return mov(r, 0);
      return alu(kRsh, r, 64 - __builtin_popcount(mask));
    case 9:
      if (!mask) return mov(r, 0);
      return alu(kRsh, r, 32 - __builtin_popcount(mask), false);
    case 10:
      alu_reg(kMov, r, r, false);
      out.push_back(jump(kJgt, r, top, false));
      return;
    case 11: out.push_back(jump(kJset, r, ~static_cast<s32>(mask))); return;
    case 12: {  // what is learnt of a copy
      const u32 copy = target();
      if (copy == r) return alu(kAnd, r, static_cast<s32>(mask));
      mov_reg(copy, r);
      b.r[copy] = {Kind::kScalar};
      if (c.chance(50)) {
        const s32 by = static_cast<s32>(c.below(8));
        alu(kAdd, copy, by);
        out.push_back(jump(kJgt, copy, top));
        // The copy is r + by, so r may be "negative": exclude it.
        out.push_back(jump(kJgt, r, top));
        return;
      }
      out.push_back(jump(kJgt, copy, top));
      return;
    }
    case 13: {  // what is learnt of a spill
      const s32 at = -8 * static_cast<s32>(1 + c.below(20));
      const u32 slot = static_cast<u32>(64 + at / 8);
      store(kFp, at, r, 8);
      out.push_back(jump(kJgt, r, top));
      load(r, kFp, at, c.chance(70) ? 8 : 4);
      b.slot[slot] = {};
      for (u32 i = 0; i < 8; i++) b.init.set(slot * 8 + i);
      return;
    }
    case 14: {  // against a register
      const u32 limit = target();
      if (limit == r) return alu(kAnd, r, static_cast<s32>(mask));
      mov(limit, top);
      b.r[limit] = {Kind::kScalar};
      out.push_back(jump_reg(kJgt, r, limit));
      return;
    }
    default: {  // one of few values
      const s32 a = static_cast<s32>(c.below(most + 1));
      const u32 yes = jump(kJeq, r, a);
      mov(r, static_cast<s32>(c.below(most + 1)));
      land(yes);
      return;
    }
  }
}

// Memory at an offset that is only known to be in a range.
void Writer::offset_access() {
  const int m = pick(Kind::kMem);
  if (m < 0) return arithmetic();
  const Reg mem = b.r[m];
  if (mem.packet) return memory_access();
  u32 index = target();
  const u32 from = scalar();
  if (index == static_cast<u32>(m) || b.r[m].kind != Kind::kMem) return;
  if (index != from) alu_reg(kMov, index, from, c.chance(75));
  b.r[index] = {Kind::kScalar};
  u32 bytes = size();
  while (bytes > mem.size && bytes > 1) bytes /= 2;
  if (bytes > mem.size) return;
  const u16 was_locked = locked_;
  locked_ |= static_cast<u16>(1u << m | 1u << index);
  std::vector<u32> out;
  const Belief before = b;
  u32 scale = c.chance(30) && bytes > 1 ? bytes : 1;
  if (mem.stack) scale = bytes;
  bound(index, (mem.size - bytes) / scale, out);
  if (scale > 1) {
    if (c.chance(50))
      alu(kMul, index, static_cast<s32>(scale));
    else
      alu(kLsh, index, __builtin_ctz(scale));
  }
  s32 fixed = 0;
  if (c.chance(20)) {  // there and back
    fixed = static_cast<s32>(c.below(mem.size));
    alu(kAdd, index, fixed);
  }
  locked_ = was_locked;
  const u32 address = target();
  Belief after = b;
  if (address != static_cast<u32>(m) && address != index) {
    if (c.chance(50)) {
      mov_reg(address, static_cast<u32>(m));
      alu_reg(kAdd, address, index);
    } else {
      mov_reg(address, index);
      alu_reg(kAdd, address, static_cast<u32>(m));
    }
    const bool write = mem.writable && c.chance(40);
    const int value = write ? pick(Kind::kScalar) : -1;
    if (write && value >= 0 && static_cast<u32>(value) != address) {
      store(address, -fixed, static_cast<u32>(value), bytes);
    } else {
      load(address, address, -fixed, bytes, c.chance(25));
      b.r[address] = {Kind::kScalar};
      after = b;
    }
    if (b.r[address].kind != Kind::kScalar || write) after.r[address] = {};
  }
  for (u32 j : out) land(j);
  b = after;
  if (!out.empty()) b.meet(before);
  // Where the bound was missed the address may hold what it held before.
  if (!out.empty() && address != static_cast<u32>(m) && address != index &&
      !(before.r[address] == b.r[address]))
    b.r[address] = {};
}

void Writer::atomic() {
  const int m = pick(Kind::kMem);
  if (m < 0 || b.r[m].packet || !b.r[m].writable || b.r[m].size < 4) return arithmetic();
  const u32 bytes = b.r[m].size >= 8 && c.chance(60) ? 8 : 4;
  const u32 off = c.below(b.r[m].size / bytes) * bytes;
  const u32 src = scalar();
  if (b.r[m].kind != Kind::kMem || b.r[m].size < bytes) return;
  static constexpr s32 kOps[] = {kAdd,         kOr,           kAnd,          kXor,       kAdd | kFetch,
                                 kOr | kFetch, kAnd | kFetch, kXor | kFetch, isa::kXchg, kCmpxchg};
  const s32 op = kOps[c.below(std::size(kOps))];
  const bool fetches = op & kFetch;
  if (fetches && op != kCmpxchg && locked_ >> src & 1) return;
  if (op == kCmpxchg) {
    if (m == 0) return;
    if (b.r[0].kind != Kind::kScalar) make_scalar(0);
    if (b.r[src].kind != Kind::kScalar) return;
  }
  emit({.code = static_cast<u8>(kStx | isa::kAtomic | (bytes == 8 ? kDw : kW)),
        .dst = static_cast<u8>(m),
        .src = static_cast<u8>(src),
        .off = static_cast<s16>(off),
        .imm = op});
}

void Writer::map_lookup() {
  const u32 map = c.below(o.deterministic ? 3 : 4);
  const MapSpec& spec = generator_maps()[map];
  const s32 at = stack_area(8, false);
  if (spec.key_size == 8) {
    store_imm(kFp, at, static_cast<s32>(c.below(4)), 8);
  } else if (c.chance(60)) {
    store_imm(kFp, at, static_cast<s32>(c.below(spec.max_entries + 1)), 4);
  } else {
    const u32 r = scalar();
    store(kFp, at, r, 4);
  }
  for (u32 i = 0; i < spec.key_size; i++) b.init.set(kStack + static_cast<u32>(at) + i);
  mov_reg(2, kFp);
  alu(kAdd, 2, at);
  ld_imm64(1, kPseudoMapIdx, map);
  call(kMapLookup);
  clobber();
  u32 r = 0;
  if (c.chance(50)) {
    const u32 keep = 6 + c.below(4);
    if (!(locked_ >> keep & 1) && b.r[keep].kind != Kind::kCtx) {
      mov_reg(keep, 0);
      r = keep;
      b.r[keep] = {};
    }
  }
  const Belief null = b;
  const u32 j = jump(kJeq, c.chance(80) ? r : 0, 0);
  b.r[r] = {Kind::kMem, spec.value_size};
  block(1 + c.below(3), 3);
  if (c.chance(50)) {
    land(j);
    b.meet(null);
  } else {
    // No element: end here.
    emit({.code = kJmp | kJa});
    const u32 over = here() - 1;
    land(j);
    mov(0, 0);
    emit({.code = kJmp | kExit});
    land(over);
  }
}

void Writer::map_direct() {
  const u32 dst = target();
  const u32 into = c.chance(50) ? 0 : c.below(8) * 8;
  ld_imm64(dst, kPseudoMapIdxValue, 0, into);
  b.r[dst] = {Kind::kMem, generator_maps()[0].value_size - into};
}

void Writer::map_update() {
  const u32 map = c.below(3);
  const MapSpec& spec = generator_maps()[map];
  const s32 value = stack_area(spec.value_size, true), key = value + 8;
  (void)key;
  mov_reg(2, kFp);
  alu(kAdd, 2, value);
  mov_reg(3, 2);
  mov(4, 0);
  ld_imm64(1, kPseudoMapIdx, map);
  call(c.chance(80) ? kMapUpdate : kMapDelete);
  clobber();
  b.r[0] = {Kind::kScalar};
}

void Writer::packet() {
  const int ctx = pick(Kind::kCtx);
  if (ctx < 0 || (o.prog_type != 6 && o.prog_type != 3)) return arithmetic();
  const s32 data = o.prog_type == 6 ? 0 : 76, end = o.prog_type == 6 ? 4 : 80;
  const u32 start = target();
  locked_ |= static_cast<u16>(1u << start);
  const u32 next = target();
  locked_ |= static_cast<u16>(1u << next);
  const u32 limit = target();
  locked_ &= static_cast<u16>(~(1u << start | 1u << next));
  if (start == next || limit == start || limit == next) return;
  const u32 index = c.chance(50) ? scalar() : 10;
  if (index == start || index == next || index == limit) return;
  load(start, static_cast<u32>(ctx), data, 4);
  load(limit, static_cast<u32>(ctx), end, 4);
  b.r[start] = b.r[next] = b.r[limit] = {};
  std::vector<u32> out;
  if (index < 10 && !(locked_ >> index & 1)) {
    const u16 was_locked = locked_;
    locked_ |= static_cast<u16>(1u << start | 1u << limit | 1u << index);
    bound(index, 1 + c.below(200), out);
    locked_ = was_locked;
    alu_reg(kAdd, start, index);
  }
  const u32 bytes = 1 + c.below(40);
  mov_reg(next, start);
  alu(kAdd, next, static_cast<s32>(bytes));
  Belief before = b;
  switch (c.below(4)) {
    case 0: out.push_back(jump_reg(kJgt, next, limit)); break;
    case 1: out.push_back(jump_reg(kJlt, limit, next)); break;
    case 2: {
      const u32 ok = jump_reg(kJle, next, limit);
      emit({.code = kJmp | kJa});
      out.push_back(here() - 1);
      land(ok);
      break;
    }
    default: {
      const u32 ok = jump_reg(kJge, limit, next);
      emit({.code = kJmp | kJa});
      out.push_back(here() - 1);
      land(ok);
    }
  }
  b.r[start] = {Kind::kMem, bytes, false, true};
  block(1 + c.below(3), 3);
  for (u32 j : out) land(j);
  b.meet(before);
}

void Writer::context() {
  const int ctx = pick(Kind::kCtx);
  if (ctx < 0 || o.prog_type != 3) return arithmetic();
  const u32 r = scalar();
  static constexpr s32 kWritable[] = {8, 32, 48, 52, 56, 60, 64};  // mark, priority, cb[]
  store(static_cast<u32>(ctx), kWritable[c.below(std::size(kWritable))], r, 4);
}

void Writer::plain_helper() {
  static constexpr s32 kHelpers[] = {kRandom, kRandom, kTime, kCpu};
  call(kHelpers[c.below(std::size(kHelpers))]);
  clobber();
  b.r[0] = {Kind::kScalar};
}

// A function of its own, or one that was called before.
void Writer::call_function() {
  u32 callee = 0;
  for (u32 i = function_ + 1; i < signatures_.size(); i++)
    if (!signatures_[i].callback && c.chance(40)) callee = i;
  if (!callee) {
    if (signatures_.size() >= 5 || function_ >= 3) return arithmetic();
    Signature s;
    s.global = c.chance(25);
    const u32 n = c.below(4);
    for (u32 i = 0; i < n; i++) {
      const u32 kind = s.global ? 0 : c.below(5);
      s.args.push_back(kind == 4 ? Reg{Kind::kMem, 16, true} : Reg{Kind::kScalar});
    }
    callee = static_cast<u32>(signatures_.size());
    signatures_.push_back(std::move(s));
  }
  const Signature s = signatures_[callee];
  for (u32 i = 0; i < s.args.size(); i++) {
    if (s.args[i].kind == Kind::kMem) {
      const s32 at = stack_area(16, true);
      mov_reg(i + 1, kFp);
      alu(kAdd, i + 1, at);
      b.r[i + 1] = {};
      continue;
    }
    int from = -1;
    for (u32 r = 6; r < 10 && c.chance(80); r++)
      if (b.r[r].kind == Kind::kScalar) from = static_cast<int>(r);
    if (from >= 0)
      mov_reg(i + 1, static_cast<u32>(from));
    else
      mov(i + 1, constant());
    b.r[i + 1] = {};
  }
  calls_.push_back({here(), callee});
  emit({.code = kJmp | kCall, .src = kPseudoCall});
  clobber();
  b.r[0] = {Kind::kScalar};
}

void Writer::call_loop() {
  if (signatures_.size() >= 5 || function_ >= 2) return arithmetic();
  const u32 callee = static_cast<u32>(signatures_.size());
  Signature s;
  s.callback = true;
  s.args = {Reg{Kind::kScalar}, Reg{Kind::kMem, 16, true}};
  signatures_.push_back(std::move(s));
  const s32 at = stack_area(16, true);
  int from = -1;
  for (u32 r = 6; r < 10; r++)
    if (b.r[r].kind == Kind::kScalar && c.chance(40)) from = static_cast<int>(r);
  if (from >= 0) {
    mov_reg(1, static_cast<u32>(from));
    alu(kAnd, 1, 7);
  } else {
    mov(1, static_cast<s32>(c.below(9)));
  }
  calls_.push_back({here(), callee});
  ld_imm64(2, kPseudoFunc, 0);
  mov_reg(3, kFp);
  alu(kAdd, 3, at);
  mov(4, 0);
  call(kLoop);
  clobber();
  b.r[0] = {Kind::kScalar};
}

}  // namespace osmia::fuzz
