// A pointer is its base, a fixed offset and a variable part; two pointers into one object meet by writing
// both with the first one's fixed offset. Ids say which values are equal: where paths meet, two values are
// equal if they are on both paths, so pairs of ids become new ids.
#include "verifier/native/meet_points.h"

#include <algorithm>
#include <cstring>

#include "verifier/access/region.h"
#include "verifier/domain/alu.h"
#include "verifier/domain/merge.h"

namespace osmia::verifier::native {
namespace {

bool same_kind(const RegState& a, const RegState& b) {
  return a.type == b.type && a.dynptr_id == b.dynptr_id && a.btf_id == b.btf_id && a.map == b.map;
}

bool is_followed_slot(const StackSlot& s) {
  return s.is_spill();
}

bool is_object(const StackSlot& s) {
  const SlotType t = s.type[kRegSize - 1];
  return t == SlotType::kDynptr || t == SlotType::kIter;
}

// Ids that must correspond one to one.
struct Bijection {
  std::vector<std::pair<u32, u32>> pairs;
  bool check(u32 a, u32 b) {
    if (!a || !b) return a == b;
    for (const auto& [x, y] : pairs)
      if (x == a || y == b) return x == a && y == b;
    pairs.emplace_back(a, b);
    return true;
  }
};
// Ids of the general state: what it takes for equal must be equal, no more.
struct Function {
  struct Pair {
    u32 a, b;
    s64 shift;
  };
  std::vector<Pair> pairs;
  bool check(u32 a, u32 b, s64 shift) {
    for (const Pair& p : pairs)
      if (p.a == a) return p.b == b && p.shift == shift;
    pairs.push_back({a, b, shift});
    return true;
  }
};
// Join: pairs of ids become ids.
struct Pairing {
  struct Entry {
    u32 a, b;
    s64 shift;
    u32 id;
  };
  std::vector<Entry> entries;
  u32 of(Env& env, u32 a, u32 b, s64 shift) {
    for (const Entry& e : entries)
      if (e.a == a && e.b == b && e.shift == shift) return e.id;
    entries.push_back({a, b, shift, env.new_id()});
    return entries.back().id;
  }
};

bool map_references(const PathState& a, const PathState& b, Bijection& ids) {
  if (a.refs.size() != b.refs.size()) return false;
  for (size_t i = 0; i < a.refs.size(); i++)
    if (!ids.check(a.refs[i].id, b.refs[i].id)) return false;
  return ids.check(a.active_lock.id, b.active_lock.id);
}

// Bytes readable from a packet pointer onwards, after rebasing to fixed offset `off`: counted from base.
s32 rebased_range(const RegState& p, s32 off) {
  if (p.range < 0) return p.range;
  const s64 r = s64{p.range} - p.off + off;
  return static_cast<s32>(std::clamp<s64>(r, 0, kMaxVarOff));
}

}  // namespace

void Landmarks::add(s64 v) {
  if (values.size() >= 64) return;
  const auto at = std::lower_bound(values.begin(), values.end(), v);
  if (at == values.end() || *at != v) values.insert(at, v);
}

bool is_movable(const RegState& r) {
  if (r.type.maybe_null()) return false;
  switch (r.type.base) {
    case RegBase::kStack:
    case RegBase::kPacket:
    case RegBase::kPacketMeta:
    case RegBase::kMapValue:
    case RegBase::kMapKey:
    case RegBase::kMem:
    case RegBase::kBuf: return true;
    default: return false;
  }
}

RegState rebased(const RegState& p, s32 off) {
  if (p.off == off) return p;
  RegState r = p;
  r.off = off;
  if (p.is_packet()) r.range = rebased_range(p, off);
  r.s.set_unbounded32();
  add_unsynced(r.s, Scalar::constant(static_cast<u64>(s64{p.off} - off)));
  r.s.set_unbounded32();
  r.s.sync();
  return r;
}

const RegState* value_at(const PathState& st, Loc loc) {
  const u32 f = loc_frame(loc);
  if (f > st.curframe) return nullptr;
  const Frame& fr = *st.frames[f];
  if (loc_is_reg(loc)) return &fr.regs[loc_reg(loc)];
  const int slot = loc_slot(loc);
  if (slot >= fr.stack.slots() || !is_followed_slot(fr.stack[slot])) return nullptr;
  return &fr.stack[slot].spilled;
}

RegState* mut_value_at(PathState& st, Loc loc) {
  if (!value_at(st, loc)) return nullptr;
  Frame& fr = st.frames[loc_frame(loc)].mut();
  return loc_is_reg(loc) ? &fr.regs[loc_reg(loc)] : &fr.stack.mut(loc_slot(loc)).spilled;
}

bool same_signature(const PathState& a, const PathState& b) {
  if (a.curframe != b.curframe || a.speculative != b.speculative || a.in_sleepable != b.in_sleepable ||
      a.active_rcu_lock != b.active_rcu_lock || a.active_preempt_locks != b.active_preempt_locks ||
      a.active_lock.ptr != b.active_lock.ptr || !a.active_lock.id != !b.active_lock.id ||
      a.refs.size() != b.refs.size())
    return false;
  for (size_t i = 0; i < a.refs.size(); i++)
    if (a.refs[i].insn_idx != b.refs[i].insn_idx || a.refs[i].callback_frame != b.refs[i].callback_frame)
      return false;
  for (u32 f = 0; f <= a.curframe; f++) {
    const Frame &x = *a.frames[f], &y = *b.frames[f];
    if (x.callsite != y.callsite || x.subprog != y.subprog || x.in_callback != y.in_callback ||
        x.in_async_callback != y.in_async_callback || x.in_exception_callback != y.in_exception_callback)
      return false;
    const int n = std::max(x.stack.slots(), y.stack.slots());
    for (int i = 0; i < n; i++) {
      const bool ox = i < x.stack.slots() && is_object(x.stack[i]),
                 oy = i < y.stack.slots() && is_object(y.stack[i]);
      if (ox != oy) return false;
      if (!ox) continue;
      const StackSlot &s = x.stack[i], &t = y.stack[i];
      if (std::memcmp(s.type, t.type, sizeof s.type) != 0 || !same_kind(s.spilled, t.spilled)) return false;
      if (s.type[0] == SlotType::kIter ? s.spilled.iter.state != t.spilled.iter.state
                                       : s.spilled.by_type != t.spilled.by_type)
        return false;
    }
  }
  return true;
}

namespace {

struct Joining {
  Env& env;
  const Landmarks* marks;
  std::vector<Loss>* losses;
  u32 insn;
  Bijection ids;  // references, dynptrs, or_null pointers
  Pairing scalars, packets;

