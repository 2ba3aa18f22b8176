// Offsets come from the kernel BTF alone, so that another kernel version is another layout.
#include "runtime/kernel_struct.h"

#include <cerrno>
#include <cstring>
#include <optional>

namespace osmia::runtime {
namespace {

struct Place {
  u32 offset, bytes;
};
std::optional<Place> find(const btf::Btf& btf, u32 id, std::string_view field, u32 base) {
  for (const btf::Member& m : btf.type(id).members()) {
    const u32 at = base + m.bit_offset / 8;
    if (m.name.empty()) {
      const auto inner = btf.skip_modifiers(m.type);
      if (inner.is_struct_or_union())
        if (const auto found = find(btf, inner.id(), field, at)) return found;
    } else if (m.name == field) {
      const auto n = btf.size_of(m.type);
      if (!n.ok() || m.bitfield_size || (*n != 1 && *n != 2 && *n != 4 && *n != 8)) return std::nullopt;
      return Place{at, *n};
    }
  }
  return std::nullopt;
}

}  // namespace

Result<KernelStruct> KernelStruct::make(const btf::Btf* vmlinux, std::string_view name) {
  KernelStruct out;
  out.btf_ = vmlinux;
  out.id_ = vmlinux ? vmlinux->find(name, btf::Kind::kStruct) : 0;
  if (!out.id_) return Error{EOPNOTSUPP, "no kernel BTF with struct " + std::string(name)};
  out.words_.resize(vmlinux->type(out.id_).size() / 8 + 1);
  return out;
}

bool KernelStruct::set(std::string_view field, u64 value) {
  const auto place = find(*btf_, id_, field, 0);
  if (!place || place->offset + place->bytes > words_.size() * 8) return false;
  std::memcpy(reinterpret_cast<u8*>(words_.data()) + place->offset, &value, place->bytes);
  return true;
}

}  // namespace osmia::runtime
