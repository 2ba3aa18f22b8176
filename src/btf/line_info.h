// The records that PROG_LOAD's func_info and line_info point to (uapi struct bpf_func_info, bpf_line_info),
// as values. Whoever loads programs checks them against the program; here they are only read.
#pragma once
#include <span>
#include <vector>

#include "btf/btf.h"

namespace osmia::btf {

struct FuncInfo {
  u32 insn_off = 0;  // instructions
  u32 type_id = 0;   // FUNC
};
struct LineInfo {
  u32 insn_off = 0;       // instructions
  u32 file_name_off = 0;  // string offset
  u32 line_off = 0;       // string offset of the source line's text
  u32 line_col = 0;       // line << 10 | column
  u32 line() const { return line_col >> 10; }
  u32 column() const { return line_col & 0x3ff; }
};
inline constexpr u32 kFuncInfoSize = 8;
inline constexpr u32 kLineInfoSize = 16;
inline constexpr u32 kMaxInfoRecordSize = 252;

// Reads count records of rec_size bytes each; the rest of each record beyond what is known must be zero.
// Errors: EINVAL (rec_size too small, too large or not a multiple of 4; bytes too short), E2BIG (unknown
// non-zero tail).
Result<std::vector<FuncInfo>> read_func_info(std::span<const u8> bytes, u32 rec_size, u32 count);
Result<std::vector<LineInfo>> read_line_info(std::span<const u8> bytes, u32 rec_size, u32 count);

// The source line's text without leading white space, "" if unknown.
std::string_view line_text(const Btf& btf, const LineInfo& line);

}  // namespace osmia::btf
