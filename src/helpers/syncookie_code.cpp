// SYN cookies: an initial sequence number that says, to who knows the secret, that a SYN was seen and which
// segment size it offered. The secret is this process's own. Source of the scheme: RFC 4987, section 3.6, and
// Linux's choice of fields (a minute counter in the upper 8 bits, two keyed hashes, an index of a size).
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <random>
#include <span>

#include "base/bits.h"
#include "helpers/code.h"
#include "helpers/running.h"
#include "host/socket.h"

namespace osmia::helpers::code {
namespace {

constexpr u32 kDataBits = 24, kDataMask = (1u << kDataBits) - 1, kMaxAge = 2;
constexpr u32 kTcpHeader = 20;
constexpr u16 kSizes4[] = {536, 1300, 1440, 1460}, kSizes6[] = {1220, 1420, 1440, 8940};
constexpr u8 kProtocolTcp = 6;
constexpr int kAlways = 2;  // of net.ipv4.tcp_syncookies

// SipHash-2-4 (Aumasson, Bernstein 2012), the 128-bit key as two words.
class SipHash {
 public:
  explicit SipHash(const u64 (&key)[2])
      : v_{key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d, key[0] ^ 0x6c7967656e657261,
           key[1] ^ 0x7465646279746573} {}
  u64 over(std::span<const u8> bytes) {
    size_t at = 0;
    for (; at + 8 <= bytes.size(); at += 8) absorb(load_unaligned<u64>(&bytes[at]));
    u64 last = u64{bytes.size()} << 56;
    for (size_t i = 0; at + i < bytes.size(); i++) last |= u64{bytes[at + i]} << 8 * i;
    absorb(last);
    v_[2] ^= 0xff;
    for (int i = 0; i < 4; i++) round();
    return v_[0] ^ v_[1] ^ v_[2] ^ v_[3];
  }

 private:
  static u64 rotate(u64 x, int n) { return x << n | x >> (64 - n); }
  void round() {
    v_[0] += v_[1], v_[1] = rotate(v_[1], 13) ^ v_[0], v_[0] = rotate(v_[0], 32);
    v_[2] += v_[3], v_[3] = rotate(v_[3], 16) ^ v_[2];
    v_[0] += v_[3], v_[3] = rotate(v_[3], 21) ^ v_[0];
    v_[2] += v_[1], v_[1] = rotate(v_[1], 17) ^ v_[2], v_[2] = rotate(v_[2], 32);
  }
  void absorb(u64 word) {
    v_[3] ^= word;
    round(), round();
    v_[0] ^= word;
  }
  u64 v_[4];
};

struct Secrets {
  u64 key[2][2];
};
const Secrets& secrets() {
  static const Secrets s = [] {
    Secrets made;
    std::random_device random;
    for (auto& key : made.key)
      for (u64& word : key) word = u64{random()} << 32 | random();
    return made;
  }();
  return s;
}

u32 minutes() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<u32>(t.tv_sec / 60);
}

// A TCP segment between two addresses, as the headers say.
struct Flow {
  u8 bytes[36] = {};  // both addresses, both ports
  u32 size = 0;
  std::span<const u16> sizes;
  u32 sequence = 0, acknowledged = 0;

  u32 hash(u32 count, int which) const {
    u8 all[40];
    std::memcpy(all, bytes, size);
    std::memcpy(all + size, &count, sizeof count);
    return static_cast<u32>(SipHash(secrets().key[which]).over({all, size + sizeof count}));
  }
};
Flow flow_of(const u8* ip, bool v6, const u8* tcp) {
  Flow f;
  const u32 addresses = v6 ? 32 : 8;
  std::memcpy(f.bytes, ip + (v6 ? 8 : 12), addresses);
  std::memcpy(f.bytes + addresses, tcp, 4);
  f.size = addresses + 4;
  f.sizes = v6 ? std::span<const u16>(kSizes6) : std::span<const u16>(kSizes4);
  f.sequence = __builtin_bswap32(load_unaligned<u32>(tcp + 4));
  f.acknowledged = __builtin_bswap32(load_unaligned<u32>(tcp + 8));
  return f;
}

u64 cookie_for(const Flow& f, u16 segment) {
  u32 index = static_cast<u32>(f.sizes.size()) - 1;
  while (index && segment < f.sizes[index]) index--;
  const u32 now = minutes();
  const u32 cookie = f.hash(0, 0) + f.sequence + (now << kDataBits) + ((f.hash(now, 1) + index) & kDataMask);
  return cookie | u64{f.sizes[index]} << 32;
}
bool accepts(const Flow& f) {
  const u32 now = minutes();
  const u32 cookie = f.acknowledged - 1 - (f.hash(0, 0) + f.sequence - 1);
  const u32 age = (now - (cookie >> kDataBits)) & 0xff;
  if (age >= kMaxAge) return false;
  return ((cookie - f.hash(now - age, 1)) & kDataMask) < f.sizes.size();
}

// The segment size option of a TCP header of `length` bytes; 0: none.
u16 segment_option(const u8* tcp, u32 length) {
  constexpr u8 kEnd = 0, kNop = 1, kSegment = 2;
  u16 found = 0;
  for (u32 at = kTcpHeader; at < length;) {
    if (tcp[at] == kEnd) break;
    if (tcp[at] == kNop) {
      at++;
      continue;
    }
    if (length - at < 2 || tcp[at + 1] < 2 || tcp[at + 1] > length - at) break;
    if (tcp[at] == kSegment && tcp[at + 1] == 4)
      if (const u16 size = __builtin_bswap16(load_unaligned<u16>(tcp + at + 2))) found = size;
    at += tcp[at + 1];
  }
  return found;
}

u64 generate(u64 ip, u64 tcp, u64 length, bool v6) {
  const auto* th = reinterpret_cast<const u8*>(tcp);
  const u32 n = static_cast<u32>(length);
  if (n < kTcpHeader || n != (th[12] >> 4) * 4u) return result(-EINVAL);
  const u16 offered = segment_option(th, n);
  return cookie_for(flow_of(reinterpret_cast<const u8*>(ip), v6, th), offered ? offered : v6 ? 1220 : 536);
}
u64 check(u64 ip, u64 tcp, bool v6) {
  return accepts(flow_of(reinterpret_cast<const u8*>(ip), v6, reinterpret_cast<const u8*>(tcp)))
             ? 0
             : result(-EACCES);
}

// What both helpers of a listening socket look at before the cookie itself. 0: go on.
struct Segment {
  const host::Socket* sk;
  const u8* ip;
  u32 ip_size;
  const u8* tcp;
  u32 tcp_size;
  bool syn() const { return tcp[13] & 2; }
  bool ack() const { return tcp[13] & 16; }
  bool rst() const { return tcp[13] & 4; }
  bool fin() const { return tcp[13] & 1; }
  bool v6() const { return ip[0] >> 4 == 6; }

