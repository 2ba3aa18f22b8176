// SKF_AD_PAY_OFFSET, NLATTR, NLATTR_NEST, CPU, RANDOM. Source: Linux 6.12, net/core/filter.c and
// skb_get_poff() (behaviour only): where a layer is cut off or unknown, the offset found so far counts.
#include "helpers/classic.h"

#include "base/bits.h"
#include "helpers/code.h"
#include "helpers/skb_buffer.h"
#include "helpers/vocabulary.h"
#include "isa/classic.h"

namespace osmia::helpers {
namespace {

using namespace vocabulary;
using namespace skb;

struct View {
  const u8* bytes;
  u32 size;
  bool has(u64 offset, u64 n) const { return offset + n <= size; }
  u16 be16(u64 offset) const { return __builtin_bswap16(load_unaligned<u16>(bytes + offset)); }
};

View view_of(u64 ctx) {
  const auto& s = skb_of(ctx);
  return {at(s.data), s.len - s.missing};
}

enum Protocol : u32 {
  kHopByHop = 0,
  kIcmp = 1,
  kIgmp = 2,
  kIpip = 4,
  kTcp = 6,
  kUdp = 17,
  kDccp = 33,
  kIpv6InIp = 41,
  kRouting = 43,
  kFragment = 44,
  kIcmp6 = 58,
  kNone = 59,
  kDestination = 60,
  kSctp = 132,
  kUdpLite = 136,
};

u64 transport_payload(const View& v, u64 offset, u32 protocol) {
  switch (protocol) {
    case kTcp: {
      if (!v.has(offset + 12, 1)) return offset;
      const u64 header = (v.bytes[offset + 12] & 0xf0) >> 2;
      return offset + (header < 20 ? 20 : header);
    }
    case kUdp:
    case kUdpLite:
    case kIcmp:
    case kIcmp6:
    case kIgmp: return offset + 8;
    case kDccp:
    case kSctp: return offset + 12;
    default: return offset;
  }
}

// Gives up (0) as Linux's dissector does: an Internet header that is not whole, an unknown network protocol.
u64 pay_offset(u64 ctx, u64, u64, u64, u64) {
  constexpr u16 kEthIpv4 = 0x0800, kEthIpv6 = 0x86dd, kEthVlan = 0x8100, kEthVlanAd = 0x88a8;
  const auto& s = skb_of(ctx);
  const View v = view_of(ctx);
  if (s.network_header < s.data) return 0;
  u64 offset = s.network_header - s.data;
  u16 protocol = __builtin_bswap16(s.protocol);
  for (int tags = 0; (protocol == kEthVlan || protocol == kEthVlanAd) && tags < 8; tags++) {
    if (!v.has(offset, 4)) return 0;
    protocol = v.be16(offset + 2);
    offset += 4;
  }
  for (int headers = 0; headers < 16; headers++) {
    u32 next;
    if (protocol == kEthIpv4) {
      if (!v.has(offset, 20) || (v.bytes[offset] & 15) < 5) return 0;
      const u16 fragment = v.be16(offset + 6);
      next = v.bytes[offset + 9];
      offset += (v.bytes[offset] & 15u) * 4;
      if (fragment & 0x1fff) return offset;  // not the first fragment
      if (fragment & 0x2000) return transport_payload(v, offset, next);
    } else if (protocol == kEthIpv6) {
      if (!v.has(offset, 40)) return 0;
      next = v.bytes[offset + 6];
      offset += 40;
      while (next == kHopByHop || next == kRouting || next == kDestination || next == kFragment) {
        if (!v.has(offset, 8)) return 0;
        const u32 after = v.bytes[offset];
        if (next == kFragment) {
          const bool first = !(v.be16(offset + 2) & 0xfff8);
          offset += 8;
          return first ? transport_payload(v, offset, after) : offset;
        }
        offset += (v.bytes[offset + 1] + 1u) * 8;
        next = after;
      }
    } else {
      return 0;
    }
    if (next != kIpip && next != kIpv6InIp) return transport_payload(v, offset, next);
    protocol = next == kIpip ? kEthIpv4 : kEthIpv6;
  }
  return offset;
}

// The first attribute of this type in [from, end), 0 if there is none.
u64 find_attribute(const View& v, u64 from, u64 end, u32 type) {
  while (end - from >= 4 && from + 4 <= end) {
    const u16 length = load_unaligned<u16>(v.bytes + from);
    if (length < 4 || length > end - from) return 0;
    if ((load_unaligned<u16>(v.bytes + from + 2) & 0x3fffu) == type) return from;
    const u64 step = (length + 3u) & ~3u;
    if (step > end - from) return 0;
    from += step;
  }
  return 0;
}

u64 nlattr(u64 ctx, u64 a, u64 x, u64, u64) {
  const View v = view_of(ctx);
  const u32 from = static_cast<u32>(a);
  if (v.size < 4 || from > v.size - 4) return 0;
  return find_attribute(v, from, v.size, static_cast<u32>(x));
}

u64 nlattr_nest(u64 ctx, u64 a, u64 x, u64, u64) {
  const View v = view_of(ctx);
  const u32 from = static_cast<u32>(a);
  if (v.size < 4 || from > v.size - 4) return 0;
  const u16 length = load_unaligned<u16>(v.bytes + from);
  if (length < 4 || length > v.size - from) return 0;
  return find_attribute(v, u64{from} + 4, u64{from} + length, static_cast<u32>(x));
}

constexpr HelperDef row(isa::ClassicHelper id, std::string_view name) {
  return {.id = static_cast<u32>(id), .name = name, .args = {ctx, scalar, scalar}, .tag = "classic"};
}

const HelperEntry kRows[] = {
    {row(isa::ClassicHelper::kPayOffset, "pay_offset"), pay_offset},
    {row(isa::ClassicHelper::kNlattr, "nlattr"), nlattr},
    {row(isa::ClassicHelper::kNlattrNest, "nlattr_nest"), nlattr_nest},
    {row(isa::ClassicHelper::kCpu, "cpu"), code::get_smp_processor_id},
    {row(isa::ClassicHelper::kRandom, "random"), code::get_prandom_u32},
};

}  // namespace

std::span<const HelperEntry> classic_rows() {
  return kRows;
}

}  // namespace osmia::helpers
