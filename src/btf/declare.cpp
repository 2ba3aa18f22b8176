// A recursive-descent reader of declarations over a Writer. Invariant: sizes_ knows size and alignment of
// every type that this text made; all others are asked of the base.
#include "btf/declare.h"

#include <cerrno>
#include <charconv>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "btf/write.h"

namespace osmia::btf {
namespace {

struct Extent {
  u32 size = 0, align = 1;  // bytes
};

class Declarations {
 public:
  Declarations(const BtfPtr& base, std::string_view text) : base_(base), writer_(*base), text_(text) {
    next();
  }

  Result<BtfPtr> read() {
    while (!word_.empty() && error_.empty()) declaration();
    if (!error_.empty()) return Error{missing_ ? ENOENT : EINVAL, error_};
    return Btf::parse(writer_.bytes(), base_);
  }

 private:
  // ---- words
  static bool letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  }
  void next() {
    const size_t begin = std::min(text_.find_first_not_of(" \t\n"), text_.size());
    text_.remove_prefix(begin);
    size_t n = 0;
    while (n < text_.size() && letter(text_[n])) n++;
    if (!n && !text_.empty()) n = 1;
    word_ = text_.substr(0, n);
    text_.remove_prefix(n);
  }
  bool take(std::string_view word) {
    if (word_ != word) return false;
    next();
    return true;
  }
  void expect(std::string_view word) {
    if (!take(word)) fail("expected '" + std::string(word) + "', found '" + std::string(word_) + "'");
  }
  std::string_view name() {
    const std::string_view w = word_;
    if (w.empty() || !letter(w[0])) fail("expected a name, found '" + std::string(w) + "'");
    next();
    return w;
  }
  u32 number() {
    u32 n = 0;
    const auto [end, error] = std::from_chars(word_.data(), word_.data() + word_.size(), n);
    if (error != std::errc() || end != word_.data() + word_.size())
      fail("expected a number, found '" + std::string(word_) + "'");
    next();
    return n;
  }
  void fail(std::string what) {
    if (error_.empty()) error_ = "declarations: " + std::move(what);
    word_ = text_ = {};
  }
  void lacks(std::string_view what, std::string_view type_name) {
    missing_ = error_.empty();
    fail("no type " + std::string(what) + std::string(type_name));
  }

  // ---- types
  Extent extent_of(u32 id) const {
    if (const auto it = sizes_.find(id); it != sizes_.end()) return it->second;
    if (!id || id >= base_->end_id()) return {};
    const auto size = base_->size_of(id);
    return {size.ok() ? *size : 0, base_->align_of(id)};
  }
  // A complete type of the base or of this text; 0: none.
  u32 find(Kind kind, std::string_view type_name) {
    const u32 id = base_->find(type_name, kind);
    if (id && !(kind == Kind::kEnum && !base_->type(id).vlen())) return id;
    const auto it = own_.find({kind, std::string(type_name)});
    return it == own_.end() ? 0 : it->second;
  }
  static std::optional<Kind> aggregate_word(std::string_view w) {
    if (w == "struct") return Kind::kStruct;
    if (w == "union") return Kind::kUnion;
    if (w == "enum") return Kind::kEnum;
    return std::nullopt;
  }
  // What stands before the stars of a declarator.
  u32 specifier() {
    const bool is_const = take("const");
    u32 id = 0;
    if (const auto kind = aggregate_word(word_)) {
      const std::string keyword(word_);
      next();
      if (word_ == "{") {
        id = body(*kind, {});
      } else {
        const std::string_view tag = name();
        id = find(*kind, tag);
        if (!id && error_.empty()) lacks(keyword + " ", tag);
      }
    } else if (!take("void")) {
      id = word_type();
    }
    return is_const ? writer_.add_const(id) : id;
  }
  u32 word_type() {
    std::string words(name());
    while (words == "unsigned" || words == "long" || words == "long unsigned") {
      if (word_ != "long" && word_ != "int" && word_ != "char" && word_ != "unsigned") break;
      words += " " + std::string(name());
    }
    if (words == "unsigned long" || words == "long unsigned") words = "long unsigned int";
    if (words == "long") words = "long int";
    if (words == "unsigned") words = "unsigned int";
    const u32 id = base_->find(words, Kind::kTypedef);
    if (id) return id;
    const u32 integer = base_->find(words, Kind::kInt);
    if (!integer && error_.empty()) lacks("", words);
    return integer;
  }
  u32 stars(u32 id) {
    while (take("*")) {
      id = writer_.add_ptr(id);
      sizes_[id] = {8, 8};
    }
    return id;
  }

