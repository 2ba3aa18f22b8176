// What the ranges of Image::map() may say beside the number of an instruction and kNoInsn.
#pragma once
#include "base/types.h"

namespace osmia::jit {

inline constexpr u32 kTableData = ~1u;  // no code: the table of a switch, words of 4 bytes

}  // namespace osmia::jit
