// Test runs of netfilter programs: a packet at one of the hooks, seen through the kernel's own structs.
#include <linux/netfilter.h>

#include <algorithm>
#include <cstring>

#include "base/bits.h"
#include "host/kernel_struct.h"
#include "host/packet.h"
#include "runtime/test_run_code.h"

namespace osmia::runtime {
namespace {

constexpr u32 kHeadRoom = 64 + 2;  // NET_SKB_PAD + NET_IP_ALIGN
constexpr u32 kIpv4Header = 20, kIpv6Header = 40;
constexpr u16 kIpv4 = 0x0008, kIpv6 = 0xdd86;  // ETH_P_* in network order

Error invalid(const char* what) {
  return {EINVAL, what};
}

struct Hook {
  u8 hook = NF_INET_LOCAL_OUT, family = NFPROTO_IPV4;
  bool in = false, out = false;
};

// struct nf_hook_state as callers give it: hook and family in the first two bytes, pointers that must be
// null.
Result<Hook> hook_of(const ContextBytes& ctx) {
  Hook hook;
  if (!ctx.has) return hook;
  if (std::any_of(ctx.bytes.begin() + 8, ctx.bytes.end(), [](u8 b) { return b != 0; }))
    return invalid("context: expected null devices, socket and net");
  const u8 family = ctx.bytes[1];
  if (family != NFPROTO_IPV4 && family != NFPROTO_IPV6)
    return invalid("context: expected NFPROTO_IPV4 or IPV6");
  // Linux looks at the default hook when it chooses the devices, and only then takes the caller's.
  hook.out = true;
  hook.family = family;
  hook.hook = ctx.bytes[0];
  return hook;
}

}  // namespace

Result<TestRunResult> test_run_netfilter(Kernel& kernel, Program& p, const TestRunRequest& r) {
  constexpr u32 kStateSize = 48;  // sizeof(struct nf_hook_state)
  const u32 size = static_cast<u32>(r.data_in.size());
  if (r.flags || r.cpu || r.batch_size)
    return invalid("flags, cpu or batch_size: not possible for this type");
  if (size < kIpv4Header) return invalid("data_in: expected at least an IPv4 header");
  if (size > kPage - kHeadRoom - kSharedInfo) return invalid("data_in: larger than a page holds");
  OSMIA_ASSIGN(ContextBytes ctx, context_in(r, kStateSize));
  OSMIA_ASSIGN(Hook hook, hook_of(ctx));
  std::vector<u8> buffer(kPage);
  std::copy(r.data_in.begin(), r.data_in.end(), buffer.begin() + kHeadRoom);
  host::SkbContext s;
  s.head = reinterpret_cast<u64>(buffer.data());
  s.tail_limit = s.head + buffer.size();
  s.mac_header = s.network_header = s.data = s.head + kHeadRoom;
  s.len = size;
  s.ifindex = 1;
  s.protocol = hook.family == NFPROTO_IPV4 ? kIpv4 : kIpv6;
  if (hook.hook != NF_INET_LOCAL_OUT) {
    if (size < kEthHeader + kIpv4Header) return invalid("data_in: expected an Ethernet and an IP header");
    const u16 protocol = load_unaligned<u16>(r.data_in.data() + 12);
    if (protocol != kIpv4 && protocol != kIpv6) return Error{EPROTO, "data_in: expected IPv4 or IPv6"};
    if (protocol == kIpv6 && size < kEthHeader + kIpv6Header)
      return invalid("data_in: expected an IPv6 header");
    if (protocol != s.protocol) return invalid("data_in: not of the hook's family");
    s.data += kEthHeader;
    s.network_header = s.data;
    s.len -= kEthHeader;
  }
  s.data_end = s.data_meta = s.data;
  OSMIA_TRY(check_executable(p));
  if (!kernel.vmlinux())
    return Error{EOPNOTSUPP, "netfilter programs run by the kernel's BTF: there is none"};

  const btf::Btf& btf = *kernel.vmlinux()->btf;
  OSMIA_ASSIGN(host::KernelStruct device, host::KernelStruct::make(btf, "net_device"));
  device.set("ifindex", 1);
  device.set("mtu", 65536);
  OSMIA_ASSIGN(host::KernelStruct state, host::KernelStruct::make(btf, "nf_hook_state"));
  state.set("hook", hook.hook);
  state.set("pf", hook.family);
  if (hook.out) state.set("out", device.address());
  OSMIA_ASSIGN(host::KernelStruct skb, host::KernelStruct::make(btf, "sk_buff"));
  skb.set("len", s.len);
  skb.set("data", s.data);
  skb.set("head", s.head);
  skb.set("protocol", s.protocol);
  skb.set("mac_header", s.mac_header - s.head);
  skb.set("network_header", s.network_header - s.head);
  skb.set("tail", s.data - s.head + s.len);
  skb.set("end", buffer.size() - kSharedInfo);

  const host::SkBuffView before = host::t_sk_buff;
  host::t_sk_buff = {skb.address(), &s};
  u64 args[2] = {state.address(), skb.address()};  // struct bpf_nf_ctx
  TestRunResult out;
  timed_runs(p, args, r.repeat, out);
  host::t_sk_buff = before;
  return out;
}

}  // namespace osmia::runtime