  // ---- declarations
  void declaration() {
    const auto kind = aggregate_word(word_);
    if (kind) {
      const std::string_view rest = text_;
      const std::string_view first = word_;
      next();
      const std::string_view tag = name();
      if (word_ == "{") {
        if (find(*kind, tag))
          skip_body();
        else
          own_[{*kind, std::string(tag)}] = body(*kind, tag);
        expect(";");
        return;
      }
      text_ = rest, word_ = first;  // a prototype that begins with an aggregate
    }
    const u32 result = stars(specifier());
    const std::string_view function = name();
    expect("(");
    std::vector<Writer::ParamDef> params;
    while (error_.empty() && !take(")")) {
      const u32 type = stars(specifier());
      params.push_back({name(), type});
      if (word_ != ")") expect(",");
    }
    expect(";");
    if (error_.empty()) writer_.add_func(function, writer_.add_func_proto(result, params));
  }
  void skip_body() {
    int depth = 0;
    do {
      depth += word_ == "{" ? 1 : word_ == "}" ? -1 : 0;
      next();
    } while (depth && !word_.empty());
  }
  u32 body(Kind kind, std::string_view tag) {
    expect("{");
    return kind == Kind::kEnum ? enumerators(tag) : members(kind, tag);
  }
  u32 enumerators(std::string_view tag) {
    std::vector<Writer::EnumDef> values;
    s64 value = 0;
    while (error_.empty() && !take("}")) {
      const std::string_view n = name();
      if (take("=")) value = number();
      values.push_back({n, value++});
      if (word_ != "}") expect(",");
    }
    const u32 id = writer_.add_enum(tag, 4, values);
    sizes_[id] = {4, 4};
    return id;
  }
  u32 members(Kind kind, std::string_view tag) {
    std::vector<Writer::MemberDef> all;
    u64 bits = 0;  // the first free bit
    u32 align = 1, largest = 0;
    while (error_.empty() && !take("}")) {
      const u32 type = specifier();
      do {
        Writer::MemberDef m{{}, stars(type), 0};
        if (word_ != ";" && word_ != ":") m.name = name();
        if (take("[")) {
          m.type = array(m.type, number());
          expect("]");
        }
        const Extent e = extent_of(m.type);
        const u64 unit = u64{e.size} * 8;
        if (take(":")) {
          m.bitfield_size = number();
          if (unit && bits / unit != (bits + m.bitfield_size - 1) / unit)
            bits = (bits + unit - 1) / unit * unit;
        } else {
          bits = (bits + e.align * 8 - 1) / (e.align * 8) * (e.align * 8);
        }
        m.bit_offset = kind == Kind::kUnion ? 0 : static_cast<u32>(bits);
        if (kind == Kind::kStruct) bits += m.bitfield_size ? m.bitfield_size : unit;
        align = std::max(align, e.align);
        largest = std::max(largest, e.size);
        all.push_back(m);
      } while (error_.empty() && take(","));
      expect(";");
    }
    u32 size = kind == Kind::kUnion ? largest : static_cast<u32>((bits + 7) / 8);
    size = (size + align - 1) / align * align;
    const u32 id =
        kind == Kind::kUnion ? writer_.add_union(tag, size, all) : writer_.add_struct(tag, size, all);
    sizes_[id] = {size, align};
    return id;
  }
  u32 array(u32 element, u32 count) {
    const Extent e = extent_of(element);
    const u32 id = writer_.add_array(element, base_->find("int", Kind::kInt), count);
    sizes_[id] = {e.size * count, e.align};
    return id;
  }

  const BtfPtr base_;
  Writer writer_;
  std::string_view text_, word_;
  std::map<u32, Extent> sizes_;
  std::map<std::pair<Kind, std::string>, u32> own_;
  std::string error_;
  bool missing_ = false;
};

}  // namespace

Result<BtfPtr> declare(const BtfPtr& base, std::string_view text) {
  return Declarations(base, text).read();
}

}  // namespace osmia::btf
