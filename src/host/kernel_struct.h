// Memory that looks like one of the kernel's structs, for programs that read it by BTF: laid out as the
// kernel BTF says, zero but for the fields that were set. Invariant: setting a field that this kernel does
// not have, or has narrower, changes nothing outside the struct.
#pragma once
#include <memory>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "btf/btf.h"

namespace osmia::host {

class KernelStruct {
 public:
  // extra: bytes behind the struct, for an array of no length at its end. Errors: EOPNOTSUPP if the BTF has
  // no such struct. The memory neither moves nor refers to the BTF; set() and its kin do refer to it.
  static Result<KernelStruct> make(const btf::Btf& btf, std::string_view name, u32 extra = 0);

  u64 address() const { return reinterpret_cast<u64>(bytes_.get()); }
  u8* bytes() const { return reinterpret_cast<u8*>(bytes_.get()); }
  u32 size() const { return size_; }  // with the extra bytes

  struct Place {
    u32 offset = 0, size = 0;  // bytes
    u32 element = 0;           // bytes of one element of an array, else 0
  };
  // A field by name, "se.load" for one of a member; anonymous members are looked through, bit fields are not
  // found.
  std::optional<Place> find(std::string_view field) const;
  // The field's low bytes. False: there is no such field.
  bool set(std::string_view field, u64 value);
  bool set_element(std::string_view array, u32 index, u64 value);
  bool set_bits(std::string_view bit_field, u64 value);
  // A character array: cut to its size, always terminated.
  bool set_text(std::string_view field, std::string_view text);
  void set_text(const Place& place, std::string_view text);  // does not need the BTF

 private:
  KernelStruct(const btf::Btf& btf, u32 id, u32 size)
      : btf_(&btf), id_(id), size_(size), bytes_(new u64[(size + 7) / 8]()) {}
  std::optional<Place> find_in(u32 id, u32 base, std::string_view field) const;
  bool set_bits_in(u32 id, u32 base, std::string_view field, u64 value);
  void write(const Place& place, u32 at, u32 size, u64 value);

  const btf::Btf* btf_;
  u32 id_;
  u32 size_;
  std::unique_ptr<u64[]> bytes_;
};

}  // namespace osmia::host
