// Accesses: from the compiler's "0:1:2" to members of the local type, and from there by name to members of a
// candidate. Anonymous structs and unions are looked into; what a name leads to must be of a compatible type.
#include <fmt/format.h>

#include <cctype>

#include "btf/compat.h"
#include "btf/core.h"

namespace osmia::btf {
namespace {

constexpr u32 kMatchBudget = 1u << 20;  // members looked at for one access: BTF from a file may be anything

bool is_field(u32 k) {
  return k <= static_cast<u32>(CoreKind::kFieldRshiftU64);
}
bool is_type(u32 k) {
  const auto kind = static_cast<CoreKind>(k);
  return (kind >= CoreKind::kTypeIdLocal && kind <= CoreKind::kTypeSize) || kind == CoreKind::kTypeMatches;
}
bool is_enumval(u32 k) {
  const auto kind = static_cast<CoreKind>(k);
  return kind == CoreKind::kEnumvalExists || kind == CoreKind::kEnumvalValue;
}

// One number as the kernel's sscanf("%d") reads it: white space, a minus, digits; too large wraps.
bool next_index(std::string_view& s, s32& out) {
  while (!s.empty() && (s.front() == ' ' || (s.front() >= '\t' && s.front() <= '\r'))) s.remove_prefix(1);
  bool negative = false;
  if (s.starts_with('-')) negative = true, s.remove_prefix(1);
  if (s.empty() || !std::isdigit(static_cast<unsigned char>(s.front()))) return false;
  u64 v = 0;
  while (!s.empty() && std::isdigit(static_cast<unsigned char>(s.front()))) {
    v = v * 10 + static_cast<u64>(s.front() - '0');
    s.remove_prefix(1);
  }
  out = static_cast<s32>(static_cast<u32>(negative ? -v : v));
  return true;
}

// Bits that `index` elements of the type take; -errno if it has no size.
s64 element_bits(const Btf& btf, u32 id, s32 index) {
  const auto size = btf.size_of(id);
  return size.ok() ? static_cast<s64>(u64{*size} * static_cast<u32>(index) * 8 & 0xffffffff) : -EINVAL;
}

// May the array behind this point be indexed beyond its bound? It is the last member, declared with no
// length.
bool is_flexible(const Btf& btf, const CoreSpec::Point& owner, const ArrayInfo& array) {
  return !owner.name.empty() && !array.nelems &&
         static_cast<u32>(owner.index) + 1 == btf.type(owner.type_id).vlen();
}

// Follows the numbers behind the first through members and elements.
int walk_fields(const Btf& btf, const CoreRelo& relo, CoreSpec& spec, const CoreLog& log) {
  u32 id = spec.points[0].type_id;
  const s64 first = element_bits(btf, id, spec.raw[0]);
  if (first < 0) return static_cast<int>(first);
  spec.bit_offset = static_cast<u32>(first);
  for (size_t i = 1; i < spec.raw.size(); i++) {
    const TypeView t = btf.skip_modifiers(id);
    const s32 index = spec.raw[i];
    if (t.is_struct_or_union()) {
      if (static_cast<u32>(index) >= t.vlen()) return -EINVAL;
      const Member m = t.members()[static_cast<u32>(index)];
      spec.bit_offset += m.bit_offset;
      if (m.name_off) {
        if (m.name.empty()) return -EINVAL;
        spec.points.push_back({t.id(), index, m.name});
      }
      id = m.type;
    } else if (t.is(Kind::kArray)) {
      const ArrayInfo a = t.array();
      id = btf.skip_modifiers(a.type).id();
      if (!is_flexible(btf, spec.points.back(), a) && static_cast<u32>(index) >= a.nelems) return -EINVAL;
      spec.points.push_back({id, index, {}});
      const s64 bits = element_bits(btf, id, index);
      if (bits < 0) return static_cast<int>(bits);
      spec.bit_offset += static_cast<u32>(bits);
    } else {
      // The text has been read to its end by now, so its place in the line is empty.
      if (log)
        log(fmt::format("prog '': relo for [{}]  (at idx {}) captures type [{}] of unexpected kind {}\n",
                        relo.type_id, i, static_cast<s32>(t.id()), kind_name(t.kind())));
      return -EINVAL;
    }
  }
  return 0;
}

struct Matcher {
  const CoreSpec& local;
  const Btf& target;
  CoreSpec& spec;
  u32 budget = kMatchBudget;

