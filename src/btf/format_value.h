// A value printed by its type, as `bpftool map dump` does: nested structs and arrays, character arrays as
// strings, enumerators by name, bit fields in hexadecimal. Total: what `data` is too short for is shown as
// null, and nesting, zero-sized elements and recursion cannot make the output larger than a multiple of the
// data.
#pragma once
#include <span>
#include <string>

#include "btf/btf.h"

namespace osmia::btf {

enum class Style : u8 {
  kText,  // bpftool's plain output: JSON-like, one member a line, four spaces a level, pointers as "0x…"
  kJson,  // one line of valid JSON (`bpftool -j`); pointers as numbers
};

// data: the value's bytes in this machine's byte order, size_of(type_id) of them. `level` is the depth of
// nesting that the text's further lines are indented by.
std::string format_value(const Btf& btf, u32 type_id, std::span<const u8> data, Style style = Style::kText,
                         int level = 0);

}  // namespace osmia::btf
