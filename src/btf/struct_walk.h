// Where a load through a BTF pointer lands (Linux's btf_struct_walk): given a struct, an offset and a size, the answer
// is a scalar, a pointer to another type with its tags, or why neither. Nothing here knows about registers.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "btf/btf.h"

namespace osmia::btf {

enum class WalkKind : u8 {
  kScalar,   // bytes without pointer meaning
  kPointer,  // a whole pointer field: type_id is what it points to
  kStruct,   // the offset is that of a nested struct as a whole: type_id is it (an address was asked for)
};

struct WalkResult {
  WalkKind kind = WalkKind::kScalar;
  u32 type_id = 0;                      // kPointer, kStruct
  std::vector<std::string_view> tags;   // kPointer: type tags of the field ("user", "rcu", "percpu")
  std::string_view field;               // name of the last member walked through
  u32 struct_id = 0;                    // the innermost struct or union that holds it
  bool flexible_array = false;          // the access went into a trailing flexible array
  bool in_union = false;                // the field, or a struct around it, is a member of a union
};

// Errors: EACCES with Linux's message ("access beyond struct %s at off %u size %u", "access beyond the end of member …").
Result<WalkResult> struct_walk(const Btf& btf, u32 struct_id, u32 offset, u32 size);

// True when (id2 at its offset 0) is what (id1 + offset) addresses: the same struct, or one nested at exactly that
// place (Linux's btf_struct_ids_match). `strict` allows offset 0 and identity alone.
bool struct_ids_match(const Btf& btf1, u32 id1, u32 offset, const Btf& btf2, u32 id2, bool strict);

}  // namespace osmia::btf
