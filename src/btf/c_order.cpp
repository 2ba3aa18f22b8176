// Which definition must come before which. A struct needs the full definition of what it embeds (a strong
// link), but only a declaration of the named struct or typedef that it points to (weak); an anonymous struct
// is defined in place, so pointing to it passes its own strong links on.
#include <algorithm>

#include "btf/c_dumper.h"

namespace osmia::btf {

namespace {
constexpr int kMaxDepth = 400;
}

CDumper::CDumper(const Btf& btf) : btf_(btf), states_(btf.end_id()) {
  u64 bytes = btf.bytes().size();
  for (const Btf* b = btf.base().get(); b; b = b->base().get()) bytes += b->bytes().size();
  budget_ = 200 * bytes + 100000;
  max_out_ = 20 * bytes + 100000;
  states_[0].order = kOrdered;
  states_[0].emit = kEmitted;
  mark_referenced();
}

// An anonymous enum that nothing refers to is a list of constants and gets a definition of its own.
void CDumper::mark_referenced() {
  auto mark = [this](u32 id) {
    if (id < states_.size()) states_[id].referenced = true;
  };
  for (u32 id = 1; id < states_.size(); ++id) {
    const TypeView t = btf_.type(id);
    switch (t.kind()) {
      case Kind::kArray:
        mark(t.array().index_type);
        mark(t.array().type);
        break;
      case Kind::kStruct:
      case Kind::kUnion:
        for (const Member m : t.members()) mark(m.type);
        break;
      case Kind::kFuncProto:
        for (const Param p : t.params()) mark(p.type);
        break;  // the return type does not count, as in libbpf
      case Kind::kDatasec:
        for (const VarSecinfo v : t.var_secinfos()) mark(v.type);
        break;
      default: mark(t.type());
    }
  }
}

CDumper::Link CDumper::order(u32 id, bool through_ptr, int depth) {
  if (id >= states_.size() || depth > kMaxDepth || !spend()) return kBroken;
  if (states_[id].order == kOrdered) return kStrong;
  const TypeView t = btf_.type(id);
  if (states_[id].order == kOrdering)
    return t.is_struct_or_union() && through_ptr && t.name_off() ? kWeak : kBroken;

  switch (t.kind()) {
    case Kind::kInt:
    case Kind::kFloat: states_[id].order = kOrdered; return kWeak;
    case Kind::kPtr: {
      const Link link = order(t.type(), true, depth + 1);
      states_[id].order = kOrdered;
      return link;
    }
    case Kind::kArray: return order(t.array().type, false, depth + 1);
    case Kind::kStruct:
    case Kind::kUnion:
      if (through_ptr && t.name_off()) return kWeak;
      states_[id].order = kOrdering;
      for (const Member m : t.members())
        if (order(m.type, false, depth + 1) == kBroken) return kBroken;
      if (t.name_off()) queue_.push_back(id);
      states_[id].order = kOrdered;
      return kStrong;
    case Kind::kEnum:
    case Kind::kEnum64:
    case Kind::kFwd:
      if (t.name_off() || !states_[id].referenced) queue_.push_back(id);
      states_[id].order = kOrdered;
      return kStrong;
    case Kind::kTypedef: {
      const Link link = order(t.type(), through_ptr, depth + 1);
      if (link == kBroken) return kBroken;
      if (through_ptr && link == kWeak) return kWeak;
      queue_.push_back(id);
      states_[id].order = kOrdered;
      return kStrong;
    }
    case Kind::kVolatile:
    case Kind::kConst:
    case Kind::kRestrict:
    case Kind::kTypeTag: return order(t.type(), through_ptr, depth + 1);
    case Kind::kFuncProto: {
      Link link = order(t.type(), through_ptr, depth + 1);
      if (link == kBroken) return kBroken;
      for (const Param p : t.params()) {
        const Link l = order(p.type, through_ptr, depth + 1);
        if (l == kBroken) return kBroken;
        if (l == kStrong) link = kStrong;
      }
      return link;
    }
    default: states_[id].order = kOrdered; return kWeak;
  }
}

void CDumper::dump_type(u32 id) {
  queue_.clear();
  if (order(id, false, 0) == kBroken) {
    // A struct that holds itself cannot be written in C; the rest of the types can.
    exhausted_ = true;
    return;
  }
  for (size_t i = 0; i < queue_.size(); ++i) emit_type(queue_[i], 0, 0);
}

// libbpf's notion of alignment, which bounds everything by 8 bytes; 0 for what has none.
u32 CDumper::align_of(u32 id, int depth) {
  if (id >= states_.size() || depth > kMaxDepth || !spend()) return 0;
  if (states_[id].align != 0xff) return states_[id].align;
  const TypeView t = btf_.type(id);
  u32 align = 0;
  switch (t.kind()) {
    case Kind::kInt:
    case Kind::kEnum:
    case Kind::kEnum64:
    case Kind::kFloat: align = std::min(8u, t.size()); break;
    case Kind::kPtr: align = 8; break;
    case Kind::kTypedef:
    case Kind::kVolatile:
    case Kind::kConst:
    case Kind::kRestrict:
    case Kind::kTypeTag: align = align_of(t.type(), depth + 1); break;
    case Kind::kArray: align = align_of(t.array().type, depth + 1); break;
    case Kind::kStruct:
    case Kind::kUnion: {
      align = 1;
      for (const Member m : t.members()) {
        const u32 a = align_of(m.type, depth + 1);
        if (a == 0) return states_[id].align = 0;
        align = std::max(align, a);
        if (m.bitfield_size == 0 && m.bit_offset % (8 * a)) return states_[id].align = 1;
      }
      if (t.size() % align) align = 1;
      break;
    }
    default: break;
  }
  states_[id].align = static_cast<u8>(align);
  return align;
}

// Off its natural place somewhere: the struct must have been declared packed.
bool CDumper::is_packed(const TypeView& t) {
  u32 max_align = 1;
  for (const Member m : t.members()) {
    const u32 a = align_of(m.type);
    if (a && m.bitfield_size == 0 && m.bit_offset % (8 * a)) return true;
    max_align = std::max(max_align, a);
  }
  return t.size() % max_align != 0;
}

// C has one name space for tags and one for identifiers; a name that comes again gets a "___N" suffix.
std::string_view CDumper::resolve_name(const TypeView& t, Names& names) {
  if (!t.exists() || t.name_off() == 0) return {};
  State& s = states_[t.id()];
  if (!s.name_resolved) {
    s.name_resolved = true;
    if (!t.is(Kind::kFwd) && !(t.is(Kind::kEnum) && t.vlen() == 0)) {
      if (const u32 n = count_name(names, t.name()); n > 1) {
        aliases_.push_back(std::string(t.name()) + "___" + std::to_string(n));
        s.alias = static_cast<u32>(aliases_.size());
      }
    }
  }
  // Aliases may move when the vector grows, but every caller uses the view at once.
  return s.alias ? std::string_view(aliases_[s.alias - 1]) : t.name();
}

}  // namespace osmia::btf
