// The walk over members by offset. Arrays of several dimensions count as one flat array; an access inside an
// array of scalars may span elements but not the array's end. Steps are bounded because trusted BTF is not
// checked for loops.
#include "btf/struct_walk.h"

#include <fmt/format.h>

#include <optional>

namespace osmia::btf {

namespace {

constexpr int kMaxSteps = 64;

// A member's type with its size: through modifiers and arrays down to the element.
struct Extent {
  TypeView elem;
  u32 size = 0;    // bytes of the whole member
  u32 nelems = 1;  // flattened
  bool array = false;
  u32 id = 0;  // the element's id as an array names it, or the id behind the modifiers
};

std::optional<Extent> extent_of(const Btf& btf, u32 id) {
  Extent e;
  e.id = id;
  u64 nelems = 1;
  TypeView t = btf.type(id);
  for (u32 i = 0; i < kMaxResolveDepth; ++i) {
    if (t.is_modifier()) {
      if (!e.array) e.id = t.type();
      t = btf.type(t.type());
      continue;
    }
    if (t.is(Kind::kArray)) {
      const ArrayInfo a = t.array();
      nelems *= a.nelems;
      if (nelems > 0xffffffffu) return {};
      e.array = true;
      e.id = a.type;
      t = btf.type(a.type);
      continue;
    }
    auto size = btf.size_of(t.id());
    if (!size.ok() || t.is(Kind::kDatasec) || t.is(Kind::kVar) || *size * nelems > 0xffffffffu) return {};
    e.elem = t;
    e.nelems = static_cast<u32>(nelems);
    e.size = static_cast<u32>(*size * nelems);
    return e;
  }
  return {};
}

std::string_view shown(std::string_view name) {
  return name.empty() ? "(anon)" : name;
}

// `in_union`: whether an earlier step went through a union, which lifts the limit on reading past a member's
// end.
Result<WalkResult> step_from(const Btf& btf, u32 struct_id, u32 offset, u32 size, bool flexible,
                             bool in_union) {
  WalkResult r;
  r.in_union = in_union;
  TypeView t = btf.type(struct_id);
  u64 off = offset;
  for (int step = 0; step < kMaxSteps; ++step) {
    if (t.is_modifier()) t = btf.skip_modifiers(t.id());
    const std::string_view tname = shown(t.name());
    if (!t.is_struct_or_union()) return Error{EINVAL, fmt::format("Type '{}' is not a struct", tname)};
    const auto members = t.members();
    const u32 n = members.size();
    if (t.is(Kind::kUnion) && n != 1) r.in_union = true;

    if (off + size > t.size()) {
      const Error beyond{EACCES, fmt::format("access beyond struct {} at off {} size {}", tname, off, size)};
      if (!flexible || n == 0) return beyond;
      const Member last = members[n - 1];
      const TypeView array = btf.skip_modifiers(last.type);
      if (!array.is(Kind::kArray) || array.array().nelems != 0) return beyond;
      const u32 start = last.bit_offset / 8;
      if (off < start) return beyond;
      const TypeView elem = btf.skip_modifiers(array.array().type);
      if (elem.is(Kind::kInt)) return r;
      if (!elem.is_struct_or_union() || !elem.size()) return beyond;
      off = (off - start) % elem.size();
      t = elem;
      continue;
    }

    bool descend = false;
    for (u32 i = 0; i < n; ++i) {
      const Member m = members[i];
      u64 start = m.bit_offset / 8;
      if (off + size <= start) break;
      if (m.bitfield_size) {
        // Unnamed bit fields have no member, so the access may start before the field; it has to cover all of
        // it.
        const u64 end = (u64{m.bit_offset} + m.bitfield_size + 7) / 8;
        if (off <= start && end <= off + size) return r;
        continue;
      }
      if (off < start) break;
      const auto e = extent_of(btf, m.type);
      if (!e) return Error{EFAULT, fmt::format("field {} doesn't have size", shown(m.name))};
      const u64 true_end = start + e->size;
      if (off >= true_end) continue;
      u64 elem_size = e->size;
      if (e->array) {
        elem_size = e->size / e->nelems;  // not zero: the array is not empty here
        start += (off - start) / elem_size * elem_size;
      }
      if (e->elem.is_struct_or_union()) {
        if (off == start) {
          r.kind = WalkKind::kStruct;
          r.type_id = e->id;
          return r;
        }
        off -= start;
        t = e->elem;
        descend = true;
        break;
      }
      if (e->elem.is(Kind::kPtr)) {
        if (elem_size != size || off != start)
          return Error{
              EACCES, fmt::format("cannot access ptr member {} with moff {} in struct {} with off {} size {}",
                                  shown(m.name), start, tname, off, size)};
        const TypeView target = btf.skip_modifiers(e->elem.type());
        if (target.is_struct_or_union()) {
          r.kind = WalkKind::kPointer;
          r.type_id = target.id();
          r.tags = btf.type_tags(e->elem.id());
          r.field = m.name;
          r.struct_id = t.id();
          return r;
        }
      }
      if (off + size > true_end && !r.in_union)
        return Error{
            EACCES,
            fmt::format("access beyond the end of member {} (mend:{}) in struct {} with off {} size {}",
                        shown(m.name), true_end, tname, off, size)};
      return r;
    }
    if (!descend) return Error{EINVAL, fmt::format("struct {} doesn't have field at offset {}", tname, off)};
  }
  return Error{EINVAL, "structs nested too deep"};
}

}  // namespace

Result<WalkResult> struct_step(const Btf& btf, u32 struct_id, u32 offset, u32 size, bool flexible) {
  return step_from(btf, struct_id, offset, size, flexible, false);
}

Result<WalkResult> struct_access(const Btf& btf, u32 struct_id, u32 offset, u32 size, bool flexible) {
  bool in_union = false;
  for (int step = 0; step < kMaxSteps; ++step) {
    auto r = step_from(btf, struct_id, offset, size, flexible, in_union);
    if (!r.ok() || r->kind != WalkKind::kStruct) return r;
    in_union = r->in_union;
    struct_id = r->type_id;
    offset = 0;
  }
  return Error{EINVAL, "structs nested too deep"};
}

bool types_are_same(const Btf& a, u32 a_id, const Btf& b, u32 b_id) {
  if (a_id != b_id) return false;
  // Two modules share their base's types: find the BTF that owns the id in each.
  const Btf *x = &a, *y = &b;
  while (x->base() && a_id < x->start_id()) x = x->base().get();
  while (y->base() && b_id < y->start_id()) y = y->base().get();
  return x == y;
}

bool struct_ids_match(const Btf& btf, u32 id, u32 offset, const Btf& need, u32 need_id, bool strict,
                      bool flexible) {
  if (offset == 0 && types_are_same(btf, id, need, need_id)) return true;
  if (strict) return false;
  for (int step = 0; step < kMaxSteps; ++step) {
    auto r = struct_step(btf, id, offset, 1, flexible);
    if (!r.ok() || r->kind != WalkKind::kStruct) return false;
    id = r->type_id;
    if (types_are_same(btf, id, need, need_id)) return true;
    offset = 0;
  }
  return false;
}

}  // namespace osmia::btf
