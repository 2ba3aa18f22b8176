// Formatted text: bpf_trace_printk and its kin.
#include <cerrno>
#include <cstring>
#include <string>

#include "helpers/code.h"
#include "helpers/event.h"
#include "helpers/format.h"
#include "host/effects.h"

namespace osmia::helpers::code {
namespace {

u64 ret(s64 v) {
  return static_cast<u64>(v);
}

u64 trace(const char* fmt, u32 size, const u64* args, u32 count) {
  std::string text;
  const s64 n = format_text(fmt, size, args, count, text);
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
      format_text(reinterpret_cast<const char*>(fmt), ~0u, reinterpret_cast<const u64*>(data), n / 8, text);
  if (length < 0) return ret(length);
  if (room) {
    const size_t fits = text.size() < room ? text.size() : room - 1;
    std::memcpy(reinterpret_cast<void*>(out), text.data(), fits);
    reinterpret_cast<char*>(out)[fits] = 0;
  }
  return static_cast<u64>(length) + 1;
}

}  // namespace osmia::helpers::code
