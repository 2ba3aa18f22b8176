// Distances are modulo 2^width, so no operation here need care for overflow: whether a value may have wrapped
// is decided once, at the loop's head, from the ranges at both ends (induction.cpp). Whatever is not
// understood forgets its destination.
#include "verifier/native/follow.h"

#include <algorithm>

#include "verifier/access/region.h"

namespace osmia::verifier::native {
namespace {

using namespace isa;

Move unknown_at(Loc loc) {
  Move m;
  m.loc = loc;
  return m;
}

Move moved(Move m, s64 lo, s64 hi) {
  if (!m.known() || m.shifted || lo < -kFar || hi > kFar) return unknown_at(m.loc);
  m.lo += lo;
  m.hi += hi;
  if (m.lo < -kFar || m.hi > kFar) return unknown_at(m.loc);
  return m;
}

Move narrowed(Move m, int width) {
  if (m.shifted) return unknown_at(m.loc);
  m.width = std::min<u8>(m.width, static_cast<u8>(width));
  return m;
}

// Signed range of a scalar as an operand of that width.
struct Span {
  s64 lo, hi;
  bool fixed() const { return lo == hi; }
};
Span span_of(const Scalar& s, bool is64) {
  return is64 ? Span{s.smin, s.smax} : Span{s.s32_min, s.s32_max};
}

struct Follower {
  Env& env;
  LoopTrail& t;
  u32 frame;

  Loc loc(u32 reg) const { return reg_loc(frame, reg); }
  void put(u32 reg, Move m) {
    m.loc = loc(reg);
    t.set(m);
  }
  void forget(u32 reg) { t.set(unknown_at(loc(reg))); }

  Move shift(Move m, u8 op, s64 n) {
    if (!m.known()) return m;
    if (op == kLsh) {
      if (m.shifted || (n != 32 && n != 48 && n != 56) || m.width < 64 - n) return unknown_at(m.loc);
      m.shifted = static_cast<u8>(n);
      m.width = static_cast<u8>(64 - n);
      return m;
    }
    if (!m.shifted || m.shifted != n) return unknown_at(m.loc);
    m.shifted = 0;
    return m;
  }

  Move sum(const Insn& in, bool is64) {
    const Move d = t.at(loc(in.dst));
    if (!in.is_reg_src()) return moved(d, in.imm, in.imm);
    const RegState &dst = env.reg(in.dst), &src = env.reg(in.src);
    if (src.is_scalar()) {
      const Span s = span_of(src.s, is64);
      const Move s_move = t.at(loc(in.src));
      // Constant + what is followed, or what is followed + something bounded.
      const bool dst_fixed = dst.is_scalar() && span_of(dst.s, is64).fixed();
      if ((!d.known() || (dst_fixed && !s.fixed())) && dst.is_scalar() && s_move.known()) {
        const Span o = span_of(dst.s, is64);
        return moved(s_move, o.lo, o.hi);
      }
      return moved(d, s.lo, s.hi);
    }
    if (!dst.is_scalar()) return unknown_at(d.loc);
    const Span o = span_of(dst.s, is64);
    return moved(t.at(loc(in.src)), o.lo, o.hi);
  }

  void alu(const Insn& in) {
    const bool is64 = in.cls() == kAlu64;
    const bool by_reg = in.is_reg_src();
    Move m = t.at(loc(in.dst));
    switch (in.op()) {
      case kMov:
        if (!by_reg || in.imm) return forget(in.dst);
        m = t.at(loc(in.src));
        if (in.off) m = narrowed(m, in.off);
        break;
      case kAdd: m = sum(in, is64); break;
      case kSub: {
        if (by_reg && !env.reg(in.src).is_scalar()) return forget(in.dst);
        const Span s = by_reg ? span_of(env.reg(in.src).s, is64) : Span{in.imm, in.imm};
        if (s.lo < -kFar || s.hi > kFar) return forget(in.dst);
        m = moved(m, -s.hi, -s.lo);
        break;
      }
      case kAnd:
        if (by_reg) return forget(in.dst);
        if (in.imm == 0xff)
          m = narrowed(m, 8);
        else if (in.imm == 0xffff)
          m = narrowed(m, 16);
        else if (in.imm != -1)
          return forget(in.dst);
        break;
      case kLsh:
      case kRsh:
      case kArsh:
        if (by_reg || !is64) return forget(in.dst);
        m = shift(m, in.op(), in.imm);
        break;
      default: return forget(in.dst);
    }
    if (!is64) m = narrowed(m, 32);
    put(in.dst, m);
  }

  // The one slot that an access at a fixed offset touches from its lowest byte on; -1: no such.
  // `slots`: all slots it may touch.
  struct Place {
    bool stack = false;
    u32 frame = 0;
    int slot = -1;
    int first = 0, last = -1;  // slots, ascending
  };
  Place place(u32 regno, s32 off, int size) {
    const RegState& p = env.reg(regno);
    Place r;
    if (p.type.base != RegBase::kStack) return r;
    r.stack = true;
    r.frame = p.frameno;
    const s64 lowest = std::clamp<s64>(p.s.smin + p.off + off, -kMaxStackBytes, -1);
    const s64 highest = std::clamp<s64>(p.s.smax + p.off + off + size - 1, -kMaxStackBytes, -1);
    r.first = static_cast<int>((-highest - 1) / kRegSize);
    r.last = static_cast<int>((-lowest - 1) / kRegSize);
    if (p.s.is_const() && lowest % kRegSize == 0) r.slot = r.last;
    return r;
  }

