// bpf_fib_lookup over given networks: Linux's return codes, what is written back, and the files that networks
// come from.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "cli/network_file.h"
#include "helpers/code.h"
#include "host/network.h"
#include "host/packet.h"

namespace osmia {
namespace {

const char* const kNetwork = R"(1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP group default qlen 1000
    link/ether 02:00:00:00:00:02 brd ff:ff:ff:ff:ff:ff
    inet 192.168.1.20/24 brd 192.168.1.255 scope global eth0
       valid_lft forever preferred_lft forever
    inet6 2001:db8::20/64 scope global
    inet6 fe80::20/64 scope link
3: wg0@if7: <POINTOPOINT,NOARP,UP> mtu 1420 state UNKNOWN
    link/none
    inet 10.8.0.1/24 scope global wg0
4: eth1: <BROADCAST> mtu 9000
    link/ether 02:00:00:00:00:04 brd ff:ff:ff:ff:ff:ff
net.ipv4.conf.eth1.forwarding = 0
default via 192.168.1.1 dev eth0 proto dhcp src 192.168.1.20 metric 100
default via 10.8.0.2 dev wg0 metric 200
192.168.1.0/24 dev eth0 proto kernel scope link src 192.168.1.20 metric 100
10.8.0.0/24 dev wg0 proto kernel scope link src 10.8.0.1
172.16.0.0/12 via 192.168.1.9 dev eth0
172.16.5.0/24 via inet6 fe80::9 dev eth0
10.1.0.0/16 dev eth0 mtu lock 1280
10.2.0.0/16  encap mpls  100 via 192.168.1.9 dev eth0
blackhole 10.9.0.0/16
unreachable 10.10.0.0/16
prohibit 10.11.0.0/16
throw 10.12.0.0/16
local 192.168.1.20 dev eth0 table local proto kernel scope host src 192.168.1.20
broadcast 192.168.1.255 dev eth0 table local
203.0.113.0/24 via 192.168.1.7 dev eth0 table 100
198.51.100.0/24 proto static
	nexthop via 192.168.1.5 dev eth0 weight 1
	nexthop via 10.8.0.2 dev wg0 weight 1
2001:db8::/64 dev eth0 proto kernel metric 256 pref medium
default via 2001:db8::1 dev eth0 proto ra metric 1024 pref medium
2001:db8:5::/48 dev wg0 metric 1024 pref medium
unreachable 2001:db8:dead::/48 dev lo metric 1024 error -101 pref medium
192.168.1.1 dev eth0 lladdr 02:aa:00:00:00:01 REACHABLE
192.168.1.9 dev eth0 lladdr 02:aa:00:00:00:09 STALE
192.168.1.5 dev eth0 lladdr 02:aa:00:00:00:05 PERMANENT
192.168.1.7 dev eth0 lladdr 02:aa:00:00:00:07 FAILED
192.168.1.30 dev eth0  INCOMPLETE
fe80::9 dev eth0 lladdr 02:aa:00:00:00:99 router REACHABLE
2001:db8::1 dev eth0 lladdr 02:aa:00:00:00:61 router STALE
)";

class Fib : public testing::Test {
 protected:
  Result<std::shared_ptr<const host::Network>> read(const std::string& text) {
    const std::string path = testing::TempDir() + "network_" + std::to_string(getpid());
    std::ofstream(path) << text;
    auto n = cli::read_network(path);
    unlink(path.c_str());
    return n;
  }
  void SetUp() override {
    auto n = read(kNetwork);
    ASSERT_TRUE(n.ok()) << n.error().message;
    host::set_network(*n);
  }
  void TearDown() override { host::set_network(nullptr); }

