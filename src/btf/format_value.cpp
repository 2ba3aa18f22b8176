// The value printer: one recursive descent over the type with a window into the data. Invariant: every byte
// read lies in the window, and every item written takes from a budget that the data's size sets.
#include "btf/format_value.h"

#include <fmt/format.h>

#include <cmath>

#include "base/bits.h"

namespace osmia::btf {

namespace {

constexpr int kMaxDepth = 64;

// Commas, line breaks and indentation as bpftool's JSON writer places them.
class Json {
 public:
  Json(bool pretty, int level) : pretty_(pretty), depth_(level) {}
  void begin(char c) {
    separate();
    out += c;
    ++depth_;
    comma_ = false;
  }
  void end(char c) {
    --depth_;
    if (comma_) line();
    out += c;
    comma_ = true;
  }
  void name(std::string_view n) {
    if (comma_) out += ',';
    line();
    comma_ = false;
    quoted(n);
    out += pretty_ ? ": " : ":";
  }
  void raw(std::string_view v) {
    separate();
    out += v;
    comma_ = true;
  }
  void string(std::string_view v) {
    separate();
    quoted(v);
    comma_ = true;
  }
  std::string out;

 private:
  void separate() {
    if (comma_) out += ',';
  }
  void line() {
    if (!pretty_) return;
    out += '\n';
    out.append(static_cast<size_t>(depth_) * 4, ' ');
  }
  void quoted(std::string_view v) {
    out += '"';
    for (const char ch : v) {
      const u8 c = static_cast<u8>(ch);
      if (c == '"' || c == '\\')
        out += '\\', out += ch;
      else if (c < 0x20 || c >= 0x7f)
        out += fmt::format("\\u{:04x}", c);
      else
        out += ch;
    }
    out += '"';
  }
  bool pretty_;
  int depth_;
  bool comma_ = false;
};

class Printer {
 public:
  Printer(const Btf& btf, std::span<const u8> data, Style style, int level)
      : json(style == Style::kText, level),
        btf_(btf),
        data_(data),
        text_(style == Style::kText),
        budget_(16384 + 8 * data.size()) {}
  // `bit` counts from the start of the data.
  void value(u32 type_id, u64 bit, int depth);
  Json json;

 private:
  void integer(const TypeView& t, u64 bit);
  void bits(u64 bit, u32 count);
  void enumerator(const TypeView& t, u64 bit);
  void floating(const TypeView& t, u64 bit);
  void array(const TypeView& t, u64 bit, int depth);
  void aggregate(const TypeView& t, u64 bit, int depth);
  bool as_string(const ArrayInfo& a, u64 byte);
  void hex(u64 high, u64 low);
  void missing() { json.raw("null"); }
  bool has(u64 bit, u64 count) const {
    return bit / 8 <= data_.size() && (bit % 8 + count + 7) / 8 <= data_.size() - bit / 8;
  }
  const u8* at(u64 bit) const { return data_.data() + bit / 8; }