  // Finds the member that `want` names in the target type, within anonymous members too. 1, 0 or -errno;
  // next: the member's type. What a failed try leaves in `spec` is what Linux leaves (it goes into the log).
  int member(const CoreSpec::Point& want, u32 target_id, u32& next) {
    const TypeView t = target.skip_modifiers(target_id);
    if (!t.is_struct_or_union()) return 0;
    const Member mine = local.btf->type(want.type_id).members()[static_cast<u32>(want.index)];
    s32 i = 0;
    for (const Member m : t.members()) {
      if (spec.raw.size() == CoreSpec::kMaxLength || !budget--) return budget = 0, -E2BIG;
      spec.bit_offset += m.bit_offset;
      spec.raw.push_back(i);
      if (m.name.empty()) {
        if (const int found = member(want, m.type, next)) return found;
      } else if (m.name == mine.name) {
        next = m.type;
        switch (core_fields_compat(*local.btf, mine.type, target, m.type)) {
          case Related::kYes: break;
          case Related::kNo: return 0;
          case Related::kTooDeep: return -EINVAL;
        }
        spec.points.push_back({t.id(), i, m.name});
        return 1;
      }
      spec.bit_offset -= m.bit_offset;
      spec.raw.pop_back();
      i++;
    }
    return 0;
  }

  int element(size_t at, u32& target_id) {
    const s32 index = local.points[at].index;
    if (at) {
      const TypeView t = target.skip_modifiers(target_id);
      if (!t.is(Kind::kArray)) return 0;
      const ArrayInfo a = t.array();
      if (!is_flexible(target, spec.points.back(), a) && static_cast<u32>(index) >= a.nelems) return 0;
      target_id = a.type;
    }
    target_id = target.skip_modifiers(target_id).id();
    if (spec.raw.size() == CoreSpec::kMaxLength) return -E2BIG;
    spec.points.push_back({target_id, index, {}});
    spec.raw.push_back(index);
    const s64 bits = element_bits(target, target_id, index);
    if (bits < 0) return static_cast<int>(bits);
    spec.bit_offset += static_cast<u32>(bits);
    return 1;
  }

