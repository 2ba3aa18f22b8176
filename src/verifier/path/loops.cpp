// Loop entries. A checkpoint that was reached again while its own exploration goes on is the entry of a loop;
// states inside that loop may be compared only range by range until the entry is finished, because their read
// and precision marks are not final before.
#include "verifier/path/explorer.h"
#include "verifier/state/ops.h"

namespace osmia::verifier {

PathState* loop_entry_of(PathState* st) {
  PathState* top = st->loop_entry;
  while (top && top->loop_entry && top != top->loop_entry) top = top->loop_entry;
  // Shorten the chain for the next time.
  while (st && st->loop_entry != top) {
    PathState* next = st->loop_entry;
    st->loop_entry = top;
    st = next;
  }
  return top;
}

void update_loop_entry(PathState* cur, PathState* header) {
  PathState* cur_top = loop_entry_of(cur);
  if (!cur_top) cur_top = cur;
  PathState* header_top = loop_entry_of(header);
  if (!header_top) header_top = header;
  // A finished header is not on the current path: then cur is in no loop with it.
  if (header_top->branches && header_top->dfs_depth <= cur_top->dfs_depth) {
    cur->loop_entry = header;
    header->used_as_loop_entry = true;
  }
}

void finish_branch(PathState* st) {
  while (st) {
    const u32 left = --st->branches;
    if (left == 0 && st->parent && st->loop_entry) update_loop_entry(st->parent, st->loop_entry);
    OSMIA_BUG_IF(static_cast<s32>(left) < 0);
    if (left) break;
    st = st->parent;
  }
}

// Sound because widening only adds values; what is precise stays, so that a loop that needs it keeps its
// bound.
void widen_imprecise(Env& env, const PathState& prev, PathState& st) {
  IdMap ids;
  ids.reset(env.id_gen);
  auto may_widen = [&](const RegState& old, const RegState& cur) {
    return old.is_scalar() && cur.type == old.type && !old.precise && !cur.precise &&
           !regs_exact(old, cur, ids);
  };
  for (s32 f = static_cast<s32>(prev.curframe); f >= 0; f--) {
    const Frame& old = *prev.frames[f];
    for (u32 r = 0; r < 11; r++)
      if (may_widen(old.regs[r], st.frames[f]->regs[r])) set_unknown(env, st.frames[f].mut().regs[r]);
    const int slots = std::min(old.stack.slots(), st.frames[f]->stack.slots());
    for (int i = 0; i < slots; i++) {
      const StackSlot &o = old.stack[i], &c = st.frames[f]->stack[i];
      if (o.is_spill() && c.is_spill() && may_widen(o.spilled, c.spilled))
        set_unknown(env, st.frames[f].mut().stack.mut(i).spilled);
    }
  }
}

}  // namespace osmia::verifier
