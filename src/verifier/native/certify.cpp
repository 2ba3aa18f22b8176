// The certification (see merger.h): nothing that the search did is believed.
#include <algorithm>

#include "verifier/log/log.h"
#include "verifier/native/follow.h"
#include "verifier/native/point.h"
#include "verifier/path/observer.h"
#include "verifier/state/compare.h"

namespace osmia::verifier::native {

bool Merger::certify() {
  mode_ = Mode::kCertify;
  held_ = true;
  why_.clear();
  for (auto& p : points_) p->ways.clear();
  std::vector<Point*> order;
  for (auto& p : points_) {
    if (!p->reached) continue;
    order.push_back(p.get());
    if (compose(*p)) continue;
    held_ = false;
    why_ = fmt::format("the merged state at insn {} has members of another kind", p->insn);
    return false;
  }
  std::sort(order.begin(), order.end(),
            [&](const Point* a, const Point* b) { return before_in_order(*a, *b); });
  try {
    explore(nullptr);
    for (Point* p : order) {
      if (env_.log_states()) {
        if (p->loop && !p->members.empty())
          env_.log("\nnative: merged state at insn {}, at most {} more rounds:", p->insn, p->rounds);
        else
          env_.log("\nnative: merged state at insn {}:", p->insn);
        print_frame_state(env_, p->state, p->state.curframe, true);
      }
      explore(p);
      if (!held_) return false;
    }
  } catch (const Rejection& r) {
    if (r.unsupported) throw;
    why_ = fmt::format("insn {}: {}", env_.insn_idx, env_.reason);
    return false;
  }
  if (!held_) return false;
  prove_end();
  return why_.empty();
}

void Merger::check(Point& p, const LoopTrail* round) {
  const PathState& st = *env_.cur;
  if (env_.opt.observer) env_.opt.observer->covered(p.insn, st, p.state, Exactness::kRangeWithin);
  const auto fail = [&](const char* what) {
    held_ = false;
    why_ = fmt::format("the merged state at insn {} does not hold: {}", p.insn, what);
  };
  if (!trail_holds(*p.plain.trail, *st.trail)) return fail("trails");
  if (!round) {
    if (!holds(env_, p.state, st, {})) return fail("at entry");
    if (!p.members.empty() && !holds(env_, p.init, st, {})) return fail("first values");
    return;
  }
  if (!holds(env_, p.state, st, p.member_locs())) return fail("after a round");
  const Point& from = *points_[round->point];
  if (!p.members.empty()) {
    if (&from != &p) return fail("rounds of another kind");
    for (const Member& m : p.members) {
      const Move moved = round->at(m.loc);  // standing still if it was not written
      if (!moved.known() || moved.origin != m.loc || moved.shifted || moved.lo < m.lo || moved.hi > m.hi)
        return fail("steps");
      const RegState *a = value_at(p.state, m.loc), *b = value_at(st, m.loc);
      if (!a || !b || !moved_exactly(*a, *b, moved.lo, moved.hi, std::min(m.width, moved.width)))
        return fail("a step may wrap");
      const auto from = extent_of(value_at(p.init, m.loc)), to = value_after(m, p.state, *round, st);
      if (!from || !to || (!m.below && to->lo < from->lo) || (!m.above && to->hi > from->hi))
        return fail("a side");
      // value_over_rounds() took the width that it had then.
      if (moved.width < m.width) return fail("width");
    }
    if (!p.round_fits(*round, st)) return fail("rounds");
  }
  p.ways.push_back(way_back(*round, from.state, st));
}

// Every loop that was gone round ends.
void Merger::prove_end() {
  for (auto& p : points_) {
    if (!p->reached || !p->loop || p->ways.empty()) continue;
    if (!p->members.empty() && p->rounds <= kMaxRounds) continue;
    // All points of this head that no group bounds, together.
    std::vector<WayBack> ways;
    std::vector<const PathState*> heads;
    for (u32 i : points_at_[p->insn]) {
      const Point& q = *points_[i];
      if (!q.reached || !same_callsites(q.state, p->state)) continue;
      if (!q.members.empty() && q.rounds <= kMaxRounds) continue;
      heads.push_back(&q.state);
      ways.insert(ways.end(), q.ways.begin(), q.ways.end());
    }
    if (ranked_rounds(ways, heads)) continue;
    why_ = fmt::format(
        "the loop at insn {} is not proved to end: nothing that it changes by a bounded step is bounded",
        p->insn);
    return;
  }
}

// "R2 !read_ok" says little where the value was lost by merging.
void Merger::name_losses() {
  const size_t at = why_.find(" !read_ok");
  if (at == std::string::npos) return;
  const size_t r = why_.rfind('R', at);
  if (r == std::string::npos) return;
  const u32 reg = static_cast<u32>(std::strtoul(why_.c_str() + r + 1, nullptr, 10));
  for (auto it = losses_.rbegin(); it != losses_.rend(); ++it) {
    if (it->reg != reg) continue;
    why_ += fmt::format(" (at insn {} it is {} on one path and {} on another)", it->insn, it->a, it->b);
    return;
  }
}

}  // namespace osmia::verifier::native
