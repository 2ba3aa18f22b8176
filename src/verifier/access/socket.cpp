// Fields of the UAPI's socket views (struct bpf_sock, bpf_tcp_sock, bpf_xdp_sock), reached through socket pointers.
// They are never written. A row is one field that may be read narrower, or at another size, than the default word.
#include "verifier/access/region.h"

namespace osmia::verifier {
namespace {

struct Row {
  s32 first, last;   // offsets at which an access may start
  int whole;         // bytes of the field
  bool narrow;       // power-of-two parts of it too
};
struct Layout {
  s32 size;
  std::span<const Row> rows;
};

constexpr Row kSockRows[] = {
    {4, 4, 4, true}, {8, 8, 4, true}, {12, 12, 4, true},   // family, type, protocol
    {24, 27, 4, true}, {28, 43, 4, true},                  // src_ip4, src_ip6
    {44, 44, 4, true}, {52, 55, 4, true}, {56, 71, 4, true},  // src_port, dst_ip4, dst_ip6
    {72, 72, 4, true}, {76, 76, 4, true},                  // state, rx_queue_mapping
};
constexpr Row kTcpRows[] = {{80, 80, 8, false}, {88, 88, 8, false}};  // bytes_received, bytes_acked
constexpr s32 kDstPort = 48;                                          // 16 bits, but a whole word may be read
constexpr s32 kTypeOff = 8, kPriorityEnd = 24;                        // hidden from sock_common

constexpr Layout kSock{80, kSockRows}, kTcpSock{112, kTcpRows}, kXdpSock{4, {}};

bool allowed(const Layout& l, s32 off, int size) {
  if (off < 0 || off >= l.size || off % size != 0) return false;
  for (const Row& r : l.rows)
    if (off >= r.first && off <= r.last) return r.narrow ? size <= r.whole : size == r.whole;
  return size == 4;
}

bool sock_allowed(s32 off, int size) {
  if (off == kDstPort || off == kDstPort + 1) return off % size == 0 && (size == 4 || size <= 2);
  return allowed(kSock, off, size);
}

}  // namespace

void touch_socket(Env& env, const Touch& t) {
  const RegState& r = env.reg(t.regno);
  if (t.writes()) env.reject(EACCES, "R{} cannot write into {}", t.regno, reg_type_name(env, r.type));
  if (r.s.smin < 0)
    env.reject(EACCES, "R{} min value is negative, either use unsigned index or do a if (index >=0) check.", t.regno);
  bool ok = false;
  switch (r.type.base) {
    case RegBase::kSockCommon:
      ok = !(t.off >= kTypeOff && t.off < kPriorityEnd) && sock_allowed(t.off, t.size);
      break;
    case RegBase::kSocket: ok = sock_allowed(t.off, t.size); break;
    case RegBase::kTcpSock: ok = allowed(kTcpSock, t.off, t.size); break;
    case RegBase::kXdpSock: ok = allowed(kXdpSock, t.off, t.size); break;
    default: break;
  }
  if (!ok)
    env.reject(EACCES, "R{} invalid {} access off={} size={}", t.regno, reg_type_name(env, r.type), t.off, t.size);
  if (t.value_regno >= 0) mark_unknown(env, t.value_regno);
}

}  // namespace osmia::verifier
