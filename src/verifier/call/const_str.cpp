// Constant strings: text in a frozen read-only map, so that it can be read while verifying, and the format
// strings that snprintf-like helpers take. Invariant: the bytes are read only after the map is known never to
// change.
#include <cctype>
#include <cstring>
#include <string_view>

#include "verifier/call/common.h"

namespace osmia::verifier {
namespace {

bool is_read_only(const MapInfo& map) {
  return (map.map_flags & kMapFlagRdonlyProg) && map.frozen;
}

// The NUL-terminated text at `off` in the map's only value; the caller checked that it is one.
std::string_view text_at(const MapInfo& map, u64 off) {
  return reinterpret_cast<const char*>(map.value_base + off);
}

// A specifier may be followed by the end, white space or punctuation.
bool ends_specifier(char c) {
  const auto u = static_cast<unsigned char>(c);
  return c == 0 || std::isspace(u) || std::ispunct(u);
}

// Skips one conversion after its '%'. False: not one that BPF knows. `at` gives 0 behind the end.
template <class At>
bool skip_conversion(At at, size_t& i) {
  if (static_cast<unsigned char>(at(i)) >= 0x80) return false;
  while (at(i) == '0' || at(i) == '+' || at(i) == '-' || at(i) == ' ') i++;
  if (at(i) >= '1' && at(i) <= '9')
    while (at(i) >= '0' && at(i) <= '9') i++;
  if (at(i) == 'p') {
    const char next = at(i + 1);
    if (ends_specifier(next)) return true;
    if ((next == 'k' || next == 'u') && at(i + 2) == 's') {
      i += 2;
      return ends_specifier(at(i + 1));
    }
    if (next == 'K' || next == 'x' || next == 's' || next == 'S' || next == 'B') {
      i++;
      return true;
    }
    if ((next != 'i' && next != 'I') || (at(i + 2) != '4' && at(i + 2) != '6')) return false;
    i += 2;
    return true;
  }
  if (at(i) == 's') return ends_specifier(at(i + 1));
  if (at(i) == 'c') return true;
  if (at(i) == 'l') i++;
  if (at(i) == 'l') i++;
  return at(i) == 'i' || at(i) == 'd' || at(i) == 'u' || at(i) == 'x' || at(i) == 'X';
}

bool format_fits(std::string_view fmt, u64 args) {
  const auto at = [&](size_t i) { return i < fmt.size() ? fmt[i] : '\0'; };
  u64 specs = 0;
  for (size_t i = 0; i < fmt.size(); i++) {
    const auto c = static_cast<unsigned char>(fmt[i]);
    if (c < 0x80 && !std::isprint(c) && !std::isspace(c)) return false;
    if (c != '%') continue;
    if (at(i + 1) == '%') {
      i++;
      continue;
    }
    if (specs++ >= args) return false;
    i++;
    if (!skip_conversion(at, i)) return false;
  }
  return true;
}

}  // namespace

void check_const_string(Env& env, u32 regno) {
  const RegState& r = env.reg(regno);
  if (!is_exact(r, RegBase::kMapValue)) env.reject_silently(EINVAL);
  const MapInfo& map = *r.map;
  if (!is_read_only(map)) env.reject(EACCES, "R{} does not point to a readonly map'", regno);
  if (!r.s.is_const()) env.reject(EACCES, "R{} is not a constant address'", regno);
  if (!map.value_base) env.reject(EACCES, "no direct value access support for this map type");
  check_map_value_access(env, regno, r.off, static_cast<s32>(map.value_size) - r.off, false, Access::kRead);
  const u64 off = static_cast<u64>(static_cast<s64>(r.off)) + r.s.const_value();
  if (map.max_entries != 1) env.reject(kEnotsupp, "direct value access on string failed");
  if (off >= map.value_size || off >= map.value_len)
    env.reject(EINVAL, "direct value access on string failed");
  const u64 room = std::min<u64>(map.value_size, map.value_len) - off;
  if (!std::memchr(reinterpret_cast<const char*>(map.value_base + off), 0, room))
    env.reject(EINVAL, "string is not zero-terminated");
}

void check_snprintf(Env& env) {
  const RegState& fmt = env.reg(3);
  const u64 len = env.reg(5).s.var_off.value;
  if (len % 8) env.reject_silently(EINVAL);  // the data is an array of u64
  const u64 off = static_cast<u64>(static_cast<s64>(fmt.off)) + fmt.s.const_value();
  if (!format_fits(text_at(*fmt.map, off), len / 8)) env.reject(EINVAL, "Invalid format string");
}

}  // namespace osmia::verifier
