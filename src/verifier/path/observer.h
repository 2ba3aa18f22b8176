// Observer: a witness of the exploration, for the soundness tests. It is told of every state from which an
// instruction is explored, in order, and of how paths branch, end and are covered by earlier ones; from that
// it can rebuild the whole graph of states. Invariant: it never changes the exploration, and without one
// nothing is paid but a test of a null pointer.
#pragma once
#include "verifier/state/compare.h"

namespace osmia::verifier {

class Observer {
 public:
  virtual ~Observer() = default;
  // A walk begins at the entry of a subprogram: the main one, or a global function's own verification.
  virtual void begin(const Env& env, u32 subprog) = 0;
  // The current path explores this instruction next, from this state.
  virtual void visit(u32 insn_idx, const PathState& st) = 0;
  // A checkpoint was saved: the next visit() is of its state. It keeps its address until the walk ends.
  virtual void saved(const PathState& checkpoint) = 0;
  // The current path ends here: what lies ahead of st was found to be covered by the checkpoint `by`, under
  // this comparison (kExact does not occur). The marks of `by` are those that the comparison used.
  virtual void covered(u32 insn_idx, const PathState& st, const PathState& by, Exactness how) = 0;
  // The walk goes on from a merged state (native profile): the next visit() is of it. Paths may have been
  // covered by it before. It keeps its address until the walk ends.
  virtual void resumed(const PathState& merged) = 0;
  // All that was told so far is void: the verification begins anew.
  virtual void restart() = 0;
  // A path that branches off at the instruction visited last waits; asynchronous callbacks start afresh.
  virtual void pushed(bool async) = 0;
  // The path that waits shortest is taken up (the one before it has ended).
  virtual void popped() = 0;
};

}  // namespace osmia::verifier
