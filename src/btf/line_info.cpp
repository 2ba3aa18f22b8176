// Reads func_info and line_info records of whatever size the caller's headers knew.
#include "btf/line_info.h"

#include <fmt/format.h>

#include "btf/layout.h"

namespace osmia::btf {

namespace {

// Calls take(record) for each; `known` is what this program understands of a record.
template <class Take>
Status each_record(std::span<const u8> bytes, u32 rec_size, u32 count, u32 known, const char* what,
                   Take take) {
  if (rec_size < known || rec_size > kMaxInfoRecordSize || rec_size % 4)
    return Error{EINVAL, fmt::format("{} record size {}: expected {} to {} and a multiple of 4", what,
                                     rec_size, known, kMaxInfoRecordSize)};
  if (bytes.size() / rec_size < count)
    return Error{EINVAL, fmt::format("{} of {} bytes: expected {} records of {}", what, bytes.size(), count,
                                     rec_size)};
  for (u32 i = 0; i < count; ++i) {
    const u8* p = bytes.data() + static_cast<size_t>(i) * rec_size;
    for (u32 k = known; k < rec_size; ++k)
      if (p[k]) return Error{E2BIG, fmt::format("nonzero tailing record in {}", what)};
    take(p);
  }
  return Ok{};
}

}  // namespace

Result<std::vector<FuncInfo>> read_func_info(std::span<const u8> bytes, u32 rec_size, u32 count) {
  std::vector<FuncInfo> out;
  OSMIA_TRY(each_record(bytes, rec_size, count, kFuncInfoSize, "func_info", [&](const u8* p) {
    out.push_back({word(p, 0), word(p, 1)});
  }));
  return out;
}

Result<std::vector<LineInfo>> read_line_info(std::span<const u8> bytes, u32 rec_size, u32 count) {
  std::vector<LineInfo> out;
  OSMIA_TRY(each_record(bytes, rec_size, count, kLineInfoSize, "line_info", [&](const u8* p) {
    out.push_back({word(p, 0), word(p, 1), word(p, 2), word(p, 3)});
  }));
  return out;
}

std::string_view line_text(const Btf& btf, const LineInfo& line) {
  std::string_view s = btf.string(line.line_off);
  while (!s.empty() && (s.front() == ' ' || (s.front() >= '\t' && s.front() <= '\r'))) s.remove_prefix(1);
  return s;
}

}  // namespace osmia::btf
