// Memory that looks like one of the kernel's structs, for programs that read it by BTF: laid out as the
// kernel BTF says, zero but for the fields that were set. Invariant: setting a field that this kernel does
// not have, or has narrower, changes nothing outside the struct.
#pragma once
#include <string_view>
#include <vector>

#include "base/result.h"
#include "btf/btf.h"

namespace osmia::runtime {

class KernelStruct {
 public:
  // Errors: EOPNOTSUPP if the BTF has no such struct.
  static Result<KernelStruct> make(const btf::Btf& btf, std::string_view name);

  u64 address() const { return reinterpret_cast<u64>(bytes_.data()); }
  // The field's low bytes; anonymous members are looked through. False: there is no such field.
  bool set(std::string_view field, u64 value);

 private:
  KernelStruct(const btf::Btf& btf, u32 id, u32 size) : btf_(&btf), id_(id), bytes_((size + 7) / 8) {}
  bool set_in(u32 id, u32 base, std::string_view field, u64 value);

  const btf::Btf* btf_;
  u32 id_;
  std::vector<u64> bytes_;
};

}  // namespace osmia::runtime
