// Reading memory that may not be there, numbers from text, and access through dynptrs.
#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>

#include "helpers/code.h"
#include "helpers/dynptr.h"
#include "interp/interp.h"

namespace osmia::helpers::code {
namespace {

u64 ret(s64 v) {
  return static_cast<u64>(v);
}
constexpr u64 kLowest = 65536;  // below lies no memory of ours (vm.mmap_min_addr)

// The kernel's digit rules: an optional "0x" or "0" picks the base if it is 0; digits stop at the first other
// character.
s64 parse_number(const char* text, u64 length, u64 flags, u64* value, bool* negative) {
  u32 base = static_cast<u32>(flags & 31);
  if (!length) return -EINVAL;
  if (base != 0 && base != 8 && base != 10 && base != 16) return -EINVAL;
  if (flags & ~u64{31}) return -EINVAL;
  u64 at = 0;
  while (at < length && std::isspace(static_cast<unsigned char>(text[at]))) at++;
  *negative = at < length && text[at] == '-';
  if (*negative) at++;
  if (at >= length) return -EINVAL;
  const u64 end = length - at > 63 ? at + 63 : length;
  auto digit = [&](u64 i) -> int {
    if (i >= end) return -1;
    const char c = text[i];
    if (c >= '0' && c <= '9') return c - '0';
    const char l = static_cast<char>(c | 0x20);
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
  };
  const bool x = at + 1 < end && text[at] == '0' && (text[at + 1] | 0x20) == 'x';
  const bool hex_digit = x && digit(at + 2) >= 0;
  if (base == 0) base = at < end && text[at] == '0' ? (hex_digit ? 16 : 8) : 10;
  if (base == 16 && x) at += 2;
  u64 v = 0;
  const u64 first = at;
  bool overflow = false;
  for (int d; (d = digit(at)) >= 0 && static_cast<u32>(d) < base; at++) {
    u64 next;
    if (__builtin_mul_overflow(v, u64{base}, &next) ||
        __builtin_add_overflow(next, static_cast<u64>(d), &next))
      overflow = true;
    v = next;
  }
  if (overflow) return -ERANGE;
  if (at == first) return -EINVAL;
  *value = v;
  return static_cast<s64>(at);
}

}  // namespace

// A failed read leaves zeros.
u64 probe_read(u64 dst, u64 size, u64 src, u64, u64) {
  return interp::probe_read(reinterpret_cast<void*>(dst), reinterpret_cast<const void*>(src),
                            static_cast<u32>(size))
             ? 0
             : ret(-EFAULT);
}
u64 copy_from_user(u64 dst, u64 size, u64 src, u64, u64) {
  return probe_read(dst, size, src, 0, 0);
}

// The length with its terminator; cut strings are terminated.
u64 probe_read_str(u64 dst, u64 size, u64 src, u64, u64) {
  auto* out = reinterpret_cast<char*>(dst);
  const u32 n = static_cast<u32>(size);
  if (!n) return 0;
  u32 got = 0;
  char piece[512];  // what follows the string is not the program's to see
  while (got < n) {
    // Up to the next page only: what lies behind it may be missing.
    const u64 from = src + got, left = 4096 - (from & 4095);
    const u32 part = static_cast<u32>(std::min<u64>({left, n - got, sizeof piece}));
    if (!interp::probe_read(piece, reinterpret_cast<const void*>(from), part)) {
      std::memset(out, 0, n);
      return ret(-EFAULT);
    }
    const void* end = std::memchr(piece, 0, part);
    const u32 text = end ? static_cast<u32>(static_cast<const char*>(end) - piece + 1) : part;
    std::memcpy(out + got, piece, text);
    if (end) return got + text;
    got += part;
  }
  out[n - 1] = 0;
  return n;
}

// On Linux the low addresses are user space's, which these refuse without looking: a null pointer is -ERANGE.
u64 probe_read_kernel(u64 dst, u64 size, u64 src, u64, u64) {
  if (src >= kLowest) return probe_read(dst, size, src, 0, 0);
  std::memset(reinterpret_cast<void*>(dst), 0, static_cast<u32>(size));
  return ret(-ERANGE);
}
u64 probe_read_kernel_str(u64 dst, u64 size, u64 src, u64, u64) {
  return src < kLowest ? probe_read_kernel(dst, size, src, 0, 0) : probe_read_str(dst, size, src, 0, 0);
}

u64 strncmp(u64 s1, u64 size, u64 s2, u64, u64) {
  const auto* a = reinterpret_cast<const unsigned char*>(s1);
  const auto* b = reinterpret_cast<const unsigned char*>(s2);
  for (u32 i = 0; i < static_cast<u32>(size); i++) {
    if (a[i] != b[i]) return ret(a[i] < b[i] ? -1 : 1);
    if (!a[i]) break;
  }
  return 0;
}

u64 strtol(u64 text, u64 length, u64 flags, u64 result, u64) {
  auto* out = reinterpret_cast<s64*>(result);
  *out = 0;
  u64 v = 0;
  bool negative = false;
  const s64 n = parse_number(reinterpret_cast<const char*>(text), length, flags, &v, &negative);
  if (n < 0) return ret(n);
  if (negative ? static_cast<s64>(0 - v) > 0 : static_cast<s64>(v) < 0) return ret(-ERANGE);
  *out = static_cast<s64>(negative ? 0 - v : v);
  return ret(n);
}
u64 strtoul(u64 text, u64 length, u64 flags, u64 result, u64) {
  auto* out = reinterpret_cast<u64*>(result);
  *out = 0;
  u64 v = 0;
  bool negative = false;
  const s64 n = parse_number(reinterpret_cast<const char*>(text), length, flags, &v, &negative);
  if (n < 0) return ret(n);
  if (negative) return ret(-EINVAL);
  *out = v;
  return ret(n);
}

u64 dynptr_from_mem(u64 data, u64 size, u64 flags, u64 result, u64) {
  auto* d = reinterpret_cast<Dynptr*>(result);
  const u32 n = static_cast<u32>(size);
  *d = {};
  if (n > kDynptrMax) return ret(-E2BIG);
  if (flags) return ret(-EINVAL);
  *d = {data, n | kLocal << 28, 0};
  return 0;
}
u64 dynptr_read(u64 dst, u64 length, u64 src, u64 offset, u64 flags) {
  const auto* d = reinterpret_cast<const Dynptr*>(src);
  const u32 n = static_cast<u32>(length), off = static_cast<u32>(offset);
  if (!d->data || flags) return ret(-EINVAL);
  if (n > bytes(*d) || off > bytes(*d) - n) return ret(-E2BIG);
  if (kind(*d) == kSkb) return skb_load_bytes(d->data, d->offset + off, dst, n, 0);
  if (kind(*d) == kXdp) return xdp_load_bytes(d->data, d->offset + off, dst, n, 0);
  if (!in_memory(*d)) return ret(-EFAULT);
  std::memmove(reinterpret_cast<void*>(dst), reinterpret_cast<const u8*>(d->data) + d->offset + off, n);
  return 0;
}
u64 dynptr_write(u64 dst, u64 offset, u64 src, u64 length, u64 flags) {
  const auto* d = reinterpret_cast<const Dynptr*>(dst);
  const u32 n = static_cast<u32>(length), off = static_cast<u32>(offset);
  if (!d->data || d->size & kReadOnly) return ret(-EINVAL);
  if (n > bytes(*d) || off > bytes(*d) - n) return ret(-E2BIG);
  if (kind(*d) == kSkb) return skb_store_bytes(d->data, d->offset + off, src, n, flags);
  if (flags) return ret(-EINVAL);
  if (kind(*d) == kXdp) return xdp_store_bytes(d->data, d->offset + off, src, n, 0);
  if (!in_memory(*d)) return ret(-EFAULT);
  std::memmove(reinterpret_cast<u8*>(d->data) + d->offset + off, reinterpret_cast<const void*>(src), n);
  return 0;
}
u64 dynptr_data(u64 ptr, u64 offset, u64 length, u64, u64) {
  const auto* d = reinterpret_cast<const Dynptr*>(ptr);
  const u32 n = static_cast<u32>(length), off = static_cast<u32>(offset);
  if (!d->data || n > bytes(*d) || off > bytes(*d) - n || d->size & kReadOnly) return 0;
  return in_memory(*d) ? d->data + d->offset + off : 0;
}

}  // namespace osmia::helpers::code
