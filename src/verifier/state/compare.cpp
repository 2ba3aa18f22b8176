// State equivalence, register by register and slot by slot. The rule behind every case: accept only if every
// fact that the explored state's verification may have used is implied by the current state.
#include "verifier/state/compare.h"

#include <cstring>

namespace osmia::verifier {

bool IdMap::check(u32 old_id, u32 cur_id) {
  if ((old_id != 0) != (cur_id != 0)) return false;
  if (old_id == 0) return true;
  for (u32 i = 0; i < count_; i++) {
    if (pairs_[i].old_id == old_id) return pairs_[i].cur_id == cur_id;
    if (pairs_[i].cur_id == cur_id) return false;
  }
  if (count_ == kMax) return false;
  pairs_[count_++] = {old_id, cur_id};
  return true;
}

bool IdMap::check_scalar(u32 old_id, u32 cur_id) {
  if (!old_id) return true;
  if (!cur_id) cur_id = ++temporary_;
  if (!check(old_id, cur_id)) return false;
  // An id that is another id plus a constant: the base ids must correspond too.
  return !(old_id & kAddConst) || check(old_id & ~kAddConst, cur_id & ~kAddConst);
}

namespace {

bool same_scalar(const Scalar& a, const Scalar& b) {
  static_assert(sizeof(Scalar) == 64);
  return std::memcmp(&a, &b, sizeof a) == 0;
}

// Type, fixed offset and what belongs to the type (range, map, memory size, BTF type, …).
bool same_kind(const RegState& a, const RegState& b) {
  return a.type == b.type && a.off == b.off && a.by_type == b.by_type && a.dynptr_id == b.dynptr_id &&
         a.btf_id == b.btf_id && a.map == b.map;
}

struct Comparison {
  Env& env;
  Exactness exact;
  IdMap& ids;

  bool scalar_safe(const RegState& old, const RegState& cur) const {
    if (env.explore_alu_limits)
      return same_kind(old, cur) && same_scalar(old.s, cur.s) && ids.check_scalar(old.id, cur.id);
    if (!old.precise && exact == Exactness::kNotExact) return true;
    // A register linked with an offset must stay so: what is learnt of its partner is carried over by that
    // offset.
    if ((old.id & kAddConst) && (!(cur.id & kAddConst) || old.off != cur.off)) return false;
    if (old.id && !(old.id & kAddConst) && (cur.id & kAddConst)) return false;
    return ids.check_scalar(old.id, cur.id) && in_range(old.s, cur.s);
  }

  bool reg_safe(const RegState& old, const RegState& cur, bool was_read) const {
    if (exact == Exactness::kExact) return regs_exact(old, cur, ids);
    if (!was_read && exact == Exactness::kNotExact) return true;
    if (old.is_not_init() && (exact == Exactness::kNotExact || cur.is_not_init())) return true;
    if (old.type != cur.type) return false;
    switch (old.type.base) {
      case RegBase::kScalar: return scalar_safe(old, cur);
      case RegBase::kMapKey:
      case RegBase::kMapValue:
      case RegBase::kMem:
      case RegBase::kBuf:
      case RegBase::kTpBuffer:
        return same_kind(old, cur) && in_range(old.s, cur.s) && ids.check(old.id, cur.id) &&
               ids.check(old.ref_obj_id, cur.ref_obj_id);
      case RegBase::kPacketMeta:
      case RegBase::kPacket:
        // At least as many bytes must be readable. The fixed offset decides alignment and range, so it must
        // match.
        if (old.range < 0 || cur.range < 0 ? old.range != cur.range : old.range > cur.range) return false;
        return old.off == cur.off && ids.check(old.id, cur.id) && in_range(old.s, cur.s);
      case RegBase::kStack: return regs_exact(old, cur, ids) && old.frameno == cur.frameno;
      case RegBase::kArena: return true;
      default: return regs_exact(old, cur, ids);
    }
  }

  bool all_misc(const StackSlot& s) const {
    for (SlotType t : s.type)
      if (t != SlotType::kMisc && !(t == SlotType::kInvalid && env.allow_uninit_stack)) return false;
    return true;
  }
  // What an eight-byte load of the slot gives, if that is one scalar.
  const RegState* as_scalar(const StackSlot& s) const {
    static const RegState unbound = [] {
      RegState r;
      r.type = RegType(RegBase::kScalar);
      return r;
    }();
    if (s.is_scalar_full_spill()) return &s.spilled;
    return all_misc(s) ? &unbound : nullptr;
  }

