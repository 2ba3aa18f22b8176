// Induction: what a loop adds to a register or stack slot in every round, and how many rounds there can be.
//
// At a loop's head, in round k (0 at entry), a member of the loop's group has a value in v(0) + [lo, hi] * k,
// as an integer. If lo > 0 (or hi < 0) its value says how many rounds there were at most. The bound K on k is
// proved by the paths back to the head: each must see some such member with a value that only rounds up to K
// can give (the member itself, or a copy of it at a known distance). Then k+1 <= K there, and by induction
// k <= K at the head always; so every member's range follows from its range at entry, whatever the other
// members' tests are: a pointer that walks along with a counter, an index that grows in some rounds only.
//
// Invariant: all of this is integer arithmetic; that no value wrapped is checked from the ranges on both ends
// of a round (moved_exactly), since trails are only modulo 2^width.
#pragma once
#include <optional>

#include "verifier/native/meet_points.h"

namespace osmia::verifier::native {

// A loop must be proved to end within this many rounds, as Linux bounds bpf_loop() (BPF_MAX_LOOPS).
inline constexpr u64 kMaxRounds = 1u << 23;

struct Member {
  Loc loc = kNowhere;
  s64 lo = 0, hi = 0;  // what a round adds, as an integer
  u8 width = 64;
  u32 widened = 0;
  bool counts() const { return lo > 0 || hi < 0; }  // its value tells rounds
  // Some round leaves it below (above) all that it is at entry.
  bool below = false, above = false;
};

// Closed interval of a number, or of a pointer's offset from its base.
struct Extent {
  s64 lo = 0, hi = 0;
};
std::optional<Extent> extent_of(const RegState* r);

// Is after == before + d (some d in [lo, hi]) for integers, given that it is so modulo 2^width?
bool moved_exactly(const RegState& before, const RegState& after, s64 lo, s64 hi, int width);

// The member's value after the round, by all that the path knows of values that stem from it. Empty: nothing.
// `head`: the state at the head that the round began with.
std::optional<Extent> value_after(const Member& m, const PathState& head, const LoopTrail& round,
                                  const PathState& back);
// Rounds that a path back to the head may have completed at most, by its members; none: nothing says.
std::optional<u64> rounds_completed(const std::vector<Member>& members, const PathState& init,
                                    const PathState& head, const LoopTrail& round, const PathState& back);
// The member's value at the head for rounds 0 to `rounds`.
RegState value_over_rounds(const Member& m, const RegState& init, const RegState& shape, u64 rounds);
// Values of locations at a loop's head that decide a comparison in the round.
struct Tests {
  struct Test {
    Loc loc;
    s64 value;
    bool fixed;  // compared with a constant of the program, which no further exploration changes
  };
  std::vector<Test> tests;
  void add(Loc loc, s64 value, bool fixed) {
    for (const Test& t : tests)
      if (t.loc == loc && t.value == value) return;
    if (tests.size() < 64) tests.push_back({loc, value, fixed});
  }
};
// How many rounds are worth trying, at least `at_least`: what would make a member reach such a value.
std::optional<u64> next_rounds(const std::vector<Member>& members, const PathState& init, const Tests& tests,
                               u64 at_least);
u64 most_rounds(const std::vector<Member>& members, const PathState& init);

// One way back to the head, for the proof that the loop ends.
struct WayBack {
  bool metered = false;
  struct Change {
    Loc loc;
    s64 lo, hi;  // integer distance moved in this round
  };
  std::vector<Change> changes;
  std::vector<Loc> lost;  // written, and nothing is known of the distance; all others stand still
};
WayBack way_back(const LoopTrail& round, const PathState& head, const PathState& back);
// Some number, or sum or difference of two, grows (or shrinks) on every way back, and is bounded at the head.
// Returns the bound on rounds, none if there is no proof.
std::optional<u64> ranked_rounds(const std::vector<WayBack>& ways,
                                 const std::vector<const PathState*>& heads);

}  // namespace osmia::verifier::native
