// Membership: is a concrete state one of those that an abstract state stands for? Answers with the places
// that are not, so that the caller can tell what was allowed to differ from a violation.
#pragma once
#include <span>
#include <string>

#include "concrete.h"

namespace osmia::soundness {

// The memory that a pointer may reach by what its abstract value claims; known = false: not checked here.
struct Region {
  bool known = false;
  u64 begin = 0, end = 0;
};

class Membership {
 public:
  Membership(std::span<ConcreteFrame* const> frames, const Surroundings& around)
      : frames_(frames), around_(around) {}

  // Places outside the state, one entry a frame. Frames of the state and of the run correspond by number.
  std::array<Places, kMaxFrames> outside(const Node& node) const;
  // One line on a place that is outside: what was claimed and what was found.
  std::string describe(const Node& node, const std::array<Places, kMaxFrames>& bad) const;
  // Gives pointers that have just come from outside the object that the (true) state says.
  void adopt(const Node& node) const;

  bool holds(const RegState& r, u64 bits, const Origin& from) const;
  Region region(const RegState& r, const Origin& from) const;

 private:
  bool slot_holds(const StackSlot& s, const ConcreteFrame& f, int slot) const;
  void check_relations(const Node& node, std::array<Places, kMaxFrames>& bad) const;
  bool pointer_holds(const RegState& r, u64 bits, const Origin& from) const;

  std::span<ConcreteFrame* const> frames_;
  const Surroundings& around_;
};

// The whole value that a spill stands for, if its slot holds one (else false).
bool spilled_value(const StackSlot& s, const ConcreteFrame& f, int slot, u64* value);

}  // namespace osmia::soundness