  const Btf& btf_;
  std::span<const u8> data_;
  bool text_;
  u64 budget_;
};

void Printer::hex(u64 high, u64 low) {
  const std::string h = high ? fmt::format("0x{:x}{:016x}", high, low) : fmt::format("0x{:x}", low);
  json.raw(text_ ? h : '"' + h + '"');
}

void Printer::bits(u64 bit, u32 count) {
  if (count > 128 || !has(bit, count)) return missing();
  // Bit by byte into 128 bits, at most 17 bytes.
  unsigned __int128 v = 0;
  const u8* p = at(bit);
  const u32 skip = bit % 8, bytes = (skip + count + 7) / 8;
  for (u32 i = 0; i < bytes; ++i) {
    const unsigned __int128 b = p[i];
    const int shift = static_cast<int>(8 * i) - static_cast<int>(skip);
    if (shift < 0)
      v |= b >> -shift;
    else if (shift < 128)
      v |= b << shift;
  }
  if (count < 128) v &= (static_cast<unsigned __int128>(1) << count) - 1;
  hex(static_cast<u64>(v >> 64), static_cast<u64>(v));
}

void Printer::integer(const TypeView& t, u64 bit) {
  const IntInfo i = t.int_info();
  if (bit % 8 || i.offset || (i.bits != 8 && i.bits != 16 && i.bits != 32 && i.bits != 64))
    return bits(bit + i.offset, i.bits);
  if (!has(bit, i.bits)) return missing();
  u64 v = 0;
  std::memcpy(&v, at(bit), i.bits / 8);
  if (i.encoding == kIntBool) return json.raw(v ? "true" : "false");
  if (i.encoding == kIntChar) {
    if (v >= 0x20 && v < 0x7f) {
      const char c = static_cast<char>(v);
      return json.string({&c, 1});
    }
    return text_ ? json.raw(fmt::format("0x{:x}", v)) : json.raw(fmt::format("\"\\u{:04x}\"", v & 0xffff));
  }
  if (i.is_signed()) return json.raw(std::to_string(sign_extend(v, i.bits)));
  json.raw(std::to_string(v));
}

void Printer::enumerator(const TypeView& t, u64 bit) {
  const u32 size = t.size();
  if (size == 0 || size > 8 || bit % 8 || !has(bit, u64{size} * 8)) return missing();
  u64 v = 0;
  std::memcpy(&v, at(bit), size);
  const u64 mask = size == 8 ? ~0ull : (1ull << size * 8) - 1;
  for (const Enumerator e : t.enumerators())
    if ((e.value & mask) == v) return json.string(e.name);
  // A value without a name is shown as signed whatever the enum is, as bpftool does.
  json.raw(std::to_string(sign_extend(v, size * 8)));
}

void Printer::floating(const TypeView& t, u64 bit) {
  if (bit % 8 || !has(bit, u64{t.size()} * 8)) return missing();
  double v = 0;
  if (t.size() == 4)
    v = load_unaligned<float>(at(bit));
  else if (t.size() == 8)
    v = load_unaligned<double>(at(bit));
  else
    return bits(bit, t.size() * 8);
  if (std::isfinite(v)) return json.raw(fmt::format("{}", v));
  json.string(std::isnan(v) ? "nan" : v < 0 ? "-inf" : "inf");
}

// A character array that holds printable text and a NUL.
bool Printer::as_string(const ArrayInfo& a, u64 byte) {
  const TypeView t = btf_.skip_qualifiers(a.type);
  if (!t.is(Kind::kInt) || t.size() != 1 || !(t.int_info().encoding == kIntChar || t.name() == "char"))
    return false;
  for (u64 i = 0; i < a.nelems && byte + i < data_.size(); ++i) {
    const u8 c = data_[byte + i];
    if (c == 0) {
      json.string({reinterpret_cast<const char*>(data_.data() + byte), static_cast<size_t>(i)});
      return true;
    }
    if (c < 0x20 || c >= 0x7f) return false;
  }
  return false;
}

void Printer::array(const TypeView& t, u64 bit, int depth) {
  const ArrayInfo a = t.array();
  if (bit % 8 == 0 && as_string(a, bit / 8)) return;
  const auto size = btf_.size_of(a.type);
  json.begin('[');
  if (size.ok())
    for (u64 i = 0; i < a.nelems && budget_; ++i) {
      const u64 at_bit = bit + i * *size * 8;
      value(a.type, at_bit, depth + 1);
      if (!has(at_bit, u64{*size} * 8)) break;  // nothing but nulls from here on
    }
  json.end(']');
}

void Printer::aggregate(const TypeView& t, u64 bit, int depth) {
  json.begin('{');
  for (const Member m : t.members()) {
    if (!budget_) break;
    json.name(m.name);
    if (m.bitfield_size)
      bits(bit + m.bit_offset, m.bitfield_size);
    else
      value(m.type, bit + m.bit_offset, depth + 1);
  }
  json.end('}');
}

void Printer::value(u32 type_id, u64 bit, int depth) {
  if (depth > kMaxDepth || budget_ == 0) {
    budget_ = 0;
    return missing();
  }
  --budget_;
  const TypeView t = btf_.skip_modifiers(type_id);
  switch (t.kind()) {
    case Kind::kInt: return integer(t, bit);
    case Kind::kEnum:
    case Kind::kEnum64: return enumerator(t, bit);
    case Kind::kFloat: return floating(t, bit);
    case Kind::kPtr: {
      if (bit % 8 || !has(bit, 64)) return missing();
      const u64 v = load_unaligned<u64>(at(bit));
      return text_ ? json.string(v ? fmt::format("0x{:x}", v) : "(nil)") : json.raw(std::to_string(v));
    }
    case Kind::kArray: return array(t, bit, depth);
    case Kind::kStruct:
    case Kind::kUnion: return aggregate(t, bit, depth);
    case Kind::kVar:
      json.begin('{');
      json.name(t.name());
      value(t.type(), bit, depth + 1);
      return json.end('}');
    case Kind::kDatasec:
      json.begin('{');
      json.name(t.name());
      json.begin('[');
      for (const VarSecinfo v : t.var_secinfos()) {
        if (!budget_) break;
        value(v.type, bit + u64{v.offset} * 8, depth + 1);
      }
      json.end(']');
      return json.end('}');
    default:
      return json.string(
          fmt::format("({} [{}] has no value)", t.id() ? kind_name(t.kind()) : "void", type_id));
  }
}

}  // namespace

std::string format_value(const Btf& btf, u32 type_id, std::span<const u8> data, Style style, int level) {
  Printer p(btf, data, style, level);
  p.value(type_id, 0, 0);
  return std::move(p.json.out);
}

}  // namespace osmia::btf
