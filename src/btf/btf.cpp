// Btf itself: ids, strings and the chains that lead from one type to another. Every walk has a step limit,
// because a trusted BTF has not been checked for loops.
#include "btf/btf.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "btf/lazy.h"

namespace osmia::btf {

namespace {
constexpr u8 kVoidRecord[12] = {};
constexpr int kMaxChain = 64;  // longer than any chain that Linux accepts (32)
}  // namespace

Btf::Btf() : lazy_(std::make_unique<Lazy>()) {}
Btf::~Btf() = default;

TypeView Btf::type(u32 id) const {
  if (id == 0) return {this, 0, kVoidRecord};
  const Btf* b = this;
  while (id < b->start_id_) b = b->base_.get();
  const u32 i = id - b->start_id_;
  // The view's Btf is this one, not the base: its names and ids mean the same in both, and lookups from it
  // see more.
  if (i >= b->offsets_.size()) return {this, id, nullptr};
  return {this, id, b->bytes_.data() + b->offsets_[i]};
}

std::string_view Btf::string(u32 offset) const {
  const Btf* b = this;
  while (offset < b->start_str_off_) b = b->base_.get();
  offset -= b->start_str_off_;
  if (offset >= b->str_len_) return {};
  return reinterpret_cast<const char*>(b->bytes_.data() + b->str_off_ + offset);  // the section ends in NUL
}

TypeView Btf::skip_modifiers(u32 id) const {
  TypeView t = type(id);
  for (int i = 0; t.is_modifier(); ++i) {
    if (i == kMaxChain) return type(0);
    t = type(t.size_or_type());
  }
  return t.exists() ? t : type(0);
}

TypeView Btf::skip_qualifiers(u32 id) const {
  TypeView t = type(id);
  for (int i = 0; t.is_modifier() && !t.is(Kind::kTypedef); ++i) {
    if (i == kMaxChain) return type(0);
    t = type(t.size_or_type());
  }
  return t.exists() ? t : type(0);
}

TypeView Btf::resolve_pointer(u32 id) const {
  const TypeView t = skip_modifiers(id);
  if (!t.is(Kind::kPtr)) return {this, 0, nullptr};
  return skip_modifiers(t.type());
}

TypeView Btf::resolve_func_pointer(u32 id) const {
  const TypeView t = resolve_pointer(id);
  return t.is(Kind::kFuncProto) ? t : TypeView{this, 0, nullptr};
}

Result<u32> Btf::size_of(u32 id) const {
  u64 nelems = 1;
  TypeView t = type(id);
  for (u32 i = 0; i < kMaxResolveDepth; ++i) {
    u64 size = 0;
    switch (t.kind()) {
      case Kind::kInt:
      case Kind::kStruct:
      case Kind::kUnion:
      case Kind::kEnum:
      case Kind::kEnum64:
      case Kind::kFloat:
      case Kind::kDatasec: size = t.size(); break;
      case Kind::kPtr: size = 8; break;
      case Kind::kArray: {
        const ArrayInfo a = t.array();
        nelems *= a.nelems;
        if (nelems > 0xffffffffu)
          return Error{E2BIG, "type [" + std::to_string(id) + "] is larger than 4 GiB"};
        t = type(a.type);
        continue;
      }
      case Kind::kTypedef:
      case Kind::kVolatile:
      case Kind::kConst:
      case Kind::kRestrict:
      case Kind::kTypeTag:
      case Kind::kVar: t = type(t.type()); continue;
      default:
        return Error{EINVAL, "type [" + std::to_string(id) + "] has no size: it ends in " +
                                 (t.id() == 0 && t.exists() ? "void" : kind_name(t.kind())) + " [" +
                                 std::to_string(t.id()) + "]"};
    }
    if (size * nelems > 0xffffffffu)
      return Error{E2BIG, "type [" + std::to_string(id) + "] is larger than 4 GiB"};
    return static_cast<u32>(size * nelems);
  }
  return Error{E2BIG,
               "type [" + std::to_string(id) + "] is nested deeper than " + std::to_string(kMaxResolveDepth)};
}

namespace {
// `budget` bounds the total work: a struct of 65535 members of such structs must not take forever.
u32 align_of_rec(const Btf& btf, u32 id, u32 depth, u32& budget) {
  if (depth > kMaxResolveDepth || budget == 0) return 1;
  --budget;
  TypeView t = btf.skip_modifiers(id);
  switch (t.kind()) {
    case Kind::kInt:
    case Kind::kEnum:
    case Kind::kEnum64:
    case Kind::kFloat: {
      // x86-64 and arm64 align 12-byte and 16-byte floats to 16 in C; BTF of long double has size 16.
      const u32 size = t.size();
      return size == 0 || size & (size - 1)
                 ? 1
                 : std::min(size, t.is(Kind::kInt) || t.is(Kind::kFloat) ? 16u : 8u);
    }
    case Kind::kPtr: return 8;
    case Kind::kArray: return align_of_rec(btf, t.array().type, depth + 1, budget);
    case Kind::kStruct:
    case Kind::kUnion: {
      u32 align = 1;
      for (const Member m : t.members()) {
        const u32 a = align_of_rec(btf, m.type, depth + 1, budget);
        align = std::max(align, a);
        // A member off its natural place shows that the struct was packed.
        if (m.bitfield_size == 0 && m.bit_offset % (8 * a)) return 1;
      }
      return t.size() % align ? 1 : align;
    }
    default: return 1;
  }
}
}  // namespace

u32 Btf::align_of(u32 id) const {
  u32 budget = 1u << 16;
  return align_of_rec(*this, id, 0, budget);
}

std::vector<std::string_view> Btf::type_tags(u32 pointer_id) const {
  std::vector<std::string_view> tags;
  TypeView t = skip_modifiers(pointer_id);
  if (!t.is(Kind::kPtr)) return tags;
  t = type(t.type());
  for (int i = 0; t.is(Kind::kTypeTag) && i < kMaxChain; ++i, t = type(t.type())) tags.push_back(t.name());
  return tags;
}

bool is_valid_identifier(std::string_view name) {
  // Linux's isalpha() counts the letters of Latin-1, so bytes of UTF-8 mostly pass too.
  auto ok = [](char ch, bool first) {
    const u8 c = static_cast<u8>(ch);
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' ||
           (c >= 0xc0 && c != 0xd7 && c != 0xf7) || (!first && c >= '0' && c <= '9');
  };
  if (name.empty() || name.size() > 512 || !ok(name[0], true)) return false;
  return std::all_of(name.begin() + 1, name.end(), [&](char c) { return ok(c, false); });
}

}  // namespace osmia::btf
