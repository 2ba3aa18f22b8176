// The map that a call uses: which one it is on all paths (for inlining), whether program and map may meet,
// and what a value argument means for maps that hold sockets. Map and helper each list whom they accept; both
// must agree.
#include <algorithm>

#include "verifier/call/common.h"

namespace osmia::verifier {

using namespace contract;

namespace {

u64 traits_of(const MapInfo* map) {
  return map && map->def ? map->def->traits : 0;
}

// Elements of socket maps may be changed by the general helpers only where no socket is locked.
bool may_update_sockets(Env& env, const HelperDef& fn) {
  if (!(fn.effects & (kMapUpdate | kMapDelete))) return false;
  const SockmapRights& rights = env.type->sockmap;
  const u32 attach = env.prog.expected_attach_type;
  const bool here = rights.attach_types == 0 || (attach < 64 && (rights.attach_types >> attach & 1));
  if (here && ((fn.effects & kMapDelete) ? rights.erase : rights.update)) return true;
  say(env, "cannot update sockmap in this context");
  return false;
}

bool map_accepts(Env& env, const MapInfo& map, const HelperDef& fn) {
  if (!map.def) return true;
  const auto& only = map.def->only_helpers;
  const bool changes_sockets =
      (map.def->traits & kMapValueIsSock) && (fn.effects & (kMapUpdate | kMapDelete));
  if (changes_sockets) return may_update_sockets(env, fn);
  return only.empty() || std::find(only.begin(), only.end(), fn.id) != only.end();
}

bool helper_accepts(const MapInfo& map, const HelperDef& fn) {
  return fn.map_types == 0 || (map.type < 64 && (fn.map_types >> map.type & 1));
}

}  // namespace

void record_map(Env& env, const CallMeta& meta) {
  InsnAux& aux = env.aux[env.insn_idx];
  const MapInfo* map = meta.map;
  if (!map) return;
  if ((map->map_flags & kMapFlagRdonlyProg) && (meta.fn->effects & kMapStore))
    env.reject(EACCES, "write into map forbidden");
  if (!aux.map_ptr_set) {
    aux.map_ptr_set = true;
    aux.map = map;
  } else if (aux.map != map) {
    aux.map_ptr_poisoned = true;
    aux.map = nullptr;
  }
}

void record_tail_call_key(Env& env, const CallMeta& meta) {
  enum : u64 { kUnseen, kConstant, kVaries };
  if (!(meta.fn->effects & kTailCall)) return;
  if (!meta.map) env.reject(EINVAL, "kernel subsystem misconfigured verifier");
  InsnAux& aux = env.aux[env.insn_idx];
  const RegState& key = env.reg(3);
  if (!key.is_const() || key.s.const_value() >= meta.map->max_entries) {
    aux.map_key_state = kVaries;
  } else {
    const u64 value = key.s.const_value();
    mark_precise(env, 3);
    if (aux.map_key_state == kUnseen) {
      aux.map_key_state = kConstant;
      aux.map_key = value;
    } else if (aux.map_key_state == kConstant && aux.map_key != value) {
      aux.map_key_state = kVaries;
    }
  }
  aux.helper_args_const_key = aux.map_key_state == kConstant;
}

void check_map_compatible(Env& env, const CallMeta& meta) {
  if (!meta.map) return;
  const HelperDef& fn = *meta.fn;
  if (!map_accepts(env, *meta.map, fn) || !helper_accepts(*meta.map, fn))
    env.reject(EINVAL, "cannot pass map_type {} into func {}#{}", meta.map->type, fn.name, fn.id);
  if ((fn.effects & kTailCall) && env.subprogs.size() > 1 && !env.opt.jit_requested)
    env.reject(EINVAL, "tail_calls are not allowed in non-JITed programs with bpf-to-bpf calls");
}

ArgSpec resolve_map_value_arg(Env& env, const ArgSpec& arg, const CallMeta& meta) {
  if (!meta.map) env.reject(EACCES, "invalid map_ptr to access map->type");
  if (traits_of(meta.map) & kMapValueIsSock) {
    if (arg.flags != 0) env.reject(EINVAL, "invalid arg_type for sockmap/sockhash");
    return {ArgKind::kBtfIdSockCommon};
  }
  // A bloom filter is asked about a value instead of giving one.
  if ((meta.fn->effects & kMapPeek) && meta.map->def && meta.map->def->name == "bloom_filter")
    return {ArgKind::kMapValue};
  return arg;
}

}  // namespace osmia::verifier
