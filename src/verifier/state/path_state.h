// The verifier's knowledge at one point of one path: up to eight frames, references held, locks held, and its
// place in the tree of explored states. Copying costs pointers (frames are copy-on-write) plus the marks.
#pragma once
#include <array>
#include <memory>
#include <vector>

#include "verifier/native/trail.h"
#include "verifier/state/frame.h"
#include "verifier/state/marks.h"

namespace osmia::verifier {

inline constexpr u32 kMaxFrames = 8;

// One acquired reference that the program must release.
struct Reference {
  u32 id = 0;
  s32 insn_idx = 0;        // where it was acquired
  u32 callback_frame = 0;  // frame of the callback that acquired it, 0 outside callbacks
};

struct ActiveLock {
  const void* ptr = nullptr;  // map or BTF object that holds the lock
  u32 id = 0;                 // id of the pointer to that object; 0 = no lock held
};

// One entry of the path's instruction history, enough to walk back over it (precision.cpp).
struct HistoryEntry {
  u32 idx = 0;
  u32 prev_idx = 0;
  u16 flags = 0;        // HistoryFlag
  u64 linked_regs = 0;  // packed registers that share an id at this jump
};
enum HistoryFlag : u16 {
  kHistFrameMask = 0x7,  // stack access: frame number
  kHistSlotShift = 3,    // stack access: slot number, 6 bits
  kHistStackAccess = 1 << 9,
  kHistDstIsStackPtr = 1 << 10,  // conditional jump: dst (src) was no scalar, so precision stops there
  kHistSrcIsStackPtr = 1 << 11,
};

struct PathState {
  std::array<Cow<Frame>, kMaxFrames> frames;
  std::array<FrameMarks, kMaxFrames> marks;
  u32 curframe = 0;
  std::vector<Reference> refs;
  ActiveLock active_lock;
  u32 active_preempt_locks = 0;
  bool active_rcu_lock = false;
  bool speculative = false;  // reached only by mis-speculation
  bool in_sleepable = false;
  bool cleaned = false;  // liveness is final and dead values were dropped
  bool used_as_loop_entry = false;
  Cow<native::Trail> trail;  // native profile only

  // Place in the exploration.
  PathState* parent = nullptr;  // the checkpoint this path went through last; owned by Explorer
  u32 branches = 0;             // paths from here not yet finished
  u32 insn_idx = 0;
  u32 first_insn_idx = 0, last_insn_idx = 0;
  PathState* loop_entry = nullptr;
  u32 dfs_depth = 0, callback_unroll_depth = 0, may_goto_depth = 0;
  u32 history_start = 0, history_end = 0;  // this state's part of Env::history
  const Frame& frame() const { return *frames[curframe]; }
  Frame& mut_frame() { return frames[curframe].mut(); }
  // Copies all but the place in the exploration's history (which the caller sets).
  void assign(const PathState& o);
};

}  // namespace osmia::verifier
