// Spin locks in map values and objects, timers in map values. One lock at a time; what is locked is known by
// the map (or the object's BTF) and by the id of the pointer to the element, so two look-ups are two locks.
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

void check_object_lock(Env& env, const RegState& r) {
  const btf::FieldRecord* record = record_of(env, r);
  if (!record || !record->has(btf::kFieldSpinLock))
    env.reject(EINVAL, "local 'kptr' has no valid bpf_spin_lock");
  if (pointer_offset(r) != record->spin_lock_off)
    env.reject(EINVAL, "off {} doesn't point to 'struct bpf_spin_lock' that is at {}", pointer_offset(r),
               record->spin_lock_off);
}

}  // namespace

const void* lock_holder(const RegState& r) {
  return r.is(RegBase::kMapValue) ? static_cast<const void*>(r.map) : r.btf;
}

bool in_locked_callback(const Env& env) {
  const PathState& st = *env.cur;
  for (u32 f = st.curframe; f; f--) {
    if (!st.frames[f]->in_callback) continue;
    const contract::KfuncDef* by = env.aux[st.frames[f]->callsite].kfunc;
    if (by && by->role >= contract::KfuncRole::kRbtreeAdd && by->role <= contract::KfuncRole::kRbtreeFirst)
      return true;
  }
  return false;
}

void check_spin_lock(Env& env, u32 regno, bool lock) {
  const RegState& r = env.reg(regno);
  PathState& st = *env.cur;
  if (!r.s.is_const())
    env.reject(EINVAL, "R{} doesn't have constant offset. bpf_spin_lock has to be at the constant offset",
               regno);
  if (is_exact(r, RegBase::kMapValue))
    check_points_to(env, r, btf::kFieldSpinLock, "bpf_spin_lock");
  else
    check_object_lock(env, r);
  const void* holder = lock_holder(r);
  if (lock) {
    if (st.active_lock.ptr) env.reject(EINVAL, "Locking two bpf_spin_locks are not allowed");
    st.active_lock = {holder, r.id};
    return;
  }
  if (!st.active_lock.ptr) env.reject(EINVAL, "bpf_spin_unlock without taking a lock");
  if (st.active_lock.ptr != holder || st.active_lock.id != r.id)
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
