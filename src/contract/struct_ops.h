// A StructOpsDef and the kernel's BTF brought together: where the struct and its value type are, which member
// a program implements, which of its arguments may be null. Everything is looked up when it is asked for.
#pragma once
#include <memory>
#include <vector>

#include "base/result.h"
#include "btf/btf.h"
#include "contract/catalog.h"

namespace osmia::contract {

struct StructOpsLayout {
  const StructOpsDef* def = nullptr;
  u32 type_id = 0;      // struct <name>
  u32 value_id = 0;     // struct bpf_struct_ops_<name>: what the elements of its maps are
  u32 value_size = 0;   // bytes
  u32 data_offset = 0;  // of the struct in the value, bytes
};

// How `btf` (vmlinux, or a module over it) has this struct. Errors: EINVAL with what does not fit; Linux does
// not register the type then.
Result<StructOpsLayout> struct_ops_layout(const StructOpsDef& def, const btf::Btf& btf);
// Is that the BTF that the definition's module means?
bool struct_ops_lives_in(const StructOpsDef& def, const Catalog& catalog, const btf::Btf& btf);

// The argument number `arg` of a prototype begins at this byte of the context; -1 where a size is unknown.
s32 struct_ops_arg_offset(const btf::Btf& btf, btf::TypeView proto, u32 arg);

// The arguments of this member that may be null. Errors: EINVAL, ENOENT where stub and prototype do not fit
// each other.
Result<std::vector<NullableArg>> struct_ops_nullable(const StructOpsMember& member, const btf::Btf& btf,
                                                     btf::TypeView proto);

}  // namespace osmia::contract
