// Where a load through a BTF pointer lands (Linux's btf_struct_walk and btf_struct_access): given a struct,
// an offset and a size, the answer is a scalar, a pointer to another struct with its tags, or why neither.
// Nothing here knows about registers: what tags and unions mean for trust is the caller's business.
#pragma once
#include <string_view>
#include <vector>

#include "btf/btf.h"

namespace osmia::btf {

enum class WalkKind : u8 {
  kScalar,   // bytes without pointer meaning (also a pointer to something that is no struct)
  kPointer,  // a whole pointer field: type_id is the struct it points to
  kStruct,   // struct_step only: the offset is that of a nested struct, type_id (maybe behind modifiers)
};

struct WalkResult {
  WalkKind kind = WalkKind::kScalar;
  u32 type_id = 0;  // kPointer, kStruct
  std::vector<std::string_view>
      tags;  // kPointer: type tags of the field; Linux heeds the first ("user", "rcu", "percpu")
  std::string_view field;  // kPointer: the member's name
  u32 struct_id = 0;       // kPointer: the innermost struct or union that has that member
  bool in_union = false;   // walked through a union with several members: the value cannot be trusted
};

// One step: stops at the first nested struct that starts exactly at the offset. `flexible`: may run past the
// end into a trailing flexible array. Errors: EACCES and EINVAL with Linux's texts ("access beyond struct %s
// at off %u size %u", "access beyond the end of member …", "cannot access ptr member …"), EFAULT for a member
// without size.
Result<WalkResult> struct_step(const Btf& btf, u32 struct_id, u32 offset, u32 size, bool flexible = true);

// Steps until it is a scalar or a pointer.
Result<WalkResult> struct_access(const Btf& btf, u32 struct_id, u32 offset, u32 size, bool flexible = true);

// The same type: equal ids, in one BTF or in a base that both share.
bool types_are_same(const Btf& a, u32 a_id, const Btf& b, u32 b_id);
// True when a pointer to (id + offset) may pass as one to need_id: the same struct, or one nested exactly
// there (Linux's btf_struct_ids_match). `strict`: the same struct alone.
bool struct_ids_match(const Btf& btf, u32 id, u32 offset, const Btf& need, u32 need_id, bool strict,
                      bool flexible = true);

}  // namespace osmia::btf
