// Walks a map with next_key and prints what lookup_user gives.
#include "cli/map_dump.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/bits.h"
#include "btf/format_value.h"
#include "contract/map_def.h"

namespace osmia::cli {
namespace {

using Bytes = std::vector<u8>;
using Element = std::function<void(const Bytes& key, const std::vector<std::pair<u32, Bytes>>& values)>;

bool all_zero(std::span<const u8> b) {
  return std::all_of(b.begin(), b.end(), [](u8 x) { return x == 0; });
}

std::string hex(std::span<const u8> b) {
  std::string s;
  for (u8 x : b) s += fmt::format("{}{:02x}", s.empty() ? "" : " ", x);
  return s;
}

// Calls fn for every element; values: (cpu, bytes), one entry for maps that are not per CPU.
void each_element(maps::Map& map, const Element& fn) {
  const bool percpu = map.info().def->traits & contract::kMapPercpu;
  const bool sparse = map.info().def->traits & contract::kMapIsArray && map.max_entries() > 64;
  Bytes key(map.key_size()), next(map.key_size()), value(map.user_value_size());
  bool first = true;
  // A map that changes meanwhile cannot make this endless.
  for (u64 n = 0;
       n <= u64{map.max_entries()} + 1 && map.next_key(first ? nullptr : key.data(), next.data()) == 0; n++) {
    first = false;
    key = next;
    if (map.lookup_user(key.data(), value.data(), 0) != 0) continue;
    if (sparse && all_zero(value)) continue;
    std::vector<std::pair<u32, Bytes>> values;
    if (percpu) {
      const u64 stride = align_up(map.value_size(), 8);
      for (u32 cpu = 0; (cpu + 1) * stride <= value.size(); cpu++) {
        Bytes one(value.begin() + cpu * stride, value.begin() + cpu * stride + map.value_size());
        if (!all_zero(one)) values.emplace_back(cpu, std::move(one));
      }
      if (values.empty()) continue;
    } else {
      values.emplace_back(0, value);
    }
    fn(key, values);
  }
}

std::string text_of(maps::Map& map, u32 type_id, std::span<const u8> bytes) {
  const auto& info = map.info();
  if (!info.btf || !type_id) return hex(bytes);
  return btf::format_value(*info.btf, type_id, bytes, btf::Style::kText, 1);
}

nlohmann::ordered_json json_of(maps::Map& map, u32 type_id, std::span<const u8> bytes) {
  const auto& info = map.info();
  if (!info.btf || !type_id) return hex(bytes);
  auto j = nlohmann::ordered_json::parse(btf::format_value(*info.btf, type_id, bytes, btf::Style::kJson),
                                         nullptr, false);
  return j.is_discarded() ? nlohmann::ordered_json(hex(bytes)) : j;
}

}  // namespace

std::string dump_map_text(maps::Map& map, const std::string& name) {
  const auto& info = map.info();
  const bool percpu = info.def->traits & contract::kMapPercpu;
  std::string out = fmt::format("map {} ({}, {} of at most {} elements shown below)\n", name, info.def->name,
                                "{}", info.max_entries);
  u32 count = 0;
  std::string body;
  each_element(map, [&](const Bytes& key, const auto& values) {
    count++;
    body += fmt::format("  key {}\n", text_of(map, info.btf_key_type_id, key));
    for (const auto& [cpu, bytes] : values)
      body += fmt::format("  {} {}\n", percpu ? fmt::format("cpu {}:", cpu) : "value",
                          text_of(map, info.btf_value_type_id, bytes));
  });
  out.replace(out.find("{}"), 2, std::to_string(count));
  return out + body;
}

nlohmann::ordered_json dump_map_json(maps::Map& map, const std::string& name) {
  const auto& info = map.info();
  const bool percpu = info.def->traits & contract::kMapPercpu;
  nlohmann::ordered_json elements = nlohmann::ordered_json::array();
  each_element(map, [&](const Bytes& key, const auto& values) {
    nlohmann::ordered_json e = {{"key", json_of(map, info.btf_key_type_id, key)}};
    if (percpu) {
      for (const auto& [cpu, bytes] : values)
        e["values"].push_back({{"cpu", cpu}, {"value", json_of(map, info.btf_value_type_id, bytes)}});
    } else {
      e["value"] = json_of(map, info.btf_value_type_id, values.front().second);
    }
    elements.push_back(std::move(e));
  });
  return {{"name", name},
          {"type", info.def->name},
          {"max_entries", info.max_entries},
          {"elements", std::move(elements)}};
}

}  // namespace osmia::cli
