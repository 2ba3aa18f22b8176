// One look at all accesses, then each offset is judged by what overlaps it.
#include "jit/common/slots.h"

namespace osmia::jit {

using namespace isa;

Slots find_slots(const std::vector<Flat>& code, u64 addressed, u32 most) {
  Slots out;
  out.index_.fill(-1);
  struct Place {
    u8 load = 0, store = 0;
    bool pinned = false;
  };
  std::array<Place, 512> places{};
  bool any = false, escapes = false;
  for (const Flat& f : code) {
    const Insn& in = f.insn;
    if (f.kind != FlatKind::kPlain) {
      if (f.kind == FlatKind::kBranch && (in.dst == kFp || (in.is_reg_src() && in.src == kFp)))
        escapes = true;
      continue;
    }
    const u8 cls = in.cls();
    if (cls == kAlu || cls == kAlu64) {
      if ((in.is_reg_src() && in.op() != kEnd && in.src == kFp) || in.dst == kFp) escapes = true;
      continue;
    }
    if (cls == kStx && in.src == kFp) escapes = true;  // its address is stored
    const u8 base = cls == kLdx ? in.src : in.dst;
    if (base != kFp) continue;
    any = true;
    const s32 at = in.off + 512;
    const u8 bytes = static_cast<u8>(size_bytes(in.size_bits()));
    if (at < 0 || at + bytes > 512) {
      out.memory_used = true;
      return out;
    }
    Place& p = places[static_cast<size_t>(at)];
    if (cls == kLdx) {
      p.load = std::max(p.load, bytes);
      if (in.mode() != kMem && in.mode() != kMemsx) p.pinned = true;
    } else if (in.mode() == kMem) {
      if (p.store && p.store != bytes) p.pinned = true;
      p.store = std::max(p.store, bytes);
    } else {
      p.pinned = true;
      p.store = std::max(p.store, bytes);
    }
  }
  out.memory_used = escapes;
  if (!any) return out;
  for (s32 at = 0; at < 512; at++) {
    const Place& p = places[static_cast<size_t>(at)];
    if (!p.load && !p.store) continue;
    const u8 bytes = p.store ? p.store : p.load;
    bool good = !p.pinned && p.load <= bytes && out.slots.size() < most;
    for (s32 k = 1; good && k < bytes; k++) {
      const Place& other = places[static_cast<size_t>(at + k)];
      good = !other.load && !other.store;
    }
    for (s32 k = 1; good && k < 8 && at - k >= 0; k++) {
      const Place& other = places[static_cast<size_t>(at - k)];
      good = std::max(other.load, other.store) <= k;
    }
    if (good && escapes) {
      const s32 low = (511 - at) / 8, high = (511 - (at + bytes - 1)) / 8;
      good = !(addressed >> low & 1) && !(addressed >> high & 1);
    }
    if (!good) {
      out.memory_used = true;
      continue;
    }
    out.index_[static_cast<size_t>(at)] = static_cast<s16>(out.slots.size());
    out.slots.push_back({static_cast<s16>(at - 512), bytes});
  }
  return out;
}

}  // namespace osmia::jit
