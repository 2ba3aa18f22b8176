// A position in one line of assembler text: literals, registers and numbers, with blanks skipped before each.
// Invariant: a method that returns false or nullopt has not moved the cursor.
#pragma once
#include <cctype>
#include <charconv>
#include <optional>
#include <string_view>

#include "base/types.h"

namespace osmia::isa {

struct AsmReg {
  bool is32 = false;  // wN
  u8 number = 0;
};

struct AsmNumber {
  bool negative = false;
  bool signed_text = false;  // a + or - was written
  bool hex = false;
  u64 magnitude = 0;
  // The value as a field of so many bits, signed or unsigned; nullopt: it does not fit.
  std::optional<s64> fit(unsigned bits) const {
    const u64 top = u64{1} << (bits - 1);
    if (negative)
      return magnitude <= top ? std::optional<s64>(static_cast<s64>(0 - magnitude)) : std::nullopt;
    if (bits < 64 && magnitude >> bits != 0) return std::nullopt;
    return static_cast<s64>(magnitude);
  }
  // As fit(), but a positive number may not reach the sign bit.
  std::optional<s64> fit_signed(unsigned bits) const {
    if (!negative && magnitude >> (bits - 1) != 0) return std::nullopt;
    return fit(bits);
  }
};

class AsmCursor {
 public:
  explicit AsmCursor(std::string_view text) : x_rest(text) {}

  std::string_view rest() {
    while (!x_rest.empty() && std::isspace(static_cast<unsigned char>(x_rest.front())))
      x_rest.remove_prefix(1);
    return x_rest;
  }
  bool at_end() { return rest().empty(); }

  bool eat(std::string_view literal) {
    if (!rest().starts_with(literal)) return false;
    x_rest.remove_prefix(literal.size());
    return true;
  }
  // A literal that no letter, digit or underscore may follow.
  bool eat_word(std::string_view literal) {
    const std::string_view r = rest();
    if (!r.starts_with(literal) || (r.size() > literal.size() && is_word(r[literal.size()]))) return false;
    x_rest.remove_prefix(literal.size());
    return true;
  }
  std::optional<AsmReg> reg() {
    const std::string_view r = rest();
    if (r.size() < 2 || (r[0] != 'r' && r[0] != 'w')) return std::nullopt;
    unsigned number = 0;
    const auto [end, error] = std::from_chars(r.data() + 1, r.data() + r.size(), number);
    const size_t length = static_cast<size_t>(end - r.data());
    if (error != std::errc() || number > 15 || (length < r.size() && is_word(r[length]))) return std::nullopt;
    x_rest.remove_prefix(length);
    return AsmReg{r[0] == 'w', static_cast<u8>(number)};
  }
  std::optional<AsmNumber> number() {
    std::string_view r = rest();
    AsmNumber n;
    if (!r.empty() && (r[0] == '+' || r[0] == '-')) {
      n.signed_text = true;
      n.negative = r[0] == '-';
      r.remove_prefix(1);
    }
    if (r.starts_with("0x") || r.starts_with("0X")) {
      n.hex = true;
      r.remove_prefix(2);
    }
    const auto [end, error] = std::from_chars(r.data(), r.data() + r.size(), n.magnitude, n.hex ? 16 : 10);
    r.remove_prefix(static_cast<size_t>(end - r.data()));
    if (error != std::errc() || (!r.empty() && is_word(r[0]))) return std::nullopt;
    x_rest = r;
    return n;
  }
  // A name: letters, digits, '_', '.', '$'; may not start with a digit. Empty: none here.
  std::string_view name() {
    const std::string_view r = rest();
    size_t n = 0;
    while (n < r.size() && (is_word(r[n]) || r[n] == '.' || r[n] == '$')) ++n;
    if (n == 0 || std::isdigit(static_cast<unsigned char>(r[0]))) return {};
    x_rest.remove_prefix(n);
    return r.substr(0, n);
  }

 private:
  static bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }
  std::string_view x_rest;
};

}  // namespace osmia::isa
