// Finding types by name and tags by target. A split BTF asks its base first, as Linux's lowest-id-wins rule
// needs.
#include <algorithm>
#include <functional>

#include "btf/layout.h"
#include "btf/lazy.h"

namespace osmia::btf {

namespace {
u32 name_hash(std::string_view name, Kind kind) {
  const u64 h = std::hash<std::string_view>{}(name) + static_cast<u64>(kind) * 0x9e3779b97f4a7c15ull;
  return static_cast<u32>(h ^ h >> 29);
}
}  // namespace

const Btf::NameIndex& Btf::names() const {
  std::call_once(lazy_->names_once, [this] {
    NameIndex& x = lazy_->names;
    const u32 n = own_types();
    u32 buckets = 16;
    while (buckets < n) buckets *= 2;
    x.mask = buckets - 1;
    x.starts.assign(buckets + 1, 0);
    std::vector<u32> bucket_of(n);
    u32 named = 0;
    for (u32 i = 0; i < n; ++i) {
      const TypeView t = type(start_id_ + i);
      const std::string_view name = t.name();
      if (name.empty()) {
        bucket_of[i] = ~0u;
        continue;
      }
      bucket_of[i] = name_hash(name, t.kind()) & x.mask;
      ++x.starts[bucket_of[i] + 1];
      ++named;
    }
    for (u32 b = 0; b < buckets; ++b) x.starts[b + 1] += x.starts[b];
    x.ids.resize(named);
    std::vector<u32> fill(x.starts.begin(), x.starts.end() - 1);
    for (u32 i = 0; i < n; ++i)
      if (bucket_of[i] != ~0u) x.ids[fill[bucket_of[i]]++] = start_id_ + i;
  });
  return lazy_->names;
}

u32 Btf::find_own(std::string_view name, Kind kind) const {
  if (name.empty()) return 0;
  const NameIndex& x = names();
  const u32 b = name_hash(name, kind) & x.mask;
  for (u32 i = x.starts[b]; i < x.starts[b + 1]; ++i) {
    const TypeView t = type(x.ids[i]);
    if (t.kind() == kind && t.name() == name) return x.ids[i];
  }
  return 0;
}

u32 Btf::find(std::string_view name, Kind kind) const {
  if (base_)
    if (const u32 id = base_->find(name, kind)) return id;
  return find_own(name, kind);
}

std::vector<u32> Btf::find_all_own(std::string_view name) const {
  std::vector<u32> found;
  if (name.empty()) return found;
  const NameIndex& x = names();
  for (u32 k = 1; k < kKindCount; ++k) {
    const u32 b = name_hash(name, static_cast<Kind>(k)) & x.mask;
    for (u32 i = x.starts[b]; i < x.starts[b + 1]; ++i) {
      const TypeView t = type(x.ids[i]);
      if (t.kind() == static_cast<Kind>(k) && t.name() == name) found.push_back(x.ids[i]);
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

const Btf::TagIndex& Btf::tags() const {
  std::call_once(lazy_->tags_once, [this] {
    auto& entries = lazy_->tags.entries;
    for (u32 id = start_id_; id < end_id(); ++id) {
      const TypeView t = type(id);
      if (t.is(Kind::kDeclTag)) entries.push_back({t.type(), t.component_idx(), id});
    }
    std::sort(entries.begin(), entries.end());
  });
  return lazy_->tags;
}

std::vector<u32> Btf::decl_tag_ids(u32 type_id, int component) const {
  std::vector<u32> ids;
  if (base_ && type_id < start_id_) ids = base_->decl_tag_ids(type_id, component);
  const auto& e = tags().entries;
  for (auto it = std::lower_bound(e.begin(), e.end(), TagIndex::Entry{type_id, component, 0});
       it != e.end() && it->type == type_id && it->component == component; ++it)
    ids.push_back(it->id);
  return ids;
}

std::vector<std::string_view> Btf::decl_tags(u32 type_id, int component) const {
  std::vector<std::string_view> values;
  for (const u32 id : decl_tag_ids(type_id, component)) values.push_back(type(id).name());
  return values;
}

}  // namespace osmia::btf
