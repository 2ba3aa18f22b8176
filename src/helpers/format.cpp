// Strings and addresses that arguments point to are read with faults caught.
#include "helpers/format.h"

#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "helpers/code.h"
#include "interp/interp.h"

namespace osmia::helpers::code {
namespace {

// The string at an address, at most `limit` bytes; empty where it cannot be read.
std::string text_at(u64 address, size_t limit) {
  char buffer[512];
  const s64 n = static_cast<s64>(probe_read_str(reinterpret_cast<u64>(buffer), limit, address, 0, 0));
  return n > 0 ? std::string(buffer, static_cast<size_t>(n) - 1) : std::string();
}

std::string ip_text(char style, char version, u64 address) {
  u8 bytes[16] = {};
  interp::probe_read(bytes, reinterpret_cast<const void*>(address), version == '4' ? 4 : 16);
  char out[64];
  if (version == '4') {
    // "i" pads each number to three digits.
    std::snprintf(out, sizeof out, style == 'i' ? "%03u.%03u.%03u.%03u" : "%u.%u.%u.%u", bytes[0], bytes[1],
                  bytes[2], bytes[3]);
    return out;
  }
  std::string text;
  for (int i = 0; i < 16; i += 2) {
    std::snprintf(out, sizeof out, "%02x%02x", bytes[i], bytes[i + 1]);
    if (i && style == 'I') text += ':';
    text += out;
  }
  return text;
}

// One number by its specification "%[0+- ][width]" and conversion.
std::string number(const std::string& spec, int longs, char conversion, u64 v) {
  const std::string format = spec + (longs ? "ll" : "") + conversion;
  char out[256];
  const bool is_signed = conversion == 'd' || conversion == 'i';
  if (longs)
    std::snprintf(out, sizeof out, format.c_str(), static_cast<unsigned long long>(v));
  else if (is_signed)
    std::snprintf(out, sizeof out, format.c_str(), static_cast<int>(v));
  else
    std::snprintf(out, sizeof out, format.c_str(), static_cast<unsigned>(v));
  return out;
}

// Pads a text to the width in "%-20".
std::string padded(const std::string& spec, const std::string& text) {
  const size_t digit = spec.find_first_of("123456789");
  const size_t width = digit == std::string::npos ? 0 : static_cast<size_t>(std::atoi(spec.c_str() + digit));
  if (text.size() >= width || width > 4096) return text;
  const std::string blanks(width - text.size(), ' ');
  return spec.find('-') != std::string::npos ? text + blanks : blanks + text;
}

}  // namespace

s64 format_text(const char* fmt, u32 size, const u64* args, u32 count, std::string& out) {
  const void* end = std::memchr(fmt, 0, size);
  if (!end) return -EINVAL;
  const u32 n = static_cast<u32>(static_cast<const char*>(end) - fmt);
  auto at = [&](u32 i) { return i < n ? fmt[i] : '\0'; };
  auto ends_word = [](char c) {
    return !c || std::isspace(static_cast<unsigned char>(c)) || std::ispunct(static_cast<unsigned char>(c));
  };
  // What the kernel puts the arguments into on the way, and how much of it is taken.
  constexpr u32 kRoom = 512;
  u32 used = 0, taken = 0;
  const auto word = [&](u32 bytes) { return (taken = (taken + 3) & ~3u, taken += bytes) <= kRoom; };
  const auto string = [&](u64 address) {
    std::string text = text_at(address, kRoom - taken);
    taken += static_cast<u32>(text.size()) + 1;
    return text;
  };
  for (u32 i = 0; i < n; i++) {
    const auto c = static_cast<unsigned char>(fmt[i]);
    if (c < 0x80 && !std::isprint(c) && !std::isspace(c)) return -EINVAL;
    if (c != '%') {
      out += fmt[i];
      continue;
    }
    if (at(i + 1) == '%') {
      out += '%';
      i++;
      continue;
    }
    if (used >= count) return -EINVAL;
    std::string spec = "%";
    i++;
    while (at(i) == '0' || at(i) == '+' || at(i) == '-' || at(i) == ' ') spec += fmt[i++];
    if (at(i) >= '1' && at(i) <= '9')
      while (at(i) >= '0' && at(i) <= '9') spec += fmt[i++];
    const u64 arg = args[used++];
    if (at(i) == 'p') {
      const char kind = at(i + 1);
      if (ends_word(kind) || kind == 'K' || kind == 'x' || kind == 's' || kind == 'S' || kind == 'B') {
        if (!word(8)) return -ENOSPC;
        char text[32];
        std::snprintf(text, sizeof text, kind == 's' || kind == 'S' || kind == 'B' ? "0x%llx" : "%016llx",
                      static_cast<unsigned long long>(arg));
        out += padded(spec, text);
        if (!ends_word(kind)) i++;
      } else if ((kind == 'k' || kind == 'u') && at(i + 2) == 's') {
        i += 2;
        if (!ends_word(at(i + 1))) return -EINVAL;
        if (taken >= kRoom) return -ENOSPC;
        out += padded(spec, string(arg));
      } else if ((kind == 'i' || kind == 'I') && (at(i + 2) == '4' || at(i + 2) == '6')) {
        if (taken + (at(i + 2) == '4' ? 4 : 16) > kRoom) return -ENOSPC;
        const std::string text = ip_text(kind, at(i + 2), arg);
        taken += static_cast<u32>(text.size()) + 1;
        out += padded(spec, text);
        i += 2;
      } else {
        return -EINVAL;
      }
    } else if (at(i) == 's') {
      if (!ends_word(at(i + 1))) return -EINVAL;
      if (taken >= kRoom) return -ENOSPC;
      out += padded(spec, string(arg));
    } else if (at(i) == 'c') {
      if (taken++ >= kRoom) return -ENOSPC;
      out += padded(spec, std::string(1, static_cast<char>(arg)));
    } else {
      int longs = 0;
      while (longs < 2 && at(i) == 'l') longs++, i++;
      if (!at(i) || !std::strchr("diuxX", at(i))) return -EINVAL;
      if (!word(longs ? 8 : 4)) return -ENOSPC;
      out += number(spec, longs, at(i), arg);
    }
  }
  return static_cast<s64>(out.size());
}

}  // namespace osmia::helpers::code
