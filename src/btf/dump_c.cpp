// The whole C dump: bpftool's stable order of types, the frame of preprocessor lines, and prototypes of
// kfuncs.
#include "btf/dump_c.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "btf/c_dumper.h"

namespace osmia::btf {

namespace {

constexpr int kMaxDepth = 64;

// bpftool sorts by these, so that the header of one kernel differs from the next only where types do.
struct SortKey {
  int rank;
  std::string_view sort_name, own_name;
  u64 hash;
  u32 id;
  bool operator<(const SortKey& o) const {
    if (rank != o.rank) return rank < o.rank;
    if (const int c = sort_name.compare(o.sort_name)) return c < 0;
    if (const int c = own_name.compare(o.own_name)) return c < 0;
    if (hash != o.hash) return hash < o.hash;
    return id < o.id;
  }
};

bool is_reference(const TypeView& t) {
  return t.is_modifier() || t.is(Kind::kPtr) || t.is(Kind::kDeclTag);
}

int rank_of(const Btf& btf, u32 id) {
  constexpr int kLast = 10;
  bool named = false;
  for (int depth = 0; depth < kMaxDepth; ++depth) {
    const TypeView t = btf.type(id);
    named |= t.name_off() != 0;
    if (t.is_any_enum()) return named ? 1 : 0;
    if (t.is(Kind::kInt) || t.is(Kind::kFloat)) return 2;
    if (!named) return kLast;
    if (t.is_struct_or_union()) return 3;
    if (t.is(Kind::kFuncProto)) return 4;
    if (t.is(Kind::kArray))
      id = t.array().type;
    else if (is_reference(t))
      id = t.type();
    else
      return kLast;
  }
  return kLast;
}

std::string_view sort_name_of(const Btf& btf, u32 id) {
  for (int depth = 0; depth < kMaxDepth; ++depth) {
    const TypeView t = btf.type(id);
    if (t.is_any_enum() && depth == 0 && !t.name_off() && t.vlen()) return t.enumerators()[0].name;
    if (t.is(Kind::kArray))
      id = t.array().type;
    else if (is_reference(t))
      id = t.type();
    else
      return t.name();
  }
  return {};
}

u64 mix(u64 hash, u64 v) {
  return hash * 31 + v;
}
u64 mix_name(u64 hash, std::string_view name, u32 name_off) {
  if (!name_off) return hash;
  u64 h = 0;
  for (const char c : name) h = h * 31 + static_cast<u64>(static_cast<s64>(static_cast<signed char>(c)));
  return mix(hash, h);
}

u64 hash_of(const Btf& btf, u32 id, bool with_members, int depth = 0) {
  if (depth > kMaxDepth) return 0;
  const TypeView t = btf.type(id);
  u64 h = mix_name(0, t.name(), t.name_off());
  if (t.is_any_enum()) {
    for (const Enumerator e : t.enumerators()) h = mix_name(h, e.name, e.name_off);
  } else if (t.is_struct_or_union()) {
    if (with_members)
      for (const Member m : t.members()) {
        h = mix_name(h, m.name, m.name_off);
        h = mix(h, hash_of(btf, m.type, false, depth + 1));
      }
  } else if (is_reference(t)) {
    h = mix(h, hash_of(btf, t.type(), with_members, depth + 1));
  } else if (t.is(Kind::kArray)) {
    h = mix(h, t.array().nelems);
    h = mix(h, hash_of(btf, t.array().type, with_members, depth + 1));
  }
  return h;
}

std::vector<u32> dump_order(const Btf& btf, bool sorted) {
  std::vector<u32> ids;
  ids.reserve(btf.end_id());
  if (!sorted) {
    for (u32 id = 1; id < btf.end_id(); ++id) ids.push_back(id);
    return ids;
  }
  std::vector<SortKey> keys;
  keys.reserve(btf.end_id());
  for (u32 id = 1; id < btf.end_id(); ++id)
    keys.push_back(
        {rank_of(btf, id), sort_name_of(btf, id), btf.type(id).name(), hash_of(btf, id, true), id});
  std::sort(keys.begin(), keys.end());
  for (const SortKey& k : keys) ids.push_back(k.id);
  return ids;
}

constexpr const char* kHead =
    "#ifndef __VMLINUX_H__\n"
    "#define __VMLINUX_H__\n"
    "\n"
    "#ifndef BPF_NO_PRESERVE_ACCESS_INDEX\n"
    "#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)\n"
    "#endif\n\n"
    "#ifndef __ksym\n"
    "#define __ksym __attribute__((section(\".ksyms\")))\n"
    "#endif\n\n"
    "#ifndef __weak\n"
    "#define __weak __attribute__((weak))\n"
    "#endif\n\n";
constexpr const char* kTail =
    "#ifndef BPF_NO_PRESERVE_ACCESS_INDEX\n"
    "#pragma clang attribute pop\n"
    "#endif\n"
    "\n"
    "#endif /* __VMLINUX_H__ */\n";

void append_kfuncs(CDumper& d, const Btf& btf) {
  d.out += "\n/* BPF kfuncs */\n#ifndef BPF_NO_KFUNC_PROTOTYPES\n";
  for (u32 id = 1; id < btf.end_id(); ++id) {
    const TypeView tag = btf.type(id);
    if (!tag.is(Kind::kDeclTag) || tag.component_idx() != -1 || tag.name() != "bpf_kfunc") continue;
    const TypeView func = btf.type(tag.type());
    if (!func.is(Kind::kFunc)) continue;
    d.out += "extern ";
    d.emit_decl(func.type(), func.name(), 0);
    d.out += " __weak __ksym;\n";
  }
  d.out += "#endif\n\n";
}

}  // namespace

std::string dump_c(const Btf& btf, const CDumpOptions& options) {
  CDumper d(btf);
  if (options.frame) d.out += kHead;
  bool skip = options.sorted && options.skip_first;
  for (const u32 id : dump_order(btf, options.sorted))
    if (!std::exchange(skip, false)) d.dump_type(id);
  if (options.frame) {
    append_kfuncs(d, btf);
    d.out += kTail;
  }
  if (d.exhausted()) d.out += "/* incomplete: some types hold themselves, or are nested beyond measure */\n";
  return std::move(d.out);
}

std::string c_type_name(const Btf& btf, u32 id, std::string_view name) {
  CDumper d(btf);
  d.skip_anonymous_definitions();
  d.emit_decl(id, name, 0);
  return std::move(d.out);
}

}  // namespace osmia::btf
