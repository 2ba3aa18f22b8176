// Loads and stores: through the region that the state claims for the pointer, never outside it. Context
// accesses are carried out here by what the catalog says of the field, apart from rewrite/, so that a run of
// the rewritten program is a second opinion.
#include <fmt/format.h>

#include <cstring>

#include "base/bits.h"
#include "interp/interp.h"
#include "machine.h"
#include "maps/map.h"
#include "semantics.h"

namespace osmia::soundness {

using namespace isa;
using contract::RegBase;

namespace {

u64 read_bytes(u64 address, u32 bytes) {
  u64 v = 0;
  std::memcpy(&v, reinterpret_cast<const void*>(address), bytes);
  return v;
}
void write_bytes(u64 address, u32 bytes, u64 v) {
  std::memcpy(reinterpret_cast<void*>(address), &v, bytes);
}

}  // namespace

ConcreteFrame* Machine::frame_of(u64 address, u32 bytes) {
  for (ConcreteFrame* f : walk_->frames)
    if (address >= f->fp() - sizeof f->stack && address + bytes <= f->fp()) return f;
  return nullptr;
}

bool Machine::stack_loose(u64 address, u32 bytes, bool* unread) {
  ConcreteFrame* f = frame_of(address, bytes);
  if (!f) return false;
  bool loose = false;
  for (u64 a = address & ~u64{7}; a < address + bytes; a += 8) {
    const u32 slot = static_cast<u32>((f->fp() - a) / 8 - 1);
    loose |= f->loose.slots >> slot & 1;
    *unread |= f->unread.slots >> slot & 1;
  }
  return loose;
}

void Machine::note_stored(u64 address, u32 bytes, u64 value, const Origin& from, bool loose) {
  ConcreteFrame* f = frame_of(address, bytes);
  if (!f) return;
  for (u64 a = address & ~u64{7}; a < address + bytes; a += 8) {
    const u32 slot = static_cast<u32>((f->fp() - a) / 8 - 1);
    const u64 bit = u64{1} << slot;
    const bool whole = bytes == 8 && a == address;
    f->slot_value[slot] = whole ? value : 0;
    f->slot_from[slot] = whole ? from : Origin{};
    if (whole) {
      f->loose.slots &= ~bit;
      f->unread.slots &= ~bit;
    }
    if (loose) f->loose.slots |= bit;
  }
}

// What the facts say of a frame: how deep it is, and which slots anything but r10 and a constant reaches.
bool Machine::check_frame(u32 reg, u64 address, u32 bytes) {
  ConcreteFrame* f = frame_of(address, bytes);
  if (!f) return true;  // outside: the region says so
  const auto& sub = facts_.subprogs[f->subprog];
  if (f->fp() - address > sub.frame_bytes) {
    violation(fmt::format("stack access {} bytes deep, in a frame of {} bytes", f->fp() - address,
                          sub.frame_bytes));
    return false;
  }
  if (reg == kFp && f == &top()) return true;
  for (u64 a = address & ~u64{7}; a < address + bytes; a += 8) {
    const u32 slot = static_cast<u32>((f->fp() - a) / 8 - 1);
    if (sub.addressed_slots >> slot & 1) continue;
    violation(fmt::format("reaches fp-{} through r{}, which the facts exclude", 8 * (slot + 1), reg));
    return false;
  }
  return true;
}

bool Machine::check_access(u32 reg, u64 address, u32 bytes) {
  p_.counters_.accesses++;
  const RegState& r = claim(reg);
  if (is_loose(reg)) {
    violation(fmt::format("r{} is an address, but outside what was claimed of it", reg));
    return false;
  }
  if (r.is_scalar() || r.is_not_init()) {
    violation(fmt::format("access through r{}, which is no pointer in the state", reg));
    return false;
  }
  if (r.type.base == RegBase::kStack && !check_frame(reg, address, bytes)) return false;
  const Region region = Membership(walk_->frames, around_).region(r, top().from[reg]);
  if (!region.known || (address >= region.begin && address + bytes <= region.end)) return true;
  violation(fmt::format("{} bytes at r{}{:+}: outside the region of {} bytes (kind {}), at {:+}", bytes, reg,
                        static_cast<s64>(address - top().r[reg]), region.end - region.begin,
                        static_cast<int>(r.type.base), static_cast<s64>(address - region.begin)));
  return false;
}

u64 Machine::load_context(const contract::CtxField& f, u64 ctx, s32 off, u32 bytes) const {
  const u32 elem = f.elem ? f.elem : f.size, into = static_cast<u32>(off) - f.offset;
  if (bytes > elem) return read_bytes(ctx + f.host.steps[0].offset + into, bytes);
  const u32 start = into / elem * elem;
  u64 v = ctx;
  u32 have = 8;
  for (u32 s = 0; s < f.host.count; s++) {
    if (s && !v) return 0;
    const bool last = s + 1u == f.host.count;
    have = f.host.steps[s].size;
    v = read_bytes(v + f.host.steps[s].offset + (last ? start : 0), have);
  }
  v >>= f.host.rshift;
  if (f.host.mask) v &= f.host.mask;
  if (f.type.base != RegBase::kScalar) return v;
  have = std::min(have, elem);
  if (bytes < have) {
    v >>= (into - start) * 8;
    v &= bytes == 8 ? ~u64{0} : (u64{1} << bytes * 8) - 1;
  }
  return v;
}

bool Machine::store_context(const contract::CtxField& f, u64 ctx, s32 off, u32 bytes, u64 value,
                            bool immediate) {
  if (f.host.store_limit) {
    if (immediate ? static_cast<s32>(value) >= static_cast<s32>(f.host.store_limit)
                  : value >= f.host.store_limit)
      return true;
  }
  u32 width = bytes;
  if (bytes == f.size && !f.elem && f.host.steps[0].size != f.size)
    width = std::min<u32>(f.host.steps[0].size, bytes);
  write_bytes(ctx + f.host.steps[0].offset + static_cast<u32>(off) - f.offset, width, value);
  return true;
}

bool Machine::load(u32 pc) {
  const Insn in = p_.program_.insns[pc];
  const u32 bytes = static_cast<u32>(size_bytes(in.size_bits()));
  if (!use(in.src)) return false;
  const u64 base = top().r[in.src], address = base + static_cast<u64>(s64{in.off});
  if (!check_access(in.src, address, bytes)) return false;
  const RegBase kind = claim(in.src).type.base;
  const auto* field = facts_.insns[pc].ctx_field;
  u64 v = 0;
  Origin from{Origin::kFresh};
  bool loose = false;
  if (kind == RegBase::kCtx && field && field->host.count) {
    v = load_context(*field, base, in.off, bytes);
  } else if (kind == RegBase::kBtfId || claim(in.src).type.has(contract::kUntrusted) ||
             kind == RegBase::kSocket || kind == RegBase::kSockCommon || kind == RegBase::kTcpSock) {
    interp::probe_read(&v, reinterpret_cast<const void*>(address), bytes);
  } else {
    v = read_bytes(address, bytes);
    if (kind == RegBase::kStack) {
      bool unread = false;
      loose = stack_loose(address, bytes, &unread);
      if (unread) {
        violation("reads a stack slot that verification found unread");
        return false;
      }
      from = {};
      ConcreteFrame* f = frame_of(address, bytes);
      if (f) {
        const u32 slot = static_cast<u32>((f->fp() - (address & ~u64{7})) / 8 - 1);
        if (bytes == 8 && address % 8 == 0 && f->slot_value[slot] == v) from = f->slot_from[slot];
      }
    }
  }
  if (in.mode() == kMemsx) v = static_cast<u64>(sign_extend(v, bytes * 8));
  set(in.dst, v, from, loose);
  return true;
}

bool Machine::store(u32 pc) {
  const Insn in = p_.program_.insns[pc];
  const u32 bytes = static_cast<u32>(size_bytes(in.size_bits()));
  const bool by_reg = in.cls() == kStx;
  if (!use(in.dst) || (by_reg && !use(in.src))) return false;
  const u64 base = top().r[in.dst], address = base + static_cast<u64>(s64{in.off});
  if (!check_access(in.dst, address, bytes)) return false;
  const u64 v = by_reg ? top().r[in.src] : static_cast<u64>(s64{in.imm});
  const auto* field = facts_.insns[pc].ctx_field;
  if (claim(in.dst).type.base == RegBase::kCtx && field && field->host.count)
    return store_context(*field, base, in.off, bytes, v, !by_reg);
  write_bytes(address, bytes, v);
  note_stored(address, bytes, v, by_reg ? top().from[in.src] : Origin{}, by_reg && is_loose(in.src));
  return true;
}

bool Machine::atomic(u32 pc) {
  const Insn in = p_.program_.insns[pc];
  const u32 bytes = static_cast<u32>(size_bytes(in.size_bits()));
  if (!use(in.dst) || !use(in.src) || (in.imm == kCmpxchg && !use(kR0))) return false;
  const u64 address = top().r[in.dst] + static_cast<u64>(s64{in.off});
  if (!check_access(in.dst, address, bytes)) return false;
  bool unread = false;
  const bool loose = stack_loose(address, bytes, &unread) | is_loose(in.src);
  if (unread) {
    violation("reads a stack slot that verification found unread");
    return false;
  }
  const u64 mask = bytes == 4 ? 0xffffffffu : ~u64{0};
  const u64 old = read_bytes(address, bytes), s = top().r[in.src] & mask;
  const Origin old_from = claim(in.dst).type.base == RegBase::kStack ? Origin{} : Origin{Origin::kFresh};
  const u64 now = atomic_result(in.imm, old, s, top().r[kR0] & mask);
  write_bytes(address, bytes, now);
  note_stored(address, bytes, now, Origin{}, loose | (in.imm == kCmpxchg && is_loose(kR0)));
  if (in.imm == kCmpxchg)
    set(kR0, old, old_from, loose);
  else if (in.imm & kFetch)
    set(in.src, old, old_from, loose);
  return true;
}

// What a helper may touch by its prototype lies in the region of the pointer it is given.
bool Machine::check_helper_memory(u32 pc) {
  const auto& def = *facts_.insns[pc].helper;
  const maps::Map* map = nullptr;
  for (u32 i = 0; i < 5; i++) {
    const auto& arg = def.args[i];
    const u32 reg = i + 1;
    const u64 v = top().r[reg];
    u64 size = 0;
    switch (arg.kind) {
      case contract::ArgKind::kConstMapPtr:
        map = reinterpret_cast<const maps::Map*>(v);
        if (facts_.insns[pc].map && !facts_.insns[pc].map_ptr_poisoned && facts_.insns[pc].map->live &&
            facts_.insns[pc].map->live != map && !claim(reg).map_uid) {
          violation(fmt::format("{}: another map than the facts say", def.name));
          return false;
        }
        continue;
      case contract::ArgKind::kMapKey: size = map ? map->key_size() : 0; break;
      case contract::ArgKind::kMapValue: size = map ? map->value_size() : 0; break;
      case contract::ArgKind::kMem:
        size = arg.flags & contract::kFixedSize ? arg.size : i < 4 ? top().r[reg + 1] : 0;
        break;
      default: continue;
    }
    if (!size || !v || claim(reg).is_scalar()) continue;
    const Region region = Membership(walk_->frames, around_).region(claim(reg), top().from[reg]);
    if (region.known && (v < region.begin || size > region.end - v || v > region.end)) {
      violation(fmt::format("{}: argument {} of {} bytes at {:+} in a region of {}", def.name, reg, size,
                            static_cast<s64>(v - region.begin), region.end - region.begin));
      return false;
    }
    if (is_loose(reg)) {
      violation(fmt::format("{}: argument {} is outside what was claimed of it", def.name, reg));
      return false;
    }
    if (frame_of(v, 1)) {
      if (!check_frame(reg, v, static_cast<u32>(size))) return false;
      bool unread = false;
      if (!(arg.flags & contract::kUninit)) stack_loose(v, static_cast<u32>(size), &unread);
      if (unread) {
        violation(fmt::format("{}: reads a stack slot that verification found unread", def.name));
        return false;
      }
    }
  }
  return true;
}

}  // namespace osmia::soundness
