// Connections as a netfilter sees them that has tracked none: look-ups check what they are given as Linux
// does, and find nothing. Nothing can be entered.
#include <cerrno>
#include <cstring>

#include "base/bits.h"
#include "kfuncs/code.h"

namespace osmia::kfuncs::code {
namespace {

// struct bpf_ct_opts: {s32 netns_id, s32 error, u8 l4proto, u8 dir, u16 zone, u8 zone_dir, u8 reserved[3]}.
constexpr u32 kSize = 16, kOldSize = 12, kError = 4;

s32 look_up(u64 tuple, u32 tuple_size, const u8* options, u32 size) {
  constexpr u8 kTcp = 6, kUdp = 17;
  constexpr u32 kTuple4 = 12, kTuple6 = 36;
  constexpr s32 kCurrentNamespace = -1;
  if (!tuple || (size != kSize && size != kOldSize)) return -EINVAL;
  if (size == kSize ? options[13] || options[14] || options[15] : load_unaligned<u16>(options + 10) != 0)
    return -EINVAL;
  if (options[8] != kTcp && options[8] != kUdp) return -EPROTO;
  if (load_unaligned<s32>(options) < kCurrentNamespace) return -EINVAL;
  if (tuple_size != kTuple4 && tuple_size != kTuple6) return -EAFNOSUPPORT;
  return load_unaligned<s32>(options) >= 0 ? -ENONET : -ENOENT;  // no other namespace has an id
}

}  // namespace

u64 ct_lookup(u64, u64 tuple, u64 tuple_size, u64 options, u64 size) {
  auto* o = reinterpret_cast<u8*>(options);
  if (!o) return 0;
  const s32 error = look_up(tuple, static_cast<u32>(tuple_size), o, static_cast<u32>(size));
  if (static_cast<u32>(size) >= kError + 4) std::memcpy(o + kError, &error, sizeof error);
  return 0;
}

// A request socket for a packet: only on its way in, and no test run is there.
u64 sk_assign_tcp_reqsk(u64, u64, u64, u64, u64) {
  return static_cast<u64>(s64{-EINVAL});
}

}  // namespace osmia::kfuncs::code
