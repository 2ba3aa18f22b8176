// Map values: bounds at any offset in range, special fields out of reach, and the contents of maps that
// nobody can write any more known as constants.
#include "base/bits.h"
#include "btf/special_fields.h"
#include "verifier/access/region.h"

namespace osmia::verifier {
namespace {

constexpr u32 kReadOnlyProg = 1u << 7, kWriteOnlyProg = 1u << 8;  // BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG

void check_fields(Env& env, u32 regno, s32 off, s32 size, bool by_helper) {
  const RegState& r = env.reg(regno);
  if (!r.map->record) return;
  for (const btf::Field& f : r.map->record->fields) {
    const s64 first = static_cast<s64>(static_cast<u64>(r.s.smin) + static_cast<u64>(s64{off}));
    const u64 end = r.s.umax + static_cast<u64>(s64{off} + size);
    // May any byte of the field be touched?
    if (!(first < s64{f.offset} + f.size && f.offset < end)) continue;
    if (!(f.kind & btf::kFieldKptr))
      env.reject(EACCES, "{} cannot be accessed directly by load/store", btf::field_name(f.kind));
    if (by_helper) env.reject(EACCES, "kptr cannot be accessed indirectly by helper");
    if (!r.s.is_const()) env.reject(EACCES, "kptr access cannot have variable offset");
    const u64 at = static_cast<u64>(s64{off}) + r.s.var_off.value;
    if (f.offset != at) env.reject(EACCES, "kptr access misaligned expected={} off={}", f.offset, at);
    if (size != kRegSize) env.reject(EACCES, "kptr access size must be BPF_DW");
  }
}

void check_value(Env& env, u32 regno, s32 off, s32 size, bool zero_ok, bool by_helper) {
  check_mem_region(env, regno, off, size, env.reg(regno).map->value_size, zero_ok);
  check_fields(env, regno, off, size, by_helper);
}

// No program and no process can change the map any more.
bool is_constant(const MapInfo& m) {
  return (m.map_flags & kReadOnlyProg) && m.frozen && m.def && (m.def->traits & contract::kMapDirectValue) &&
         !(m.def->traits & contract::kMapIsArena);
}

template <class S, class U>
u64 load_as(const void* p, bool sign) {
  return sign ? static_cast<u64>(static_cast<s64>(load_unaligned<S>(p))) : u64{load_unaligned<U>(p)};
}

u64 constant_at(const MapInfo& m, u64 off, int size, bool sign) {
  const void* p = reinterpret_cast<const void*>(m.value_base + off);
  switch (size) {
    case 1: return load_as<s8, u8>(p, sign);
    case 2: return load_as<s16, u16>(p, sign);
    case 4: return load_as<s32, u32>(p, sign);
    default: return load_unaligned<u64>(p);
  }
}

}  // namespace

void check_map_flags(Env& env, u32 regno, s32 off, s32 size, Access how) {
  const MapInfo& m = *env.reg(regno).map;
  // A read-only map cannot be written; a write-only one cannot be read; if both were set, the first would
  // win.
  const bool can_write = !(m.map_flags & kReadOnlyProg);
  const bool can_read = (m.map_flags & kReadOnlyProg) || !(m.map_flags & kWriteOnlyProg);
  if (how == Access::kWrite && !can_write)
    env.reject(EACCES, "write into map forbidden, value_size={} off={} size={}", m.value_size, off, size);
  if (how == Access::kRead && !can_read)
    env.reject(EACCES, "read from map forbidden, value_size={} off={} size={}", m.value_size, off, size);
}

void check_map_value_access(Env& env, u32 regno, s32 off, s32 size, bool zero_size_allowed, Access) {
  check_value(env, regno, off, size, zero_size_allowed, true);
}

void check_map_value_direct(Env& env, u32 regno, s32 off, s32 size) {
  check_value(env, regno, off, size, false, false);
}

void touch_map_value(Env& env, const Touch& t) {
  if (stores_pointer(env, t)) env.reject(EACCES, "R{} leaks addr into map", t.value_regno);
  check_map_flags(env, t.regno, t.off, t.size, t.how);
  check_map_value_direct(env, t.regno, t.off, t.size);
  const RegState& r = env.reg(t.regno);
  if (touch_kptr(env, t) || !t.loads_reg()) return;
  const MapInfo& m = *r.map;
  if (!r.s.is_const() || !is_constant(m)) return mark_unknown(env, t.value_regno);
  const u64 at = static_cast<u64>(s64{t.off}) + r.s.var_off.value;
  if (const int error = m.direct_value_error(static_cast<u32>(at))) env.reject_silently(error);
  if (!m.value_base || at + t.size > m.value_len) return mark_unknown(env, t.value_regno);
  const u64 value = constant_at(m, at, t.size, t.sign_extend);
  set_known(env.mut_reg(t.value_regno), value);
}

}  // namespace osmia::verifier
