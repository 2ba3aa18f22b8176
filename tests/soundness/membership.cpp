// gamma, place by place: ranges and tnum of scalars; kind, object and offset of pointers; bytes of the stack;
// and between places what ids say: scalars with one id are equal (or differ by the constants they carry),
// pointers with one id are null together or have one variable offset.
#include "membership.h"

#include <fmt/format.h>

#include "base/bits.h"
#include "verifier/domain/print.h"
#include "verifier/verify.h"

namespace osmia::soundness {

using contract::RegBase;
using verifier::kAddConst;
using verifier::kRegSize;
using verifier::Scalar;
using verifier::SlotType;

namespace {

u64 off_of(const RegState& r) {
  return static_cast<u64>(static_cast<s64>(r.off));
}

// The bytes of a slot that hold a spill: the lowest ones.
int spill_bytes(const StackSlot& s) {
  int n = 0;
  while (n < kRegSize && s.type[kRegSize - 1 - n] == SlotType::kSpill) n++;
  return n;
}

u64 slot_bits(const ConcreteFrame& f, int slot) {
  return load_unaligned<u64>(f.slot(slot));
}

}  // namespace

bool spilled_value(const StackSlot& s, const ConcreteFrame& f, int slot, u64* value) {
  const int n = s.is_spill() ? spill_bytes(s) : 0;
  if (!n) return false;
  *value = n == 8 ? slot_bits(f, slot) : slot_bits(f, slot) & ((u64{1} << n * 8) - 1);
  return true;
}

bool Membership::pointer_holds(const RegState& r, u64 bits, const Origin& from) const {
  if (bits == 0 && r.type.maybe_null()) return true;
  const u64 variable = bits - off_of(r);
  const auto at = [&](u64 base) { return r.s.contains(variable - base); };
  switch (r.type.base) {
    case RegBase::kStack: return r.frameno < frames_.size() && at(frames_[r.frameno]->fp());
    case RegBase::kCtx: return at(around_.ctx);
    case RegBase::kPacket: {
      if (!around_.packet.known) return true;
      if (!at(around_.packet.data)) return false;
      if (r.range > 0) return variable + static_cast<u64>(s64{r.range}) <= around_.packet.data_end;
      if (r.range == verifier::kBeyondPacketEnd) return bits > around_.packet.data_end;
      return r.range != verifier::kAtPacketEnd || bits >= around_.packet.data_end;
    }
    case RegBase::kPacketMeta:
      if (!around_.packet.known) return true;
      if (!at(around_.packet.data_meta)) return false;
      return r.range <= 0 || variable + static_cast<u64>(s64{r.range}) <= around_.packet.data;
    case RegBase::kPacketEnd: return !around_.packet.known || bits == around_.packet.data_end;
    case RegBase::kConstMapPtr:
      if (r.map && r.map->live && !r.map_uid && from.kind == Origin::kFresh)
        return bits == reinterpret_cast<u64>(r.map->live);
      break;
    case RegBase::kArena:
    case RegBase::kFunc:
    case RegBase::kDynptr: return true;
    case RegBase::kBtfId:
      // Pointers to kernel objects may be null unless they are trusted; loads through them are probed.
      if (!r.type.has(contract::kTrusted)) return true;
      break;
    default: break;
  }
  if (bits == 0) return false;
  if (from.kind == Origin::kNumber) return false;
  if (from.kind == Origin::kFresh) {
    // Elements of an array lie one behind the other.
    if (r.type.base == RegBase::kMapValue && r.map && r.map->def && r.map->value_base && !r.map_uid &&
        r.map->def->traits & contract::kMapIsArray && !(r.map->def->traits & contract::kMapPercpu)) {
      const u64 stride = align_up(r.map->value_size, 8);
      const u64 into = variable - r.s.var_off.value - r.map->value_base;
      if (into % stride || into / stride >= r.map->max_entries) return false;
    }
    return r.s.is_const();
  }
  if ((r.type.base == RegBase::kMapValue || r.type.base == RegBase::kMem) && from.base != r.type.base)
    return false;
  return at(from.address);
}

bool Membership::holds(const RegState& r, u64 bits, const Origin& from) const {
  if (r.is_not_init()) return true;
  return r.is_scalar() ? r.s.contains(bits) : pointer_holds(r, bits, from);
}

bool Membership::slot_holds(const StackSlot& s, const ConcreteFrame& f, int slot) const {
  for (int b = 0; b < kRegSize; b++)
    if (s.type[b] == SlotType::kZero && f.slot(slot)[kRegSize - 1 - b]) return false;
  u64 value;
  if (!spilled_value(s, f, slot, &value)) return true;
  const int n = spill_bytes(s);
  if (n == 8) {
    const Origin from = f.slot_value[slot] == value ? f.slot_from[slot] : Origin{};
    return holds(s.spilled, value, from);
  }
  if (!s.spilled.is_scalar()) return false;
  Scalar low = s.spilled.s;  // of the register; only its low bytes are here
  low.truncate(n);
  return low.contains(value);
}

void Membership::check_relations(const Node& node, std::array<Places, kMaxFrames>& bad) const {
  struct Known {
    u32 id;
    contract::RegType type;
    u64 value;
  };
  Known known[64];
  u32 count = 0;
  // What all places with one id must agree on.
  const auto quantity = [&](const RegState& r, u64 bits, Known* k) {
    if (r.is_scalar()) {
      if (!(r.id & ~kAddConst)) return false;
      *k = {r.id & ~kAddConst, r.type, bits - (r.id & kAddConst ? off_of(r) : 0)};
      return true;
    }
    if (!r.id || r.is_not_init()) return false;
    if (r.type.maybe_null()) {
      *k = {r.id, r.type, bits != 0};
      return true;
    }
    if (!r.is_packet()) return false;
    *k = {r.id, r.type, bits - off_of(r)};
    return true;
  };
  const auto agrees = [&](const RegState& r, u64 bits) {
    Known k;
    if (!quantity(r, bits, &k)) return true;
    for (u32 i = 0; i < count; i++)
      if (known[i].id == k.id && known[i].type == k.type) return known[i].value == k.value;
    if (count < std::size(known)) known[count++] = k;
    return true;
  };
  // Places that must hold first, so that what disagrees is what may.
  for (const bool loose : {false, true}) {
    for (u32 f = 0; f <= node.depth; f++) {
      const Frame& a = *node.frames[f];
      const ConcreteFrame& c = *frames_[f];
      for (u32 r = 0; r < 10; r++) {
        if ((c.loose.regs >> r & 1) != loose || (bad[f].regs >> r & 1)) continue;
        if (!agrees(a.regs[r], c.r[r])) bad[f].regs |= static_cast<u16>(1u << r);
      }
      for (int i = 0; i < a.stack.slots(); i++) {
        const StackSlot& s = a.stack[i];
        u64 value;
        if ((c.loose.slots >> i & 1) != loose || (bad[f].slots >> i & 1) || !spilled_value(s, c, i, &value))
          continue;
        if (spill_bytes(s) != 8 && verifier::width_of(s.spilled.s) > spill_bytes(s) * 8) continue;
        if (!agrees(s.spilled, value)) bad[f].slots |= 1ull << i;
      }
    }
  }
}

std::array<Places, kMaxFrames> Membership::outside(const Node& node) const {
  std::array<Places, kMaxFrames> bad{};
  for (u32 f = 0; f <= node.depth; f++) {
    const Frame& a = *node.frames[f];
    const ConcreteFrame& c = *frames_[f];
    for (u32 r = 0; r < 11; r++)
      if (!holds(a.regs[r], c.r[r], c.from[r])) bad[f].regs |= static_cast<u16>(1u << r);
    for (int i = 0; i < a.stack.slots(); i++)
      if (!slot_holds(a.stack[i], c, i)) bad[f].slots |= 1ull << i;
  }
  check_relations(node, bad);
  return bad;
}

void Membership::adopt(const Node& node) const {
  for (u32 f = 0; f <= node.depth; f++) {
    ConcreteFrame& c = *frames_[f];
    for (u32 r = 0; r < 10; r++) {
      if (c.from[r].kind != Origin::kFresh) continue;
      const RegState& a = node.frames[f]->regs[r];
      c.from[r] = {};
      if (a.is_scalar() || a.is_not_init() || c.r[r] == 0) continue;
      c.from[r] = {Origin::kObject, a.type.base, c.r[r] - off_of(a) - a.s.var_off.value};
    }
  }
}

Region Membership::region(const RegState& r, const Origin& from) const {
  switch (r.type.base) {
    case RegBase::kStack: {
      const ConcreteFrame& f = *frames_[r.frameno];
      return {true, f.fp() - sizeof f.stack, f.fp()};
    }
    case RegBase::kPacket: return {around_.packet.known, around_.packet.data, around_.packet.data_end};
    case RegBase::kPacketMeta: return {around_.packet.known, around_.packet.data_meta, around_.packet.data};
    case RegBase::kMapValue:
      return {r.map && from.kind == Origin::kObject, from.address,
              from.address + (r.map ? r.map->value_size : 0)};
    case RegBase::kMapKey:
      return {r.map && from.kind == Origin::kObject, from.address,
              from.address + (r.map ? r.map->key_size : 0)};
    case RegBase::kMem:
      return {from.kind == Origin::kObject && r.mem_size, from.address, from.address + r.mem_size};
    default: return {};
  }
}

std::string Membership::describe(const Node& node, const std::array<Places, kMaxFrames>& bad) const {
  const auto text = [&](const RegState& r, u64 bits, const Origin& from) {
    std::string out = fmt::format("is {:#x}", bits);
    if (!r.is_scalar())
      out += fmt::format(
          " (origin {} base {} at {:#x}), claimed kind {} flags {:#x} off {} id {} range {}, variable",
          static_cast<int>(from.kind), static_cast<int>(from.base), from.address,
          static_cast<int>(r.type.base), r.type.flags, r.off, r.id, r.range);
    else
      out += fmt::format(", claimed{} id {:#x} off {}", r.precise ? " precisely" : "", r.id, r.off);
    out += fmt::format(" u[{:#x},{:#x}] s[{},{}] u32[{:#x},{:#x}] s32[{},{}] tnum({:#x};{:#x})", r.s.umin,
                       r.s.umax, r.s.smin, r.s.smax, r.s.u32_min, r.s.u32_max, r.s.s32_min, r.s.s32_max,
                       r.s.var_off.value, r.s.var_off.mask);
    return out;
  };
  for (u32 f = 0; f <= node.depth; f++) {
    const Frame& a = *node.frames[f];
    const ConcreteFrame& c = *frames_[f];
    for (u32 r = 0; r < 11; r++)
      if (bad[f].regs >> r & 1)
        return fmt::format("frame {} r{} {}", f, r, text(a.regs[r], c.r[r], c.from[r]));
    for (int i = 0; i < a.stack.slots(); i++)
      if (bad[f].slots >> i & 1) {
        std::string types;
        for (int b = kRegSize - 1; b >= 0; b--) types += "ismzdt"[static_cast<int>(a.stack[i].type[b])];
        return fmt::format("frame {} fp-{} (bytes {}) {}", f, 8 * (i + 1), types,
                           text(a.stack[i].spilled, slot_bits(c, i), c.slot_from[i]));
      }
  }
  return "nothing";
}

}  // namespace osmia::soundness
