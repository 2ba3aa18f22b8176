// What programs attach to by name, as data: kernel iterators with the types of their arguments. Source: Linux
// 6.12.
#pragma once
#include <span>
#include <string_view>

#include "contract/reg_type.h"

namespace osmia::contract {

// One argument of an iterator's program, 8 bytes at `offset` in its context. Arguments not listed are as BTF
// says.
struct IteratorArg {
  u16 offset = 0;
  RegType type = {};
  std::string_view btf_type = {};  // struct name, for kBtfId
};

// Attach function "bpf_iter_" + name. A program of another name is refused with -EINVAL and no text.
struct IteratorDef {
  std::string_view name;
  std::span<const IteratorArg> args = {};
};

const IteratorDef* iterator_target(std::string_view name);  // nullptr: unknown

}  // namespace osmia::contract
