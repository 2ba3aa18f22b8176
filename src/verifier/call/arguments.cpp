// Arguments of helpers: one function per kind. Each first asks whether the register's type fits the kind,
// then whether its offset may be passed, then what the kind itself demands.
#include <span>

#include "btf/struct_walk.h"
#include "verifier/access/region.h"
#include "verifier/call/common.h"

namespace osmia::verifier {

using namespace contract;

namespace {

using Types = std::span<const RegType>;

constexpr RegType kSockTypes[] = {
    {RegBase::kSockCommon}, {RegBase::kSocket}, {RegBase::kTcpSock}, {RegBase::kXdpSock}};
constexpr RegType kBtfSockTypes[] = {{RegBase::kSockCommon}, {RegBase::kSocket}, {RegBase::kTcpSock},
                                     {RegBase::kXdpSock},    {RegBase::kBtfId},  {RegBase::kBtfId, kTrusted}};
constexpr RegType kMemTypes[] = {
    {RegBase::kStack},          {RegBase::kPacket}, {RegBase::kPacketMeta},       {RegBase::kMapKey},
    {RegBase::kMapValue},       {RegBase::kMem},    {RegBase::kMem, kRingbufMem}, {RegBase::kBuf},
    {RegBase::kBtfId, kTrusted}};
constexpr RegType kLockTypes[] = {{RegBase::kMapValue}, {RegBase::kBtfId, kAlloc}};
constexpr RegType kSocketTypes[] = {{RegBase::kSocket}};
constexpr RegType kScalarTypes[] = {{RegBase::kScalar}};
constexpr RegType kCtxTypes[] = {{RegBase::kCtx}};
constexpr RegType kRingbufTypes[] = {{RegBase::kMem, kRingbufMem}};
constexpr RegType kMapPtrTypes[] = {{RegBase::kConstMapPtr}};
constexpr RegType kBtfTypes[] = {{RegBase::kBtfId}, {RegBase::kBtfId, kTrusted}, {RegBase::kBtfId, kRcu}};
constexpr RegType kPercpuTypes[] = {
    {RegBase::kBtfId, kPercpu}, {RegBase::kBtfId, kPercpu | kRcu}, {RegBase::kBtfId, kPercpu | kTrusted}};
constexpr RegType kFuncTypes[] = {{RegBase::kFunc}};
constexpr RegType kStackTypes[] = {{RegBase::kStack}};
constexpr RegType kMapValueTypes[] = {{RegBase::kMapValue}};
constexpr RegType kDynptrTypes[] = {{RegBase::kStack}, {RegBase::kDynptr}};

Types types_for(ArgKind kind) {
  switch (kind) {
    case ArgKind::kMapKey:
    case ArgKind::kMapValue:
    case ArgKind::kMem: return kMemTypes;
    case ArgKind::kConstSize:
    case ArgKind::kConstSizeOrZero:
    case ArgKind::kConstAllocSizeOrZero:
    case ArgKind::kScalar: return kScalarTypes;
    case ArgKind::kConstMapPtr: return kMapPtrTypes;
    case ArgKind::kCtx: return kCtxTypes;
    case ArgKind::kSockCommon: return kSockTypes;
    case ArgKind::kBtfIdSockCommon: return kBtfSockTypes;
    case ArgKind::kSocket: return kSocketTypes;
    case ArgKind::kBtfId: return kBtfTypes;
    case ArgKind::kSpinLock:
    case ArgKind::kKptrXchgDest: return kLockTypes;
    case ArgKind::kRingbufMem: return kRingbufTypes;
    case ArgKind::kPercpuBtfId: return kPercpuTypes;
    case ArgKind::kFunc: return kFuncTypes;
    case ArgKind::kStackMem: return kStackTypes;
    case ArgKind::kConstStr:
    case ArgKind::kTimer: return kMapValueTypes;
    case ArgKind::kDynptr: return kDynptrTypes;
    default: OSMIA_BUG("argument kind without register types");
  }
}

[[noreturn]] void reject_type(Env& env, u32 regno, Types types) {
  std::string expected;
  for (const RegType& t : types) {
    if (!expected.empty()) expected += ", ";
    expected += reg_type_str(env, t);
  }
  env.reject(EACCES, "R{} type={} expected={}", regno, reg_type_str(env, env.reg(regno).type), expected);
}

// A pointer to a kernel object where `want` (in the kernel's BTF) is expected.
// meta: the object may have to fit the kptr field that is exchanged.
void check_object_type(Env& env, u32 regno, const ArgSpec& arg, u32 want, bool strict, const CallMeta& meta) {
  const RegState& r = env.reg(regno);
  const bool kept = meta.kptr && arg.kind == ArgKind::kBtfId;
  const u32 f = r.type.flags;
  if (f == kAlloc || f == (kAlloc | kPercpu)) {
    if (kept) return check_kptr_value(env, *meta.kptr_owner, *meta.kptr, regno);
    if (arg.kind != ArgKind::kSpinLock && arg.kind != ArgKind::kKptrXchgDest)
      env.reject(EFAULT, "verifier internal error: unimplemented handling of MEM_ALLOC");
    return;
  }
  if (f == kPercpu || f == (kPercpu | kRcu) || f == (kPercpu | kTrusted)) return;  // the helper's own checks
  if (r.type.has(kAlloc | kPercpu))
    env.reject(EFAULT, "verifier internal error: invalid PTR_TO_BTF_ID register for type match");
  const bool release = arg.flags & kObjRelease;
  if (r.type.maybe_null() && (!(arg.flags & kMaybeNull) || release))
    env.reject(EACCES, "Possibly NULL pointer passed to helper arg{}", regno);
  if (kept) return check_kptr_value(env, *meta.kptr_owner, *meta.kptr, regno);
  if (!want || !r.btf || !env.cat.vmlinux) env.unsupported("a kernel object argument whose type is unknown");
  if (!btf::struct_ids_match(*r.btf, r.btf_id, static_cast<u32>(r.off), *env.cat.vmlinux, want, strict))
    env.reject(EACCES, "R{} is of type {} but {} is expected", regno, r.btf->type(r.btf_id).name(),
               env.cat.vmlinux->type(want).name());
}

void check_mem(Env& env, u32 index, const ArgSpec& arg, CallMeta& meta) {
  // Without a fixed size the memory is checked with the size argument that follows.
  meta.mem.raw_mode = arg.flags & kUninit;
  if (!(arg.flags & kFixedSize)) return;
  const Access how = arg.flags & kWrite ? Access::kWrite : Access::kRead;
  check_helper_mem(env, index + 1, static_cast<s32>(arg.size), how, false, &meta.mem);
  if (arg.flags & kAligned) check_alignment(env, env.reg(index + 1), 0, static_cast<int>(arg.size), true);
}

void check_size(Env& env, u32 index, bool zero_allowed, CallMeta& meta) {
  const u32 regno = index + 1;
  meta.size_max = env.reg(regno).s.umax;
  const Access how = meta.fn->args[index - 1].flags & kWrite ? Access::kWrite : Access::kRead;
  check_mem_size_reg(env, regno - 1, regno, how, zero_allowed, &meta.mem);
}

void note_map(Env& env, u32 regno, CallMeta& meta) {
  const RegState& r = env.reg(regno);
  // A timer says which map it lives in; the map argument must be that one (inner maps: by look-up).
  if (meta.map && (meta.map != r.map || meta.map_uid != r.map_uid))
    env.reject(EINVAL, "timer pointer in R1 map_uid={} doesn't match map pointer in R2 map_uid={}",
               meta.map_uid, r.map_uid);
  meta.map = r.map;
  meta.map_uid = r.map_uid;
}

void note_release(Env& env, u32 regno, const ArgSpec& arg, CallMeta& meta) {
  const RegState& r = env.reg(regno);
  if (arg.kind == ArgKind::kDynptr) {
    if (!is_exact(r, RegBase::kStack)) env.reject(EINVAL, "cannot release unowned const bpf_dynptr");
    if (!dynptr_is_acquired(env, regno)) env.reject(EINVAL, "arg {} is an unacquired reference", regno);
  } else if (!r.ref_obj_id && !r.is_null()) {
    env.reject(EINVAL, "R{} must be referenced when passed to release function", regno);
  }
  OSMIA_BUG_IF(meta.release_regno != 0);
  meta.release_regno = regno;
}

void check_alloc_size(Env& env, u32 regno, CallMeta& meta) {
  const RegState& r = env.reg(regno);
  if (!r.s.is_const()) env.reject(EACCES, "R{} is not a known constant'", regno);
  meta.mem_size = r.s.const_value();
  mark_precise(env, regno);
}

void check_lock_arg(Env& env, u32 regno, const CallMeta& meta) {
  if (in_locked_callback(env)) env.reject(EACCES, "can't spin_{{lock,unlock}} in rbtree cb");
  check_spin_lock(env, regno, meta.fn->effects & contract::kSpinLock);
}

// The place of a referenced kptr in a map value or an object of the program's.
void check_kptr_dest(Env& env, u32 regno, CallMeta& meta) {
  const RegState& r = env.reg(regno);
  if (r.is(RegBase::kMapValue) && !r.map->btf)
    env.reject(EINVAL, "map '{}' has to have BTF in order to use bpf_kptr_xchg", r.map->name);
  const btf::FieldRecord* record = record_of(env, r);
  if (!r.s.is_const())
    env.reject(EINVAL, "R{} doesn't have constant offset. kptr has to be at the constant offset", regno);
  if (!record || !record->has(btf::kFieldKptr)) env.reject(EINVAL, "R{} has no valid kptr", regno);
  const u32 at = static_cast<u32>(r.off) + static_cast<u32>(r.s.var_off.value);
  const btf::Field* field = record->find(at, btf::kFieldKptr);
  if (!field) env.reject(EACCES, "off={} doesn't point to kptr", static_cast<s32>(at));
  if (field->kind == btf::kFieldKptrUnref)
    env.reject(EACCES, "off={} kptr isn't referenced kptr", static_cast<s32>(at));
  meta.kptr = field;
  meta.kptr_owner = &owner_btf(r);
}

// What the kind demands beyond type and offset.
void check_kind(Env& env, u32 index, const ArgSpec& arg, CallMeta& meta) {
  const u32 regno = index + 1;
  switch (arg.kind) {
    case ArgKind::kConstMapPtr: note_map(env, regno, meta); break;
    case ArgKind::kMapKey:
      if (!meta.map) env.reject(EACCES, "invalid map_ptr to access map->key");
      check_helper_mem(env, regno, static_cast<s32>(meta.map->key_size), Access::kRead, false, nullptr);
      break;
    case ArgKind::kMapValue:
      if ((arg.flags & kMaybeNull) && env.reg(regno).is_null()) return;
      if (!meta.map) env.reject(EACCES, "invalid map_ptr to access map->value");
      meta.mem.raw_mode = arg.flags & kUninit;
      check_helper_mem(env, regno, static_cast<s32>(meta.map->value_size),
                       arg.flags & kWrite ? Access::kWrite : Access::kRead, false, &meta.mem);
      break;
    case ArgKind::kPercpuBtfId:
      if (!env.reg(regno).btf_id) env.reject(EACCES, "Helper has invalid btf_id in R{}", regno);
      meta.ret_btf = env.reg(regno).btf;
      meta.ret_btf_id = env.reg(regno).btf_id;
      break;
    case ArgKind::kSpinLock: check_lock_arg(env, regno, meta); break;
    case ArgKind::kTimer: check_timer(env, regno, meta); break;
    case ArgKind::kFunc: meta.callback = env.reg(regno).subprog; break;
    case ArgKind::kMem: check_mem(env, index, arg, meta); break;
    case ArgKind::kConstSize: check_size(env, index, false, meta); break;
    case ArgKind::kConstSizeOrZero: check_size(env, index, true, meta); break;
    case ArgKind::kDynptr: check_dynptr_arg(env, regno, arg.flags, 0); break;
    case ArgKind::kConstAllocSizeOrZero: check_alloc_size(env, regno, meta); break;
    case ArgKind::kConstStr: check_const_string(env, regno); break;
    case ArgKind::kKptrXchgDest: check_kptr_dest(env, regno, meta); break;
    default: break;
  }
}

}  // namespace

void check_arg_type(Env& env, u32 regno, const ArgSpec& arg, u32 btf_id, const CallMeta& meta) {
  const Types types = types_for(arg.kind);
  RegType t = env.reg(regno).type;
  // What an argument allows beyond the plain type does not count in the comparison.
  if (arg.flags & kRdOnly) t = t.without(kRdOnly);
  if (arg.flags & kMaybeNull) t = t.without(kMaybeNull);
  if (arg.kind == ArgKind::kMem) t = t.without(kDynptrFlags);
  if (meta.kptr && arg.kind == ArgKind::kBtfId && t.has(kAlloc)) t = t.without(kAlloc | kPercpu);
  bool found = false;
  for (const RegType& ok : types) found |= ok == t;
  if (!found) reject_type(env, regno, types);
  if (!env.reg(regno).is(RegBase::kBtfId)) return;
  if (types.data() == kMemTypes) {
    if (!(arg.flags & kRdOnly))
      env.reject(EACCES, "{}() may write into memory pointed by R{} type={}", meta.fn ? meta.fn->name : "",
                 regno, reg_type_str(env, env.reg(regno).type));
    return;
  }
  u32 want = btf_id;
  if (!want && arg.kind == ArgKind::kBtfIdSockCommon) want = kernel_struct(env, "sock_common");
  // Releasing a socket takes any kind of socket; any other release wants exactly its type.
  const bool strict = (arg.flags & kObjRelease) && arg.kind != ArgKind::kBtfIdSockCommon;
  check_object_type(env, regno, arg, want, strict, meta);
}

void check_arg_offset(Env& env, u32 regno, bool release, bool dynptr) {
  const RegState& r = env.reg(regno);
  const u32 f = r.type.flags;
  if (release) {
    if (dynptr && is_exact(r, RegBase::kStack)) return;
    if (r.off)
      env.reject(EINVAL, "R{} must have zero offset when passed to release func or trusted arg to kfunc",
                 regno);
    check_ptr_off_reg(env, r, regno, false);
    return;
  }
  switch (r.type.base) {
    case RegBase::kStack:
    case RegBase::kPacket:
    case RegBase::kPacketMeta:
    case RegBase::kMapKey:
    case RegBase::kMapValue:
    case RegBase::kArena:
    case RegBase::kScalar:
      if (f == 0) return;
      break;
    case RegBase::kMem:
      if (f == 0 || f == kRdOnly || f == kRingbufMem) return;
      break;
    case RegBase::kBuf:
      if (f == 0 || f == kRdOnly) return;
      break;
    case RegBase::kBtfId:
      if (f == 0 || f == kAlloc || f == kTrusted || f == kRcu || f == (kAlloc | kNonOwnRef) ||
          f == (kAlloc | kNonOwnRef | kRcu)) {
        check_ptr_off_reg(env, r, regno, true);
        return;
      }
      break;
    default: break;
  }
  check_ptr_off_reg(env, r, regno, false);
}

void check_argument(Env& env, u32 index, CallMeta& meta) {
  const u32 regno = index + 1;
  ArgSpec arg = meta.fn->args[index];
  if (arg.kind == ArgKind::kNone) return;
  use_reg(env, regno, RegUse::kRead);
  if (arg.kind == ArgKind::kAnything) {
    if (leaks_pointer(env, env.reg(regno))) env.reject(EACCES, "R{} leaks addr into helper function", regno);
    note_escape(env, env.reg(regno));
    return;
  }
  if (env.reg(regno).is_packet() && !may_access_packet(env, meta.fn, Access::kRead))
    env.reject(EACCES, "helper access to the packet is not allowed");
  if (arg.kind == ArgKind::kMapValue) arg = resolve_map_value_arg(env, arg, meta);
  if (env.reg(regno).is_null() && (arg.flags & kMaybeNull)) {
    mark_precise(env, regno);
  } else {
    const u32 want = arg.kind == ArgKind::kBtfId ? kernel_struct(env, arg.btf_type) : 0;
    check_arg_type(env, regno, arg, want, meta);
    check_arg_offset(env, regno, arg.flags & kObjRelease, arg.kind == ArgKind::kDynptr);
  }
  if (arg.flags & kObjRelease) note_release(env, regno, arg, meta);
  const u32 ref = env.reg(regno).ref_obj_id;
  if (ref && arg.kind != ArgKind::kKptrXchgDest) {
    if (meta.ref_obj_id)
      env.reject(EFAULT, "verifier internal error: more than one arg with ref_obj_id R{} {} {}", regno, ref,
                 meta.ref_obj_id);
    meta.ref_obj_id = ref;
  }
  check_kind(env, index, arg, meta);
}

}  // namespace osmia::verifier
