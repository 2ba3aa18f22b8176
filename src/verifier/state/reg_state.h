// What the verifier knows of one register (or of one spilled register). Plain, trivially copyable data.
// Liveness is not here: it belongs to a position in a state, see marks.h.
#pragma once
#include "contract/reg_type.h"
#include "verifier/domain/scalar.h"

namespace osmia::btf {
class Btf;
}

namespace osmia::verifier {

using contract::RegBase;
using contract::RegType;
struct MapInfo;

enum class DynptrKind : u8 { kInvalid, kLocal, kRingbuf, kSkb, kXdp };
enum class IterState : u8 { kInvalid, kActive, kDrained };

// packet_end comparison made the whole packet range known on one edge only (Linux: BEYOND_PKT_END,
// AT_PKT_END)
inline constexpr s32 kAtPacketEnd = -1;
inline constexpr s32 kBeyondPacketEnd = -2;

struct RegState {
  RegType type;          // kNotInit after default construction
  s32 off = 0;           // fixed part of a pointer's offset, bytes
  u32 id = 0;            // links: equal scalars, same or_null pointer, same packet pointer, dynptr slices
  u32 ref_obj_id = 0;    // acquired object that this value is or belongs to
  u32 dynptr_id = 0;     // slices: the dynptr they were cut from
  u32 frameno = 0;       // kStack: which frame's stack
  s32 subreg_def = 0;    // insn index + 1 of a 32-bit definition whose upper half is not known to be used
  bool precise = false;  // scalars: the value matters for safety

  // By type; the others are zero so that comparison and copying stay simple.
  union {
    u64 by_type = 0;  // all of it, for comparison
    s32 range;        // kPacket, kPacketMeta: bytes proved readable from here; kPacketEnd markers
    u32 mem_size;     // kMem, kBuf
    u32 subprog;      // kFunc
    struct {
      DynptrKind kind;
      bool first_slot;
    } dynptr;  // dynptr stack slots and kDynptr
    struct {
      IterState state;
      u32 depth;  // how many times next() was explored
    } iter;
    u32 map_uid;  // kConstMapPtr, kMapValue of a map of maps' inner maps: which lookup gave it
  };
  u32 btf_id = 0;  // kBtfId, iterator slots
  union {
    const MapInfo* map = nullptr;  // kConstMapPtr, kMapValue, kMapKey
    const btf::Btf* btf;           // kBtfId, iterator slots
  };
  // Pointers: the variable part of the offset. Scalars: the value.
  Scalar s;

  bool is(RegBase b) const { return type.base == b; }
  bool is_scalar() const { return type.base == RegBase::kScalar; }
  bool is_not_init() const { return type.base == RegBase::kNotInit; }
  bool is_const() const { return is_scalar() && s.var_off.mask == 0; }
  bool is_null() const { return is_const() && s.var_off.value == 0; }
  bool is_packet() const { return type.base == RegBase::kPacket || type.base == RegBase::kPacketMeta; }
  bool is_any_packet() const { return is_packet() || type.base == RegBase::kPacketEnd; }
};

// Marks in RegState::id: bits that say how linked scalars differ (added constants), as Linux 6.12 has them.
inline constexpr u32 kAddConst64 = 1u << 31;
inline constexpr u32 kAddConst32 = 1u << 30;
inline constexpr u32 kAddConst = kAddConst64;  // 6.12 knows only one kind

enum class SlotType : u8 { kInvalid, kSpill, kMisc, kZero, kDynptr, kIter };
inline constexpr int kRegSize = 8;          // bytes of a stack slot
inline constexpr int kMaxStackBytes = 512;  // per frame (Q&A: "How much stack space a BPF program uses?")
inline constexpr int kMaxSlots = kMaxStackBytes / kRegSize;
// Slots first to last, a bit each.
constexpr u64 slot_mask(int first, int last) {
  return (~u64{0} << first) & (~u64{0} >> (kMaxSlots - 1 - last));
}

// Eight bytes of stack. type[0] is the byte at the lowest address minus... byte k of the slot as Linux counts
// it: type[7] is the byte at the slot's lowest address, type[0] the byte just below the slot above it.
struct StackSlot {
  RegState spilled;
  SlotType type[kRegSize] = {};

  bool is_spill() const { return type[kRegSize - 1] == SlotType::kSpill; }  // any spill, full or partial
  bool is_full_spill() const { return type[0] == SlotType::kSpill; }        // all eight bytes
  bool is_scalar_spill() const { return is_spill() && spilled.is_scalar(); }
  bool is_scalar_full_spill() const { return is_full_spill() && spilled.is_scalar(); }
};

}  // namespace osmia::verifier
