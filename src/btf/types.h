// The vocabulary of BTF (Documentation/bpf/btf.rst): the 19 kinds and the records that follow a type, as
// plain values. Nothing here owns memory: every string_view points into the Btf that handed it out.
#pragma once
#include <string_view>

#include "base/types.h"

namespace osmia::btf {

enum class Kind : u8 {
  kVoid = 0,  // type id 0, which has no record
  kInt,
  kPtr,
  kArray,
  kStruct,
  kUnion,
  kEnum,
  kFwd,
  kTypedef,
  kVolatile,
  kConst,
  kRestrict,
  kFunc,
  kFuncProto,
  kVar,
  kDatasec,
  kFloat,
  kDeclTag,
  kTypeTag,
  kEnum64,
};
inline constexpr u32 kKindCount = 20;

inline constexpr u16 kMagic = 0xeB9F;
inline constexpr u32 kHeaderSize = 24;
inline constexpr u32 kMaxTypes = 0x000fffff;       // BTF_MAX_TYPE: highest type id that BTF_LOAD takes
inline constexpr u32 kMaxNameOffset = 0x00ffffff;  // BTF_MAX_NAME_OFFSET
inline constexpr u32 kMaxSize = 16u << 20;         // BTF_MAX_SIZE: bytes of one BTF_LOAD
inline constexpr u32 kMaxResolveDepth = 32;        // nested types that Linux follows

// "INT", "PTR", … as Linux's BTF log and bpftool's raw dump write it; "UNKNOWN" for void and whatever is no
// kind.
const char* kind_name(Kind kind);

enum IntEncoding : u8 { kIntSigned = 1, kIntChar = 2, kIntBool = 4 };

struct IntInfo {
  u8 encoding = 0;  // IntEncoding bits
  u8 offset = 0;    // bits
  u8 bits = 0;
  bool is_signed() const { return encoding & kIntSigned; }
  bool is_char() const { return encoding & kIntChar; }
  bool is_bool() const { return encoding & kIntBool; }
};

struct ArrayInfo {
  u32 type = 0;        // element type id
  u32 index_type = 0;  // type id
  u32 nelems = 0;
};

struct Member {
  std::string_view name;
  u32 name_off = 0;
  u32 type = 0;
  u32 bit_offset = 0;     // from the start of the struct
  u32 bitfield_size = 0;  // bits; 0: not a bit field (or an old-style one, whose width its INT gives)
};

struct Enumerator {
  std::string_view name;
  u32 name_off = 0;
  u64 value = 0;  // sign-extended to 64 bits when the enum is signed (kind_flag)
};

struct Param {
  std::string_view name;
  u32 name_off = 0;
  u32 type = 0;  // 0 with no name: the "..." of a variadic function
};

struct VarSecinfo {
  u32 type = 0;    // a VAR (or FUNC) type id
  u32 offset = 0;  // bytes within the section
  u32 size = 0;    // bytes
};

enum class FuncLinkage : u8 { kStatic = 0, kGlobal = 1, kExtern = 2 };
enum class VarLinkage : u8 { kStatic = 0, kGlobal = 1, kExtern = 2 };

}  // namespace osmia::btf