  // is_offset: of a pointer; it has landmarks of its own, up to which arithmetic on it is still allowed.
  Scalar merge(const Scalar& a, const Scalar& b, bool is_offset = false) {
    if (in_range(a, b)) return a;
    const Scalar j = verifier::join(a, b);
    if (!marks) return j;
    Scalar w = widen(a, b);
    if (is_offset && j.smin >= 0)
      for (s64 t : {s64{1} << 28, s64{1} << 24, s64{1} << 22})
        if (t >= j.smax && static_cast<u64>(t) >= j.umax) {
          w.smax = std::min(w.smax, t);
          w.umax = std::min(w.umax, static_cast<u64>(t));
        }
    // The nearest landmark of the program's own, where it is nearer.
    for (auto it = marks->values.rbegin(); it != marks->values.rend(); ++it) {
      const s64 t = *it;
      if (t >= j.smax && t < w.smax) w.smax = t;
      if (t >= 0 && static_cast<u64>(t) >= j.umax && static_cast<u64>(t) < w.umax)
        w.umax = static_cast<u64>(t);
      if (t >= 0 && t <= UINT32_MAX && t >= j.u32_max && t < w.u32_max) w.u32_max = static_cast<u32>(t);
      if (t <= INT32_MAX && t >= j.s32_max && t < w.s32_max) w.s32_max = static_cast<s32>(t);
    }
    for (s64 t : marks->values) {
      if (t <= j.smin && t > w.smin) w.smin = t;
      if (t >= 0 && static_cast<u64>(t) <= j.umin && static_cast<u64>(t) > w.umin)
        w.umin = static_cast<u64>(t);
      if (t >= 0 && t <= j.u32_min && t > w.u32_min) w.u32_min = static_cast<u32>(t);
      if (t >= INT32_MIN && t <= j.s32_min && t > w.s32_min) w.s32_min = static_cast<s32>(t);
    }
    return verifier::join(w, j);  // synced, and holds both in any case
  }

