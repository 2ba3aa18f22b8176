// The search: a worklist of merge points in the order of the control flow, inner loops before what follows
// them.
#include "verifier/native/merger.h"

#include <algorithm>

#include "verifier/log/log.h"
#include "verifier/native/follow.h"
#include "verifier/native/point.h"
#include "verifier/path/explorer.h"
#include "verifier/path/observer.h"
#include "verifier/state/ops.h"

namespace osmia::verifier::native {
namespace {

constexpr u32 kBudget = 400'000;  // instructions of search and certification together
constexpr u32 kManyPaths = 24;    // paths that come to one join before they are merged there
constexpr u32 kMaxPoints = 4096;
constexpr u32 kMaxSignatures = 16;   // kinds of states kept apart at one instruction
constexpr u32 kPreciseVisits = 2;    // joins before widening
constexpr u32 kLandmarkVisits = 12;  // widenings by the program's own constants
constexpr u32 kMaxVisits = 64;
constexpr u32 kMaxRaises = 8;

}  // namespace

Merger::Merger(Env& env, Observer** seen_by)
    : env_(env), forest_(env), seen_by_(seen_by), witness_(std::exchange(*seen_by, nullptr)) {
  if (!forest_.reducible())
    throw Undecided{fmt::format("insn {} jumps into the middle of a loop", forest_.irreducible_at())};
  landmarks_.resize(forest_.loops().size());
  tests_.resize(forest_.loops().size());
  promoted_.resize(env.insns.size(), 0);
  arrivals_.resize(env.insns.size());
  points_at_.resize(env.insns.size());
}

Merger::~Merger() = default;

// The longer the exploration, the sooner.
u32 Merger::many_paths() const {
  const u32 insns = env_.insns_processed - exploration_start_;
  return insns < 4'000 ? kManyPaths : insns < 16'000 ? kManyPaths / 3 : 2;
}

bool Merger::is_point(u32 i) const {
  return promoted_[i] || forest_.headed_by(i) || env_.aux[i].calls_callback;
}

Merger::Point* Merger::find(u32 insn_idx, const PathState& st) {
  for (u32 i : points_at_[insn_idx])
    if (same_signature(points_[i]->plain, st)) return points_[i].get();
  return nullptr;
}

Merger::Point& Merger::add(u32 insn_idx, const PathState& st) {
  if (points_.size() >= kMaxPoints) throw Undecided{"too many places where paths meet"};
  if (points_at_[insn_idx].size() >= kMaxSignatures) {
    if (st.refs.empty())
      throw Undecided{fmt::format("paths meet at insn {} with too many kinds of state", insn_idx)};
    throw Undecided{fmt::format("the loop at insn {} holds more references in every round (one from insn {})",
                                insn_idx, st.refs.back().insn_idx)};
  }
  points_at_[insn_idx].push_back(static_cast<u32>(points_.size()));
  points_.push_back(std::make_unique<Point>());
  Point& p = *points_.back();
  p.plain.assign(st);
  p.init.assign(st);
  p.state.assign(st);
  p.index = static_cast<u32>(points_.size() - 1);
  p.insn = insn_idx;
  p.frame = st.curframe;
  p.loop = forest_.headed_by(insn_idx);
  for (u32 f = 1; f <= st.curframe; f++)
    p.order.push_back(forest_.order(static_cast<u32>(st.frames[f]->callsite)));
  p.order.push_back(forest_.order(insn_idx));
  return p;
}

// Fresh from another loop's point of view: leaves behind the trails of loops that do not hold this
// instruction.
static std::optional<LoopTrail> arrive_trail(const LoopForest& forest, PathState& st, u32 insn_idx) {
  std::optional<LoopTrail> own;
  if (!st.trail) st.trail = Cow<Trail>::make();
  auto& loops = st.trail.mut().loops;
  std::erase_if(loops, [&](const LoopTrail& t) {
    if (t.frame != st.curframe) return t.frame > st.curframe;
    if (t.head == insn_idx) {
      own = t;
      return true;
    }
    const Loop* loop = forest.headed_by(t.head);
    return !loop || !loop->contains(insn_idx);
  });
  return own;
}

bool Merger::arrive(u32 insn_idx) {
  if (env_.insns_processed > budget_) throw Undecided{"the search for merged states takes too long"};
  if (!is_point(insn_idx)) {
    if (mode_ == Mode::kAscend && env_.aux[insn_idx].jump_target) {
      auto& [when, paths] = arrivals_[insn_idx];
      if (when != exploration_) when = exploration_, paths = 0;
      if (++paths > many_paths()) promoted_[insn_idx] = promotes_ = 1;
    }
    if (!promoted_[insn_idx]) return false;
  }
  PathState& st = *env_.cur;
  const auto own = arrive_trail(forest_, st, insn_idx);
  // What follows may use the upper half of any 32-bit result that ends here.
  for_each_reg(
      st, [](const RegState& r) { return r.subreg_def != 0; }, [&](RegState& r) { note_zext(env_, r); });
  Point* p = find(insn_idx, st);
  if (mode_ == Mode::kCertify) {
    if (!p || !p->reached) {
      held_ = false;
      why_ = fmt::format("a path comes to insn {} with a state that the search did not find", insn_idx);
    } else {
      check(*p, own ? &*own : nullptr);
    }
    return true;
  }
  if (!p) p = &add(insn_idx, st);
  take(*p, own ? &*own : nullptr);
  return true;
}

// One more path to the point: into what is collected for its next settling.
void Merger::take(Point& p, const LoopTrail* round) {
  PathState& st = *env_.cur;
  Joiner joiner{env_, nullptr, mode_ == Mode::kAscend ? &losses_ : nullptr, p.insn};
  if (mode_ == Mode::kAscend && p.reached) {
    const bool same_trail = st.trail && p.plain.trail && trail_holds(*p.plain.trail, *st.trail);
    if (round) take_members(p, *round);
    bool held = same_trail && holds(env_, p.state, st, p.member_locs());
    if (held && !round && !p.members.empty()) held = holds(env_, p.init, st, {});
    if (held && (!round || p.round_fits(*round, st))) return;
  } else if (round) {
    take_members(p, *round);
  }
  p.dirty = true;
  if (!p.next_plain.frames[0]) {
    p.next_plain.assign(st);
    p.next_plain.mut_frame().callback_depth = 0;
  } else {
    if (!join_trails(p.next_plain.trail.mut(), *st.trail, false))
      throw Undecided{"paths meet in different loops"};
    joiner.join(p.next_plain, st);
  }
  if (round) {
    const auto k = rounds_completed(p.members, p.init, p.state, *round, st);
    p.next_rounds = std::max(p.next_rounds, k ? *k : ~u64{0});
    return;
  }
  if (!p.next_init.frames[0])
    p.next_init.assign(st);
  else
    joiner.join(p.next_init, st);
}

// What the round says of the group: steps become wider, and what is not followed is no member.
void Merger::take_members(Point& p, const LoopTrail& round) {
  if (p.no_group) return;
  if (round.point != p.index) {
    p.members.clear();
    p.no_group = p.dirty = true;
    return;
  }
  const PathState& st = *env_.cur;
  const auto ban = [&](Loc loc) {
    p.banned.push_back(loc);
    if (std::erase_if(p.members, [&](const Member& m) { return m.loc == loc; })) p.dirty = true;
  };
  const auto take = [&](Loc loc, const Move& move) {
    const RegState *a = value_at(p.init, loc), *head = value_at(p.state, loc), *b = value_at(st, loc);
    const bool numbers = a && head && b && a->type == b->type && (a->is_scalar() || is_movable(*a));
    if (!numbers || !move.known() || move.origin != loc || move.shifted ||
        !moved_exactly(*head, *b, move.lo, move.hi, move.width))
      return ban(loc);
    auto m = std::find_if(p.members.begin(), p.members.end(), [&](const Member& x) { return x.loc == loc; });
    if (m == p.members.end()) {
      Member fresh;
      fresh.loc = loc;
      fresh.lo = p.rounds_seen ? std::min<s64>(0, move.lo) : move.lo;
      fresh.hi = p.rounds_seen ? std::max<s64>(0, move.hi) : move.hi;
      p.members.push_back(fresh);
      m = p.members.end() - 1;
      p.dirty = true;
    }
    if (move.lo < m->lo || move.hi > m->hi) {
      if (++m->widened > kMaxRaises) return ban(loc);
      m->lo = std::min(m->lo, move.lo);
      m->hi = std::max(m->hi, move.hi);
      p.dirty = true;
    }
    m->width = std::min(m->width, move.width);
    const auto from = extent_of(a), to = value_after(*m, p.state, round, st);
    const bool below = !from || !to || to->lo < from->lo, above = !from || !to || to->hi > from->hi;
    p.dirty |= below > m->below || above > m->above;
    m->below |= below;
    m->above |= above;
  };
  for (const Move& move : round.moves)
    if (std::find(p.banned.begin(), p.banned.end(), move.loc) == p.banned.end()) take(move.loc, move);
  for (Loc loc : p.member_locs())
    if (!round.find(loc)) take(loc, Move{loc, loc});
  p.rounds_seen = true;
}

const Landmarks& Merger::landmarks_at(u32 insn_idx) const {
  static const Landmarks none;
  const Loop* innermost = nullptr;
  for (const Loop& l : forest_.loops())
    if (l.contains(insn_idx) && (!innermost || innermost->contains(l.head))) innermost = &l;
  return innermost ? landmarks_[static_cast<size_t>(innermost - forest_.loops().data())] : none;
}

void Merger::raise_rounds(Point& p, u64 rounds) {
  if (rounds <= p.rounds) return;
  const u64 most = most_rounds(p.members, p.init);
  if (rounds > most) {  // not even that many rounds are enough: nothing in the group bounds it
    p.members.clear();
    p.no_group = true;
    return;
  }
  std::optional<u64> next;
  if (++p.raises <= kMaxRaises)
    next = native::next_rounds(p.members, p.init,
                               tests_[static_cast<size_t>(p.loop - forest_.loops().data())], rounds);
  p.rounds = next && *next <= most ? *next : most;
}

// Takes what was collected into the point's state.
void Merger::settle(Point& p) {
  const bool fresh = !p.reached || mode_ == Mode::kDescend;
  if (p.next_plain.frames[0]) {
    if (fresh) {
      p.plain.assign(p.next_plain);
    } else {
      static const Landmarks none;
      const Landmarks& marks = p.visits > kLandmarkVisits ? none : landmarks_at(p.insn);
      Joiner widening{env_, p.visits < kPreciseVisits ? nullptr : &marks, &losses_, p.insn};
      widening.join(p.plain, p.next_plain);
      if (!join_trails(p.plain.trail.mut(), *p.next_plain.trail, p.visits >= kPreciseVisits))
        throw Undecided{"paths meet in different loops"};
      if (p.next_init.frames[0]) widening.join(p.init, p.next_init);
    }
  }
  if (fresh && p.next_init.frames[0]) p.init.assign(p.next_init);
  if (!p.init.frames[0]) p.init.assign(p.plain);
  if (mode_ == Mode::kDescend)
    p.rounds = std::min(p.next_rounds, kMaxRounds);
  else
    raise_rounds(p, p.next_rounds);
  p.reached = true;
  p.visits++;
  p.clear_next();
  compose(p);
}

bool Merger::compose(Point& p) {
  p.state.assign(p.plain);
  bool whole = true;
  for (const Member& m : p.members) {
    const RegState *init = value_at(p.init, m.loc), *shape = value_at(p.plain, m.loc);
    if (!init || !shape || init->type != shape->type || (shape->is_packet() && !shape->id)) {
      whole = false;
      continue;
    }
    *mut_value_at(p.state, m.loc) = value_over_rounds(m, *init, *shape, p.rounds);
  }
  if (p.loop) {
    LoopTrail t;
    t.head = p.insn;
    t.frame = p.frame;
    t.point = p.index;
    p.state.trail.mut().loops.push_back(std::move(t));
  }
  return whole;
}

void Merger::explore(Point* p) {
  // Where paths begin to be merged on the way, those before did not end there: once more.
  do {
    exploration_++;
    exploration_start_ = env_.insns_processed;
    promotes_ = false;
    if (p)
      explorer_->walk_segment(*this, p->state, p->insn, true);
    else
      explorer_->walk_segment(*this, entry_, entry_insn_, false);
  } while (promotes_);
}

bool Merger::before_in_order(const Point& a, const Point& b) const {
  return std::lexicographical_compare(a.order.begin(), a.order.end(), b.order.begin(), b.order.end());
}

void Merger::ascend() {
  mode_ = Mode::kAscend;
  for (auto& p : points_) p->visits = std::min(p->visits, kPreciseVisits);
  explore(nullptr);
  for (auto& p : points_) p->dirty |= p->reached;
  for (;;) {
    Point* next = nullptr;
    for (auto& p : points_)
      if (p->dirty && (!next || before_in_order(*p, *next))) next = p.get();
    if (!next) return;
    if (next->visits > kMaxVisits)
      throw Undecided{fmt::format("the merged state at insn {} does not settle", next->insn)};
    settle(*next);
    explore(next);
  }
}

// One step down: each state anew from what the present states lead to.
void Merger::descend() {
  mode_ = Mode::kDescend;
  for (auto& p : points_) p->clear_next();
  explore(nullptr);
  for (size_t i = 0; i < points_.size(); i++)
    if (points_[i]->reached) explore(points_[i].get());
  for (auto& p : points_) {
    if (p->next_plain.frames[0])
      settle(*p);
    else
      p->reached = false;
    p->clear_next();
  }
}

void Merger::verify(Explorer& explorer, const PathState& entry, u32 insn_idx) {
  explorer_ = &explorer;
  points_.clear();
  for (auto& at : points_at_) at.clear();
  entry_.assign(entry);
  entry_insn_ = insn_idx;
  budget_ = env_.insns_processed + kBudget;
  const Saved saved(env_);
  LogSink* const sink = env_.sink_;
  env_.sink_ = nullptr;
  constexpr int kAttempts = 5;
  ascend();
  for (int attempt = 0;; attempt++) {
    saved.restore(env_);
    env_.sink_ = sink;
    const u64 log_from = sink ? sink->end_pos() : 0;
    if (certify()) {
      if (!witness_) return;
      // Once more, to be seen: what was certified is what was explored just now.
      saved.restore(env_);
      if (sink) sink->reset(log_from);
      *seen_by_ = witness_;
      witness_->begin(env_, entry_.frame().subprog);
      const bool again = certify();
      *seen_by_ = nullptr;
      if (!again) OSMIA_BUG("the certification of merged states does not repeat");
      return;
    }
    if (sink) sink->reset(log_from);
    env_.sink_ = nullptr;
    saved.restore(env_);
    if (attempt == kAttempts) break;
    // What does not hold needs more, what is refused needs less.
    if (!held_ || attempt == 2) ascend();
    if (held_) descend();
  }
  env_.sink_ = sink;
  name_losses();
  throw Undecided{why_};
}

// What numbers are compared with: landmarks for widening, and for the loops around which value of which
// location at their head is about to decide.
void Merger::note_landmarks(const Insn& in) {
  if (mode_ == Mode::kCertify || (in.cls() != isa::kJmp && in.cls() != isa::kJmp32)) return;
  if (in.op() == isa::kJa || in.op() == isa::kCall || in.op() == isa::kExit || in.op() == isa::kJcond) return;
  const bool by_reg = in.is_reg_src();
  const auto note = [&](u32 regno, Extent other) {
    for (s64 t : {other.lo, other.hi}) {
      if (t <= -kFar || t >= kFar) continue;
      for (const LoopTrail& round : env_.cur->trail->loops) {
        const Loop* loop = forest_.headed_by(round.head);
        if (!loop) continue;
        const size_t l = static_cast<size_t>(loop - forest_.loops().data());
        for (s64 x : {t - 1, t, t + 1}) landmarks_[l].add(x);
        if (round.frame != env_.cur->curframe) continue;
        const Move m = round.at(reg_loc(round.frame, regno));
        if (m.known() && !m.shifted) tests_[l].add(m.origin, t - m.lo, !by_reg);
      }
    }
  };
  if (!env_.cur->trail) return;
  const auto dst = extent_of(&env_.reg(in.dst));
  const auto src = by_reg ? extent_of(&env_.reg(in.src)) : std::optional<Extent>({in.imm, in.imm});
  if (src) note(in.dst, *src);
  if (by_reg && dst) note(in.src, *dst);
}

void Merger::before(const Insn& in) {
  note_landmarks(in);
  follow(env_, in);
}

bool Merger::forgive(const Insn& in) {
  if (mode_ == Mode::kCertify) return false;
  switch (in.cls()) {
    case isa::kLdx:
      if (in.dst >= isa::kFp) return false;
      mark_unknown(env_, in.dst);
      return true;
    case isa::kSt: return true;
    case isa::kStx: return in.mode() != isa::kAtomic;
    default: return false;
  }
}

}  // namespace osmia::verifier::native
