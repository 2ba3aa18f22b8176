// The lookup indexes, built on first use and never changed: names by hash, declaration tags by target.
// Private to the room.
#pragma once
#include <mutex>
#include <vector>

#include "btf/btf.h"

namespace osmia::btf {

// Ids grouped by hash bucket: bucket b is ids[starts[b] .. starts[b + 1]), ascending. Built by counting, so
// that even a million types of one name cost linear time.
struct Btf::NameIndex {
  std::vector<u32> starts;
  std::vector<u32> ids;
  u32 mask = 0;
};

struct Btf::TagIndex {
  struct Entry {
    u32 type;
    int component;
    u32 id;
    auto operator<=>(const Entry&) const = default;
  };
  std::vector<Entry> entries;  // sorted
};

struct Btf::Lazy {
  std::once_flag names_once, tags_once;
  NameIndex names;
  TagIndex tags;
};

}  // namespace osmia::btf
