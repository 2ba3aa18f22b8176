// The byte layout of a type record (uapi linux/btf.h): three little words, then what the kind adds. Private
// to the room; every read is unaligned-safe because a header may have any length. Invariant: nothing here
// checks bounds, the parser has done so once for every record.
#pragma once
#include "base/bits.h"
#include "btf/types.h"

namespace osmia::btf {

inline constexpr u32 kTypeSize = 12;
inline constexpr u32 kInfoMask = 0x9f00ffff;
inline constexpr u32 kIntMask = 0x0fffffff;

inline u32 word(const u8* p, u32 i) {
  return load_unaligned<u32>(p + 4 * static_cast<size_t>(i));
}
inline u32 info_vlen(u32 info) {
  return info & 0xffff;
}
inline u32 info_kind(u32 info) {
  return info >> 24 & 0x1f;
}
inline bool info_kflag(u32 info) {
  return info >> 31;
}

// Bytes behind the three common words; kinds that do not exist have none.
inline u32 extra_size(u32 kind, u32 vlen) {
  switch (static_cast<Kind>(kind)) {
    case Kind::kInt:
    case Kind::kVar:
    case Kind::kDeclTag: return 4;
    case Kind::kArray: return 12;
    case Kind::kStruct:
    case Kind::kUnion:
    case Kind::kDatasec:
    case Kind::kEnum64: return 12 * vlen;
    case Kind::kEnum:
    case Kind::kFuncProto: return 8 * vlen;
    default: return 0;
  }
}

}  // namespace osmia::btf