  bool slot_safe(const StackSlot& old, const StackSlot* cur, bool was_read) const {
    if (exact != Exactness::kNotExact) {
      if (!cur || std::memcmp(old.type, cur->type, sizeof old.type) != 0) return false;
    } else if (!was_read) {
      return true;
    }
    bool needed = false;
    for (SlotType t : old.type)
      needed |= t != SlotType::kInvalid && !(t == SlotType::kMisc && env.allow_uninit_stack);
    if (!needed) return true;
    if (!cur) return false;
    // Linux looks at the scalars as soon as one byte matters.
    const RegState* old_scalar = as_scalar(old);
    const RegState* cur_scalar = as_scalar(*cur);
    if (old_scalar && cur_scalar) return reg_safe(*old_scalar, *cur_scalar, true);
    for (int b = 0; b < kRegSize; b++) {
      const SlotType o = old.type[b], c = cur->type[b];
      if (o == SlotType::kInvalid || (o == SlotType::kMisc && env.allow_uninit_stack)) continue;
      if (o == SlotType::kMisc && c == SlotType::kZero) continue;  // zero is fine where anything was
      if (o != c) return false;
    }
    const RegState &o = old.spilled, &c = cur->spilled;
    switch (old.type[kRegSize - 1]) {
      case SlotType::kSpill: return reg_safe(o, c, was_read);
      case SlotType::kDynptr:
        return o.dynptr.kind == c.dynptr.kind && o.dynptr.first_slot == c.dynptr.first_slot &&
               ids.check(o.ref_obj_id, c.ref_obj_id);
      case SlotType::kIter:
        // The depth only tells iterations apart; it decides nothing.
        return o.type == c.type && o.btf == c.btf && o.btf_id == c.btf_id && o.iter.state == c.iter.state &&
               ids.check(o.ref_obj_id, c.ref_obj_id);
      default: return true;
    }
  }

  bool frame_safe(const Frame& old, const FrameMarks& marks, const Frame& cur) const {
    if (old.callback_depth > cur.callback_depth) return false;
    for (u32 r = 0; r < 11; r++)
      if (!reg_safe(old.regs[r], cur.regs[r], (marks.read32 | marks.read64) >> r & 1)) return false;
    for (int i = 0; i < old.stack.slots(); i++) {
      const bool was_read = marks.stack_read >> i & 1;
      if (!was_read && exact == Exactness::kNotExact) continue;
      if (!slot_safe(old.stack[i], i < cur.stack.slots() ? &cur.stack[i] : nullptr, was_read)) return false;
    }
    return true;
  }
};

}  // namespace

bool regs_exact(const RegState& old, const RegState& cur, IdMap& ids) {
  return same_kind(old, cur) && same_scalar(old.s, cur.s) && ids.check(old.id, cur.id) &&
         ids.check(old.ref_obj_id, cur.ref_obj_id);
}

bool states_equal(Env& env, const PathState& old, const PathState& cur, Exactness exact, IdMap& ids) {
  if (old.curframe != cur.curframe) return false;
  // What holds under mis-speculation says nothing of a real path.
  if (old.speculative && !cur.speculative) return false;
  if (old.active_lock.ptr != cur.active_lock.ptr) return false;
  ids.reset(env.id_gen);
  if (!ids.check(old.active_lock.id, cur.active_lock.id)) return false;
  if (old.active_rcu_lock != cur.active_rcu_lock || old.active_preempt_locks != cur.active_preempt_locks ||
      old.in_sleepable != cur.in_sleepable)
    return false;
  const Comparison compare{env, exact, ids};
  for (u32 f = 0; f <= old.curframe; f++) {
    if (old.frames[f]->callsite != cur.frames[f]->callsite) return false;
    if (!compare.frame_safe(*old.frames[f], old.marks[f], *cur.frames[f])) return false;
    if (f == 0) {
      // References belong to the path; Linux compares them with each frame, which comes to the same.
      if (old.refs.size() != cur.refs.size()) return false;
      for (size_t i = 0; i < old.refs.size(); i++)
        if (!ids.check(old.refs[i].id, cur.refs[i].id)) return false;
    }
  }
  return true;
}

bool states_maybe_looping(const PathState& old, const PathState& cur) {
  if (old.curframe != cur.curframe) return false;
  const Frame &o = old.frame(), &c = cur.frame();
  if (&o == &c) return true;
  for (u32 r = 0; r < 11; r++) {
    const RegState &a = o.regs[r], &b = c.regs[r];
    if (!same_kind(a, b) || !same_scalar(a.s, b.s) || a.id != b.id || a.ref_obj_id != b.ref_obj_id)
      return false;
  }
  return true;
}

bool same_callsites(const PathState& a, const PathState& b) {
  if (a.curframe != b.curframe) return false;
  for (u32 f = 0; f <= a.curframe; f++)
    if (a.frames[f]->callsite != b.frames[f]->callsite) return false;
  return true;
}

bool iter_depths_differ(const PathState& old, const PathState& cur) {
  for (u32 f = 0; f <= old.curframe; f++) {
    const Stack &o = old.frames[f]->stack, &c = cur.frames[f]->stack;
    for (int i = 0; i < o.slots(); i++) {
      if (o[i].type[0] != SlotType::kIter || o[i].spilled.iter.state != IterState::kActive) continue;
      if (i >= c.slots() || c[i].spilled.iter.depth != o[i].spilled.iter.depth) return true;
    }
  }
  return false;
}

}  // namespace osmia::verifier
