// Comparisons of packet pointers with the packet's end (and of meta data with the packet's start). Where the
// pointer is not beyond the end, all bytes from its base up to it are readable, by every pointer with the
// same base.
#include <algorithm>

#include "verifier/transfer/parts.h"

namespace osmia::verifier {
namespace {

using namespace isa;

// How far a pointer may be off before it could wrap. Addresses of a process are far enough from the top.
constexpr u64 kMaxPacketOff = 0xffff, kMaxPacketOffNative = kMaxVarOff;
// No packet's linear part is longer (runtime/ and host/ keep to it).
constexpr s64 kMaxPacketBytes = 1 << 22;

// Native: a pointer that is not beyond the end is not farther from the start than packets are long, so that
// loops that walk there end. (No wrapping: addresses of a process are below 2^47 and the offset below 2^62.)
void bound_by_length(PathState& st, const RegState& ptr) {
  const s64 most = kMaxPacketBytes - ptr.off;
  for_each_reg(
      st,
      [&](const RegState& r) {
        return r.type == ptr.type && r.id == ptr.id && r.s.smin >= 0 && r.s.smax > most &&
               r.s.smax <= s64{1} << 62;
      },
      [&](RegState& r) {
        r.s.smax = most;
        r.s.umax = std::min(r.s.umax, static_cast<u64>(most));
        r.s.sync();
        r.s.set_unbounded32();
      });
}

// `open`: the end itself is excluded too (pkt < end): one byte more.
void set_range(PathState& st, RegState ptr, bool open, u64 max_off) {
  if (max_off > kMaxPacketOff && ptr.id) {
    bound_by_length(st, ptr);
    if (ptr.s.smin >= 0) ptr.s.umax = std::min(ptr.s.umax, static_cast<u64>(kMaxPacketBytes));
  }
  if (ptr.off < 0 || (ptr.off == 0 && open)) return;  // says nothing
  // A wrapped pointer is below the end as well.
  if (ptr.s.umax > max_off || ptr.s.umax + static_cast<u64>(ptr.off) > max_off) return;
  const s32 range = ptr.off + (open ? 1 : 0);
  for_each_reg(
      st, [&](const RegState& r) { return r.type == ptr.type && r.id == ptr.id && r.range < range; },
      [&](RegState& r) { r.range = range; });
}

void set_end(PathState& st, u32 regno, bool beyond) {
  // Meta pointers are never compared with pkt_end in a way that could be decided later.
  if (!is_exactly(st.frame().regs[regno].type, RegBase::kPacket)) return;
  st.mut_frame().regs[regno].range = beyond ? kBeyondPacketEnd : kAtPacketEnd;
}

bool is_packet_start(const RegState& r) {
  return is_exactly(r.type, RegBase::kPacket) && r.id == 0 && r.off == 0 && r.s.is_zero();
}

bool is_pair(const RegState& ptr, const RegState& end) {
  return (is_exactly(ptr.type, RegBase::kPacket) && is_exactly(end.type, RegBase::kPacketEnd)) ||
         (is_exactly(ptr.type, RegBase::kPacketMeta) && is_packet_start(end));
}

}  // namespace

int packet_branch_taken(const RegState& a, const RegState& b, u8 op) {
  const RegState* ptr;
  if (is_exactly(b.type, RegBase::kPacketEnd)) {
    ptr = &a;
  } else if (is_exactly(a.type, RegBase::kPacketEnd)) {
    ptr = &b;
    op = flip_jump(op);
  } else {
    return -1;
  }
  if (ptr->range >= 0) return -1;
  const bool beyond = ptr->range == kBeyondPacketEnd;
  switch (op) {
    case kJgt: return beyond ? 1 : -1;
    case kJle: return beyond ? 0 : -1;
    case kJge: return 1;  // at the end or beyond it
    case kJlt: return 0;
    default: return -1;
  }
}

bool match_packet_end(const Env& env, PathState& fall, PathState& taken, const Insn& in, const RegState& dst,
                      const RegState& src) {
  if (!in.is_reg_src() || in.cls() == kJmp32) return false;
  u8 op = in.op();
  if (op != kJgt && op != kJlt && op != kJge && op != kJle) return false;
  u32 regno = in.dst;
  const RegState* ptr = &dst;
  if (!is_pair(dst, src)) {
    if (!is_pair(src, dst)) return false;
    op = flip_jump(op);
    regno = in.src;
    ptr = &src;
  }
  const u64 max_off = env.merger ? kMaxPacketOffNative : kMaxPacketOff;
  switch (op) {
    case kJgt:  // ptr > end
      set_range(fall, *ptr, false, max_off);
      set_end(taken, regno, true);
      break;
    case kJlt:
      set_range(taken, *ptr, true, max_off);
      set_end(fall, regno, false);
      break;
    case kJge:
      set_range(fall, *ptr, true, max_off);
      set_end(taken, regno, false);
      break;
    default:  // ptr <= end
      set_range(taken, *ptr, false, max_off);
      set_end(fall, regno, true);
      break;
  }
  return true;
}

}  // namespace osmia::verifier
