// MAP_CREATE: the checks that all types share, in Linux's order; the type's own come from its row in
// maps/def/.
#include <time.h>

#include "contract/kernel_types.h"
#include "maps/map_type.h"
#include "maps/struct_ops.h"
#include "syscall/call.h"

namespace osmia::syscall {
namespace {

class CallDescriptors final : public maps::Descriptors {
 public:
  Result<maps::MapPtr> map(int fd) override {
    int err;
    auto m = get_map(fd, &err);
    if (!m) return Error{-err, "not a map descriptor: " + std::to_string(fd)};
    return m;
  }
  Result<std::shared_ptr<maps::ProgObject>> prog(int fd) override {
    int err;
    auto p = get_prog(fd, &err);
    if (!p) return Error{-err, "not a program descriptor: " + std::to_string(fd)};
    return std::shared_ptr<maps::ProgObject>(p);
  }
};

// btf_type_id_size: size of the type if a map can hold it.
bool sized_type(const btf::Btf& btf, u32 id, u32 size, btf::TypeView& out) {
  out = btf.skip_modifiers(id);
  if (!btf.type(id).exists() || !out.exists() || out.is(btf::Kind::kVoid)) return false;
  if (out.is(btf::Kind::kVar) || out.is(btf::Kind::kFunc) || out.is(btf::Kind::kFuncProto)) return false;
  if (out.is(btf::Kind::kDatasec)) return out.size() == size;
  const auto n = btf.size_of(id);
  return n.ok() && *n == size;
}

long check_btf(Call& c, maps::Map& map, const maps::MapTypeEntry& type, const btf::BtfPtr& btf) {
  verifier::MapInfo& info = map.mutable_info();
  btf::TypeView key = btf->type(0), value;
  if (c.attr.btf_key_type_id) {
    if (!sized_type(*btf, c.attr.btf_key_type_id, info.key_size, key))
      return fail(EINVAL, "BTF key type is not of key_size bytes");
  } else if (!type.check_btf) {
    return fail(EINVAL, "this map type needs a BTF key type");
  }
  if (!sized_type(*btf, c.attr.btf_value_type_id, info.value_size, value))
    return fail(EINVAL, "BTF value type is not of value_size bytes");
  const contract::CatalogTypes kernel_types(c.kernel.catalog());
  // A value whose fields cannot be parsed (or that is no struct) makes a map without fields, as on Linux.
  auto record = btf::parse_fields(*btf, value.id(), btf::kMapValueFields, info.value_size, &kernel_types);
  if (record.ok() && !record->fields.empty()) {
    if (!c.capable(contract::Capability::kBpf)) return fail(EPERM, "special fields need CAP_BPF");
    if (info.map_flags & (BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG))
      return fail(EACCES, "special fields in a map with access flags");
    if (record->mask & ~type.def.fields)
      return fail(EOPNOTSUPP, "this map type cannot hold such a special field");
    if (record->has(btf::kFieldGraphRoot)) {  // what they hold must be fit to be held
      const auto metas = btf::parse_struct_metas(*btf, &kernel_types);
      for (const btf::Field& f : record->fields)
        if (f.kind & btf::kFieldGraphRoot && (!metas.ok() || !btf::find_struct_meta(*metas, f.btf_id)))
          return fail(EFAULT, "a list or tree of structs without special fields");
    }
    info.record = std::make_shared<btf::FieldRecord>(*std::move(record));
  }
  if (type.check_btf)
    if (const int err = type.check_btf(map, *btf, key, value))
      return fail(err, "BTF key or value not right for this map type");
  return 0;
}

// The kernel struct whose values the map holds: of vmlinux, or of the module whose BTF is given.
long find_struct_ops(Call& c, maps::MapAttr& m) {
  runtime::BtfObjectPtr btf = c.kernel.vmlinux();
  if (c.attr.map_flags & BPF_F_VTYPE_BTF_OBJ_FD) {
    int err;
    btf = get_btf(static_cast<int>(c.attr.value_type_btf_obj_fd), &err);
    if (!btf) return fail(-err, "value_type_btf_obj_fd is not BTF");
    if (!btf->kernel || btf == c.kernel.vmlinux())
      return fail(EINVAL, "value_type_btf_obj_fd is not a kernel module's BTF");
  }
  if (btf) m.struct_ops = c.kernel.struct_ops()->by_value(*btf->btf, c.attr.btf_vmlinux_value_type_id);
  return 0;
}

}  // namespace

long map_create(Call& c) {
  union bpf_attr& a = c.attr;
  OSMIA_CHECK_ATTR(c, map_token_fd);
  const bool token = a.map_flags & BPF_F_TOKEN_FD;
  a.map_flags &= ~static_cast<u32>(BPF_F_TOKEN_FD);
  if (a.btf_vmlinux_value_type_id) {
    if (a.map_type != BPF_MAP_TYPE_STRUCT_OPS || a.btf_key_type_id || a.btf_value_type_id)
      return fail(EINVAL, "btf_vmlinux_value_type_id is for struct_ops maps alone");
  } else if (a.btf_key_type_id && !a.btf_value_type_id) {
    return fail(EINVAL, "a BTF key type without a value type");
  }
  if (a.map_type != BPF_MAP_TYPE_BLOOM_FILTER && a.map_type != BPF_MAP_TYPE_ARENA && a.map_extra)
    return fail(EINVAL, "map_extra is not for this map type");
  if ((a.map_flags & BPF_F_RDONLY) && (a.map_flags & BPF_F_WRONLY))
    return fail(EINVAL, "both BPF_F_RDONLY and BPF_F_WRONLY");
  if (a.map_flags & BPF_F_NUMA_NODE && a.numa_node != 0 && a.numa_node != ~0u)
    return fail(EINVAL, "no such NUMA node");

  const maps::MapTypeEntry* type = maps::find_type(a.map_type);
  if (!type) return fail(EINVAL, "no such map type: " + std::to_string(a.map_type));
  CallDescriptors descriptors;
  maps::MapAttr m;
  m.type = a.map_type, m.key_size = a.key_size, m.value_size = a.value_size, m.max_entries = a.max_entries;
  m.map_flags = a.map_flags, m.numa_node = a.numa_node, m.ifindex = a.map_ifindex, m.map_extra = a.map_extra;
  m.btf_key_type_id = a.btf_key_type_id, m.btf_value_type_id = a.btf_value_type_id;
  m.btf_vmlinux_value_type_id = a.btf_vmlinux_value_type_id;
  m.inner_map_fd = a.inner_map_fd;
  m.descriptors = &descriptors;
  m.sys_admin = c.capable(contract::Capability::kSysAdmin);
  m.def = &type->def;
  if (type->check) {
    const Status s = type->check(m);
    if (!s.ok()) return fail(s.error());
  }
  if (token) return fail(EBADF, "BPF tokens are not supported");
  if (c.kernel.unprivileged_disabled && !c.capable(contract::Capability::kBpf))
    return fail(EPERM, "unprivileged bpf is disabled");
  if (!type->def.unprivileged && !c.capable(type->capability))
    return fail(EPERM, "this map type needs a capability");
  if (a.map_ifindex) return fail(EOPNOTSUPP, "not supported yet: maps on offload devices");

  if (a.btf_vmlinux_value_type_id)
    if (const long e = find_struct_ops(c, m)) return e;
  auto made = type->create(m);
  if (!made.ok()) return fail(made.error());
  maps::MapPtr map = *std::move(made);
  verifier::MapInfo& info = map->mutable_info();
  if (!object_name(a.map_name, info.name))
    return fail(EINVAL, "map name: letters, digits, '_' and '.', at most 15");

  if (a.btf_key_type_id || a.btf_value_type_id || a.btf_vmlinux_value_type_id) {
    int err;
    auto btf = get_btf(static_cast<int>(a.btf_fd), &err);
    if (!btf) return fail(-err, "btf_fd is not BTF");
    if (btf->kernel) return fail(EACCES, "btf_fd is the kernel's BTF");
    info.btf = btf::BtfPtr(btf, btf->btf.get());  // the object, and so its id, lives as long as the map
    map->btf_id = btf->id;
    if (a.btf_value_type_id)
      if (const long e = check_btf(c, *map, *type, btf->btf)) return e;
    info.btf_key_type_id = a.btf_key_type_id;
    info.btf_value_type_id = a.btf_value_type_id;
    map->btf_vmlinux_value_type_id = a.btf_vmlinux_value_type_id;
  }
  timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  map->load_time_ns = static_cast<u64>(now.tv_sec) * 1000000000u + static_cast<u64>(now.tv_nsec);
  info.id = c.kernel.maps.add(map);
  Fd fd;
  fd.object = map;
  fd.readable = !(a.map_flags & BPF_F_WRONLY);
  fd.writable = !(a.map_flags & BPF_F_RDONLY);
  return c.fds.install(std::move(fd));
}

}  // namespace osmia::syscall
