// lpm_trie: keys are prefixes (a length in bits, then the bytes), and a lookup finds the longest prefix of
// its key. One sorted map of (length, masked bytes) under a reader-writer lock; values never move once
// inserted.
#include <map>
#include <shared_mutex>
#include <string>

#include "maps/checks.h"
#include "maps/map_type.h"
#include "maps/value.h"

namespace osmia::maps {
namespace {

class LpmTrieMap final : public Map {
 public:
  explicit LpmTrieMap(const MapAttr& a) : Map(a), max_prefix_((a.key_size - 4) * 8) {}

  void* lookup(const void* key) override {
    const u32 len = load_unaligned<u32>(key);
    if (len > max_prefix_) return nullptr;
    std::shared_lock lock(mutex_);
    for (auto it = by_length_.rbegin(); it != by_length_.rend(); ++it) {
      if (it->first > len) continue;
      const auto found = it->second.find(masked(key, it->first));
      if (found != it->second.end()) return found->second.get();
    }
    return nullptr;
  }
  s64 update(const void* key, const void* value, u64 flags) override {
    if (flags > BPF_EXIST) return -EINVAL;
    const u32 len = load_unaligned<u32>(key);
    if (len > max_prefix_) return -EINVAL;
    std::unique_lock lock(mutex_);
    auto& level = by_length_[len];
    const std::string bytes = masked(key, len);
    const auto it = level.find(bytes);
    const bool exists = it != level.end();
    const int err = exists && flags == BPF_NOEXIST       ? -EEXIST
                    : !exists && flags == BPF_EXIST      ? -ENOENT
                    : !exists && count_ >= max_entries() ? -ENOSPC
                                                         : 0;
    if (err) {
      if (level.empty()) by_length_.erase(len);
      return err;
    }
    std::shared_ptr<u64[]> fresh(new u64[align_up(value_size(), 8) / 8]());
    store_words(fresh.get(), value, value_size());
    if (exists) {
      graveyard_.push_back(std::move(it->second));
      it->second = std::move(fresh);
    } else {
      level.emplace(bytes, std::move(fresh));
      count_++;
    }
    return 0;
  }
  s64 erase(const void* key) override {
    const u32 len = load_unaligned<u32>(key);
    if (len > max_prefix_) return -EINVAL;
    std::unique_lock lock(mutex_);
    const auto level = by_length_.find(len);
    if (level == by_length_.end()) return -ENOENT;
    const auto it = level->second.find(masked(key, len));
    if (it == level->second.end()) return -ENOENT;
    graveyard_.push_back(std::move(it->second));
    level->second.erase(it);
    if (level->second.empty()) by_length_.erase(level);
    count_--;
    return 0;
  }
  // Longest prefixes first; within a length by bytes. A key that is not there starts again from the first.
  int next_key(const void* key, void* next) override {
    std::shared_lock lock(mutex_);
    if (by_length_.empty()) return -ENOENT;
    if (key) {
      const u32 len = load_unaligned<u32>(key);
      const auto level = len <= max_prefix_ ? by_length_.find(len) : by_length_.end();
      if (level != by_length_.end()) {
        auto it = level->second.find(masked(key, len));
        if (it != level->second.end()) {
          if (++it != level->second.end()) return give(len, it->first, next);
          if (level == by_length_.begin()) return -ENOENT;
          const auto shorter = std::prev(level);
          return give(shorter->first, shorter->second.begin()->first, next);
        }
      }
    }
    const auto longest = std::prev(by_length_.end());
    return give(longest->first, longest->second.begin()->first, next);
  }
  u8 batches() const override { return kLookupBatch | kUpdateBatch | kDeleteBatch; }

 private:
  using Level = std::map<std::string, std::shared_ptr<u64[]>>;
  std::string masked(const void* key, u32 bits) const {
    std::string s(static_cast<const char*>(key) + 4, key_size() - 4);
    for (u32 i = bits / 8; i < s.size(); i++)
      s[i] = i == bits / 8 ? static_cast<char>(s[i] & ~(0xff >> bits % 8)) : '\0';
    return s;
  }
  int give(u32 len, const std::string& bytes, void* next) const {
    store_unaligned(next, len);
    std::memcpy(static_cast<u8*>(next) + 4, bytes.data(), bytes.size());
    return 0;
  }
  u32 max_prefix_;
  std::shared_mutex mutex_;
  std::map<u32, Level> by_length_;
  std::vector<std::shared_ptr<u64[]>> graveyard_;  // values that programs may still look at
  u32 count_ = 0;
};

Status check(const MapAttr& a) {
  constexpr u64 kMaxValue = kKmallocMax - 260 - 40;
  if (!a.max_entries || !(a.map_flags & BPF_F_NO_PREALLOC) ||
      !only_flags(a, BPF_F_NO_PREALLOC | BPF_F_NUMA_NODE | kAccessFlags) || !prog_access_ok(a.map_flags))
    return bad("lpm_trie: max_entries > 0 and map_flags BPF_F_NO_PREALLOC");
  if (a.key_size < 5 || a.key_size > 260) return bad("lpm_trie: key_size must be 5 to 260");
  if (!a.value_size || a.value_size > kMaxValue) return bad("lpm_trie: value_size out of range");
  return Ok{};
}
Result<MapPtr> create(const MapAttr& a) {
  return MapPtr(std::make_shared<LpmTrieMap>(a));
}

int check_struct_key(const Map&, const btf::Btf&, btf::TypeView key, btf::TypeView) {
  return key.is(btf::Kind::kStruct) ? 0 : EINVAL;
}

const MapTypeEntry kTypes[] = {
    {.def = {.type = BPF_MAP_TYPE_LPM_TRIE, .name = "lpm_trie", .btf_struct = "lpm_trie"},
     .check = check,
     .create = create,
     .check_btf = check_struct_key,
     .capability = contract::Capability::kBpf},
};

}  // namespace

std::span<const MapTypeEntry> def_lpm_trie() {
  return kTypes;
}

}  // namespace osmia::maps