  Move load(const Insn& in) {
    const int size = size_bytes(in.size_bits());
    const Place p = place(in.src, in.off, size);
    if (!p.stack || p.slot < 0 || p.frame != frame) return unknown_at(0);
    const Stack& stack = env.cur->frames[p.frame]->stack;
    if (p.slot >= stack.slots()) return unknown_at(0);
    const StackSlot& s = stack[p.slot];
    for (int b = kRegSize - size; b < kRegSize; b++)
      if (s.type[b] != SlotType::kSpill) return unknown_at(0);
    const Move m = t.at(slot_loc(p.frame, p.slot));
    return size == kRegSize ? m : narrowed(m, 8 * size);
  }

  void store(const Insn& in, bool keeps_value) {
    const int size = size_bytes(in.size_bits());
    const Place p = place(in.dst, in.off, size);
    if (!p.stack || p.frame != t.frame) return;
    for (int s = p.first; s <= p.last; s++) t.set(unknown_at(slot_loc(p.frame, s)));
    if (!keeps_value || p.slot < 0 || p.frame != frame) return;
    Move m = t.at(loc(in.src));
    if (size != kRegSize) m = narrowed(m, 8 * size);
    m.loc = slot_loc(p.frame, p.slot);
    t.set(m);
  }

  void run(const Insn& in) {
    const bool own = frame == t.frame;  // registers of a callee are not followed
    switch (in.cls()) {
      case kAlu:
      case kAlu64:
        if (own) alu(in);
        break;
      case kLdx:
        if (own) put(in.dst, load(in));
        break;
      case kSt: store(in, false); break;
      case kStx:
        if (in.mode() == kAtomic) {
          store(in, false);
          if (own && (in.imm & kFetch)) forget(in.imm == kCmpxchg ? u32{kR0} : u32{in.src});
        } else {
          store(in, true);
        }
        break;
      case kLd:
        if (!own) break;
        if (in.mode() == kImm) {
          forget(in.dst);
        } else {
          for (u32 r = 0; r <= 5; r++) forget(r);
        }
        break;
      case kJmp:
        if (in.op() == kCall && own)
          for (u32 r = 0; r <= 5; r++) forget(r);
        break;
      default: break;
    }
  }
};

}  // namespace

void follow(Env& env, const Insn& in) {
  PathState& st = *env.cur;
  if (!st.trail) return;
  const u32 frame = st.curframe;
  const bool leaves = in.cls() == kJmp && in.op() == kExit && frame > 0;
  if (leaves) {
    auto& loops = st.trail.mut().loops;
    std::erase_if(loops, [&](const LoopTrail& t) { return t.frame >= frame; });
    return;
  }
  if (in.code == (static_cast<u8>(kJmp) | static_cast<u8>(kJcond)) && !st.trail->loops.empty())
    for (LoopTrail& t : st.trail.mut().loops)
      if (t.frame == frame) t.metered = true;
  const bool writes = in.cls() != kJmp32 && (in.cls() != kJmp || in.op() == kCall);
  if (!writes || st.trail->loops.empty()) return;
  for (LoopTrail& t : st.trail.mut().loops) Follower{env, t, frame}.run(in);
}

namespace {

Move join_moves(const Move& a, const Move& b, bool wide) {
  if (!a.known() || !b.known() || a.origin != b.origin || a.shifted != b.shifted) return unknown_at(a.loc);
  Move r = a;
  r.width = std::min(a.width, b.width);
  if (r.shifted && a.width != b.width) return unknown_at(a.loc);
  r.lo = std::min(a.lo, b.lo);
  r.hi = std::max(a.hi, b.hi);
  if (wide && (r.lo < a.lo || r.hi > a.hi)) return unknown_at(a.loc);
  return r;
}

}  // namespace

bool join_trails(Trail& a, const Trail& b, bool wide) {
  if (a.loops.size() != b.loops.size()) return false;
  for (size_t i = 0; i < a.loops.size(); i++) {
    LoopTrail& x = a.loops[i];
    const LoopTrail& y = b.loops[i];
    if (x.head != y.head || x.frame != y.frame || x.point != y.point) return false;
    x.metered &= y.metered;
    std::vector<Loc> locs;
    for (const Move& m : x.moves) locs.push_back(m.loc);
    for (const Move& m : y.moves)
      if (!x.find(m.loc)) locs.push_back(m.loc);
    for (Loc l : locs) x.set(join_moves(x.at(l), y.at(l), wide));
  }
  return true;
}

bool trail_holds(const Trail& general, const Trail& special) {
  Trail joined = general;
  if (!join_trails(joined, special, false)) return false;
  for (size_t i = 0; i < general.loops.size(); i++) {
    if (joined.loops[i].metered != general.loops[i].metered) return false;
    for (const Move& m : joined.loops[i].moves) {
      const Move g = general.loops[i].at(m.loc);
      if (g.origin != m.origin || g.width != m.width || g.lo != m.lo || g.hi != m.hi ||
          g.shifted != m.shifted)
        return false;
    }
  }
  return true;
}

}  // namespace osmia::verifier::native
