// A zeroed struct laid out as the kernel's, some of its fields set by name: what a program reads through BTF
// pointers where the host has no such object. Invariant: a field that is not in this kernel's BTF is not set,
// and set() says so.
#pragma once
#include <string_view>
#include <vector>

#include "btf/btf.h"

namespace osmia::runtime {

class KernelStruct {
 public:
  // Errors: EOPNOTSUPP if the BTF (null: none) has no such struct.
  static Result<KernelStruct> make(const btf::Btf* vmlinux, std::string_view name);
  // The field's low bytes; fields of anonymous members count. False: there is none of that name, or it is a
  // bit field or not of 1, 2, 4 or 8 bytes.
  bool set(std::string_view field, u64 value);
  void* data() { return words_.data(); }
  u64 address() const { return reinterpret_cast<u64>(words_.data()); }

 private:
  const btf::Btf* btf_ = nullptr;
  u32 id_ = 0;
  std::vector<u64> words_;
};

}  // namespace osmia::runtime
