// Linux's output depends on what was shown before (names are left out behind an array's element, until
// another array ends), so the same few facts are carried along here. An aggregate is first walked without
// output, to see whether anything in it would be shown.
#include "btf/show_value.h"

#include <cctype>
#include <cstdio>
#include <cstring>

namespace osmia::btf {
namespace {

constexpr u32 kMostWraps = 10;         // pointers, arrays and typedefs around a type whose name is shown
constexpr u32 kDeepest = 32;           // nested aggregates; C types of a kernel stay far below
constexpr size_t kMostText = 1 << 20;  // bytes; programs' buffers are smaller

class Show {
 public:
  Show(const Btf& btf, std::span<const u8> data, u64 flags, u64 (*hide)(u64))
      : btf_(btf), data_(data), flags_(flags), hide_(hide) {}

  void type(TypeView t, u32 id, u64 at, u32 bit) {
    if (depth_ > kDeepest || text.size() > kMostText) return;
    switch (t.kind()) {
      case Kind::kTypedef:
      case Kind::kVolatile:
      case Kind::kConst:
      case Kind::kRestrict:
      case Kind::kTypeTag: return type(btf_.skip_modifiers(id), id, at, bit);
      case Kind::kVar:
        return type(btf_.skip_modifiers(t.type()), btf_.skip_modifiers(t.type()).id(), at, bit);
      case Kind::kInt: return number(t, id, at, bit);
      case Kind::kEnum:
      case Kind::kEnum64: return enumeration(t, id, at);
      case Kind::kPtr: return pointer(id, at);
      case Kind::kStruct:
      case Kind::kUnion:
      case Kind::kArray: return aggregate(t, id, at, bit);
      default:
        if (!looking_) text += "<unsupported kind:" + std::to_string(static_cast<u32>(t.kind())) + ">";
    }
  }

  std::string text;

 private:
  u64 read(u64 at, u32 bytes) const {
    u64 v = 0;
    if (at <= data_.size() && bytes <= data_.size() - at) std::memcpy(&v, data_.data() + at, bytes);
    return v;
  }
  bool compact() const { return flags_ & kShowCompact; }
  std::string indent() const { return compact() ? "" : std::string(std::min(depth_, 32u), ' '); }
  const char* line_end() const { return compact() ? "" : "\n"; }
  const char* separator() const { return depth_ ? "," : ""; }

  void leaf(u32 id, const std::string& value, bool zero) {
    if (zero && !(flags_ & kShowZeros) && depth_) return;
    if (!looking_) text += indent() + name(id) + value + separator() + line_end();
    seen_depth_ = std::max(seen_depth_, depth_);
  }

  // ".member = (type *[])" and what opens the value.
  std::string name(u32 id) {
    if (in_array_) return {};
    std::string_view member;
    if (member_) {
      member = member_->name;
      id = member_->type;
    }
    std::string_view type_name;
    std::string stars, brackets;
    const char *prefix = "", *opening = "";
    bool typedefs = false, pointers = false, arrays = false;
    TypeView t = btf_.type(id);
    u32 wraps = 0;
    for (; wraps < kMostWraps; wraps++) {
      u32 inner = 0;
      if (t.is(Kind::kTypedef)) {
        if (type_name.empty()) type_name = t.name();
        typedefs = true;
        inner = t.type();
      } else if (t.is(Kind::kArray)) {
        arrays = true;
        opening = "[";
        brackets += "[]";
        inner = t.array().type;
      } else if (t.is(Kind::kPtr)) {
        pointers = true;
        stars += "*";
        inner = t.type();
      }
      if (!inner) break;
      t = btf_.skip_qualifiers(inner);
    }
    if (wraps == kMostWraps) return {};
    if (type_name.empty()) type_name = t.name();
    if (t.is_struct_or_union()) {
      prefix = t.is(Kind::kStruct) ? "struct" : "union";
      if (!arrays) opening = "{";
    } else if (t.is_any_enum()) {
      prefix = "enum";
    }
    if (pointers) opening = "";
    if (typedefs) prefix = "";
    if (flags_ & kShowNoNames) return opening;
    std::string out;
    if (!member.empty()) out += "." + std::string(member) + " = ";
    out += "(" + std::string(prefix) + (*prefix && !type_name.empty() ? " " : "") + std::string(type_name) +
           (stars.empty() ? "" : " ") + stars + brackets + ")" + opening;
    constexpr size_t kMostName = 79;
    return out.substr(0, kMostName);
  }

