// Filter text through libpcap's compiler: converted, verified, run by both engines over every packet, and
// each result equal to that of libpcap's interpreter.
#include <gtest/gtest.h>

#include "packets.h"
#include "runtime/classic.h"

namespace osmia {
namespace {

using classic_test::packets;

const char* const kExpressions[] = {
    "",
    "ip",
    "ip6",
    "arp",
    "rarp",
    "tcp",
    "udp",
    "icmp",
    "icmp6",
    "igmp",
    "sctp",
    "port 80",
    "tcp port 80",
    "udp port 53",
    "src port 53",
    "dst port 80",
    "tcp src port 443",
    "portrange 20-100",
    "udp portrange 50-60",
    "tcp dst portrange 79-81",
    "host 10.0.0.1",
    "src host 10.0.0.1",
    "dst host 192.168.1.20",
    "host 10.0.0.1 and host 192.168.1.20",
    "src or dst host 10.0.0.1",
    "host fe80::1",
    "ip6 host fe80::2",
    "net 10.0.0.0/8",
    "net 192.168.0.0/16 and not net 172.16.0.0/12",
    "src net 10.0.0.0 mask 255.0.0.0",
    "net fe80::/10",
    "host 10.0.0.1 or 10.0.0.2 or 192.168.1.20",
    "port 80 or 443 or 22",
    "ether host 02:00:00:00:00:01",
    "ether src 02:00:00:00:00:02",
    "ether broadcast",
    "ether multicast",
    "ip broadcast or ip multicast",
    "ip6 multicast",
    "ether proto 0x88cc",
    "ether proto \\ip",
    "ip proto 47",
    "ip proto \\tcp",
    "ip6 proto 17",
    "vlan",
    "vlan 100",
    "vlan 100 and tcp port 80",
    "vlan and vlan and ip6",
    "mpls",
    "mpls 100",
    "mpls and ip",
    "mpls 100000",
    "pppoes",
    "pppoes 7",
    "pppoes and tcp port 80",
    "less 60",
    "greater 100",
    "len <= 64",
    "len = 60 or len > 90",
    "len & 1 = 1",
    "ether[0] & 1 = 0",
    "ether[12:2] = 0x800",
    "ip[0] & 0xf != 5",
    "ip[6:2] & 0x1fff != 0",
    "ip[8] > 32",
    "tcp[13] & 2 != 0",
    "tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn",
    "tcp[((tcp[12] & 0xf0) >> 2):1] = 0x78",
    "icmp[icmptype] = icmp-echo",
    "icmp[icmptype] != icmp-unreach",
    "icmp[0] = 3 and icmp[1] = 1",
    "icmp6[0] = 135",
    "udp[4:2] > 20",
    "ip[2:2] - ((ip[0] & 0xf) << 2) > 30",
    "ether[14] / 16 = 4",
    "ether[ether[14] & 0xf + 10] = 17",
    "ip[ip[0] & 15] != 3",
    "ether[13] % 7 = 1",
    "ether[14] ^ 0x45 = 0",
    "ether[len - 1] = 0x61",
    "1 << ether[14] = 0",
    "ether[14] >> ether[15] != 0",
    "ip[2:2] / (ip[1] - 16) > 0",
    "ether[0:4] * 3 + 7 > 1000",
    "-ether[0] & 0xff = 0xfe",
    "not tcp and not udp",
    "(tcp or udp) and not port 53",
    "tcp[0:2] > tcp[2:2]",
    "ip and tcp[20:4] = 0x78787878",
    "tcp port 80 and (((ip[2:2] - ((ip[0]&0xf)<<2)) - ((tcp[12]&0xf0)>>2)) != 0)",
    "llc",
    "stp",
    "iso",
    "atalk",
    "decnet host 10.1",
    "ah or esp",
    "inbound",
    "gateway 10.0.0.1 or ip",
    "ip6[6] = 0",
    "ip[100000] = 1",
    "ether[0xfffffff0] = 1",
    "ether[0x7fffffff:4] = 0",
    "ether[0xfffff000:4] = 1",
    "ether[ether[0] * 0x1000000] = 2",
    "ether[ether[0] - 20] = 2",
};

TEST(Filter, EqualsLibpcapOverEveryPacket) {
  const auto interpreted = classic_test::kernel_with(runtime::JitMode::kOff);
  const auto compiled = classic_test::kernel_with(runtime::JitMode::kOn);
  int filters = 0;
  u64 matches = 0;
  for (const char* text : kExpressions) {
    const auto classic = cli::compile_filter(text, cli::kEthernet);
    if (!classic.ok()) continue;  // libpcap finds that nothing can match, or knows no such thing off line
    filters++;
    ASSERT_TRUE(cli::libpcap_accepts(*classic)) << text;
    const auto a = runtime::load_classic(*interpreted, *classic, isa::ClassicDialect::kCapture);
    const auto b = runtime::load_classic(*compiled, *classic, isa::ClassicDialect::kCapture);
    ASSERT_TRUE(a.ok()) << text << ": " << a.error().message;
    ASSERT_TRUE(b.ok()) << text << ": " << b.error().message;
    ASSERT_TRUE(b->program->executable && b->program->executable->image()) << text;
    for (size_t i = 0; i < packets().size(); i++) {
      const cli::Packet& p = packets()[i];
      const u32 expected = cli::libpcap_result(*classic, p);
      matches += expected != 0;
      const runtime::ClassicPacket view{.bytes = p.bytes, .wire_length = p.wire_length};
      ASSERT_EQ(runtime::run_classic(*a, view), expected) << text << ", packet " << i;
      ASSERT_EQ(runtime::run_classic(*b, view), expected) << text << ", packet " << i << ", machine code";
    }
  }
  EXPECT_GE(filters, 90);
  EXPECT_GT(matches, 5000u);
}

// libpcap follows chains of headers by jumping back: no kernel takes that, and neither do we.
TEST(Filter, NoLoops) {
  const auto kernel = classic_test::kernel_with(runtime::JitMode::kOff);
  for (const char* text : {"ip6 protochain \\tcp", "ip protochain 6"}) {
    const auto classic = cli::compile_filter(text, cli::kEthernet);
    ASSERT_TRUE(classic.ok()) << classic.error().message;
    const auto filter = runtime::load_classic(*kernel, *classic, isa::ClassicDialect::kCapture);
    ASSERT_FALSE(filter.ok());
    EXPECT_EQ(filter.error().code, EINVAL);
    EXPECT_NE(filter.error().message.find("jumps back"), std::string::npos) << filter.error().message;
  }
}

TEST(Filter, OtherLinkTypes) {
  const auto kernel = classic_test::kernel_with(runtime::JitMode::kAuto);
  for (const char* link : {"RAW", "LINUX_SLL", "LINUX_SLL2", "NULL", "PPP", "IEEE802_11_RADIO"}) {
    const auto type = cli::link_type_of(link);
    ASSERT_TRUE(type.ok()) << link;
    for (const char* text : {"tcp port 80", "ip6 and udp", "less 100", "host 10.0.0.1"}) {
      const auto classic = cli::compile_filter(text, *type);
      ASSERT_TRUE(classic.ok()) << link << ": " << classic.error().message;
      const auto filter = runtime::load_classic(*kernel, *classic, isa::ClassicDialect::kCapture);
      ASSERT_TRUE(filter.ok()) << filter.error().message;
      for (const cli::Packet& whole : packets()) {
        cli::Packet p = whole;  // from the network header on, so that some match
        if (p.bytes.size() < 14 || p.wire_length < 14) continue;
        p.bytes.erase(p.bytes.begin(), p.bytes.begin() + 14);
        p.wire_length -= 14;
        ASSERT_EQ(runtime::run_classic(*filter, {.bytes = p.bytes, .wire_length = p.wire_length}),
                  cli::libpcap_result(*classic, p))
            << link << ": " << text;
      }
    }
  }
  EXPECT_EQ(cli::link_type_of("NO_SUCH").error().code, EINVAL);
  EXPECT_NE(cli::compile_filter("tcp prt 80", cli::kEthernet).error().message.find("syntax error"),
            std::string::npos);
}

}  // namespace
}  // namespace osmia
