// Fields by name, each time: a test run sets a handful.
#include "host/kernel_struct.h"

#include <algorithm>
#include <cstring>

namespace osmia::host {

Result<KernelStruct> KernelStruct::make(const btf::Btf& btf, std::string_view name, u32 extra) {
  const u32 id = btf.find(name, btf::Kind::kStruct);
  if (!id)
    return Error{EOPNOTSUPP, "the kernel BTF has no struct " + std::string(name) + ", which this run needs"};
  return KernelStruct(btf, id, btf.type(id).size() + extra);
}

std::optional<KernelStruct::Place> KernelStruct::find(std::string_view field) const {
  return find_in(id_, 0, field);
}

std::optional<KernelStruct::Place> KernelStruct::find_in(u32 id, u32 base, std::string_view field) const {
  const size_t dot = field.find('.');
  const std::string_view first = field.substr(0, dot);
  for (const btf::Member m : btf_->type(id).members()) {
    const u32 at = base + m.bit_offset / 8;
    const btf::TypeView type = btf_->skip_modifiers(m.type);
    if (m.name.empty() && type.is_struct_or_union()) {
      if (const auto inside = find_in(type.id(), at, field)) return inside;
      continue;
    }
    if (m.name != first) continue;
    if (m.bitfield_size || m.bit_offset % 8) return std::nullopt;
    if (dot != field.npos)
      return type.is_struct_or_union() ? find_in(type.id(), at, field.substr(dot + 1)) : std::nullopt;
    Place place{at, 0, 0};
    const auto size = btf_->size_of(type.id());
    place.size = size.ok() ? *size : 0;
    if (type.is(btf::Kind::kArray)) {
      const auto element = btf_->size_of(type.array().type);
      place.element = element.ok() ? *element : 0;
      if (!place.size && at <= size_) place.size = size_ - at;  // an array of no length: what is behind it
    }
    if (at > size_ || place.size > size_ - at) return std::nullopt;
    return place;
  }
  return std::nullopt;
}

void KernelStruct::write(const Place& place, u32 at, u32 size, u64 value) {
  if (at + size <= place.size) std::memcpy(bytes() + place.offset + at, &value, size);
}

bool KernelStruct::set(std::string_view field, u64 value) {
  const auto place = find(field);
  if (!place) return false;
  write(*place, 0, std::min<u32>(place->size, 8), value);
  return true;
}

bool KernelStruct::set_element(std::string_view array, u32 index, u64 value) {
  const auto place = find(array);
  if (!place || !place->element || place->element > 8 || index >= place->size / place->element) return false;
  write(*place, index * place->element, place->element, value);
  return true;
}

bool KernelStruct::set_bits(std::string_view bit_field, u64 value) {
  return set_bits_in(id_, 0, bit_field, value);
}
bool KernelStruct::set_bits_in(u32 id, u32 base, std::string_view field, u64 value) {
  for (const btf::Member m : btf_->type(id).members()) {
    const u32 bit = base * 8 + m.bit_offset;
    const btf::TypeView type = btf_->skip_modifiers(m.type);
    if (m.name.empty() && type.is_struct_or_union()) {
      if (set_bits_in(type.id(), bit / 8, field, value)) return true;
    } else if (m.name == field && m.bitfield_size) {
      for (u32 i = 0; i < m.bitfield_size && (bit + i) / 8 < size_; i++) {
        u8& byte = bytes()[(bit + i) / 8];
        const u8 mask = static_cast<u8>(1u << (bit + i) % 8);
        byte = static_cast<u8>(value >> i & 1 ? byte | mask : byte & ~mask);
      }
      return true;
    } else if (m.name == field) {
      return set(field, value);
    }
  }
  return false;
}
bool KernelStruct::set_text(std::string_view field, std::string_view text) {
  const auto place = find(field);
  if (!place || !place->size) return false;
  set_text(*place, text);
  return true;
}

void KernelStruct::set_text(const Place& place, std::string_view text) {
  u8* to = bytes() + place.offset;
  const size_t n = std::min<size_t>(text.size(), place.size - 1);
  // Bytes that stay the same are not written: a program may be reading them.
  for (size_t i = 0; i < place.size; i++)
    if (const u8 byte = i < n ? static_cast<u8>(text[i]) : 0; to[i] != byte)
      __atomic_store_n(to + i, byte, __ATOMIC_RELAXED);
}

}  // namespace osmia::host
