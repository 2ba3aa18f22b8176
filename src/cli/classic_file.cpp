// The forms in which classic programs travel: struct sock_filter in memory (bytes), JSON, and the decimal
// text of `tcpdump -ddd`, bpf_asm and tc ("4,40 0 0 12,21 0 1 2048,...").
#include "cli/classic_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/read_file.h"

namespace osmia::cli {
namespace {

using Program = std::vector<isa::ClassicInsn>;

Error bad(const std::string& path, const std::string& what) {
  return {EINVAL, path + ": " + what};
}

// [[code, jt, jf, k], ...], or objects with these names, or one of these under "filter".
Result<Program> from_json(const std::string& path, const std::string& text) {
  auto j = nlohmann::json::parse(text, nullptr, false);
  if (j.is_discarded()) return bad(path, "expected JSON, found text that is none");
  if (j.is_object() && j.contains("filter")) j = nlohmann::json(j["filter"]);
  if (!j.is_array()) return bad(path, "expected an array of instructions");
  Program out;
  constexpr const char* kNames[] = {"code", "jt", "jf", "k"};
  constexpr u64 kMost[] = {0xffff, 0xff, 0xff, 0xffffffff};
  for (const auto& row : j) {
    u64 v[4] = {};
    for (size_t n = 0; n < 4; n++) {
      const bool object = row.is_object();
      if (!object && !(row.is_array() && row.size() == 4))
        return bad(path, fmt::format("insn {}: expected [code, jt, jf, k]", out.size()));
      if (object && !row.contains(kNames[n])) continue;
      const auto& cell = object ? row[kNames[n]] : row[n];
      if (!cell.is_number_unsigned() || cell.get<u64>() > kMost[n])
        return bad(path,
                   fmt::format("insn {}: {} is not a number up to {}", out.size(), kNames[n], kMost[n]));
      v[n] = cell.get<u64>();
    }
    out.push_back(
        {static_cast<u16>(v[0]), static_cast<u8>(v[1]), static_cast<u8>(v[2]), static_cast<u32>(v[3])});
  }
  return out;
}

Result<Program> from_decimal(const std::string& path, std::string text) {
  std::replace(text.begin(), text.end(), ',', '\n');
  std::istringstream in(text);
  u64 count = 0;
  in >> count;
  if (!in || count > isa::kMaxClassicInsns)
    return bad(path,
               fmt::format("expected the number of instructions first, at most {}", isa::kMaxClassicInsns));
  Program out;
  for (u64 code, jt, jf, k; in >> code >> jt >> jf >> k;) {
    if (code > 0xffff || jt > 0xff || jf > 0xff || k > 0xffffffff)
      return bad(path, fmt::format("insn {}: a number is too large for its field", out.size()));
    out.push_back({static_cast<u16>(code), static_cast<u8>(jt), static_cast<u8>(jf), static_cast<u32>(k)});
  }
  if (!in.eof() || out.size() != count)
    return bad(path, fmt::format("expected {} instructions of four numbers, found {}", count, out.size()));
  return out;
}

}  // namespace

Result<Program> read_classic(const std::string& path) {
  constexpr size_t kLongest = 1u << 20;
  OSMIA_ASSIGN(const std::string text, read_file(path, kLongest));
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return bad(path, "expected a classic program, found nothing");
  if (text[first] == '[' || text[first] == '{') return from_json(path, text);
  if (text.find_first_not_of("0123456789, \t\r\n") == text.npos) return from_decimal(path, text);
  auto out = isa::decode_classic({reinterpret_cast<const u8*>(text.data()), text.size()});
  if (!out.ok()) return bad(path, out.error().message);
  return out;
}

}  // namespace osmia::cli
