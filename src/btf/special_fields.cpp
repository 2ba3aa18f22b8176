// Finding special fields: a bounded walk through nested structs and arrays that collects what it recognizes,
// then the second look that resolves kptrs and contained types. Order of checks and errnos are Linux 6.12's,
// since a map that Linux refuses to create must be refused here with the same number.
#include "btf/special_fields.h"

#include <fmt/format.h>

#include <algorithm>

namespace osmia::btf {

namespace {

struct FieldFacts {
  FieldKind kind;
  const char* name;  // in Linux's messages; for all but kptrs also the struct's name
  u32 size, align;
};
constexpr FieldFacts kFacts[] = {
    {kFieldSpinLock, "bpf_spin_lock", 4, 4},  {kFieldTimer, "bpf_timer", 16, 8},
    {kFieldWorkqueue, "bpf_wq", 16, 8},       {kFieldListHead, "bpf_list_head", 16, 8},
    {kFieldListNode, "bpf_list_node", 24, 8}, {kFieldRbRoot, "bpf_rb_root", 16, 8},
    {kFieldRbNode, "bpf_rb_node", 32, 8},     {kFieldRefcount, "bpf_refcount", 4, 4},
    {kFieldKptrUnref, "kptr", 8, 8},          {kFieldKptrRef, "kptr", 8, 8},
    {kFieldKptrPercpu, "percpu_kptr", 8, 8},
};
const FieldFacts* facts(u32 kind) {
  for (const FieldFacts& f : kFacts)
    if (f.kind == kind) return &f;
  return nullptr;
}
// At most one of these per value.
constexpr u32 kSingletons = kFieldSpinLock | kFieldTimer | kFieldWorkqueue | kFieldRefcount;
// An array of these is as many fields.
constexpr u32 kRepeatable = kFieldKptr | kFieldListHead | kFieldRbRoot;

struct Found {
  FieldKind kind{};
  u32 offset = 0;
  u32 kptr_type = 0;   // kptr: pointee in the program's BTF
  u32 value_type = 0;  // root
  std::string_view node_name;
};

enum class KptrTag { kNone, kFound, kBad };
// Is `t` (a member's or variable's type) a pointer with a kptr tag?
KptrTag classify_kptr(const Btf& btf, TypeView t, Found& out) {
  if (t.is(Kind::kVolatile)) t = btf.type(t.type());
  if (!t.is(Kind::kPtr)) return KptrTag::kNone;
  const TypeView tag = btf.type(t.type());
  if (!tag.is(Kind::kTypeTag)) return KptrTag::kNone;
  if (btf.type(tag.type()).is(Kind::kTypeTag)) return KptrTag::kBad;
  if (tag.name() == "kptr_untrusted")
    out.kind = kFieldKptrUnref;
  else if (tag.name() == "kptr")
    out.kind = kFieldKptrRef;
  else if (tag.name() == "percpu_kptr")
    out.kind = kFieldKptrPercpu;
  else
    return KptrTag::kBad;
  const TypeView target = btf.skip_modifiers(tag.type());
  if (!target.is_struct_or_union()) return KptrTag::kBad;
  out.kptr_type = target.id();
  return KptrTag::kFound;
}

class Finder {
 public:
  Finder(const Btf& btf, u32 mask) : btf_(btf), mask_(mask) {}
  Status run(const TypeView& t) {
    if (t.is_struct_or_union()) return in_struct(t, 0);
    if (t.is(Kind::kDatasec)) return in_datasec(t);
    return Error{EINVAL, fmt::format("type [{}] is a {}: expected a struct, union or data section", t.id(),
                                     kind_name(t.kind()))};
  }
  std::vector<Found> found;

 private:
  Status in_struct(const TypeView& t, u32 level);
  Status in_datasec(const TypeView& t);
  Status one(const TypeView& holder, int component, u32 type_id, u32 offset, u32 expected_size, u32 level);
  Status nested(const TypeView& t, u32 offset, u32 nelems, u32 level);
  Status repeat(size_t first, u32 nelems, u32 elem_size);
  Result<bool> root(const TypeView& holder, int component, Found& f);
  Result<u32> recognize(const TypeView& t);
  static Error too_many() { return {E2BIG, fmt::format("more than {} special fields", kFieldsMax)}; }

