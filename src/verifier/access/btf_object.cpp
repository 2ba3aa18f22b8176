// Objects described by BTF: kernel structures (read only) and what the program allocated. A load that finds a
// pointer gives a pointer of that type; how far it is trusted follows from the pointer walked, the field's
// tags and the RCU section.
#include "btf/btf.h"
#include "btf/special_fields.h"
#include "btf/struct_walk.h"
#include "verifier/access/region.h"
#include "verifier/domain/print.h"

namespace osmia::verifier {
namespace {

constexpr u32 kTrustedMarks = contract::kTrusted | contract::kAlloc | contract::kNonOwnRef;

bool is_alloc(RegType t) {
  return t.has(contract::kAlloc);
}

u32 tag_flags(const btf::WalkResult& w) {
  if (w.tags.empty()) return 0;
  if (w.tags[0] == "user") return contract::kUserMem;
  if (w.tags[0] == "percpu") return contract::kPercpu;
  if (w.tags[0] == "rcu") return contract::kRcu;
  return 0;
}

struct Landing {
  bool is_pointer = false;
  u32 btf_id = 0;
  u32 flags = 0;
  std::string field;
};

// Where a load lands. Allocated objects end where their type does, and pointers in them are numbers.
Landing walk(Env& env, const btf::Btf& btf, u32 id, u32 off, u32 size, bool alloc) {
  auto found = btf::struct_access(btf, id, off, size, !alloc);
  if (!found.ok()) env.reject(found.error().code, "{}", found.error().message);
  Landing to;
  if (found->kind != btf::WalkKind::kPointer || alloc) return to;
  to.is_pointer = true;
  to.btf_id = found->type_id;
  to.flags = tag_flags(*found) | (found->in_union ? u32{contract::kUntrusted} : 0u);
  to.field = std::string(found->field);
  return to;
}

// The kernel lists fields whose pointers keep their object's trust as structs named <type>__safe_<how>.
bool is_listed(const RegState& r, const Landing& to, std::string_view suffix) {
  const btf::TypeView from = r.btf->type(r.btf_id);
  const u32 safe = r.btf->find(std::string(from.name()) + std::string(suffix), from.kind());
  if (!safe) return false;
  for (const btf::Member& m : r.btf->type(safe).members()) {
    const btf::TypeView t = r.btf->type(m.type);
    if (t.is(btf::Kind::kPtr) && r.btf->skip_modifiers(t.type()).id() == to.btf_id && m.name == to.field)
      return true;
  }
  return false;
}

// Flags of a pointer that was loaded through r.
u32 inherited_trust(const Env& env, const RegState& r, const Landing& to) {
  constexpr u32 kAllTrust = kTrustedMarks | contract::kRcu;
  u32 flags = to.flags;
  if (r.type.has(contract::kUntrusted)) return contract::kUntrusted;
  if (!is_trusted_reg(r) && !r.type.has(contract::kRcu))
    return flags & ~kAllTrust;  // the old, unflagged kind
  if (is_listed(r, to, "__safe_trusted")) return flags | contract::kTrusted;
  if (is_listed(r, to, "__safe_trusted_or_null")) return flags | contract::kTrusted | contract::kMaybeNull;
  if (!in_rcu_section(env) || r.type.maybe_null()) return contract::kUntrusted;
  if (is_listed(r, to, "__safe_rcu")) return flags | contract::kRcu;
  const bool or_null = is_listed(r, to, "__safe_rcu_or_null");
  if ((flags & contract::kRcu) || or_null) {
    flags |= contract::kRcu | contract::kMaybeNull;
    return or_null ? flags & ~contract::kUntrusted : flags;
  }
  if (flags & (contract::kPercpu | contract::kUserMem)) return flags;
  return flags & ~kAllTrust;
}

void check_special_fields(Env& env, const RegState& r, s32 off, int size) {
  const btf::FieldRecord* record = is_alloc(r.type) ? struct_record(env, *r.btf, r.btf_id) : nullptr;
  if (!record) return;
  for (const btf::Field& f : record->fields)
    if (off < static_cast<s64>(f.offset) + f.size && static_cast<s64>(f.offset) < s64{off} + size)
      env.reject(EACCES, "direct access to {} is disallowed", btf::field_name(f.kind));
}

}  // namespace

bool is_kernel_btf(const Env& env, const btf::Btf* b) {
  if (!b) return false;
  if (b == env.cat.vmlinux.get()) return true;
  for (const auto& m : env.cat.modules)
    if (b == m.get()) return true;
  return false;
}

bool is_trusted_reg(const RegState& r) {
  if (r.ref_obj_id) return true;
  const bool unsafe = r.type.flags & ~kTrustedMarks;
  switch (r.type.base) {
    case RegBase::kSocket:
    case RegBase::kSockCommon:
    case RegBase::kTcpSock:
    case RegBase::kConstMapPtr: return !unsafe;
    default: return r.type.has(kTrustedMarks) && !unsafe;
  }
}

bool in_rcu_section(const Env& env) {
  const bool sleepable = env.prog_sleepable || env.cur->in_sleepable;
  return env.cur->active_rcu_lock || env.cur->active_lock.ptr || !sleepable;
}

void set_btf_result(Env& env, u32 regno, bool is_pointer, const btf::Btf* btf, u32 btf_id, u32 flags) {
  if (!is_pointer) return mark_unknown(env, regno);
  RegState& r = env.mut_reg(regno);
  set_pointer(r, RegType(RegBase::kBtfId, flags));
  r.btf = btf;
  r.btf_id = btf_id;
  if (flags & contract::kMaybeNull) r.id = env.new_id();
}

void check_btf_access(Env& env, u32 regno, s32 off, int size, Access access, int value_regno) {
  const RegState r = env.reg(regno);
  const std::string_view name = r.btf->type(r.btf_id).name();
  if (!env.allow_ptr_leaks)
    env.reject(EPERM, "'struct {}' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN", name);
  if (!env.prog.gpl_compatible && is_kernel_btf(env, r.btf))
    env.reject(EINVAL, "Cannot access kernel 'struct {}' from non-GPL compatible program", name);
  if (off < 0) env.reject(EACCES, "R{} is ptr_{} invalid negative access: off={}", regno, name, off);
  if (!r.s.is_const() || r.s.var_off.value)
    env.reject(EACCES, "R{} is ptr_{} invalid variable offset: off={}, var_off={}", regno, name, off,
               tnum_strn(r.s.var_off));
  if (r.type.has(contract::kUserMem))
    env.reject(EACCES, "R{} is ptr_{} access user memory: off={}", regno, name, off);
  if (r.type.has(contract::kPercpu))
    env.reject(EACCES, "R{} is ptr_{} access percpu memory: off={}", regno, name, off);
  // Only objects of the program's own may be written, and what its attach target lets it.
  if (access == Access::kWrite && r.type.has(contract::kUntrusted))
    env.reject(EACCES, "only read is supported");
  if (access == Access::kWrite && !is_alloc(r.type)) return check_kernel_write(env, r, off, size);
  if (is_alloc(r.type) && !r.type.has(contract::kNonOwnRef | contract::kRcu) && !r.ref_obj_id)
    env.reject(EFAULT, "verifier internal error: ref_obj_id for allocated object must be non-zero");
  check_special_fields(env, r, off, size);
  const Landing to =
      walk(env, *r.btf, r.btf_id, static_cast<u32>(off), static_cast<u32>(size), is_alloc(r.type));
  if (access != Access::kRead || value_regno < 0) return;
  set_btf_result(env, value_regno, to.is_pointer, r.btf, to.btf_id,
                 to.is_pointer ? inherited_trust(env, r, to) : 0);
}

void touch_map_pointer(Env& env, const Touch& t) {
  const btf::Btf* vmlinux = env.cat.vmlinux.get();
  if (!vmlinux) env.reject(524, "map_ptr access not supported without CONFIG_DEBUG_INFO_BTF");
  const contract::MapDef* def = env.reg(t.regno).map->def;
  const std::string_view name = def && !def->btf_struct.empty() ? def->btf_struct : "bpf_map";
  const u32 id = vmlinux->find(name, btf::Kind::kStruct);
  if (!id) env.reject(524, "map_ptr access not supported for map type {}", env.reg(t.regno).map->type);
  if (!env.allow_ptr_leaks)
    env.reject(EPERM, "'struct {}' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN", name);
  if (t.off < 0) env.reject(EACCES, "R{} is {} invalid negative access: off={}", t.regno, name, t.off);
  if (t.writes()) env.reject(EACCES, "only read from {} is supported", name);
  const Landing to = walk(env, *vmlinux, id, static_cast<u32>(t.off), static_cast<u32>(t.size), false);
  if (t.value_regno >= 0) set_btf_result(env, t.value_regno, to.is_pointer, vmlinux, to.btf_id, to.flags);
}

}  // namespace osmia::verifier
