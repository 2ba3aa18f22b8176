// Structure: functions, branches, loops and arithmetic. Code is written in one pass; where paths meet, the
// beliefs meet too, so that a register is used only for what it is on all of them.
#include <algorithm>
#include <cstring>

#include "generator_parts.h"
#include "rewrite/build.h"

namespace osmia::fuzz {

using namespace isa;
namespace build = rewrite::build;

u64 Choices::bits(u32 bytes) {
  u64 v = 0;
  if (from_bytes_) {
    const size_t n = std::min<size_t>(bytes, bytes_.size());
    std::memcpy(&v, bytes_.data(), n);
    bytes_ = bytes_.subspan(n);
    return v;
  }
  state_ += 0x9e3779b97f4a7c15u;  // splitmix64
  v = state_;
  v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9u;
  v = (v ^ v >> 27) * 0x94d049bb133111ebu;
  v ^= v >> 31;
  return bytes >= 8 ? v : v & ((u64{1} << bytes * 8) - 1);
}

std::span<const MapSpec> generator_maps() {
  static constexpr MapSpec kMaps[] = {
      {2, 4, 64, 1},  // array with one element: its value's address can be loaded
      {1, 8, 48, 8},  // hash
      {2, 4, 16, 4},  // array
      {6, 4, 32, 2},  // per-CPU array
  };
  return kMaps;
}

void Belief::meet(const Belief& other) {
  for (u32 i = 0; i < 11; i++)
    if (!(r[i] == other.r[i])) {
      const bool memory = r[i].kind == Kind::kMem && other.r[i].kind == Kind::kMem &&
                          r[i].stack == other.r[i].stack && r[i].packet == other.r[i].packet;
      if (memory)
        r[i].size = std::min(r[i].size, other.r[i].size), r[i].writable &= other.r[i].writable;
      else
        r[i] = {};
    }
  init &= other.init;
  for (u32 i = 0; i < 64; i++)
    if (!(slot[i] == other.slot[i])) slot[i] = {};
}

// ---------------------------------------------------------------- emitting

void Writer::alu(u8 op, u32 dst, s32 imm, bool wide) {
  emit(build::alu(wide, op, static_cast<u8>(dst), imm));
}
void Writer::alu_reg(u8 op, u32 dst, u32 src, bool wide, s16 off) {
  Insn in = build::alu_reg(wide, op, static_cast<u8>(dst), static_cast<u8>(src));
  in.off = off;
  emit(in);
}
void Writer::load(u32 dst, u32 src, s32 off, u32 bytes, bool sign) {
  Insn in = build::load(build::size_code(bytes), static_cast<u8>(dst), static_cast<u8>(src), off);
  if (sign && bytes < 8) in.code = static_cast<u8>(kLdx | kMemsx | build::size_code(bytes));
  emit(in);
}
void Writer::store(u32 dst, s32 off, u32 src, u32 bytes) {
  emit(build::store(build::size_code(bytes), static_cast<u8>(dst), static_cast<u8>(src), off));
}
void Writer::store_imm(u32 dst, s32 off, s32 imm, u32 bytes) {
  emit(build::store_imm(build::size_code(bytes), static_cast<u8>(dst), imm, off));
}
void Writer::ld_imm64(u32 dst, u32 src, u32 imm, u32 high) {
  emit({.code = kLd | kDw | kImm,
        .dst = static_cast<u8>(dst),
        .src = static_cast<u8>(src),
        .imm = static_cast<s32>(imm)});
  emit({.code = 0, .imm = static_cast<s32>(high)});
}
void Writer::call(s32 helper) {
  emit({.code = kJmp | kCall, .imm = helper});
}
u32 Writer::jump(u8 op, u32 dst, s32 imm, bool wide) {
  emit(build::jump_if(wide, op, static_cast<u8>(dst), imm, 0));
  return here() - 1;
}
u32 Writer::jump_reg(u8 op, u32 dst, u32 src, bool wide) {
  emit(build::jump_if_reg(wide, op, static_cast<u8>(dst), static_cast<u8>(src), 0));
  return here() - 1;
}
void Writer::land(u32 jump) {
  p.insns[jump].off = static_cast<s16>(here() - jump - 1);
}

// ---------------------------------------------------------------- picking

u64 Writer::constant64() {
  switch (c.below(8)) {
    case 0: return c.below(16);
    case 1: return 0 - u64{c.below(16)};
    case 2: return u64{1} << c.below(64);
    case 3: return (u64{1} << c.below(64)) - 1;
    case 4: return ~(u64{1} << c.below(64));
    case 5: return 0x7fffffff + u64{c.below(3)};
    case 6: return static_cast<u32>(c.bits(4));
    default: return c.bits(8);
  }
}
s32 Writer::constant() {
  return static_cast<s32>(constant64());
}
u32 Writer::size() {
  return 1u << c.below(4);
}
u8 Writer::condition() {
  static constexpr u8 kOps[] = {kJeq, kJne, kJgt, kJge, kJlt, kJle, kJsgt, kJsge, kJslt, kJsle, kJset};
  return kOps[c.below(std::size(kOps))];
}
int Writer::pick(Kind k) {
  int found[11], n = 0;
  for (int i = 0; i < 10; i++)
    if (b.r[i].kind == k) found[n++] = i;
  return n ? found[c.below(static_cast<u32>(n))] : -1;
}
u32 Writer::target() {
  // r6 to r9 survive calls: prefer them a little.
  for (u32 tries = 0; tries < 8; tries++) {
    const u32 r = c.below(10);
    if (!(locked_ >> r & 1) && (b.r[r].kind != Kind::kMem || c.chance(30)) && b.r[r].kind != Kind::kCtx)
      return r;
  }
  for (u32 r = 0; r < 10; r++)
    if (!(locked_ >> r & 1) && b.r[r].kind != Kind::kCtx) return r;
  return 0;
}
void Writer::make_scalar(u32 dst) {
  const int mem = pick(Kind::kMem), ctx = pick(Kind::kCtx);
  const u32 how = c.below(10);
  if (how < 2) {
    mov(dst, constant());
  } else if (how < 3) {
    const u64 v = constant64();
    ld_imm64(dst, 0, static_cast<u32>(v), static_cast<u32>(v >> 32));
  } else if (how < 6 && ctx >= 0 && o.prog_type == 6) {
    load(dst, static_cast<u32>(ctx), c.chance(50) ? 12 : 16, 4);
  } else if (how < 6 && ctx >= 0 && o.prog_type == 3) {
    static constexpr s32 kFields[] = {0, 8, 24, 32, 48, 52, 56, 60, 64};  // len, mark, vlan …, cb[]
    load(dst, static_cast<u32>(ctx), kFields[c.below(std::size(kFields))], 4);
  } else if (how < 6 && ctx >= 0 && o.prog_type == 17) {
    load(dst, static_cast<u32>(ctx), static_cast<s32>(8 * c.below(12)), 8);
  } else if (how < 9 && mem >= 0) {
    const Reg m = b.r[mem];
    u32 bytes = size();
    while (bytes > m.size && bytes > 1) bytes /= 2;
    s32 off = m.size > bytes ? static_cast<s32>(c.below(m.size - bytes + 1)) : 0;
    if (m.stack) off = off / static_cast<s32>(bytes) * static_cast<s32>(bytes);
    if (m.size >= bytes)
      load(dst, static_cast<u32>(mem), off, bytes, c.chance(30));
    else
      mov(dst, constant());
  } else {
    mov(dst, constant());
  }
  b.r[dst] = {Kind::kScalar};
}
u32 Writer::scalar() {
  if (c.chance(85)) {
    const int r = pick(Kind::kScalar);
    if (r >= 0) return static_cast<u32>(r);
  }
  const u32 r = target();
  make_scalar(r);
  return r;
}
void Writer::clobber() {
  for (u32 r = 0; r < 6; r++) b.r[r] = {};
}

// ---------------------------------------------------------------- statements

void Writer::arithmetic() {
  static constexpr u8 kOps[] = {kAdd, kSub, kMul, kDiv,  kOr,  kAnd, kLsh, kRsh,
                                kMod, kXor, kMov, kArsh, kAdd, kAnd, kRsh, kMov};
  u32 dst = scalar();
  if (locked_ >> dst & 1 || c.chance(30)) {
    const u32 from = dst;
    dst = target();
    alu_reg(kMov, dst, from, c.chance(70));
    b.r[dst] = {Kind::kScalar};
  }
  const bool wide = c.chance(60);
  const s32 bits = wide ? 64 : 32;
  const u32 special = c.below(20);
  if (special == 0) return alu(kNeg, dst, 0, wide);
  if (special == 1) {
    static constexpr s32 kWidths[] = {16, 32, 64};
    const u8 code = static_cast<u8>(c.chance(30) ? kAlu64 | kEnd : kAlu | kEnd | (c.chance(50) ? kX : kK));
    return emit({.code = code, .dst = static_cast<u8>(dst), .imm = kWidths[c.below(3)]});
  }
  if (special == 2) {
    static constexpr s16 kWidths[] = {8, 16, 32};
    const int src = pick(Kind::kScalar);
    return alu_reg(kMov, dst, src < 0 ? dst : static_cast<u32>(src), wide, kWidths[c.below(wide ? 3 : 2)]);
  }
  const u8 op = kOps[c.below(std::size(kOps))];
  const bool shift = op == kLsh || op == kRsh || op == kArsh, divide = op == kDiv || op == kMod;
  if (c.chance(45)) {
    const u32 src = scalar();
    if (shift && c.chance(80)) alu(kAnd, dst == src ? dst : src, bits - 1);
    if (b.r[dst].kind != Kind::kScalar) return;
    if (locked_ >> src & 1 && shift) return;
    alu_reg(op, dst, src, wide, static_cast<s16>(divide && c.chance(30) ? 1 : 0));
    return;
  }
  s32 imm = constant();
  if (shift) imm = static_cast<s32>(c.below(static_cast<u32>(bits)));
  if (divide && imm == 0) imm = 7;
  emit({.code = static_cast<u8>((wide ? kAlu64 : kAlu) | op | kK),
        .dst = static_cast<u8>(dst),
        .off = static_cast<s16>(divide && c.chance(30) ? 1 : 0),
        .imm = imm});
}

// A jump over nothing: only the refinement matters.
void Writer::compare_only() {
  const u32 a = scalar();
  const bool wide = c.chance(60);
  const u32 j = c.chance(50) ? jump(condition(), a, constant(), wide) : [&] {
    const u32 other = scalar();
    return b.r[a].kind == Kind::kScalar ? jump_reg(condition(), a, other, wide)
                                        : jump(condition(), other, constant(), wide);
  }();
  land(j);
}

void Writer::branch(u32 depth) {
  const u32 a = scalar();
  const bool wide = c.chance(60);
  u32 j;
  if (c.chance(55)) {
    j = jump(condition(), a, constant(), wide);
  } else {
    const u32 other = scalar();
    j = b.r[a].kind == Kind::kScalar ? jump_reg(condition(), a, other, wide)
                                     : jump(condition(), other, constant(), wide);
  }
  const Belief before = b;
  block(1 + c.below(3), depth + 1);
  if (c.chance(40)) {
    emit({.code = kJmp | kJa});
    const u32 over = here() - 1;
    land(j);
    const Belief then = b;
    b = before;
    block(1 + c.below(3), depth + 1);
    land(over);
    b.meet(then);
  } else {
    land(j);
    b.meet(before);
  }
}

// A counter that the body leaves alone: in r6 to r9, bounded by a constant or by a scalar that was masked.
void Writer::loop(u32 depth) {
  u32 counter = 0, limit = 0;
  for (u32 r = 6; r < 10; r++) {
    if (locked_ >> r & 1 || b.r[r].kind == Kind::kCtx || b.r[r].kind == Kind::kMem) continue;
    (counter ? limit : counter) = r;
    if (limit) break;
  }
  if (!counter || depth > 2 || loops_ > 3) return arithmetic();
  loops_++;
  const bool by_register = limit && c.chance(40);
  if (by_register) {
    make_scalar(limit);
    alu(kAnd, limit, 7);
    alu(kAdd, limit, 1);
  }
  const u16 was_locked = locked_;
  mov(counter, 0);
  b.r[counter] = {Kind::kScalar};
  for (u32 r = 0; r < 6; r++) b.r[r] = {};
  for (Reg& s : b.slot) s = {};
  Belief start = b;
  for (u32 r = 6; r < 10; r++)
    if (b.r[r].kind != Kind::kScalar) locked_ |= static_cast<u16>(1u << r);
  locked_ |= static_cast<u16>(1u << counter | (by_register ? 1u << limit : 0));
  const u32 top = here();
  block(1 + c.below(4), depth + 1);
  alu(kAdd, counter, 1);
  for (u32 r = 6; r < 10; r++)
    if (start.r[r].kind == Kind::kScalar && b.r[r].kind != Kind::kScalar) mov(r, constant());
  static constexpr u8 kUntil[] = {kJlt, kJne, kJslt};
  const u32 back = by_register ? jump_reg(kJlt, counter, limit)
                               : jump(kUntil[c.below(3)], counter, static_cast<s32>(1 + c.below(10)));
  p.insns[back].off = static_cast<s16>(static_cast<s32>(top) - static_cast<s32>(back) - 1);
  const auto init = b.init;
  b = start;
  b.init = init;
  locked_ = was_locked;
}

void Writer::statement(u32 depth) {
  if (o.idioms && c.chance(o.idioms)) return idiom(depth);
  const u32 what = c.below(100);
  if (what < 30) return arithmetic();
  if (what < 36) return compare_only();
  if (what < 44) return depth < 4 ? branch(depth) : arithmetic();
  if (what < 48) return o.loops ? loop(depth) : arithmetic();
  if (what < 56) return stack_access();
  if (what < 61) return spill();
  if (what < 67) return memory_access();
  if (what < 77) return offset_access();
  if (what < 80) return o.atomics ? atomic() : memory_access();
  if (what < 84) return o.maps ? map_lookup() : arithmetic();
  if (what < 87) return o.maps ? map_direct() : arithmetic();
  if (what < 88) return o.maps && o.helpers ? map_update() : arithmetic();
  if (what < 92) return o.packet ? packet() : arithmetic();
  if (what < 94) return context();
  if (what < 96) return o.helpers && !o.deterministic ? plain_helper() : arithmetic();
  if (what < 98) return o.subprograms ? call_function() : arithmetic();
  return o.callbacks ? call_loop() : arithmetic();
}

void Writer::block(u32 statements, u32 depth) {
  for (u32 i = 0; i < statements && !full(); i++) statement(depth);
}

void Writer::finish(bool callback) {
  if (callback) {
    const int r = c.chance(40) ? pick(Kind::kScalar) : -1;
    if (r < 0) {
      mov(0, c.chance(80) ? 0 : 1);
    } else {
      mov_reg(0, static_cast<u32>(r));
      alu(kAnd, 0, 1);
    }
    return emit({.code = kJmp | kExit});
  }
  bool first = b.r[0].kind != Kind::kScalar;
  for (u32 r = 1; r < 10; r++) {
    if (b.r[r].kind != Kind::kScalar) continue;
    if (first)
      mov_reg(0, r);
    else
      alu_reg(c.chance(50) ? kAdd : kXor, 0, r);
    first = false;
  }
  if (first) mov(0, 0);
  // A test run shows the low half alone.
  mov_reg(1, 0);
  alu(kRsh, 1, 32);
  alu_reg(kXor, 0, 1);
  emit({.code = kJmp | kExit});
}

void Writer::function(u32 index, const Signature& s, u32 statements) {
  function_ = index;
  loops_ = 0;
  locked_ = 1u << kFp;
  b = {};
  p.functions.push_back({here(), static_cast<u32>(s.args.size()), s.global});
  if (index == 0) {
    b.r[1] = {Kind::kCtx};
    mov_reg(6, 1);
    b.r[6] = {Kind::kCtx};
    for (u32 r = 7; r < 10; r++)
      if (c.chance(70)) make_scalar(r);
  }
  for (u32 i = 0; i < s.args.size(); i++) {
    b.r[i + 1] = s.args[i];
    // Arguments die at the first call: keep some.
    if (i < 4 && c.chance(60)) {
      mov_reg(6 + i, i + 1);
      b.r[6 + i] = s.args[i];
    }
  }
  block(statements, 0);
  finish(s.callback);
}

Program Writer::write() {
  signatures_.push_back({});
  for (u32 i = 0; i < signatures_.size(); i++)
    function(i, Signature(signatures_[i]),
             i ? 3 + c.below(std::max(o.statements / 3, 1u)) : 4 + c.below(o.statements));
  for (const Call& call : calls_)
    p.insns[call.insn].imm =
        static_cast<s32>(p.functions[call.function].start) - static_cast<s32>(call.insn) - 1;
  return std::move(p);
}

Program random_program(Choices& choices, const GeneratorOptions& options) {
  return Writer(choices, options).write();
}

// ---------------------------------------------------------------- BTF

u32 function_type(u32 function) {
  return 2 + 2 * function + 1;
}

std::vector<u8> functions_btf(const Program& program) {
  std::string names("\0int\0ctx\0", 9);
  const u32 arg_name = 5;
  std::vector<u32> types;
  const auto add = [&](std::initializer_list<u32> words) { types.insert(types.end(), words); };
  add({1, 1u << 24, 8, 1u << 24 | 64});  // 1: INT of 8 bytes
  const auto function_name = [&](u32 i) {
    const u32 at = static_cast<u32>(names.size());
    names += "f" + std::to_string(i);
    names += '\0';
    return at;
  };
  for (u32 i = 0; i < program.functions.size(); i++) {
    const Function& f = program.functions[i];
    const u32 args = f.global ? f.args : 0;
    add({0, 13u << 24 | args, 1});  // FUNC_PROTO
    for (u32 a = 0; a < args; a++) add({arg_name, 1});
    add({function_name(i), 12u << 24 | (f.global || i == 0 ? 1u : 0u), 2 + 2 * i});  // FUNC
  }
  const u32 type_bytes = static_cast<u32>(types.size() * 4);
  const u32 head[] = {0x0001eb9f, 24, 0, type_bytes, type_bytes, static_cast<u32>(names.size())};
  std::vector<u8> out(24 + type_bytes + names.size());
  std::memcpy(out.data(), head, 24);
  std::memcpy(out.data() + 24, types.data(), type_bytes);
  std::memcpy(out.data() + 24 + type_bytes, names.data(), names.size());
  return out;
}

}  // namespace osmia::fuzz
