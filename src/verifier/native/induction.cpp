// See the header for the argument. Numbers are read as signed 64-bit integers; narrower counters count only
// while their register holds no more than `width` bits.
#include "verifier/native/induction.h"

#include <algorithm>
#include <bit>

#include "verifier/access/region.h"

namespace osmia::verifier::native {
namespace {

using s128 = __int128;
constexpr s64 kWide = s64{1} << 60;  // beyond this a number is no counter

bool fits_width(const Extent& e, int width) {
  if (width == 64) return true;
  return e.lo >= 0 && e.hi < (s64{1} << width);
}

}  // namespace

std::optional<Extent> extent_of(const RegState* r) {
  if (!r) return std::nullopt;
  if (r->is_scalar()) return Extent{r->s.smin, r->s.smax};
  if (!is_movable(*r) || r->s.smin <= -kWide || r->s.smax >= kWide) return std::nullopt;
  return Extent{r->s.smin + r->off, r->s.smax + r->off};
}

bool moved_exactly(const RegState& before, const RegState& after, s64 lo, s64 hi, int width) {
  if (before.is_scalar() != after.is_scalar()) return false;
  if (!before.is_scalar() && (before.type != after.type || width != 64)) return false;
  const auto a = extent_of(&before), b = extent_of(&after);
  if (!a || !b || !fits_width(*a, width) || !fits_width(*b, width)) return false;
  // b - a - d is a multiple of 2^width; it is 0 if it is nearer to 0 than that.
  const s128 modulus = s128{1} << width;
  return s128{b->hi} - a->lo - lo < modulus && s128{b->lo} - a->hi - hi > -modulus;
}

std::optional<Extent> value_after(const Member& m, const PathState& head, const LoopTrail& round,
                                  const PathState& back) {
  const RegState* before = value_at(head, m.loc);
  if (!before) return std::nullopt;
  s128 lo = -(s128{1} << 80), hi = s128{1} << 80;
  bool any = false;
  const auto hear = [&](const Move& move) {
    if (!move.known() || move.origin != m.loc || move.shifted) return;
    const RegState* after = value_at(back, move.loc);
    if (!after || !moved_exactly(*before, *after, move.lo, move.hi, move.width)) return;
    // What the member was at the head is `after` less the move; since then it made its own.
    const Extent e = *extent_of(after);
    const bool self = move.loc == m.loc;
    lo = std::max(lo, self ? s128{e.lo} : s128{e.lo} - move.hi + m.lo);
    hi = std::min(hi, self ? s128{e.hi} : s128{e.hi} - move.lo + m.hi);
    any = true;
  };
  for (const Move& move : round.moves) hear(move);
  if (!round.find(m.loc)) hear(Move{m.loc, m.loc});  // it stands still
  constexpr s128 kMin = INT64_MIN, kMax = INT64_MAX;
  if (!any || lo > hi || lo < kMin || hi > kMax) return std::nullopt;
  return Extent{static_cast<s64>(lo), static_cast<s64>(hi)};
}

std::optional<u64> rounds_completed(const std::vector<Member>& members, const PathState& init,
                                    const PathState& head, const LoopTrail& round, const PathState& back) {
  std::optional<u64> least;
  for (const Member& m : members) {
    if (!m.counts()) continue;
    const auto from = extent_of(value_at(init, m.loc)), to = value_after(m, head, round, back);
    if (!from || !to) continue;
    const s128 way = m.lo > 0 ? s128{to->hi} - from->lo : s128{from->hi} - to->lo;
    const s128 k = way < 0 ? 0 : way / (m.lo > 0 ? s128{m.lo} : -s128{m.hi});
    if (k > s128{1} << 60) continue;
    const u64 rounds = static_cast<u64>(k);
    if (!least || rounds < *least) least = rounds;
  }
  return least;
}

RegState value_over_rounds(const Member& m, const RegState& init, const RegState& shape, u64 rounds) {
  RegState r = shape;
  const RegState base = init.is_scalar() ? init : rebased(init, r.off);
  s128 lo = base.s.smin, hi = base.s.smax;
  lo += std::min<s128>(0, s128{m.lo} * static_cast<s64>(rounds));
  hi += std::max<s128>(0, s128{m.hi} * static_cast<s64>(rounds));
  if (!m.below) lo = std::max<s128>(lo, base.s.smin);
  if (!m.above) hi = std::min<s128>(hi, base.s.smax);
  if (m.width < 64) {
    lo = std::max<s128>(lo, 0);
    hi = std::min<s128>(hi, (s128{1} << m.width) - 1);
  }
  // The low bits that neither the first value nor the step leaves open.
  const int steps = m.lo == m.hi ? std::countr_zero(static_cast<u64>(m.lo)) : 0;
  const int aligned = std::min(steps, std::countr_zero(base.s.var_off.mask));
  const u64 open = aligned >= 64 ? 0 : ~0ull << aligned;
  Scalar s;
  if (lo > INT64_MIN && hi < INT64_MAX && lo <= hi) {
    s.smin = static_cast<s64>(lo);
    s.smax = static_cast<s64>(hi);
  }
  s.var_off = Tnum{base.s.var_off.value & ~open, open};
  s.sync();
  if (!r.is_scalar()) s.set_unbounded32();
  r.s = s;
  if (r.is_scalar()) {
    r.id = 0;
    r.off = 0;
  }
  return r;
}

u64 most_rounds(const std::vector<Member>& members, const PathState& init) {
  u64 most = kMaxRounds;
  for (const Member& m : members) {
    const RegState* r = value_at(init, m.loc);
    if (!r || r->is_scalar()) continue;
    const u64 step = static_cast<u64>(std::max(std::abs(m.lo), std::abs(m.hi)));
    most = std::min(most, (u64{1} << 28) / std::max<u64>(step, 1));
  }
  return most;
}

std::optional<u64> next_rounds(const std::vector<Member>& members, const PathState& init, const Tests& tests,
                               u64 at_least) {
  const auto nearest = [&](bool fixed) {
    std::optional<u64> best;
    for (const Member& m : members) {
      const auto from = extent_of(value_at(init, m.loc));
      if (!from || !m.counts()) continue;
      const s64 step = m.lo > 0 ? m.lo : m.hi;
      for (s64 f : {from->lo, from->hi})
        for (const auto& t : tests.tests) {
          if (t.loc != m.loc || t.fixed != fixed) continue;
          const s128 q = (s128{t.value} - f) / step;
          for (s128 k = q - 1; k <= q + 1; k++)
            if (k >= static_cast<s128>(at_least) && k <= static_cast<s128>(kMaxRounds) &&
                (!best || k < *best))
              best = static_cast<u64>(k);
        }
    }
    return best;
  };
  const auto best = nearest(true);
  return best ? best : nearest(false);
}

WayBack way_back(const LoopTrail& round, const PathState& head, const PathState& back) {
  WayBack w;
  w.metered = round.metered;
  for (const Move& m : round.moves) {
    const RegState *a = value_at(head, m.loc), *b = value_at(back, m.loc);
    const bool followed = m.known() && m.origin == m.loc && !m.shifted && a && b;
    if (followed && moved_exactly(*a, *b, m.lo, m.hi, m.width))
      w.changes.push_back({m.loc, m.lo, m.hi});
    else
      w.lost.push_back(m.loc);
  }
  // A slot that is no spill any more was overwritten by a helper.
  const int slots = head.frames[round.frame]->stack.slots();
  for (int i = 0; i < slots; i++)
    if (!value_at(back, slot_loc(round.frame, i))) w.lost.push_back(slot_loc(round.frame, i));
  return w;
}

namespace {

struct Term {
  Loc loc;
  int sign;
};

std::optional<u64> rank_by(const std::vector<Term>& terms, const std::vector<WayBack>& ways,
                           const std::vector<const PathState*>& heads) {
  s128 least = 0;
  bool first = true;
  for (const WayBack& w : ways) {
    if (w.metered) continue;
    s128 grows = 0;
    for (const Term& t : terms) {
      const auto c =
          std::find_if(w.changes.begin(), w.changes.end(), [&](const auto& x) { return x.loc == t.loc; });
      if (c == w.changes.end()) {
        if (std::find(w.lost.begin(), w.lost.end(), t.loc) != w.lost.end()) return std::nullopt;
        continue;  // it stands still
      }
      grows += t.sign > 0 ? s128{c->lo} : -s128{c->hi};
    }
    if (grows < 1) return std::nullopt;
    if (first || grows < least) least = grows;
    first = false;
  }
  if (first) return 0;
  s128 lo = 0, hi = 0;
  for (const Term& t : terms) {
    s64 l = INT64_MAX, h = INT64_MIN;
    for (const PathState* st : heads) {
      const auto e = extent_of(value_at(*st, t.loc));
      if (!e) return std::nullopt;
      l = std::min(l, e->lo);
      h = std::max(h, e->hi);
    }
    lo += t.sign > 0 ? s128{l} : -s128{h};
    hi += t.sign > 0 ? s128{h} : -s128{l};
  }
  const s128 rounds = (hi - lo) / least;
  if (rounds > static_cast<s128>(kMaxRounds)) return std::nullopt;
  return static_cast<u64>(rounds);
}

}  // namespace

std::optional<u64> ranked_rounds(const std::vector<WayBack>& ways,
                                 const std::vector<const PathState*>& heads) {
  std::vector<Loc> locs;
  for (const WayBack& w : ways)
    for (const auto& c : w.changes)
      if (std::find(locs.begin(), locs.end(), c.loc) == locs.end()) locs.push_back(c.loc);
  for (Loc l : locs)
    for (int sign : {1, -1})
      if (auto r = rank_by({{l, sign}}, ways, heads)) return r;
  for (size_t i = 0; i < locs.size(); i++)
    for (size_t j = i + 1; j < locs.size(); j++)
      for (int a : {1, -1})
        for (int b : {1, -1})
          if (auto r = rank_by({{locs[i], a}, {locs[j], b}}, ways, heads)) return r;
  // All ways metered.
  if (std::all_of(ways.begin(), ways.end(), [](const WayBack& w) { return w.metered; })) return 0;
  return std::nullopt;
}

}  // namespace osmia::verifier::native