  s64 check_socket() const {
    if (!sk || tcp_size < kTcpHeader) return -EINVAL;
    return sk->protocol == kProtocolTcp && sk->state == host::kTcpListen ? 0 : -EINVAL;
  }
  s64 check_family() const {
    constexpr u32 kIpv4Header = 20, kIpv6Header = 40, kInet6 = 10;
    if (ip_size < kIpv4Header) return -EINVAL;
    switch (ip[0] >> 4) {
      case 4: return sk->family == kInet6 && sk->ipv6_only ? -EINVAL : 0;
      case 6: return ip_size < kIpv6Header || sk->family != kInet6 ? -EINVAL : 0;
      default: return -EPROTONOSUPPORT;
    }
  }
};

// net.ipv4.tcp_syncookies: 0 never, 1 when a listener's queue is full, 2 always.
int syncookies_setting() {
  int value = 1;
  if (std::FILE* f = std::fopen("/proc/sys/net/ipv4/tcp_syncookies", "re")) {
    if (std::fscanf(f, "%d", &value) != 1) value = 1;
    std::fclose(f);
  }
  return value;
}

}  // namespace

u64 raw_gen_syncookie_ipv4(u64 ip, u64 tcp, u64 length, u64, u64) {
  return generate(ip, tcp, length, false);
}
u64 raw_gen_syncookie_ipv6(u64 ip, u64 tcp, u64 length, u64, u64) {
  return generate(ip, tcp, length, true);
}
u64 raw_check_syncookie_ipv4(u64 ip, u64 tcp, u64, u64, u64) {
  return check(ip, tcp, false);
}
u64 raw_check_syncookie_ipv6(u64 ip, u64 tcp, u64, u64, u64) {
  return check(ip, tcp, true);
}

// Whether a listener's queue is full is not ours to see: it never is. Cookies are then made and taken only by
// a machine that always does so, and they are this process' own.
u64 tcp_check_syncookie(u64 sk, u64 ip, u64 ip_size, u64 tcp, u64 tcp_size) {
  const Segment s{reinterpret_cast<const host::Socket*>(sk), reinterpret_cast<const u8*>(ip),
                  static_cast<u32>(ip_size), reinterpret_cast<const u8*>(tcp), static_cast<u32>(tcp_size)};
  if (const s64 err = s.check_socket()) return result(err);
  const int setting = syncookies_setting();
  if (!setting) return result(-EINVAL);
  if (!s.ack() || s.rst() || s.syn()) return result(-ENOENT);
  constexpr u32 kIpv4Header = 20;
  if (s.ip_size < kIpv4Header) return result(-EINVAL);
  if (setting != kAlways) return result(-ENOENT);
  if (const s64 err = s.check_family()) return result(err);
  return accepts(flow_of(s.ip, s.v6(), s.tcp)) ? 0 : result(-ENOENT);
}
u64 tcp_gen_syncookie(u64 sk, u64 ip, u64 ip_size, u64 tcp, u64 tcp_size) {
  const Segment s{reinterpret_cast<const host::Socket*>(sk), reinterpret_cast<const u8*>(ip),
                  static_cast<u32>(ip_size), reinterpret_cast<const u8*>(tcp), static_cast<u32>(tcp_size)};
  if (!sk || s.tcp_size < kTcpHeader || s.tcp_size != (s.tcp[12] >> 4) * 4u) return result(-EINVAL);
  if (const s64 err = s.check_socket()) return result(err);
  const int setting = syncookies_setting();
  if (!setting) return result(-ENOENT);
  if (!s.syn() || s.ack() || s.fin() || s.rst()) return result(-EINVAL);
  if (const s64 err = s.check_family()) return result(err);
  return setting == kAlways ? generate(ip, tcp, tcp_size, s.v6()) : result(-ENOENT);
}

}  // namespace osmia::helpers::code
