// Given lists of sockets: what `ss` prints, read; and who is found in them.
#include <arpa/inet.h>
#include <gtest/gtest.h>

#include "host/socket_text.h"
#include "host/sockets.h"

namespace osmia::host {
namespace {

const char* const kList =
    R"(Netid State     Recv-Q Send-Q      Local Address:Port        Peer Address:Port Process
tcp   LISTEN    0      128               0.0.0.0:80               0.0.0.0:*     uid:33 ino:1 sk:101 cgroup:/ <->
tcp   LISTEN    0      128             127.0.0.1:80               0.0.0.0:*     ino:1 sk:102
tcp   LISTEN    0      128                     *:443                    *:*     sk:103 v6only:0
tcp   LISTEN    0      128                  [::]:8443                [::]:*     sk:104 v6only:1
tcp   ESTAB     0      0                10.0.0.1:80              10.0.0.9:5000  sk:105 fwmark:0x1f
	 cubic wscale:7,7 rto:204 rtt:1.5/0.75 mss:1448 cwnd:10 bytes_acked:5000000000 segs_out:7
tcp   TIME-WAIT 0      0                10.0.0.1:80              10.0.0.9:5001  timer:(timewait,44sec,0) ino:0 sk:106
udp   UNCONN    0      0              127.0.0.53%lo:53           0.0.0.0:*      sk:107
udp   UNCONN    0      0                 0.0.0.0:53              0.0.0.0:*      sk:108
udp   ESTAB     0      0               127.0.0.1:53              127.0.0.1:7    sk:109 class_id:0x5
tcp   ESTAB     0      0      [::ffff:10.0.0.1]:443     [::ffff:10.0.0.9]:6000  sk:10a
)";

u32 address(const char* text) {
  u32 a = 0;
  EXPECT_EQ(inet_pton(AF_INET, text, &a), 1);
  return a;
}

class SocketLists : public ::testing::Test {
 protected:
  void SetUp() override {
    auto list = parse_sockets(kList);
    ASSERT_TRUE(list.ok()) << list.error().message;
    list_ = *list;
  }
  u64 cookie(u32 protocol, const char* local, u16 local_port, const char* remote, u16 remote_port,
             u32 device = 0) {
    SocketQuery q;
    q.protocol = protocol;
    q.local[0] = address(local), q.remote[0] = address(remote);
    q.local_port = local_port, q.remote_port = remote_port;
    q.device = device;
    const SocketFacts* f = list_->find(q);
    return f ? f->cookie : 0;
  }
  u64 cookie6(u32 protocol, const char* local, u16 local_port) {
    SocketQuery q;
    q.protocol = protocol;
    q.family = kFamilyInet6;
    inet_pton(AF_INET6, local, q.local.data());
    inet_pton(AF_INET6, "2001:db8::9", q.remote.data());
    q.local_port = local_port, q.remote_port = 9;
    const SocketFacts* f = list_->find(q);
    return f ? f->cookie : 0;
  }
  std::shared_ptr<const SocketList> list_;
};

TEST_F(SocketLists, ConnectionsBeforeListenersAndExactAddressesBeforeAny) {
  EXPECT_EQ(cookie(kProtocolTcp, "10.0.0.1", 80, "10.0.0.9", 5000), 0x105u);
  EXPECT_EQ(cookie(kProtocolTcp, "10.0.0.1", 80, "10.0.0.9", 5001), 0x106u);
  EXPECT_EQ(cookie(kProtocolTcp, "10.0.0.1", 80, "10.0.0.9", 5002), 0x101u);
  EXPECT_EQ(cookie(kProtocolTcp, "127.0.0.1", 80, "127.0.0.1", 1), 0x102u);
  EXPECT_EQ(cookie(kProtocolTcp, "127.0.0.1", 81, "127.0.0.1", 1), 0u);
}

TEST_F(SocketLists, DualStack) {
  EXPECT_EQ(cookie(kProtocolTcp, "10.0.0.1", 443, "10.0.0.9", 1), 0x103u);
  EXPECT_EQ(cookie(kProtocolTcp, "10.0.0.1", 443, "10.0.0.9", 6000), 0x10au);
  EXPECT_EQ(cookie(kProtocolTcp, "10.0.0.1", 8443, "10.0.0.9", 1), 0u);
  EXPECT_EQ(cookie6(kProtocolTcp, "2001:db8::1", 443), 0x103u);
  EXPECT_EQ(cookie6(kProtocolTcp, "2001:db8::1", 8443), 0x104u);
  EXPECT_EQ(cookie6(kProtocolTcp, "2001:db8::1", 80), 0u);
}

TEST_F(SocketLists, UdpWithDevicesAndPeers) {
  EXPECT_EQ(cookie(kProtocolUdp, "127.0.0.53", 53, "127.0.0.1", 9, 1), 0x107u);
  EXPECT_EQ(cookie(kProtocolUdp, "127.0.0.53", 53, "127.0.0.1", 9, 2), 0x108u);
  EXPECT_EQ(cookie(kProtocolUdp, "127.0.0.1", 53, "127.0.0.1", 7), 0x109u);
  EXPECT_EQ(cookie(kProtocolUdp, "127.0.0.1", 53, "127.0.0.1", 8), 0x108u);
}

TEST_F(SocketLists, WordsBecomeFields) {
  set_sockets(list_);
  SocketQuery q;
  q.local[0] = address("10.0.0.1"), q.remote[0] = address("10.0.0.9");
  q.local_port = 80, q.remote_port = 5000;
  Socket* s = find_socket(q, true);
  ASSERT_TRUE(s);
  EXPECT_EQ(find_socket(q, true), s) << "one socket, one address";
  EXPECT_EQ(s->mark, 0x1fu);
  EXPECT_EQ(s->dst_port, __builtin_bswap16(5000));
  const auto& tcp = *reinterpret_cast<const bpf_tcp_sock*>(s->tcp);
  EXPECT_EQ(tcp.srtt_us, 1500u << 3);
  EXPECT_EQ(tcp.mss_cache, 1448u);
  EXPECT_EQ(tcp.bytes_acked, 5000000000u);
  EXPECT_EQ(tcp.segs_out, 7u);
  EXPECT_EQ(live_sockets(), 1u);
  release_socket(s);
  EXPECT_EQ(live_sockets(), 1u);
  release_socket(s);
  EXPECT_EQ(live_sockets(), 0u);
  q.remote_port = 5001;
  EXPECT_FALSE(find_socket(q, true)) << "in TIME_WAIT";
  Socket* waiting = find_socket(q, false);
  ASSERT_TRUE(waiting);
  EXPECT_FALSE(waiting->full());
  release_socket(waiting);
  set_sockets(nullptr);
}

TEST(SocketListText, SaysWhatIsWrong) {
  const std::pair<const char*, const char*> wrong[] = {
      {"icmp UNCONN 0 0 *:1 *:*", "line 1: expected tcp or udp"},
      {"\n\ntcp LISTENING 0 0 0.0.0.0:1 0.0.0.0:*", "line 3: expected a state"},
      {"tcp LISTEN 0 0 0.0.0.0:1", "line 1: expected: tcp|udp STATE"},
      {"tcp LISTEN 0 0 300.0.0.0:1 0.0.0.0:*", "as local address"},
      {"tcp LISTEN 0 0 1.2.3.4:99999 0.0.0.0:*", "as local address"},
      {"tcp LISTEN 0 0 1.2.3.4:1 here", "as peer address"},
      {"tcp LISTEN 0 0 1.2.3.4%nosuchdevice:1 0.0.0.0:*", "as local address"},
      {"tcp LISTEN 0 0 1.2.3.4:1 0.0.0.0:* sk:", "expected a number"},
      {"tcp LISTEN 0 0 1.2.3.4:1 0.0.0.0:* uid:-1", "expected a number"},
  };
  for (const auto& [text, message] : wrong) {
    auto list = parse_sockets(text);
    ASSERT_FALSE(list.ok()) << text;
    EXPECT_NE(list.error().message.find(message), std::string::npos) << list.error().message;
  }
  EXPECT_TRUE(parse_sockets("").ok());
}

}  // namespace
}  // namespace osmia::host
