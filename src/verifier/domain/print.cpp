// Scalars as text. Which numbers are decimal (16 bits) and how equal bounds are grouped are Linux 6.12's
// choices.
#include "verifier/domain/print.h"

#include <fmt/format.h>

#include <iterator>

namespace osmia::verifier {

void append_unum(std::string& out, u64 v) {
  if (v <= 0xffff) {
    fmt::format_to(std::back_inserter(out), "{}", v);
  } else {
    fmt::format_to(std::back_inserter(out), "{:#x}", v);
  }
}

void append_snum(std::string& out, s64 v) {
  if (v >= -0x8000 && v <= 0x7fff) {
    fmt::format_to(std::back_inserter(out), "{}", v);
  } else {
    fmt::format_to(std::back_inserter(out), "{:#x}", static_cast<u64>(v));
  }
}

namespace {

// The kernel's %#llx, which unlike libc's writes zero as 0x0.
std::string hex(u64 v) {
  return fmt::format("{:#x}", v);
}

// A bound as it will be printed: a 32-bit signed one is sign-extended if decimal, zero-extended if
// hexadecimal.
u64 shown(s32 v) {
  return v >= -0x8000 && v <= 0x7fff ? static_cast<u64>(static_cast<s64>(v)) : static_cast<u32>(v);
}

}  // namespace

void append_tnum(std::string& out, const Tnum& t) {
  if (t.is_const()) return append_unum(out, t.value);
  fmt::format_to(std::back_inserter(out), "({}; {})", hex(t.value), hex(t.mask));
}

std::string tnum_strn(const Tnum& t) {
  std::string out;
  append_tnum(out, t);
  return out;
}

std::string tnum_sbin(const Tnum& t) {
  std::string out(64, '0');
  for (int i = 0; i < 64; ++i) {
    const int bit = 63 - i;
    if (t.mask >> bit & 1) {
      out[i] = 'x';
    } else if (t.value >> bit & 1) {
      out[i] = '1';
    }
  }
  return out;
}

void append_ranges(std::string& out, const Scalar& s, const char*& sep) {
  struct Bound {
    const char* name;
    u64 value;
    bool is_signed;
    bool omit;  // says nothing, or is already written
  } bounds[] = {
      {"smin", static_cast<u64>(s.smin), true, s.smin == INT64_MIN},
      {"smax", static_cast<u64>(s.smax), true, s.smax == INT64_MAX},
      {"umin", s.umin, false, s.umin == 0},
      {"umax", s.umax, false, s.umax == UINT64_MAX},
      {"smin32", shown(s.s32_min), true, s.s32_min == INT32_MIN},
      {"smax32", shown(s.s32_max), true, s.s32_max == INT32_MAX},
      {"umin32", s.u32_min, false, s.u32_min == 0},
      {"umax32", s.u32_max, false, s.u32_max == UINT32_MAX},
  };
  const auto is_negative = [](const Bound& b) { return b.is_signed && static_cast<s64>(b.value) < 0; };
  const int n = std::size(bounds);
  for (int i = 0; i < n; ++i) {
    if (bounds[i].omit) continue;
    out += sep;
    sep = ",";
    out += bounds[i].name;
    out += '=';
    for (int j = i + 2; j < n; j += 2) {  // the other minima, or maxima, of the same value
      if (bounds[j].omit || bounds[j].value != bounds[i].value ||
          is_negative(bounds[j]) != is_negative(bounds[i]))
        continue;
      bounds[j].omit = true;
      out += bounds[j].name;
      out += '=';
    }
    if (bounds[i].is_signed) {
      append_snum(out, static_cast<s64>(bounds[i].value));
    } else {
      append_unum(out, bounds[i].value);
    }
  }
  if (!s.var_off.is_unknown()) {
    out += sep;
    sep = ",";
    out += "var_off=";
    append_tnum(out, s.var_off);
  }
}

std::string format_violation(const Scalar& s, const char* ctx, const char* what) {
  return fmt::format(
      "REG INVARIANTS VIOLATION ({}): {} u64=[{}, {}] s64=[{}, {}] u32=[{}, {}] s32=[{}, {}] var_off=({}, "
      "{})",
      ctx, what, hex(s.umin), hex(s.umax), hex(static_cast<u64>(s.smin)), hex(static_cast<u64>(s.smax)),
      hex(s.u32_min), hex(s.u32_max), hex(static_cast<u32>(s.s32_min)), hex(static_cast<u32>(s.s32_max)),
      hex(s.var_off.value), hex(s.var_off.mask));
}

}  // namespace osmia::verifier
