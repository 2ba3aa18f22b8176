// A value printed by its type, as `bpftool map dump` does: nested structs, arrays, character arrays as strings, bit
// fields, enumerators by name. Total: bytes that the type needs and `data` lacks are shown as missing.
#pragma once
#include <span>
#include <string>

#include "btf/btf.h"

namespace osmia::btf {

enum class Style : u8 {
  kText,  // several lines for aggregates, as people read them
  kJson,  // one line of valid JSON
};

// data: the value's bytes in this machine's byte order, at least size_of(type_id).
std::string format_value(const Btf& btf, u32 type_id, std::span<const u8> data, Style style = Style::kText);

}  // namespace osmia::btf