  static bpf_fib_lookup to(const char* address, u32 ifindex = 2) {
    bpf_fib_lookup p{};
    p.ifindex = ifindex;
    const bool ipv6 = std::strchr(address, ':');
    p.family = ipv6 ? AF_INET6 : AF_INET;
    EXPECT_EQ(inet_pton(p.family, address, ipv6 ? static_cast<void*>(p.ipv6_dst) : &p.ipv4_dst), 1);
    return p;
  }
  static s64 xdp(bpf_fib_lookup& p, u32 flags = 0, u64 size = sizeof(bpf_fib_lookup)) {
    return static_cast<s64>(helpers::code::xdp_fib_lookup(0, reinterpret_cast<u64>(&p), size, flags, 0));
  }
  static s64 xdp(bpf_fib_lookup&& p, u32 flags = 0) { return xdp(p, flags); }
  static std::string text(const bpf_fib_lookup& p, bool source = false) {
    char out[INET6_ADDRSTRLEN];
    const void* v4 = source ? &p.ipv4_src : &p.ipv4_dst;
    const void* v6 = source ? p.ipv6_src : p.ipv6_dst;
    return inet_ntop(p.family, p.family == AF_INET ? v4 : v6, out, sizeof out);
  }
};

TEST_F(Fib, ReturnCodes) {
  EXPECT_EQ(xdp(to("8.8.8.8")), BPF_FIB_LKUP_RET_SUCCESS);
  EXPECT_EQ(xdp(to("10.9.1.1")), BPF_FIB_LKUP_RET_BLACKHOLE);
  EXPECT_EQ(xdp(to("10.10.1.1")), BPF_FIB_LKUP_RET_UNREACHABLE);
  EXPECT_EQ(xdp(to("10.11.1.1")), BPF_FIB_LKUP_RET_PROHIBIT);
  EXPECT_EQ(xdp(to("10.12.1.1")), BPF_FIB_LKUP_RET_NOT_FWDED);     // throw: no other table has it
  EXPECT_EQ(xdp(to("192.168.1.20")), BPF_FIB_LKUP_RET_NOT_FWDED);  // our own
  EXPECT_EQ(xdp(to("192.168.1.255")), BPF_FIB_LKUP_RET_NOT_FWDED);
  EXPECT_EQ(xdp(to("8.8.8.8", 4)), BPF_FIB_LKUP_RET_FWD_DISABLED);
  EXPECT_EQ(xdp(to("8.8.8.8", 9)), -ENODEV);
  EXPECT_EQ(xdp(to("10.2.0.1")), BPF_FIB_LKUP_RET_UNSUPP_LWT);
  EXPECT_EQ(xdp(to("192.168.1.30")), BPF_FIB_LKUP_RET_NO_NEIGH);
  EXPECT_EQ(xdp(to("192.168.1.31")), BPF_FIB_LKUP_RET_NO_NEIGH);
  EXPECT_EQ(xdp(to("2001:db8::99")), BPF_FIB_LKUP_RET_NO_NEIGH);
  EXPECT_EQ(xdp(to("2600::1")), BPF_FIB_LKUP_RET_SUCCESS);
  EXPECT_EQ(xdp(to("2001:db8:dead::1")), BPF_FIB_LKUP_RET_UNREACHABLE);
  EXPECT_EQ(xdp(to("fe80::1")), BPF_FIB_LKUP_RET_NOT_FWDED);
  EXPECT_EQ(xdp(to("fe80::1", 9)), BPF_FIB_LKUP_RET_NOT_FWDED);  // before the device is looked at
  EXPECT_EQ(xdp(to("ff02::1")), BPF_FIB_LKUP_RET_NOT_FWDED);
  EXPECT_EQ(xdp(to("::1")), BPF_FIB_LKUP_RET_NOT_FWDED);
  EXPECT_EQ(xdp(to("2001:db8:5::1"), BPF_FIB_LOOKUP_SRC), BPF_FIB_LKUP_RET_NO_SRC_ADDR);
}

TEST_F(Fib, Arguments) {
  bpf_fib_lookup p = to("8.8.8.8");
  EXPECT_EQ(xdp(p, 0, sizeof p - 1), -EINVAL);
  EXPECT_EQ(xdp(p, 64), -EINVAL);
  p.family = 17;
  EXPECT_EQ(xdp(p), -EAFNOSUPPORT);
  host::set_network(nullptr);  // no network: nothing is routed
  const s64 rc = xdp(to("8.8.8.8", 1));
  EXPECT_TRUE(rc == BPF_FIB_LKUP_RET_NOT_FWDED || rc == BPF_FIB_LKUP_RET_FWD_DISABLED) << rc;
}

TEST_F(Fib, WritesTheNextHop) {
  bpf_fib_lookup p = to("8.8.8.8");
  p.tot_len = 100;
  p.h_vlan_TCI = 7;
  ASSERT_EQ(xdp(p), BPF_FIB_LKUP_RET_SUCCESS);
  EXPECT_EQ(p.ifindex, 2u);
  EXPECT_EQ(text(p), "192.168.1.1");
  EXPECT_EQ(p.rt_metric, 100u);  // the lower metric's
  EXPECT_EQ(p.mtu_result, 1500);
  EXPECT_EQ(p.h_vlan_TCI, 0);
  const u8 dmac[] = {2, 0xaa, 0, 0, 0, 1}, smac[] = {2, 0, 0, 0, 0, 2};
  EXPECT_EQ(std::memcmp(p.dmac, dmac, 6), 0);
  EXPECT_EQ(std::memcmp(p.smac, smac, 6), 0);

  p = to("172.16.5.1");  // an IPv4 route by an IPv6 neighbour
  ASSERT_EQ(xdp(p), BPF_FIB_LKUP_RET_SUCCESS);
  EXPECT_EQ(p.family, AF_INET6);
  EXPECT_EQ(text(p), "fe80::9");
  EXPECT_EQ(p.dmac[5], 0x99);

  p = to("198.51.100.1");  // of several next hops the first
  ASSERT_EQ(xdp(p), BPF_FIB_LKUP_RET_SUCCESS);
  EXPECT_EQ(text(p), "192.168.1.5");

  p = to("2600::1");
  ASSERT_EQ(xdp(p), BPF_FIB_LKUP_RET_SUCCESS);
  EXPECT_EQ(text(p), "2001:db8::1");
  EXPECT_EQ(p.rt_metric, 1024u);
}

TEST_F(Fib, Flags) {
  bpf_fib_lookup p = to("10.8.0.9");
  EXPECT_EQ(xdp(p), BPF_FIB_LKUP_RET_NO_NEIGH);
  EXPECT_EQ(p.ifindex, 3u);  // written all the same, as on Linux
  p = to("10.8.0.9");
  EXPECT_EQ(xdp(p, BPF_FIB_LOOKUP_SKIP_NEIGH), BPF_FIB_LKUP_RET_SUCCESS);
  p = to("8.8.8.8", 3);  // out by wg0: the other default route
  EXPECT_EQ(xdp(p, BPF_FIB_LOOKUP_OUTPUT | BPF_FIB_LOOKUP_SKIP_NEIGH), BPF_FIB_LKUP_RET_SUCCESS);
  EXPECT_EQ(text(p), "10.8.0.2");
  EXPECT_EQ(p.ifindex, 3u);

  EXPECT_EQ(xdp(to("203.0.113.5")), BPF_FIB_LKUP_RET_SUCCESS);  // by the default route
  p = to("203.0.113.5");
  p.tbid = 100;
  EXPECT_EQ(xdp(p, BPF_FIB_LOOKUP_DIRECT | BPF_FIB_LOOKUP_TBID), BPF_FIB_LKUP_RET_NO_NEIGH);  // FAILED
  EXPECT_EQ(text(p), "192.168.1.7");
  p = to("8.8.8.8");
  p.tbid = 77;
  EXPECT_EQ(xdp(p, BPF_FIB_LOOKUP_DIRECT | BPF_FIB_LOOKUP_TBID), BPF_FIB_LKUP_RET_NOT_FWDED);
  EXPECT_EQ(xdp(to("192.168.1.20"), BPF_FIB_LOOKUP_DIRECT), BPF_FIB_LKUP_RET_NOT_FWDED);
  EXPECT_EQ(xdp(to("8.8.8.8"), BPF_FIB_LOOKUP_DIRECT), BPF_FIB_LKUP_RET_SUCCESS);

  p = to("8.8.8.8");
  EXPECT_EQ(xdp(p, BPF_FIB_LOOKUP_SRC), BPF_FIB_LKUP_RET_SUCCESS);
  EXPECT_EQ(text(p, true), "192.168.1.20");
  p = to("2600::1");
  EXPECT_EQ(xdp(p, BPF_FIB_LOOKUP_SRC), BPF_FIB_LKUP_RET_SUCCESS);
  EXPECT_EQ(text(p, true), "2001:db8::20");
}

TEST_F(Fib, Mtu) {
  bpf_fib_lookup p = to("8.8.8.8");
  p.tot_len = 1501;
  EXPECT_EQ(xdp(p), BPF_FIB_LKUP_RET_FRAG_NEEDED);
  EXPECT_EQ(p.mtu_result, 1500);
  EXPECT_EQ(text(p), "8.8.8.8");  // nothing else is written
  p = to("10.1.0.1");
  p.tot_len = 1281;
  EXPECT_EQ(xdp(p), BPF_FIB_LKUP_RET_FRAG_NEEDED);
  EXPECT_EQ(p.mtu_result, 1280);

  host::SkbContext skb;
  const auto on_skb = [&](bpf_fib_lookup& q) {
    return static_cast<s64>(helpers::code::skb_fib_lookup(reinterpret_cast<u64>(&skb),
                                                          reinterpret_cast<u64>(&q), sizeof q, 0, 0));
  };
  skb.len = 1518;
  p = to("8.8.8.8");
  EXPECT_EQ(on_skb(p), BPF_FIB_LKUP_RET_SUCCESS);
  EXPECT_EQ(p.mtu_result, 1500);
  skb.len = 1519;
  p = to("8.8.8.8");
  EXPECT_EQ(on_skb(p), BPF_FIB_LKUP_RET_FRAG_NEEDED);
  p = to("8.8.8.8");
  p.tot_len = 1500;
  EXPECT_EQ(on_skb(p), BPF_FIB_LKUP_RET_SUCCESS);
}

TEST_F(Fib, JsonSaysTheSame) {
  auto n = read(R"({"routes":[
    {"dst":"default","gateway":"192.168.1.1","dev":"eth0","protocol":"dhcp","prefsrc":"192.168.1.20","metric":100,"flags":[]},
    {"type":"blackhole","dst":"10.9.0.0/16","flags":[]},
    {"dst":"172.16.5.0/24","via":{"family":"inet6","host":"fe80::9"},"dev":"eth0","flags":[]},
    {"dst":"198.51.100.0/24","nexthops":[{"gateway":"192.168.1.5","dev":"eth0","weight":1},{"gateway":"10.8.0.2","dev":"wg0"}]},
    {"type":"local","dst":"192.168.1.20","dev":"eth0","table":"local"}],
    "neighbours":[{"dst":"192.168.1.1","dev":"eth0","lladdr":"02:aa:00:00:00:01","state":["REACHABLE"]},
      {"dst":"192.168.1.5","dev":"eth0","lladdr":"02:aa:00:00:00:05","state":["FAILED"]}],
    "devices":[{"ifindex":7,"ifname":"eth0","mtu":1400,"address":"02:00:00:00:00:07","addr_info":[{"family":"inet","local":"192.168.1.20","prefixlen":24}]},
      {"ifname":"eth5","forwarding":false}]})");
  ASSERT_TRUE(n.ok()) << n.error().message;
  host::set_network(*n);
  bpf_fib_lookup p = to("8.8.8.8", 7);
  p.tot_len = 1400;
  EXPECT_EQ(xdp(p), BPF_FIB_LKUP_RET_SUCCESS);
  EXPECT_EQ(p.ifindex, 7u);
  EXPECT_EQ(p.mtu_result, 1400);
  EXPECT_EQ(p.smac[5], 7);
  EXPECT_EQ(xdp(to("10.9.0.1", 7)), BPF_FIB_LKUP_RET_BLACKHOLE);
  EXPECT_EQ(xdp(to("192.168.1.20", 7)), BPF_FIB_LKUP_RET_NOT_FWDED);
  EXPECT_EQ(xdp(to("198.51.100.1", 7)), BPF_FIB_LKUP_RET_NO_NEIGH);
  EXPECT_EQ(xdp(to("172.16.5.1", 7), BPF_FIB_LOOKUP_SKIP_NEIGH), BPF_FIB_LKUP_RET_SUCCESS);
  EXPECT_EQ(xdp(to("8.8.8.8", 1)), BPF_FIB_LKUP_RET_SUCCESS);  // lo is always there
}

