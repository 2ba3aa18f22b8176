// Merger: verifies one subprogram by merging the states that meet at loop heads (and where too many paths
// meet), in place of Linux's exploration path by path.
//
// Two halves. The search finds a candidate state for each merge point: join, widening, narrowing; it may be
// as crude as it likes, and goes on behind accesses that a too general state cannot make. The certification
// believes nothing of that: it explores from the entry and from every candidate once, path by path up to the
// next merge point, refuses what any instruction refuses, and requires that
//   1. every path that comes to a merge point is held by the candidate there (holds(), trail_holds());
//   2. every loop ends: its rounds are bounded by induction, or some number grows on every way back
//   (induction.h).
// By induction over the steps of a run, 1 gives: every state of a run is held by a state that was explored,
// so no run does what an instruction would refuse; 2 gives: every run ends. Facts for rewriting come from the
// certification alone.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "verifier/native/induction.h"
#include "verifier/native/loop_forest.h"

namespace osmia::verifier {
class Explorer;
class Observer;
}  // namespace osmia::verifier

namespace osmia::verifier::native {

// The native way came to no conclusion (which says nothing of the program).
struct Undecided {
  std::string why;
};

class Merger {
 public:
  // seen_by: the verification's observer, which sees nothing but what was certified.
  Merger(Env& env, Observer** seen_by);
  ~Merger();

  // Verifies a subprogram from `entry` at `insn_idx`. Throws Undecided.
  void verify(Explorer& explorer, const PathState& entry, u32 insn_idx);

  // -- called by the explorer's walk
  bool arrive(u32 insn_idx);    // the current path is at insn_idx; true: it ends in a merged state
  void before(const Insn& in);  // the current instruction is about to be executed
  bool searching() const { return mode_ != Mode::kCertify; }
  // It was refused. True: the search goes on behind it.
  bool forgive(const Insn& in);

 private:
  struct Point;
  struct Saved;
  enum class Mode : u8 { kAscend, kDescend, kCertify };

  Point* find(u32 insn_idx, const PathState& st);
  Point& add(u32 insn_idx, const PathState& st);
  bool is_point(u32 insn_idx) const;
  u32 many_paths() const;
  void ascend();
  void descend();
  bool certify();
  void prove_end();
  void explore(Point* p);  // null: from the entry
  void settle(Point& p);   // takes in what was collected
  bool compose(Point& p);  // the state to explore from; false: its members do not fit it
  void take(Point& p, const LoopTrail* round);
  void take_members(Point& p, const LoopTrail& round);
  void check(Point& p, const LoopTrail* round);
  void raise_rounds(Point& p, u64 rounds);
  void note_landmarks(const Insn& in);
  const Landmarks& landmarks_at(u32 insn_idx) const;
  bool before_in_order(const Point& a, const Point& b) const;
  void name_losses();

  Env& env_;
  Explorer* explorer_ = nullptr;
  LoopForest forest_;
  Observer** seen_by_;
  Observer* witness_;
  std::vector<Landmarks> landmarks_;           // per loop
  std::vector<Tests> tests_;                   // per loop
  std::vector<u8> promoted_;                   // joins that too many paths reached
  std::vector<std::pair<u32, u32>> arrivals_;  // at joins: exploration, paths
  u32 exploration_ = 0, exploration_start_ = 0;
  bool promotes_ = false;  // one more join was found on this exploration
  std::vector<std::vector<u32>> points_at_;
  std::vector<std::unique_ptr<Point>> points_;
  PathState entry_;
  u32 entry_insn_ = 0;
  Mode mode_ = Mode::kAscend;
  bool held_ = true;  // certification: all arrivals so far
  std::string why_;
  std::vector<Loss> losses_;
  u32 budget_ = 0;
};

}  // namespace osmia::verifier::native