  void lose(RegState& a) { set_not_init(env, a); }

  void join_reg(RegState& a, const RegState& b, u32 reg) {
    if (a.is_not_init()) return;
    if (b.is_not_init()) return lose(a);
    if (a.is_scalar() && b.is_scalar()) {
      const bool linked =
          a.id && b.id && (a.id & kAddConst) == (b.id & kAddConst) && (!(a.id & kAddConst) || a.off == b.off);
      const u32 flag = a.id & kAddConst;
      a.s = merge(a.s, b.s);
      if (linked) {
        a.id = scalars.of(env, a.id & ~kAddConst, b.id & ~kAddConst, 0) | flag;
      } else {
        clear_scalar_id(a);
      }
      a.subreg_def = 0;
      a.precise = false;
      return;
    }
    const auto mismatch = [&] {
      if (losses && reg < 11) losses->push_back({insn, reg, describe(a), describe(b)});
      lose(a);
    };
    if (!same_kind(a, b) || !ids.check(a.ref_obj_id, b.ref_obj_id) || !ids.check(a.dynptr_id, b.dynptr_id))
      return mismatch();
    a.subreg_def = 0;
    if (is_movable(a)) {
      if (a.type.base == RegBase::kStack ? a.frameno != b.frameno : !a.is_packet() && a.by_type != b.by_type)
        return mismatch();
      const RegState c = rebased(b, a.off);
      if (a.is_packet()) {
        const s64 shift = s64{b.off} - a.off;
        const bool same_base = shift == 0 && a.id == b.id && a.s == b.s;
        if ((a.range < 0 || c.range < 0) && a.range != c.range) {
          a.range = 0;
        } else {
          a.range = std::min(a.range, c.range);
        }
        if (!same_base) a.id = packets.of(env, a.id, b.id, shift);
      } else if (!ids.check(a.id, b.id)) {
        return mismatch();
      }
      a.s = merge(a.s, c.s, true);

      return;
    }
    if (a.off != b.off || a.by_type != b.by_type || a.frameno != b.frameno || !(a.s == b.s) ||
        !ids.check(a.id, b.id))
      return mismatch();
  }

  static std::string describe(const RegState& r) {
    if (r.is_scalar()) return "a number";
    switch (r.type.base) {
      case RegBase::kStack: return "a stack pointer";
      case RegBase::kPacket: return "a packet pointer";
      case RegBase::kMapValue: return r.type.maybe_null() ? "a map value or null" : "a map value";
      case RegBase::kCtx: return "the context";
      default: return r.type.maybe_null() ? "a pointer or null" : "another pointer";
    }
  }

  void join_slot(StackSlot& a, const StackSlot* b) {
    static const StackSlot nothing{};
    if (!b) b = &nothing;
    if (is_object(a)) {
      ids.check(a.spilled.ref_obj_id, b->spilled.ref_obj_id);
      ids.check(a.spilled.id, b->spilled.id);
      return;
    }
    if (a.is_spill() && b->is_spill() && std::memcmp(a.type, b->type, sizeof a.type) == 0) {
      join_reg(a.spilled, b->spilled, 99);
      if (!a.spilled.is_not_init()) return;
      for (SlotType& t : a.type)
        if (t == SlotType::kSpill) t = SlotType::kMisc;
      return;
    }
    const bool spills = a.is_spill() || b->is_spill();
    for (int i = 0; i < kRegSize; i++) {
      const SlotType x = a.type[i], y = b->type[i];
      if (x == SlotType::kInvalid || y == SlotType::kInvalid)
        a.type[i] = SlotType::kInvalid;
      else if (x != y || x == SlotType::kSpill)
        a.type[i] = SlotType::kMisc;
    }
    if (spills) set_not_init(env, a.spilled);
  }
};

}  // namespace

void Joiner::join(PathState& a, const PathState& b) {
  Joining j{env, landmarks, losses, insn, {}, {}, {}};
  OSMIA_BUG_IF(!map_references(a, b, j.ids));
  for (u32 f = 0; f <= a.curframe; f++) {
    Frame& x = a.frames[f].mut();
    const Frame& y = *b.frames[f];
    x.callback_depth = 0;
    for (u32 r = 0; r < 11; r++) j.join_reg(x.regs[r], y.regs[r], f == a.curframe ? r : 99);
    for (int i = 0; i < x.stack.slots(); i++)
      j.join_slot(x.stack.mut(i), i < y.stack.slots() ? &y.stack[i] : nullptr);
  }
}

namespace {

struct Holding {
  const Env& env;
  const LocSet& skip;
  Bijection ids;
  Function scalars, packets;