  int enumerator(u32 target_id) {
    const TypeView t = target.skip_modifiers(target_id);
    if (!t.is_any_enum()) return 0;
    const std::string_view want = essential_name(local.points[0].name);
    s32 i = 0;
    for (const Enumerator e : t.enumerators()) {
      if (essential_name(e.name) == want) {
        spec.points.push_back({t.id(), i, e.name});
        spec.raw.push_back(i);
        return 1;
      }
      i++;
    }
    return 0;
  }
};

const char* kind_text(u32 kind) {
  static constexpr const char* kText[] = {"byte_off",    "byte_sz",    "field_exists",   "signed",
                                          "lshift_u64",  "rshift_u64", "local_type_id",  "target_type_id",
                                          "type_exists", "type_size",  "enumval_exists", "enumval_value",
                                          "type_matches"};
  return kind < std::size(kText) ? kText[kind] : "unknown";
}

void append_enumerator(std::string& out, const CoreSpec& spec) {
  const TypeView t = spec.btf->skip_modifiers(spec.root);
  const u32 index = spec.raw.empty() ? 0 : static_cast<u32>(spec.raw[0]);
  if (!t.is_any_enum() || index >= t.vlen()) return;
  const Enumerator e = t.enumerators()[index];
  const u64 value = t.is(Kind::kEnum) ? (t.kind_flag() ? e.value : static_cast<u32>(e.value)) : e.value;
  out += t.kind_flag() ? fmt::format("::{} = {}", e.name, static_cast<s64>(value))
                       : fmt::format("::{} = {}", e.name, value);
}

}  // namespace

int parse_core_spec(const Btf& local, const CoreRelo& relo, CoreSpec& spec, const CoreLog& log) {
  std::string_view text = local.string(relo.access_str_off);
  if (text.empty() || text.front() == ':') return -EINVAL;
  spec = {};
  spec.btf = &local;
  spec.root = relo.type_id;
  spec.kind = relo.kind;
  if (is_type(relo.kind)) return text == "0" ? 0 : -EINVAL;
  while (!text.empty()) {
    if (text.front() == ':') text.remove_prefix(1);
    s32 index;
    if (!next_index(text, index) || index < 0) return -EINVAL;
    if (spec.raw.size() == CoreSpec::kMaxLength) return -E2BIG;
    spec.raw.push_back(index);
  }
  const TypeView t = local.skip_modifiers(relo.type_id);
  spec.points.push_back({t.id(), spec.raw[0], {}});
  if (is_enumval(relo.kind)) {
    const u32 index = static_cast<u32>(spec.raw[0]);
    if (!t.is_any_enum() || spec.raw.size() > 1 || index >= t.vlen()) return -EINVAL;
    spec.points[0].name = t.enumerators()[index].name;
    return 0;
  }
  return is_field(relo.kind) ? walk_fields(local, relo, spec, log) : -EINVAL;
}

int match_core_spec(const CoreSpec& local, const Btf& target, u32 target_id, CoreSpec& spec) {
  spec = {};
  spec.btf = &target;
  spec.root = target_id;
  spec.kind = local.kind;
  if (is_type(local.kind)) {
    const Related r = static_cast<CoreKind>(local.kind) == CoreKind::kTypeMatches
                          ? core_types_match(*local.btf, local.root, target, target_id, kKernelLevels)
                          : core_types_compat(*local.btf, local.root, target, target_id, kKernelLevels);
    return r == Related::kTooDeep ? -EINVAL : r == Related::kYes;
  }
  Matcher m{local, target, spec};
  if (is_enumval(local.kind)) return m.enumerator(target_id);
  for (size_t i = 0; i < local.points.size(); i++) {
    const CoreSpec::Point& p = local.points[i];
    const int found = p.name.empty() ? m.element(i, target_id) : m.member(p, target_id, target_id);
    if (found <= 0) return found;
  }
  return 1;
}

std::string format_core_spec(const CoreSpec& spec) {
  const TypeView t = spec.btf->type(spec.root);
  std::string out = fmt::format("<{}> [{}] {} {}", kind_text(spec.kind), spec.root, kind_name(t.kind()),
                                t.name().empty() ? "<anon>" : t.name());
  if (is_enumval(spec.kind)) append_enumerator(out, spec);
  if (is_field(spec.kind)) {
    for (size_t i = 0; i < spec.points.size(); i++) {
      if (!spec.points[i].name.empty())
        out += fmt::format(".{}", spec.points[i].name);
      else if (i || spec.points[i].index > 0)
        out += fmt::format("[{}]", spec.points[i].index);
    }
    out += " (";
    for (size_t i = 0; i < spec.raw.size(); i++) out += fmt::format("{}{}", i ? ":" : "", spec.raw[i]);
    out += spec.bit_offset % 8 ? fmt::format(" @ offset {}.{})", spec.bit_offset / 8, spec.bit_offset % 8)
                               : fmt::format(" @ offset {})", spec.bit_offset / 8);
  }
  if (out.size() > 255) out.resize(255);
  return out;
}

const char* core_kind_text(u32 kind) {
  return kind_text(kind);
}

}  // namespace osmia::btf
