// What a host application offers to attach to, as data: functions, and the structs that their arguments point
// to. They become BTF beside the kernel's, and from then on are functions like the kernel's own.
#pragma once
#include <string>
#include <vector>

#include "btf/btf.h"
#include "contract/catalog.h"

namespace osmia::runtime {

// An integer of 1, 2, 4 or 8 bytes, a pointer (8 bytes), or nothing (0 bytes: only as a result).
struct HostValue {
  u32 bytes = 0;
  bool is_signed = false, is_bool = false, is_pointer = false;
  std::string points_to;  // a HostStruct's name; empty: unknown memory, which programs see as a number
};
struct HostField {
  std::string name;
  u32 offset = 0;  // bytes
  HostValue type;
};
struct HostStruct {
  std::string name;
  u32 size = 0;  // bytes
  std::vector<HostField> fields;
};
struct HostFunction {
  std::string name;
  HostValue result;
  std::vector<HostField> parameters;  // offsets mean nothing
  std::vector<HostStruct> structs;    // the same struct may come with several functions
  bool may_modify = false;            // fmod_ret programs may decide instead of the function
};

// Adds them to a Catalog that no Kernel has yet: as the last of its modules, or as its vmlinux if it has
// none. Errors: EINVAL with the name that is wrong.
Status add_host_functions(contract::Catalog& catalog, const std::vector<HostFunction>& functions);
inline constexpr const char* kHostModule = "host";

}  // namespace osmia::runtime
