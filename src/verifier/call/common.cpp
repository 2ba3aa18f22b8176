// Questions about registers and the current path that every kind of call asks.
#include "verifier/call/common.h"

namespace osmia::verifier {

using namespace contract;

bool in_sleepable(const Env& env) {
  return env.prog_sleepable || env.cur->in_sleepable;
}

std::string_view struct_behind(RegBase base) {
  switch (base) {
    case RegBase::kSocket: return "sock";
    case RegBase::kSockCommon: return "sock_common";
    case RegBase::kTcpSock: return "tcp_sock";
    case RegBase::kConstMapPtr: return "bpf_map";
    default: return {};
  }
}

void invalidate_reg(const Env& env, RegState& r) {
  const s32 def = r.subreg_def;
  if (env.allow_ptr_leaks) {
    set_unknown(env, r);
  } else {
    set_not_init(env, r);
  }
  r.subreg_def = def;
}

bool drop_reference(Env& env, u32 ref_obj_id) {
  if (!release_ref_id(env, ref_obj_id)) return false;
  for_each_reg(
      *env.cur, [&](const RegState& r) { return r.ref_obj_id == ref_obj_id; },
      [&](RegState& r) { invalidate_reg(env, r); });
  return true;
}

bool stash_reference(Env& env, u32 ref_obj_id) {
  if (!release_ref_id(env, ref_obj_id)) return false;
  const bool in_rcu = in_rcu_section(env);
  for_each_reg(
      *env.cur, [&](const RegState& r) { return r.ref_obj_id == ref_obj_id; },
      [&](RegState& r) {
        if (!in_rcu || !r.type.has(kAlloc) || !r.type.has(kPercpu)) return invalidate_reg(env, r);
        r.ref_obj_id = 0;
        r.type = r.type.without(kAlloc).with(kRcu);
      });
  return true;
}

void forget_packet_pointers(Env& env) {
  for_each_reg(
      *env.cur,
      [](const RegState& r) {
        return r.is_any_packet() || (r.is(RegBase::kMem) && r.type.has(kDynptrSkb | kDynptrXdp));
      },
      [&](RegState& r) { invalidate_reg(env, r); });
}

void forget_non_owning_refs(Env& env) {
  for_each_reg(
      *env.cur, [](const RegState& r) { return is_non_owning(r.type); },
      [&](RegState& r) { invalidate_reg(env, r); });
}

const btf::Field* map_field(const MapInfo* map, u32 kinds) {
  if (!map || !map->record) return nullptr;
  for (const auto& f : map->record->fields)
    if (f.kind & kinds) return &f;
  return nullptr;
}

std::string_view helper_name(const Env& env, u32 id) {
  if (id == 0) return "bpf_unspec";
  const HelperDef* any = env.cat.helper_any(id);
  return any ? any->name : std::string_view("unknown");
}

u32 kernel_struct(const Env& env, std::string_view name) {
  return env.cat.vmlinux ? env.cat.vmlinux->find(name, btf::Kind::kStruct) : 0;
}

void reject_scalar_range(Env& env, const RegState& r, s32 min, s32 max, std::string_view where,
                         std::string_view reg_name) {
  std::string line = fmt::format("{} the register {} has", where, reg_name);
  bool unknown = true;
  if (r.s.smin > INT64_MIN) {
    line += fmt::format(" smin={}", r.s.smin);
    unknown = false;
  }
  if (r.s.smax < INT64_MAX) {
    line += fmt::format(" smax={}", r.s.smax);
    unknown = false;
  }
  if (unknown) line += " unknown scalar value";
  env.reject(EINVAL, "{} should have been in [{}, {}]", line, min, max);
}

}  // namespace osmia::verifier