  const Btf& btf_;
  const u32 mask_;
  u32 seen_ = 0;
  // Structs that share members can be walked exponentially often; Linux has no limit of its own here.
  u32 budget_ = 1u << 20;
};

Result<u32> Finder::recognize(const TypeView& t) {
  for (const FieldFacts& f : kFacts) {
    if (f.kind & kFieldKptr || !(mask_ & f.kind) || t.name() != f.name) continue;
    if (f.kind & kSingletons) {
      if (seen_ & f.kind) return Error{E2BIG, fmt::format("more than one {}", f.name)};
      seen_ |= f.kind;
    }
    return u32{f.kind};
  }
  if (mask_ & kFieldKptr && !t.is_struct_or_union()) return u32{kFieldKptrRef};
  return 0u;
}

Status Finder::in_struct(const TypeView& t, u32 level) {
  const auto members = t.members();
  for (u32 i = 0; i < members.size(); ++i) {
    const Member m = members[i];
    // A bit field off a byte's start: Linux refuses the whole type, so bit fields and special fields do not
    // mix.
    if (m.bit_offset % 8)
      return Error{EINVAL,
                   fmt::format("member '{}' of '{}' starts at bit {}", m.name, t.name(), m.bit_offset)};
    OSMIA_TRY(one(t, static_cast<int>(i), m.type, m.bit_offset / 8, 0, level));
  }
  return Ok{};
}

Status Finder::in_datasec(const TypeView& t) {
  for (const VarSecinfo v : t.var_secinfos()) {
    const TypeView var = btf_.type(v.type);
    OSMIA_TRY(one(var, -1, var.type(), v.offset, v.size, 0));
  }
  return Ok{};
}

Status Finder::one(const TypeView& holder, int component, u32 type_id, u32 offset, u32 expected_size,
                   u32 level) {
  if (!budget_--) return budget_ = 0, Error{E2BIG, "struct nesting too large to search"};
  TypeView t = btf_.type(type_id);
  u32 nelems = 1, steps = 0;
  for (; t.is(Kind::kArray); ++steps) {
    if (steps == kMaxResolveDepth) return Error{E2BIG, "array nested too deep"};
    nelems *= t.array().nelems;
    t = btf_.type(t.array().type);
  }
  if (nelems == 0) return Ok{};

  OSMIA_ASSIGN(const u32 kind, recognize(t));
  if (!kind) {
    if (!t.is_struct_or_union()) return Ok{};
    if (expected_size && expected_size != t.size() * nelems) return Ok{};
    return nested(t, offset, nelems, level + 1);
  }
  const FieldFacts& f = *facts(kind);
  if (expected_size && expected_size != f.size * nelems) return Ok{};
  if (offset % f.align) return Ok{};

  Found field;
  field.kind = f.kind;
  if (kind & kFieldKptr) {
    switch (classify_kptr(btf_, t, field)) {
      case KptrTag::kNone: return Ok{};
      case KptrTag::kBad:
        return Error{
            EINVAL,
            fmt::format("bad kptr at offset {}: expected one kptr tag and a struct behind it", offset)};
      case KptrTag::kFound: break;
    }
  } else {
    if (!t.is_struct_or_union() || t.size() != f.size) return Ok{};
    if (kind & kFieldGraphRoot) {
      OSMIA_ASSIGN(const bool is_root, root(holder, component, field));
      if (!is_root) return Ok{};
    }
  }
  field.offset = offset;
  if (found.size() >= kFieldsMax) return too_many();
  found.push_back(field);
  return nelems > 1 ? repeat(found.size() - 1, nelems, f.size) : Status(Ok{});
}

Status Finder::nested(const TypeView& t, u32 offset, u32 nelems, u32 level) {
  if (level >= kMaxResolveDepth) return Error{E2BIG, "structs nested too deep"};
  const size_t first = found.size();
  OSMIA_TRY(in_struct(t, level));
  if (found.size() == first) return Ok{};
  for (size_t i = first; i < found.size(); ++i) found[i].offset += offset;
  return nelems > 1 ? repeat(first, nelems, t.size()) : Status(Ok{});
}

// Copies the fields from `first` on for the other elements of an array.
Status Finder::repeat(size_t first, u32 nelems, u32 elem_size) {
  const size_t count = found.size() - first;
  for (size_t i = first; i < found.size(); ++i)
    if (!(found[i].kind & kRepeatable))
      return Error{EINVAL, fmt::format("array of {}", field_name(found[i].kind))};
  if (u64{nelems} * count > kFieldsMax - first) return too_many();
  for (u32 n = 1; n < nelems; ++n)
    for (size_t i = 0; i < count; ++i) {
      Found f = found[first + i];
      f.offset += n * elem_size;
      found.push_back(f);
    }
  return Ok{};
}

// A root says with a tag "contains:STRUCT:MEMBER" which struct it holds, and where its node is.
Result<bool> Finder::root(const TypeView& holder, int component, Found& f) {
  constexpr std::string_view kKey = "contains:";
  std::string_view value;
  int tags = 0;
  for (const std::string_view tag : btf_.decl_tags(holder.id(), component))
    if (tag.starts_with(kKey)) value = tag.substr(kKey.size()), ++tags;
  if (tags != 1)
    return Error{EINVAL, fmt::format("{} in '{}' needs one \"contains:STRUCT:MEMBER\" tag, found {}",
                                     field_name(f.kind), holder.name(), tags)};
  const size_t colon = value.find(':');
  if (colon == value.npos) return Error{EINVAL, fmt::format("tag \"contains:{}\" names no member", value)};
  f.value_type = btf_.find(value.substr(0, colon), Kind::kStruct);
  if (!f.value_type) return Error{ENOENT, fmt::format("tag \"contains:{}\" names an unknown struct", value)};
  f.node_name = value.substr(colon + 1);
  if (f.node_name.empty()) return Error{EINVAL, fmt::format("tag \"contains:{}\" names no member", value)};
  return true;
}

Status resolve_kptr(const Btf& btf, const KernelTypes* kernel, const Found& found, Field& out) {
  const TypeView target = btf.type(found.kptr_type);
  if (!kernel) return Error{EINVAL, "kptr without kernel BTF"};
  const KernelTypes::Found k = kernel->find(target.name(), target.kind());
  if (!k.btf) {
    out.btf_id = found.kptr_type;  // the program's own type: an object of bpf_obj_new()
    return Ok{};
  }
  out.kernel = true;
  out.kptr_btf = k.btf;
  out.btf_id = k.id;
  if (found.kind == kFieldKptrRef) {
    out.dtor_id = kernel->destructor(*k.btf, k.id);
    if (!out.dtor_id)
      return Error{ENOENT,
                   fmt::format("kernel type '{}' has no destructor, so it cannot be a referenced kptr",
                               target.name())};
  }
  return Ok{};
}

Status resolve_root(const Btf& btf, const Found& found, Field& out) {
  const bool list = found.kind == kFieldListHead;
  const FieldKind node = list ? kFieldListNode : kFieldRbNode;
  const TypeView value = btf.type(found.value_type);
  bool seen = false;
  for (const Member m : value.members()) {
    if (m.name != found.node_name) continue;
    auto bad = [&](std::string_view why) {
      return Error{EINVAL, fmt::format("member '{}' of struct '{}' {}", m.name, value.name(), why)};
    };
    if (seen) return bad("exists twice");
    seen = true;
    const TypeView t = btf.type(m.type);
    if (!t.is_struct_or_union() || t.name() != field_name(node))
      return bad(fmt::format("is no {}", field_name(node)));
    if (m.bit_offset % 8 || m.bit_offset / 8 % field_align(node)) return bad("is not aligned");
    out.btf_id = found.value_type;
    out.node_offset = m.bit_offset / 8;
  }
  if (!seen)
    return Error{ENOENT, fmt::format("struct '{}' has no member '{}'", value.name(), found.node_name)};
  return Ok{};
}

}  // namespace

u32 field_size(FieldKind kind) {
  return facts(kind) ? facts(kind)->size : 0;
}
u32 field_align(FieldKind kind) {
  return facts(kind) ? facts(kind)->align : 0;
}
const char* field_name(FieldKind kind) {
  return facts(kind) ? facts(kind)->name : "unknown";
}

const Field* FieldRecord::find(u32 offset, u32 kinds) const {
  if (!(mask & kinds)) return nullptr;
  const auto it = std::lower_bound(fields.begin(), fields.end(), offset,
                                   [](const Field& f, u32 off) { return f.offset < off; });
  return it != fields.end() && it->offset == offset && it->kind & kinds ? &*it : nullptr;
}

Result<FieldRecord> parse_fields(const Btf& btf, u32 type_id, u32 mask, u32 value_size,
                                 const KernelTypes* kernel) {
  Finder finder(btf, mask);
  OSMIA_TRY(finder.run(btf.type(type_id)));
  FieldRecord rec;
  u32 next = 0;
  for (const Found& f : finder.found) {
    Field out;
    out.kind = f.kind;
    out.offset = f.offset;
    out.size = field_size(f.kind);
    if (u64{f.offset} + out.size > value_size)
      return Error{EFAULT, fmt::format("{} at offset {} lies beyond the value of {} bytes",
                                       field_name(f.kind), f.offset, value_size)};
    if (f.offset < next)
      return Error{EEXIST,
                   fmt::format("{} at offset {} overlaps the field before it", field_name(f.kind), f.offset)};
    next = f.offset + out.size;
    rec.mask |= f.kind;
    const int off = static_cast<int>(f.offset);
    switch (f.kind) {
      case kFieldSpinLock: rec.spin_lock_off = off; break;
      case kFieldTimer: rec.timer_off = off; break;
      case kFieldWorkqueue: rec.wq_off = off; break;
      case kFieldRefcount: rec.refcount_off = off; break;
      case kFieldKptrUnref:
      case kFieldKptrRef:
      case kFieldKptrPercpu: OSMIA_TRY(resolve_kptr(btf, kernel, f, out)); break;
      case kFieldListHead:
      case kFieldRbRoot: OSMIA_TRY(resolve_root(btf, f, out)); break;
      case kFieldListNode:
      case kFieldRbNode: break;
    }
    rec.fields.push_back(std::move(out));
  }
  if (rec.has(kFieldGraphRoot) && rec.spin_lock_off < 0)
    return Error{EINVAL, "a bpf_list_head or bpf_rb_root needs a bpf_spin_lock beside it"};
  if (rec.refcount_off < 0 && rec.has(kFieldListNode) && rec.has(kFieldRbNode))
    return Error{EINVAL, "a bpf_list_node and a bpf_rb_node in one struct need a bpf_refcount beside them"};
  return rec;
}

}  // namespace osmia::btf
