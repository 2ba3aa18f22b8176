// Formatted text: bpf_trace_printk and its kin. The format language is the part of the kernel's that BPF
// allows; anything else is -EINVAL before a byte is printed. Strings and addresses that arguments point to
// are read with faults caught.
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "helpers/code.h"
#include "helpers/event.h"
#include "host/effects.h"
#include "interp/interp.h"

namespace osmia::helpers::code {
namespace {

u64 ret(s64 v) {
  return static_cast<u64>(v);
}

// The string at an address, at most `limit` bytes; empty where it cannot be read.
std::string text_at(u64 address, size_t limit = 512) {
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

// The text, or a negative errno.
s64 format(const char* fmt, u32 size, const u64* args, u32 count, std::string& out) {
  const void* end = std::memchr(fmt, 0, size);
  if (!end) return -EINVAL;
  const u32 n = static_cast<u32>(static_cast<const char*>(end) - fmt);
  auto at = [&](u32 i) { return i < n ? fmt[i] : '\0'; };
  auto ends_word = [](char c) {
    return !c || std::isspace(static_cast<unsigned char>(c)) || std::ispunct(static_cast<unsigned char>(c));
  };
  u32 used = 0;
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
        char text[32];
        std::snprintf(text, sizeof text, kind == 's' || kind == 'S' || kind == 'B' ? "0x%llx" : "%016llx",
                      static_cast<unsigned long long>(arg));
        out += padded(spec, text);
        if (!ends_word(kind)) i++;
      } else if ((kind == 'k' || kind == 'u') && at(i + 2) == 's') {
        i += 2;
        if (!ends_word(at(i + 1))) return -EINVAL;
        out += padded(spec, text_at(arg));
      } else if ((kind == 'i' || kind == 'I') && (at(i + 2) == '4' || at(i + 2) == '6')) {
        out += padded(spec, ip_text(kind, at(i + 2), arg));
        i += 2;
      } else {
        return -EINVAL;
      }
    } else if (at(i) == 's') {
      if (!ends_word(at(i + 1))) return -EINVAL;
      out += padded(spec, text_at(arg));
    } else if (at(i) == 'c') {
      out += padded(spec, std::string(1, static_cast<char>(arg)));
    } else {
      int longs = 0;
      while (longs < 2 && at(i) == 'l') longs++, i++;
      if (!at(i) || !std::strchr("diuxX", at(i))) return -EINVAL;
      out += number(spec, longs, at(i), arg);
    }
  }
  return static_cast<s64>(out.size());
}

u64 trace(const char* fmt, u32 size, const u64* args, u32 count) {
  std::string text;
  const s64 n = format(fmt, size, args, count, text);
  if (n < 0) return ret(n);
  if (text.size() > 1023) text.resize(1023);  // the kernel's buffer
  std::string_view line = text;
  if (!line.empty() && line.back() == '\n') line.remove_suffix(1);
  host::trace_line(line);
  return text.size();
}

}  // namespace

// For contexts that append no packet.
u64 plain_event_output(u64, u64 map, u64 flags, u64 data, u64 size) {
  if (flags & ~u64{0xffffffff}) return ret(-EINVAL);
  return event_output(map, flags, {reinterpret_cast<const u8*>(data), size});
}

u64 trace_printk(u64 fmt, u64 size, u64 a1, u64 a2, u64 a3) {
  const u64 args[3] = {a1, a2, a3};
  return trace(reinterpret_cast<const char*>(fmt), static_cast<u32>(size), args, 3);
}

u64 trace_vprintk(u64 fmt, u64 size, u64 data, u64 bytes, u64) {
  const u32 n = static_cast<u32>(bytes);
  if (n & 7 || n > 12 * 8 || (n && !data)) return ret(-EINVAL);
  return trace(reinterpret_cast<const char*>(fmt), static_cast<u32>(size), reinterpret_cast<const u64*>(data),
               n / 8);
}

u64 snprintf(u64 out, u64 size, u64 fmt, u64 data, u64 bytes) {
  const u32 n = static_cast<u32>(bytes), room = static_cast<u32>(size);
  if (n & 7 || n > 12 * 8 || (n && !data)) return ret(-EINVAL);
  std::string text;
  const s64 length =
      format(reinterpret_cast<const char*>(fmt), ~0u, reinterpret_cast<const u64*>(data), n / 8, text);
  if (length < 0) return ret(length);
  if (room) {
    const size_t fits = text.size() < room ? text.size() : room - 1;
    std::memcpy(reinterpret_cast<void*>(out), text.data(), fits);
    reinterpret_cast<char*>(out)[fits] = 0;
  }
  return static_cast<u64>(length) + 1;
}

}  // namespace osmia::helpers::code
