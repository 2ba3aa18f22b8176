// struct bpf_dynptr's 16 bytes: address, size with the read-only bit and the kind packed in, offset, as Linux
// packs them.
#pragma once
#include "base/types.h"

namespace osmia::helpers::code {

struct Dynptr {
  u64 data;
  u32 size;  // bit 31 read-only, bits 28-30 kind, low 24 the size in bytes
  u32 offset;
};
inline constexpr u32 kDynptrMax = (1u << 24) - 1, kReadOnly = 1u << 31;
inline u32 bytes(const Dynptr& d) {
  return d.size & kDynptrMax;
}
inline u32 kind(const Dynptr& d) {
  return (d.size & ~kReadOnly) >> 28;
}
// The kinds; of the last two, data is the context (host::SkbContext, host::XdpContext) and not an address of
// bytes.
inline constexpr u32 kLocal = 1, kRingbuf = 2, kSkb = 3, kXdp = 4;
inline bool in_memory(const Dynptr& d) {
  return kind(d) == kLocal || kind(d) == kRingbuf;
}

}  // namespace osmia::helpers::code
