// Checksums of packets: differences of memory, and the replacement of a field under a header's checksum.
#include <cerrno>

#include "helpers/code.h"
#include "host/checksum.h"
#include "host/packet.h"

namespace osmia::helpers::code {
namespace {

using host::SkbContext;

u64 ret(s64 v) {
  return static_cast<u64>(v);
}
SkbContext& skb_of(u64 r) {
  return *reinterpret_cast<SkbContext*>(r);
}
constexpr s64 kNotSupp = -524;
constexpr u32 kSummedNone = 0, kSummedUnnecessary = 1, kSummedComplete = 2;
enum Flag : u64 { kFieldMask = 0xf, kPseudo = 1 << 4, kMangled0 = 1 << 5, kEnforce = 1 << 6, kIpv6 = 1 << 7 };

// The 16 bits at the offset, or null where the packet ends.
u8* field(SkbContext& skb, u32 offset) {
  return u64{offset} + 2 <= skb.len ? reinterpret_cast<u8*>(skb.data) + offset : nullptr;
}
void replace4(u8* sum, u32 from, u32 to) {
  const u32 open = ~u32{load_unaligned<u16>(sum)};
  store_unaligned<u16>(sum, host::csum_fold(host::csum_add(host::csum_sub(open, from), to)));
}
void replace2(u8* sum, u16 from, u16 to) {
  const u16 open = static_cast<u16>(~load_unaligned<u16>(sum));
  store_unaligned<u16>(
      sum, static_cast<u16>(~host::csum16_add(host::csum16_add(open, static_cast<u16>(~from)), to)));
}
void by_difference(u8* sum, u32 difference) {
  store_unaligned<u16>(sum, host::csum_fold(host::csum_add(difference, ~u32{load_unaligned<u16>(sum)})));
}

}  // namespace

u64 csum_diff(u64 from, u64 from_size, u64 to, u64 to_size, u64 seed) {
  const u32 nf = static_cast<u32>(from_size), nt = static_cast<u32>(to_size);
  if ((nf | nt) & 3 || nf + nt > 512) return ret(-EINVAL);
  u32 words[128];
  u32 n = 0;
  for (u32 i = 0; i < nf; i += 4) words[n++] = ~load_unaligned<u32>(reinterpret_cast<const u8*>(from) + i);
  for (u32 i = 0; i < nt; i += 4) words[n++] = load_unaligned<u32>(reinterpret_cast<const u8*>(to) + i);
  return host::csum_partial(words, n * 4, static_cast<u32>(seed));
}

u64 csum_update(u64 ctx, u64 csum, u64, u64, u64) {
  auto& skb = skb_of(ctx);
  if (skb.ip_summed != kSummedComplete) return ret(kNotSupp);
  return skb.csum = host::csum_add(skb.csum, static_cast<u32>(csum));
}

u64 csum_level(u64 ctx, u64 level, u64, u64, u64) {
  auto& skb = skb_of(ctx);
  const bool known = skb.ip_summed == kSummedUnnecessary;
  switch (level) {
    case 0: return known ? skb.csum_level : ret(-EACCES);  // query
    case 1:                                                // one more
      if (known)
        skb.csum_level += skb.csum_level < 3;
      else if (skb.ip_summed == kSummedNone)
        skb.ip_summed = kSummedUnnecessary, skb.csum_level = 0;
      return 0;
    case 2:  // one less
      if (known && skb.csum_level)
        skb.csum_level--;
      else if (known)
        skb.ip_summed = kSummedNone;
      return 0;
    case 3:  // none
      if (known) skb.ip_summed = kSummedNone, skb.csum_level = 0;
      return 0;
    default: return ret(-EINVAL);
  }
}

u64 l3_csum_replace(u64 ctx, u64 off, u64 from, u64 to, u64 flags) {
  const u32 offset = static_cast<u32>(off);
  if (flags & ~u64{kFieldMask}) return ret(-EINVAL);
  if (offset > 0xffff || offset & 1) return ret(-EFAULT);
  u8* sum = field(skb_of(ctx), offset);
  if (!sum) return ret(-EFAULT);
  switch (flags & kFieldMask) {
    case 0:
      if (from) return ret(-EINVAL);
      by_difference(sum, static_cast<u32>(to));
      return 0;
    case 2: replace2(sum, static_cast<u16>(from), static_cast<u16>(to)); return 0;
    case 4: replace4(sum, static_cast<u32>(from), static_cast<u32>(to)); return 0;
    default: return ret(-EINVAL);
  }
}

u64 l4_csum_replace(u64 ctx, u64 off, u64 from, u64 to, u64 flags) {
  auto& skb = skb_of(ctx);
  const u32 offset = static_cast<u32>(off);
  if (flags & ~u64{kFieldMask | kPseudo | kMangled0 | kEnforce | kIpv6}) return ret(-EINVAL);
  if (offset > 0xffff || offset & 1) return ret(-EFAULT);
  u8* sum = field(skb, offset);
  if (!sum) return ret(-EFAULT);
  if (flags & kMangled0 && !(flags & kEnforce) && !load_unaligned<u16>(sum)) return 0;
  const bool complete = skb.ip_summed == kSummedComplete && flags & kPseudo;
  switch (flags & kFieldMask) {
    case 0:
      if (from) return ret(-EINVAL);
      by_difference(sum, static_cast<u32>(to));
      if (complete && !(flags & kIpv6)) skb.csum = ~host::csum_sub(static_cast<u32>(to), skb.csum);
      break;
    case 2:
    case 4: {
      const u32 mask = (flags & kFieldMask) == 2 ? 0xffff : 0xffffffff;
      const u32 f = static_cast<u32>(from) & mask, t = static_cast<u32>(to) & mask;
      replace4(sum, f, t);
      if (complete) skb.csum = ~host::csum_add(host::csum_sub(~skb.csum, f), t);
      break;
    }
    default: return ret(-EINVAL);
  }
  if (flags & kMangled0 && !load_unaligned<u16>(sum)) store_unaligned<u16>(sum, 0xffff);
  return 0;
}

}  // namespace osmia::helpers::code
