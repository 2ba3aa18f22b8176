// Test run of netfilter programs: a packet of the network layer at the hook that the caller names. The
// program sees the kernel's own structs; what Linux leaves zero in them for such a run is zero here, too.
#include <linux/netfilter.h>

#include <cstring>

#include "base/bits.h"
#include "host/kernel_skb.h"
#include "host/packet.h"
#include "runtime/kernel_struct.h"
#include "runtime/test_run_code.h"

namespace osmia::runtime {
namespace {

constexpr u32 kPad = 64, kIpHeader = 20, kIpv6Header = 40;
constexpr u16 kIpv4 = 0x0008, kIpv6 = 0xdd86;  // ETH_P_* in network order

// struct nf_hook_state as callers pass it.
struct HookState {
  u8 hook, pf, pad[6];
  u64 in, out, sk, net, okfn;
};

Error invalid(const char* what) {
  return {EINVAL, what};
}

}  // namespace

Result<TestRunResult> test_run_netfilter(Kernel& k, Program& p, const TestRunRequest& r) {
  const u32 size = static_cast<u32>(r.data_in.size());
  if (r.flags || r.cpu || r.batch_size)
    return invalid("flags, cpu or batch_size: not possible for this type");
  if (size < kIpHeader) return invalid("data_in: expected at least an IPv4 header");
  if (size > kPage - kPad - kSharedInfo) return invalid("data_in: larger than a page holds");
  OSMIA_ASSIGN(ContextBytes ctx, context_in(r, sizeof(HookState)));
  HookState given{};
  given.hook = NF_INET_LOCAL_OUT;
  given.pf = NFPROTO_IPV4;
  if (ctx.has) std::memcpy(&given, ctx.bytes.data(), sizeof given);
  if (given.in || given.out || given.net || given.sk || given.okfn)
    return invalid("context: expected a hook and a protocol and no pointers");
  if (given.pf != NFPROTO_IPV4 && given.pf != NFPROTO_IPV6)
    return invalid("context: expected protocol NFPROTO_IPV4 or NFPROTO_IPV6");

  std::vector<u8> packet = r.data_in;
  host::SkbContext s;
  s.head = s.mac_header = s.data = reinterpret_cast<u64>(packet.data());
  s.tail_limit = s.data + size;
  s.len = size;
  s.protocol = given.pf == NFPROTO_IPV4 ? kIpv4 : kIpv6;
  if (given.hook != NF_INET_LOCAL_OUT) {
    if (size < kEthHeader + kIpHeader) return invalid("data_in: expected an Ethernet and an IPv4 header");
    s.protocol = load_unaligned<u16>(packet.data() + 12);
    if (s.protocol != kIpv4 && s.protocol != kIpv6)
      return Error{EPROTO, "data_in: expected an IPv4 or IPv6 packet"};
    if (s.protocol == kIpv6 && size < kEthHeader + kIpv6Header)
      return invalid("data_in: expected an Ethernet and an IPv6 header");
    if ((s.protocol == kIpv4) != (given.pf == NFPROTO_IPV4))
      return invalid("data_in: packet of another protocol than the context's");
    s.data += kEthHeader;
    s.len -= kEthHeader;
  }
  s.network_header = s.data;
  OSMIA_TRY(check_executable(p));

  const btf::Btf* vmlinux = k.catalog().vmlinux.get();
  OSMIA_ASSIGN(KernelStruct device, KernelStruct::make(vmlinux, "net_device"));
  OSMIA_ASSIGN(KernelStruct state, KernelStruct::make(vmlinux, "nf_hook_state"));
  OSMIA_ASSIGN(KernelStruct skb, KernelStruct::make(vmlinux, "sk_buff"));
  bool complete = device.set("ifindex", 1) && state.set("hook", given.hook) && state.set("pf", given.pf);
  if (ctx.has) complete = complete && state.set("out", device.address());
  complete = complete && skb.set("len", s.len) && skb.set("protocol", s.protocol) &&
             skb.set("head", s.head) && skb.set("data", s.data) &&
             skb.set("network_header", s.data - s.head) && skb.set("tail", s.data + s.len - s.head) &&
             skb.set("end", s.tail_limit - s.head);
  if (!complete) return Error{EOPNOTSUPP, "kernel BTF whose sk_buff or nf_hook_state is not known"};
  struct {
    u64 state, skb;
  } nf{state.address(), skb.address()};

  host::KernelSkb& seen = host::kernel_skb();
  const host::KernelSkb outer = seen;
  seen = {skb.address(), reinterpret_cast<u64>(&s)};
  TestRunResult out;
  timed_runs(p, &nf, r.repeat, out);
  seen = outer;
  return out;
}

}  // namespace osmia::runtime
