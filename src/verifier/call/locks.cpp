// Spin locks and timers in map values. One lock at a time; what is locked is known by the map and by the id
// of the pointer to the element, so two look-ups are two locks.
#include "verifier/call/common.h"

namespace osmia::verifier {
namespace {

s64 pointer_offset(const RegState& r) {
  return static_cast<s64>(r.s.var_off.value) + r.off;
}

// r must point to its map's one field of this kind.
void check_points_to(Env& env, const RegState& r, btf::FieldKind kind, std::string_view name) {
  if (!r.map->btf) env.reject(EINVAL, "map '{}' has to have BTF in order to use {}", r.map->name, name);
  const btf::Field* field = map_field(r.map, kind);
  if (!field) env.reject(EINVAL, "map '{}' has no valid {}", r.map->name, name);
  if (pointer_offset(r) != field->offset)
    env.reject(EINVAL, "off {} doesn't point to 'struct {}' that is at {}", pointer_offset(r), name,
               field->offset);
}

}  // namespace

void check_spin_lock(Env& env, u32 regno, bool lock) {
  const RegState& r = env.reg(regno);
  PathState& st = *env.cur;
  if (!r.s.is_const())
    env.reject(EINVAL, "R{} doesn't have constant offset. bpf_spin_lock has to be at the constant offset",
               regno);
  if (!is_exact(r, RegBase::kMapValue)) env.unsupported("bpf_spin_lock in an allocated object");
  const MapInfo* map = r.map;
  check_points_to(env, r, btf::kFieldSpinLock, "bpf_spin_lock");
  if (lock) {
    if (st.active_lock.ptr) env.reject(EINVAL, "Locking two bpf_spin_locks are not allowed");
    st.active_lock = {map, r.id};
    return;
  }
  if (!st.active_lock.ptr) env.reject(EINVAL, "bpf_spin_unlock without taking a lock");
  if (st.active_lock.ptr != map || st.active_lock.id != r.id)
    env.reject(EINVAL, "bpf_spin_unlock of different lock");
  forget_non_owning_refs(env);
  st.active_lock = {};
}

void check_timer(Env& env, u32 regno, CallMeta& meta) {
  const RegState& r = env.reg(regno);
  const MapInfo* map = r.map;
  if (!r.s.is_const())
    env.reject(EINVAL, "R{} doesn't have constant offset. bpf_timer has to be at the constant offset", regno);
  check_points_to(env, r, btf::kFieldTimer, "bpf_timer");
  OSMIA_BUG_IF(meta.map != nullptr);
  meta.map = map;
  meta.map_uid = r.map_uid;
}

}  // namespace osmia::verifier