  bool skips(Loc loc) const { return std::find(skip.begin(), skip.end(), loc) != skip.end(); }

  bool reg(const RegState& g, const RegState& s, Loc loc) {
    if (g.is_not_init()) return true;
    if (s.is_not_init()) return false;
    const bool numeric = !skips(loc);
    if (g.is_scalar() != s.is_scalar()) return false;
    if (g.is_scalar()) {
      if (g.id) {
        if ((g.id & kAddConst) != (s.id & kAddConst) || ((g.id & kAddConst) && g.off != s.off)) return false;
        const u32 base = s.id & ~kAddConst;
        if (!base || !scalars.check(g.id & ~kAddConst, base, 0)) return false;
      }
      return !numeric || in_range(g.s, s.s);
    }
    if (!same_kind(g, s) || !ids.check(g.ref_obj_id, s.ref_obj_id) || !ids.check(g.dynptr_id, s.dynptr_id))
      return false;
    if (is_movable(g)) {
      if (g.type.base == RegBase::kStack ? g.frameno != s.frameno : !g.is_packet() && g.by_type != s.by_type)
        return false;
      const RegState c = rebased(s, g.off);
      if (g.is_packet()) {
        if (g.range < 0 ? g.range != c.range : (c.range < 0 || g.range > c.range)) return false;
        // Id 0 is the packet's start itself.
        if (!g.id && !(s.id == 0 && s.off == g.off)) return false;
        if (g.id && !packets.check(g.id, s.id, s64{s.off} - g.off)) return false;
      } else if (!ids.check(g.id, s.id)) {
        return false;
      }
      return !numeric || in_range(g.s, c.s);
    }
    return g.off == s.off && g.by_type == s.by_type && g.frameno == s.frameno && g.s == s.s &&
           ids.check(g.id, s.id);
  }

  bool slot(const StackSlot& g, const StackSlot* s, Loc loc) {
    static const StackSlot nothing{};
    if (!s) s = &nothing;
    if (is_object(g) || is_object(*s)) {
      if (!is_object(g) || !is_object(*s)) return false;
      return ids.check(g.spilled.ref_obj_id, s->spilled.ref_obj_id) && ids.check(g.spilled.id, s->spilled.id);
    }
    for (int i = 0; i < kRegSize; i++) {
      const SlotType x = g.type[i], y = s->type[i];
      switch (x) {
        case SlotType::kInvalid: break;
        case SlotType::kMisc:
          if (y == SlotType::kInvalid || (y == SlotType::kSpill && g.is_spill())) return false;
          break;
        default:
          if (x != y) return false;
      }
    }
    return !g.is_spill() || reg(g.spilled, s->spilled, loc);
  }
};

}  // namespace

bool holds(const Env& env, const PathState& g, const PathState& s, const LocSet& skip) {
  if (!same_signature(g, s)) return false;
  Holding h{env, skip, {}, {}, {}};
  if (!map_references(g, s, h.ids)) return false;
  for (u32 f = 0; f <= g.curframe; f++) {
    const Frame &x = *g.frames[f], &y = *s.frames[f];
    for (u32 r = 0; r < 11; r++)
      if (!h.reg(x.regs[r], y.regs[r], reg_loc(f, r))) return false;
    for (int i = 0; i < x.stack.slots(); i++)
      if (!h.slot(x.stack[i], i < y.stack.slots() ? &y.stack[i] : nullptr, slot_loc(f, i))) return false;
  }
  return true;
}

}  // namespace osmia::verifier::native
