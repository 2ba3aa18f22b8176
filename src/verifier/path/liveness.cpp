// Liveness: a read marks the position it came from in every parent state up to the last write. Later
// comparisons skip what no continuation ever read.
#include "verifier/path/explorer.h"
#include "verifier/state/ops.h"

namespace osmia::verifier {
namespace {

// Marks upwards from the parent of (st, link). `screened`: a write mark in st itself stops the read.
void mark_reg_chain(Env& env, const PathState* st, u32 frame, u32 reg, bool observe_writes, ReadWidth w) {
  u32 count = 0;
  for (;;) {
    const FrameMarks& m = st->marks[frame];
    if (observe_writes && (m.written >> reg & 1)) break;
    observe_writes = true;
    const u8 link = m.link[reg];
    PathState* parent = st->parent;
    if (!parent || link == kNoLink) break;
    frame = link_frame(link);
    reg = link_reg(link);
    FrameMarks& pm = parent->marks[frame];
    const u16 bit = static_cast<u16>(1u << reg);
    if (parent->cleaned) OSMIA_BUG("liveness mark on a finished state");
    if (pm.read64 & bit) break;
    if (w == ReadWidth::k32 && (pm.read32 & bit)) break;
    if (w == ReadWidth::k64) {
      pm.read64 |= bit;
      pm.read32 &= static_cast<u16>(~bit);
    } else {
      pm.read32 |= bit;
    }
    st = parent;
    count++;
  }
  env.stats.longest_mark_read_walk = std::max(env.stats.longest_mark_read_walk, count);
}

void mark_slot_chain(Env& env, const PathState* st, u32 frame, int slot, bool observe_writes) {
  const u64 bit = 1ull << slot;
  u32 count = 0;
  for (;;) {
    const FrameMarks& m = st->marks[frame];
    if (observe_writes && (m.stack_written & bit)) break;
    observe_writes = true;
    PathState* parent = st->parent;
    if (!parent || !m.stack_linked || slot >= parent->frames[frame]->stack.slots()) break;
    FrameMarks& pm = parent->marks[frame];
    if (parent->cleaned) OSMIA_BUG("liveness mark on a finished state");
    if (pm.stack_read & bit) break;
    pm.stack_read |= bit;
    st = parent;
    count++;
  }
  env.stats.longest_mark_read_walk = std::max(env.stats.longest_mark_read_walk, count);
}

void drop_dead_values(const Env& env, PathState& st, u32 f) {
  const FrameMarks& m = st.marks[f];
  const u16 live = m.read32 | m.read64;
  for (u32 r = 0; r < isa::kFp; r++)
    if (!(live >> r & 1) && !st.frames[f]->regs[r].is_not_init())
      set_not_init(env, st.frames[f].mut().regs[r]);
  for (int i = 0; i < st.frames[f]->stack.slots(); i++) {
    if (m.stack_read >> i & 1) continue;
    StackSlot& slot = st.frames[f].mut().stack.mut(i);
    set_not_init(env, slot.spilled);
    for (SlotType& t : slot.type) t = SlotType::kInvalid;
  }
}

}  // namespace

void mark_reg_read(Env& env, PathState& st, u32 frame, u32 regno, ReadWidth w) {
  mark_reg_chain(env, &st, frame, regno, true, w);
}

void mark_reg_written(PathState& st, u32 frame, u32 regno) {
  st.marks[frame].written |= static_cast<u16>(1u << regno);
}

void mark_stack_read(Env& env, PathState& st, u32 frame, int slot) {
  mark_slot_chain(env, &st, frame, slot, true);
}

void mark_stack_written(PathState& st, u32 frame, int slot) {
  st.marks[frame].stack_written |= 1ull << slot;
}

void clean_state(const Env& env, PathState& st) {
  if (st.cleaned) return;
  st.cleaned = true;
  for (u32 f = 0; f <= st.curframe; f++) drop_dead_values(env, st, f);
}

// cur is equivalent to seen, so what seen's continuation read is read from cur's parent. cur's own write
// marks do not screen that: the continuation starts behind them. But they do screen further up, for what is
// above cur.
void propagate_liveness(Env& env, const PathState& seen, PathState& cur) {
  OSMIA_BUG_IF(seen.curframe != cur.curframe);
  for (u32 f = 0; f <= seen.curframe; f++) {
    const FrameMarks& from = seen.marks[f];
    FrameMarks& to = cur.marks[f];
    for (u32 r = first_live_reg(seen, f); r < isa::kFp; r++) {
      const u16 bit = static_cast<u16>(1u << r);
      const bool full = from.read64 & bit, half = from.read32 & bit;
      if ((to.read64 & bit) || !(full || half) || (!full && (to.read32 & bit))) continue;
      // Mark cur's own position, then upwards.
      if (full) {
        to.read64 |= bit;
        to.read32 &= static_cast<u16>(~bit);
      } else {
        to.read32 |= bit;
      }
      mark_reg_chain(env, &cur, f, r, true, full ? ReadWidth::k64 : ReadWidth::k32);
      if (full && cur.frames[f]->regs[r].subreg_def != 0) note_zext(env, cur.frames[f].mut().regs[r]);
    }
    const int slots = std::min(seen.frames[f]->stack.slots(), cur.frames[f]->stack.slots());
    for (int i = 0; i < slots; i++) {
      const u64 bit = 1ull << i;
      if (!(from.stack_read & bit) || (to.stack_read & bit)) continue;
      to.stack_read |= bit;
      mark_slot_chain(env, &cur, f, i, true);
    }
  }
}

}  // namespace osmia::verifier