  void bits(u32 id, u64 at, u32 bit, u32 count) {
    at += bit / 8;
    bit %= 8;
    unsigned __int128 v = 0;
    const u32 bytes = (bit + count + 7) / 8;
    for (u32 i = 0; i < bytes && i < 16; i++) v |= static_cast<unsigned __int128>(read(at + i, 1)) << 8 * i;
    v >>= bit;
    if (count < 128) v &= (static_cast<unsigned __int128>(1) << count) - 1;
    wide(id, static_cast<u64>(v >> 64), static_cast<u64>(v));
  }
  void wide(u32 id, u64 high, u64 low) {
    char out[40];
    if (high)
      std::snprintf(out, sizeof out, "0x%llx%016llx", static_cast<unsigned long long>(high),
                    static_cast<unsigned long long>(low));
    else
      std::snprintf(out, sizeof out, "0x%llx", static_cast<unsigned long long>(low));
    leaf(id, out, !high && !low);
  }
  void number(TypeView t, u32 id, u64 at, u32 bit) {
    const IntInfo info = t.int_info();
    if (bit || info.offset || info.bits % 8 || (info.bits & (info.bits - 1)) || info.bits > 128)
      return bits(id, at, bit + info.offset, info.bits);
    if (info.bits == 128) return wide(id, read(at + 8, 8), read(at, 8));
    const u64 v = read(at, info.bits / 8u);
    if (info.bits == 8 && array_of_chars_) {
      if (terminated_) return;
      if (!v) {
        terminated_ = true;
        return;
      }
      if (v < 0x80 && std::isprint(static_cast<int>(v)))
        return leaf(id, std::string("'") + static_cast<char>(v) + "'", false);
    }
    const u32 unused = 64 - info.bits;
    if (info.is_signed())
      leaf(id, std::to_string(static_cast<s64>(v << unused) >> unused), !v);
    else
      leaf(id, std::to_string(v), !v);
  }
  void enumeration(TypeView t, u32 id, u64 at) {
    const bool wide = t.is(Kind::kEnum64);
    const u64 v = wide ? read(at, 8) : read(at, 4);
    for (const Enumerator e : t.enumerators())
      if (wide ? static_cast<u64>(e.value) == v : static_cast<u32>(e.value) == static_cast<u32>(v))
        return leaf(id, std::string(e.name), false);
    if (t.kind_flag())
      leaf(id, std::to_string(wide ? static_cast<s64>(v) : static_cast<s32>(v)), !v);
    else
      leaf(id, std::to_string(v), !v);
  }
  void pointer(u32 id, u64 at) {
    const u64 v = read(at, 8);
    char out[32];
    std::snprintf(out, sizeof out, "0x%016llx",
                  static_cast<unsigned long long>(flags_ & kShowRawPointers || !v ? v : hide_(v)));
    leaf(id, out, !v);
  }

  void aggregate(TypeView t, u32 id, u64 at, u32 bit) {
    const Member* const member = member_;
    if (depth_ && !(flags_ & kShowZeros)) {
      if (!looking_) {
        looking_ = depth_ + 1;
        seen_depth_ = 0;
      }
      contents(t, id, at, bit);
      member_ = member;
      if (looking_ != depth_ + 1) return;
      looking_ = 0;
      if (seen_depth_ <= depth_) return;
    }
    contents(t, id, at, bit);
  }
  void contents(TypeView t, u32 id, u64 at, u32 bit) {
    if (t.is(Kind::kArray)) {
      array_of_chars_ = is_char(btf_.skip_modifiers(t.array().type));
      terminated_ = false;
    }
    if (!looking_) text += indent() + name(id) + line_end();
    depth_++;
    if (t.is(Kind::kArray))
      elements(t.array(), at, bit);
    else
      members(t, at);
    if (t.is(Kind::kArray)) array_of_chars_ = terminated_ = false;
    depth_--;
    if (!looking_) text += indent() + (t.is(Kind::kArray) ? "]" : "}") + separator() + line_end();
  }
  static bool is_char(TypeView t) { return t.is(Kind::kInt) && t.size() == 1; }
  void elements(const ArrayInfo& array, u64 at, u32 bit) {
    const TypeView element = btf_.skip_modifiers(array.type);
    if (!element.exists()) return;
    for (u32 i = 0; i < array.nelems; i++) {
      in_array_ = true;
      member_ = nullptr;
      type(element, array.type, at, bit);
      at += element.size();  // zero for pointers and arrays, as on Linux
      in_array_ = false;
      member_ = nullptr;
      if (terminated_ || text.size() > kMostText) break;
    }
  }
  void members(TypeView t, u64 at) {
    for (const Member m : t.members()) {
      member_ = &m;
      const u64 where = at + m.bit_offset / 8;
      if (m.bitfield_size)
        bits(m.type, where, m.bit_offset % 8, m.bitfield_size);
      else
        type(btf_.type(m.type), m.type, where, m.bit_offset % 8);
      member_ = nullptr;
    }
  }

  const Btf& btf_;
  const std::span<const u8> data_;
  const u64 flags_;
  u64 (*const hide_)(u64);
  const Member* member_ = nullptr;
  u32 depth_ = 0, seen_depth_ = 0;
  u32 looking_ = 0;  // walks without output; the depth behind the aggregate that began it
  bool in_array_ = false, array_of_chars_ = false, terminated_ = false;
};

}  // namespace

std::string show_value(const Btf& btf, u32 type_id, std::span<const u8> data, u64 flags, u64 (*hide)(u64)) {
  Show show(btf, data, flags, hide);
  show.type(btf.type(type_id), type_id, 0, 0);
  return std::move(show.text);
}

}  // namespace osmia::btf
