// Fields by name, each time: a test run sets a handful.
#include "runtime/kernel_struct.h"

#include <algorithm>
#include <cstring>

namespace osmia::runtime {

Result<KernelStruct> KernelStruct::make(const btf::Btf& btf, std::string_view name) {
  const u32 id = btf.find(name, btf::Kind::kStruct);
  if (!id)
    return Error{EOPNOTSUPP, "the kernel BTF has no struct " + std::string(name) + ", which this run needs"};
  return KernelStruct(btf, id, btf.type(id).size());
}

bool KernelStruct::set(std::string_view field, u64 value) {
  return set_in(id_, 0, field, value);
}

bool KernelStruct::set_in(u32 id, u32 base, std::string_view field, u64 value) {
  for (const btf::Member m : btf_->type(id).members()) {
    const u32 at = base + m.bit_offset / 8;
    const btf::TypeView type = btf_->skip_modifiers(m.type);
    if (m.name.empty() && type.is_struct_or_union()) {
      if (set_in(type.id(), at, field, value)) return true;
      continue;
    }
    if (m.name != field) continue;
    if (m.bitfield_size || m.bit_offset % 8) return false;
    const size_t size = type.is(btf::Kind::kPtr) ? 8 : std::min<size_t>(type.size(), 8);
    if (at + size > bytes_.size() * 8) return false;
    std::memcpy(reinterpret_cast<u8*>(bytes_.data()) + at, &value, size);
    return true;
  }
  return false;
}

}  // namespace osmia::runtime