TEST_F(Fib, BadFilesGetOneLine) {
  for (const char* text : {"10.0.0.0/33 dev eth0",
                           "10.0.0.0/8",
                           "default via",
                           "default via x dev eth0",
                           "default dev",
                           "10.0.0.0/8 dev eth0 metric -1",
                           "nonsense dev eth0",
                           "1.2.3.4 dev eth0 lladdr 02:xx",
                           "2: a: mtu x",
                           "2: a:\n2: b:",
                           "link/ether 02:00:00:00:00:01",
                           "10.0.0.0/8 dev eth0 table x",
                           "unreachable",
                           "[{\"dst\":7}]",
                           "[7]",
                           "[[[[[7]]]]]",
                           "[[[[[]]]]]",
                           "{",
                           "[{\"dst\":\"1.2.3.4/8\"}]",
                           "[{\"ifname\":\"a\",\"ifindex\":0}]",
                           "[{\"ifname\":\"a\",\"address\":\"xx\"}]",
                           "[{\"dst\":\"x\",\"lladdr\":\"02:00:00:00:00:01\"}]"}) {
    const auto n = read(text);
    ASSERT_FALSE(n.ok()) << text;
    EXPECT_EQ(n.error().message.find('\n'), std::string::npos);
    EXPECT_NE(n.error().message.find("network_"), std::string::npos);
  }
  EXPECT_TRUE(read("").ok());
  EXPECT_TRUE(read("# nothing\n\n").ok());
  EXPECT_EQ(cli::read_network("/nonexistent").error().code, ENOENT);
}

}  // namespace
}  // namespace osmia
