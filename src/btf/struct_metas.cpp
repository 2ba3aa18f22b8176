// The structs that bpf_obj_new() can allocate with special fields, and the rule that ownership among them
// ends: a struct owns what its roots contain and what its local kptrs point to, and freeing recurses along
// that. Invariant: with the table accepted, freeing any object nests at most kMaxOwnershipDepth levels.
#include <fmt/format.h>

#include <algorithm>

#include "btf/special_fields.h"

namespace osmia::btf {

namespace {

constexpr u32 kMaxOwnershipDepth = 8;  // BTF_MAX_OWNERSHIP_DEPTH

bool is_kptr_pointer(const Btf& btf, TypeView t) {
  if (t.is(Kind::kVolatile)) t = btf.type(t.type());
  if (!t.is(Kind::kPtr)) return false;
  const TypeView tag = btf.type(t.type());
  if (!tag.is(Kind::kTypeTag) || btf.type(tag.type()).is(Kind::kTypeTag)) return false;
  const std::string_view n = tag.name();
  return (n == "kptr" || n == "kptr_untrusted" || n == "percpu_kptr") &&
         btf.skip_modifiers(tag.type()).is_struct_or_union();
}

class Ownership {
 public:
  explicit Ownership(const std::vector<StructMeta>& metas) : metas_(metas), depth_(metas.size()) {}
  Status check() {
    for (size_t i = 0; i < metas_.size(); ++i) {
      auto r = depth_of(i, kMaxOwnershipDepth);
      if (!r.ok()) return r.error();
    }
    return Ok{};
  }

 private:
  Error too_deep(size_t i) const {
    return {ELOOP, fmt::format("struct [{}] owns itself or more than {} levels of structs", metas_[i].btf_id,
                               kMaxOwnershipDepth)};
  }
  Result<u32> depth_of(size_t i, u32 left) {
    if (!left) return too_deep(i);
    if (!depth_[i]) {
      u32 deepest = 0;
      for (const Field& f : metas_[i].record.fields) {
        const bool root = f.kind & kFieldGraphRoot;
        if (!root && (f.kernel || !(f.kind & (kFieldKptrRef | kFieldKptrPercpu)))) continue;
        const StructMeta* owned = find_struct_meta(metas_, f.btf_id);
        if (!owned) {
          if (root)
            return Error{EFAULT, fmt::format("contained struct [{}] has no special fields", f.btf_id)};
          continue;
        }
        OSMIA_ASSIGN(const u32 d, depth_of(static_cast<size_t>(owned - metas_.data()), left - 1));
        deepest = std::max(deepest, d);
      }
      depth_[i] = deepest + 1;
    }
    if (depth_[i] > left) return too_deep(i);
    return depth_[i];
  }

  const std::vector<StructMeta>& metas_;
  std::vector<u32> depth_;
};

}  // namespace

const StructMeta* find_struct_meta(const std::vector<StructMeta>& metas, u32 btf_id) {
  const auto it = std::lower_bound(metas.begin(), metas.end(), btf_id,
                                   [](const StructMeta& m, u32 id) { return m.btf_id < id; });
  return it != metas.end() && it->btf_id == btf_id ? &*it : nullptr;
}

Result<std::vector<StructMeta>> parse_struct_metas(const Btf& btf, const KernelTypes* kernel) {
  std::vector<StructMeta> metas;
  std::vector<u32> special;  // ids whose presence as a member makes a struct worth parsing
  for (const char* name :
       {"bpf_spin_lock", "bpf_list_head", "bpf_list_node", "bpf_rb_root", "bpf_rb_node", "bpf_refcount"})
    if (const u32 id = btf.find(name, Kind::kStruct)) special.push_back(id);
  for (u32 id = 1; id < btf.end_id(); ++id)
    if (is_kptr_pointer(btf, btf.type(id))) special.push_back(id);
  if (special.empty()) return metas;
  std::sort(special.begin(), special.end());

  for (u32 id = 1; id < btf.end_id(); ++id) {
    const TypeView t = btf.type(id);
    if (!t.is_struct_or_union()) continue;
    bool wanted = false;
    for (const Member m : t.members()) wanted |= std::binary_search(special.begin(), special.end(), m.type);
    if (!wanted) continue;
    auto rec = parse_fields(btf, id, kObjectFields, t.size(), kernel);
    if (!rec.ok())
      return Error{rec.error().code, fmt::format("struct [{}] '{}': {}", id, t.name(), rec.error().message)};
    if (rec->fields.empty())
      return Error{EFAULT,
                   fmt::format("struct [{}] '{}': special field not where it can be used", id, t.name())};
    metas.push_back({id, *std::move(rec)});
  }
  for (const StructMeta& m : metas)
    for (const Field& f : m.record.fields)
      if (f.kind & kFieldGraphRoot && !find_struct_meta(metas, f.btf_id))
        return Error{EFAULT, fmt::format("contained struct [{}] has no special fields", f.btf_id)};
  OSMIA_TRY(Ownership(metas).check());
  return metas;
}

}  // namespace osmia::btf
