// ld_imm64: maps, map values, kernel variables and subprograms behind pseudo immediates; and that every other
// opcode is one. Resolved things are noted in Env::aux; the instructions themselves stay as they came.
#include <algorithm>

#include "btf/btf.h"
#include "isa/opcode_table.h"
#include "verifier/prepare/prepare.h"

namespace osmia::verifier {
namespace {

inline constexpr size_t kMaxMaps = 64;
inline constexpr u32 kMaxVarOff = 1u << 29;  // largest offset that pointer arithmetic may reach

bool has_field(const MapInfo& map, u32 kinds) {
  return map.record && map.record->has(kinds);
}

void check_map_fits_program(Env& env, const MapInfo& map) {
  const bool tracing = env.type->traits & contract::kTracingRules;
  if (tracing && has_field(map, btf::kFieldGraphRoot))
    env.reject(EINVAL, "tracing progs cannot use bpf_{{list_head,rb_root}} yet");
  if (has_field(map, btf::kFieldSpinLock)) {
    if (env.type->traits & contract::kNoSpinLock)
      env.reject(EINVAL, "socket filter progs cannot use bpf_spin_lock yet");
    if (tracing) env.reject(EINVAL, "tracing progs cannot use bpf_spin_lock yet");
  }
  if (tracing && has_field(map, btf::kFieldTimer))
    env.reject(EINVAL, "tracing progs cannot use bpf_timer yet");
  if (tracing && has_field(map, btf::kFieldWorkqueue))
    env.reject(EINVAL, "tracing progs cannot use bpf_wq yet");
  if (map.def->traits & contract::kMapIsStructOps)
    env.reject(EINVAL, "bpf_struct_ops map cannot be used in prog");
  if (env.prog_sleepable && !(map.def->traits & contract::kMapSleepableOk))
    env.reject(EINVAL, "Sleepable programs can only use array, hash, ringbuf and local storage maps");
}

// What using this map for the first time means for the program as a whole.
void check_new_map(Env& env, const MapInfo& map) {
  if (map.def->traits & contract::kMapCgroupStorage) {
    for (const MapInfo* other : env.cgroup_storages)
      if (other->type == map.type) env.reject(EBUSY, "only one cgroup storage of each type is allowed");
    env.cgroup_storages.push_back(&map);
  }
  if (map.def->traits & contract::kMapIsArena) {
    if (env.arena) env.reject(EBUSY, "Only one arena per program");
    if (!env.allow_ptr_leaks || !env.bpf_capable)
      env.reject(EPERM, "CAP_BPF and CAP_PERFMON are required to use arena");
    if (!env.opt.jit_requested) env.reject(EOPNOTSUPP, "JIT is required to use arena");
    env.arena = &map;
    if (!map.user_vm_start) env.reject(EINVAL, "arena's user address must be set via map_extra or mmap()");
  }
}

void resolve_map(Env& env, u32 i) {
  using namespace isa;
  const Insn &lo = env.insns[i], &hi = env.insns[i + 1];
  const bool value = lo.src == kPseudoMapValue || lo.src == kPseudoMapIdxValue;
  const bool by_index = lo.src == kPseudoMapIdx || lo.src == kPseudoMapIdxValue;
  if (lo.src > kPseudoMapIdxValue || (!value && hi.imm != 0))
    env.reject(EINVAL, "unrecognized bpf_ld_imm64 insn");
  int fd = lo.imm;
  if (by_index) {
    if (env.prog.fd_array.data() == nullptr) env.reject(EPROTO, "fd_idx without fd_array is invalid");
    if (lo.imm < 0 || static_cast<size_t>(lo.imm) >= env.prog.fd_array.size()) env.reject_silently(EFAULT);
    fd = env.prog.fd_array[lo.imm];
  }
  const MapInfo* map = env.resolver.map_by_fd(fd);
  if (!map) env.reject(env.resolver.map_fd_error(fd), "fd {} is not pointing to valid bpf_map", fd);
  const bool reused = std::find(env.used_maps.begin(), env.used_maps.end(), map) != env.used_maps.end();
  if (!reused) {
    if (env.used_maps.size() >= kMaxMaps)
      env.reject(E2BIG, "The total number of maps per program has reached the limit of {}", kMaxMaps);
    env.used_maps.push_back(map);
  }
  InsnAux& aux = env.aux[i];
  aux.map = map;
  check_map_fits_program(env, *map);
  if (value) {
    const u32 off = static_cast<u32>(hi.imm);
    if (off >= kMaxVarOff) env.reject(EINVAL, "direct value offset of {} is not allowed", off);
    if (!(map->def->traits & contract::kMapDirectValue))
      env.reject(EINVAL, "no direct value access support for this map type");
    if (const int error = map->direct_value_error(off)) {
      env.reject(error, "invalid access to map value pointer, value_size={} off={}", map->value_size, off);
    }
    aux.map_value_off = static_cast<s32>(off);
    aux.imm64 = map->value_base + off;
  }
  if (!reused) check_new_map(env, *map);
}

// A kernel variable or function (ksym). Its address is the host's business; its type decides what may be done
// with it.
void resolve_btf_var(Env& env, u32 i) {
  const u32 id = static_cast<u32>(env.insns[i].imm);
  const int fd = env.insns[i + 1].imm;
  std::shared_ptr<const btf::Btf> btf = env.cat.vmlinux;
  if (fd) {
    btf = env.resolver.btf_by_fd(fd);
    if (!btf) env.reject(EINVAL, "invalid module BTF object FD specified.");
  } else if (!btf) {
    env.reject(EINVAL, "kernel is missing BTF, make sure CONFIG_DEBUG_INFO_BTF=y is specified in Kconfig.");
  }
  const auto type = btf->type(id);
  if (!type.exists()) env.reject(ENOENT, "ldimm64 insn specifies invalid btf_id {}.", static_cast<s32>(id));
  InsnAux& aux = env.aux[i];
  if (std::find(env.used_btfs.begin(), env.used_btfs.end(), btf) == env.used_btfs.end())
    env.used_btfs.push_back(btf);
  if (type.is(btf::Kind::kFunc)) {
    aux.ptr_type = RegType(RegBase::kMem, contract::kRdOnly);
    aux.mem_size = 0;
    if (btf == env.cat.vmlinux) aux.imm64 = env.resolver.percpu_or_ksym_addr(id);
    return;
  }
  if (!type.is(btf::Kind::kVar))
    env.reject(EINVAL, "pseudo btf_id {} in ldimm64 isn't KIND_VAR or KIND_FUNC", static_cast<s32>(id));
  bool percpu = false;
  if (const u32 sec = btf->find_own(".data..percpu", btf::Kind::kDatasec))
    for (const auto v : btf->type(sec).var_secinfos()) percpu |= v.type == id;
  const auto target = btf->skip_modifiers(type.type());
  if (percpu) {
    aux.ptr_type = RegType(RegBase::kBtfId, contract::kPercpu);
  } else if (!target.is_struct_or_union()) {
    const auto size = btf->size_of(target.id());
    if (!size.ok())
      env.reject(EINVAL, "ldimm64 unable to resolve the size of type '{}': {}", target.name(),
                 -size.error().code);
    aux.ptr_type = RegType(RegBase::kMem, contract::kRdOnly);
    aux.mem_size = *size;
    return;
  } else {
    aux.ptr_type = RegType(RegBase::kBtfId);
  }
  aux.btf_var_btf = btf.get();
  aux.btf_var_type = percpu ? type.type() : target.id();
}

}  // namespace

void resolve_pseudo(Env& env) {
  using namespace isa;
  const u32 count = static_cast<u32>(env.insns.size());
  for (u32 i = 0; i < count; i++) {
    const Insn& in = env.insns[i];
    if (in.cls() == kLdx && ((in.mode() != kMem && in.mode() != kMemsx) || in.imm != 0))
      env.reject(EINVAL, "BPF_LDX uses reserved fields");
    if (!is_ld_imm64(in)) {
      if (!lookup_code(in.code)) env.reject(EINVAL, "unknown opcode {:02x}", in.code);
      continue;
    }
    if (i == count - 1) env.reject(EINVAL, "invalid bpf_ld_imm64 insn");
    const Insn& hi = env.insns[i + 1];
    if (hi.code != 0 || hi.dst != 0 || hi.src != 0 || hi.off != 0)
      env.reject(EINVAL, "invalid bpf_ld_imm64 insn");
    if (in.src == kPseudoBtfId)
      resolve_btf_var(env, i);
    else if (in.src == kPseudoFunc)
      env.aux[i].ptr_type = RegType(RegBase::kFunc);
    else if (in.src != 0)
      resolve_map(env, i);
    i++;
  }
}

}  // namespace osmia::verifier
