// The text of a map is its elements in the order of its keys, each by BTF without names of types and members,
// zeros included.
#include "syscall/pin_files.h"

#include <fmt/format.h>
#include <linux/bpf.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "base/bits.h"
#include "btf/show_value.h"
#include "contract/map_def.h"

namespace osmia::syscall {
namespace {

std::string cleaned(const char* path) {
  return std::filesystem::path(path).lexically_normal().string();
}

std::string shown(const maps::Map& map, u32 type, std::span<const u8> bytes) {
  return btf::show_value(*map.info().btf, type, bytes,
                         btf::kShowCompact | btf::kShowNoNames | btf::kShowZeros,
                         [](u64 pointer) { return pointer; });
}

bool has_text(const maps::Map& map) {
  if (!map.info().btf || !map.info().btf_value_type_id) return false;
  switch (map.type()) {
    case BPF_MAP_TYPE_ARRAY:
    case BPF_MAP_TYPE_PERCPU_ARRAY:
    case BPF_MAP_TYPE_HASH:
    case BPF_MAP_TYPE_PERCPU_HASH:
    case BPF_MAP_TYPE_LRU_HASH:
    case BPF_MAP_TYPE_LRU_PERCPU_HASH: return true;
    default: return false;
  }
}

std::string map_text(maps::Map& map) {
  const auto& info = map.info();
  const bool array = info.def->traits & contract::kMapIsArray,
             percpu = info.def->traits & contract::kMapPercpu;
  std::string out =
      "# WARNING!! The output is for debug purpose only\n# WARNING!! The output format will change\n";
  std::vector<u8> key(map.key_size()), next(map.key_size()), value(map.user_value_size());
  bool first = true;
  // A map that changes meanwhile cannot make this endless.
  for (u64 n = 0; n <= u64{map.max_entries()} + 1 && !map.next_key(first ? nullptr : key.data(), next.data());
       n++) {
    first = false;
    key = next;
    if (map.lookup_user(key.data(), value.data(), 0)) continue;
    u32 index = 0;
    if (array) std::memcpy(&index, key.data(), sizeof index);
    if (!array)
      out += shown(map, info.btf_key_type_id, key) + ": ";
    else if (info.btf_key_type_id || percpu)
      out += fmt::format("{}: ", index);
    if (!percpu) {
      out += shown(map, info.btf_value_type_id, value) + "\n";
      continue;
    }
    out += "{\n";
    const size_t stride = align_up(map.value_size(), 8);
    for (size_t cpu = 0; (cpu + 1) * stride <= value.size(); cpu++)
      out += fmt::format(
          "\tcpu{}: {}\n", cpu,
          shown(map, info.btf_value_type_id, std::span(value).subspan(cpu * stride, map.value_size())));
    out += "}\n";
  }
  return out;
}

}  // namespace

bool is_pinned(runtime::Kernel& k, const char* path) {
  std::lock_guard lock(k.pins_mutex);
  return !k.pins.empty() && k.pins.count(cleaned(path));
}

bool unpin(runtime::Kernel& k, const char* path) {
  runtime::Object gone;  // destroyed behind the lock
  {
    std::lock_guard lock(k.pins_mutex);
    const auto it = k.pins.find(cleaned(path));
    if (it == k.pins.end()) return false;
    gone = std::move(it->second);
    k.pins.erase(it);
  }
  if (auto* m = std::get_if<maps::MapPtr>(&gone)) (*m)->user_unref();
  return true;
}

Result<std::string> pin_text(runtime::Kernel& k, const char* path) {
  maps::MapPtr map;
  {
    std::lock_guard lock(k.pins_mutex);
    const auto it = k.pins.find(cleaned(path));
    if (it == k.pins.end()) return Error{ENOENT, "nothing is pinned there"};
    if (auto* m = std::get_if<maps::MapPtr>(&it->second)) map = *m;
  }
  if (!map || !has_text(*map)) return Error{EIO, "this pin cannot be read"};
  return map_text(*map);
}

}  // namespace osmia::syscall
