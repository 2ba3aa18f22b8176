// Real sockets of this process, looked up by programs on Osmia and on the running kernel: the same ones are
// found, with the same fields. Traffic stays on loopback.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "host/sockets.h"
#include "packets.h"
#include "sockets.h"
#include "two_kernels.h"

namespace osmia::runtime {
namespace {

using testing_sockets::End;
using testing_sockets::Fd;
using testing_sockets::loopback;

struct Tuple {
  std::string name;
  End remote, local;
  u32 bytes() const { return local.v6 ? 36 : 12; }
};

std::string store_words(const std::vector<u8>& bytes, int at) {
  std::string text;
  for (size_t i = 0; i + 4 <= bytes.size(); i += 4)
    text += "*(u32 *)(r10 " + std::to_string(at + static_cast<int>(i)) +
            ") = " + std::to_string(static_cast<s32>(load_unaligned<u32>(&bytes[i]))) + "\n";
  return text;
}
std::vector<u8> bytes_of(const Tuple& t) {
  std::vector<u8> b(t.bytes());
  const size_t n = t.local.v6 ? 16 : 4;
  std::memcpy(&b[0], t.remote.address.data(), n);
  std::memcpy(&b[n], t.local.address.data(), n);
  store_unaligned<u16>(&b[2 * n], __builtin_bswap16(t.remote.port));
  store_unaligned<u16>(&b[2 * n + 2], __builtin_bswap16(t.local.port));
  return b;
}

constexpr int kTuple = -40, kOut = -304, kOutSize = 216;

// Looks up, copies every field of what is found to the packet, releases.
std::string reader(const Tuple& t, const std::string& helper, u32 type, int size = 0,
                   const std::string& netns = "-1", int flags = 0) {
  std::string s = "r6 = r1\n";
  for (int off = kOut; off < kOut + kOutSize; off += 8)
    s += "*(u64 *)(r10 " + std::to_string(off) + ") = 0\n";
  s += store_words(std::vector<u8>(40), kTuple) + store_words(bytes_of(t), kTuple);
  s += "r2 = r10\nr2 += " + std::to_string(kTuple) + "\nr3 = " + std::to_string(size ? size : t.bytes()) +
       "\nr4 = " + netns + "\nr5 = " + std::to_string(flags) + "\ncall " + helper +
       "\nif r0 == 0 goto none\nr7 = r0\n";
  const auto copy = [&](int from, int to, const char* width = "u32", const char* base = "r7") {
    s += "r1 = *(" + std::string(width) + " *)(" + base + " +" + std::to_string(from) + ")\n*(" + width +
         " *)(r10 " + std::to_string(kOut + to) + ") = r1\n";
  };
  const bool common = helper == "bpf_skc_lookup_tcp";
  for (int off = 0; off < 80; off += 4) {
    if (off == 52 && t.local.v6) continue;  // of no meaning, and another one for clients and servers
    if (off == 48)
      copy(off, off, "u16");
    else if (!common || off < 8 || off >= 24)
      copy(off, off);
  }
  s += "r1 = r7\ncall bpf_get_listener_sock\nif r0 == 0 goto quiet\nr1 = 1\n*(u32 *)(r10 " +
       std::to_string(kOut + 200) + ") = r1\nr1 = *(u32 *)(r0 +44)\n*(u32 *)(r10 " +
       std::to_string(kOut + 204) + ") = r1\nquiet:\n";
  s += "r1 = r7\ncall bpf_tcp_sock\nif r0 == 0 goto plain\nr8 = r0\n";
  for (int off = 0; off < 112; off += 4) {
    if (off == 16 || off == 20 || off == 24 || off == 36 || off == 40) continue;  // not told by tcp_info
    if (off == 80 || off == 88) {
      copy(off, 80 + off, "u64", "r8");
      off += 4;
      continue;
    }
    if (off == 4)
      s += "r1 = *(u32 *)(r8 +4)\nr1 &= -8\n*(u32 *)(r10 " + std::to_string(kOut + 84) + ") = r1\n";
    else
      copy(off, 80 + off, "u32", "r8");
  }
  s += "plain:\nr1 = r7\ncall bpf_sk_release\n";
  const std::string tail = "\nr4 = " + std::to_string(kOutSize);
  s += "r1 = r6\nr2 = 14\nr3 = r10\nr3 += " + std::to_string(kOut) + tail +
       (type == BPF_PROG_TYPE_XDP ? "\ncall bpf_xdp_store_bytes\n" : "\nr5 = 0\ncall bpf_skb_store_bytes\n");
  return s + "r0 = 2\nexit\nnone:\nr0 = 1\nexit\n";
}

class SocketLookup : public TwoKernels {
 protected:
  void ask(const Tuple& t, const std::string& helper) {
    for (const u32 type : {u32{BPF_PROG_TYPE_SCHED_CLS}, u32{BPF_PROG_TYPE_XDP}})
      compare(t.name + ", " + helper + (type == BPF_PROG_TYPE_XDP ? ", xdp" : ", tc"), type,
              reader(t, helper, type), {{.data = zeros(300)}});
  }
  // What the running kernel says alone: so that "both find nothing" is no success.
  u32 live(const Tuple& t, const std::string& helper) {
    const long fd =
        load(live_bpf, BPF_PROG_TYPE_SCHED_CLS, program(reader(t, helper, BPF_PROG_TYPE_SCHED_CLS)));
    if (fd < 0) return 0;
    const u32 retval = test_run(live_bpf, fd, {.data = zeros(300)}).retval;
    close(static_cast<int>(fd));
    return retval;
  }
  void TearDown() override { EXPECT_EQ(host::live_sockets(), 0u); }
  static constexpr u32 kFound = 2, kNone = 1;
};

TEST_F(SocketLookup, TcpListenersAndConnections) {
  for (const bool v6 : {false, true}) {
    const Fd listener = testing_sockets::listen_on(loopback(v6));
    const End at = listener.own();
    const Fd client = testing_sockets::connect_to(at);
    const Fd server = listener.accepted();
    ASSERT_GE(server.get(), 0);
    const std::string family = v6 ? "v6 " : "v4 ";
    const Tuple tuples[] = {{family + "listener", {v6, loopback(v6).address, 9}, at},
                            {family + "server", client.own(), at},
                            {family + "client", at, client.own()},
                            {family + "nobody", {v6, loopback(v6).address, 9}, {v6, at.address, 1}}};
    for (const Tuple& t : tuples)
      for (const char* helper : {"bpf_sk_lookup_tcp", "bpf_skc_lookup_tcp", "bpf_sk_lookup_udp"})
        ask(t, helper);
    EXPECT_EQ(live(tuples[0], "bpf_sk_lookup_tcp"), kFound);
    EXPECT_EQ(live(tuples[2], "bpf_skc_lookup_tcp"), kFound);
    EXPECT_EQ(live(tuples[3], "bpf_sk_lookup_tcp"), kNone);
  }
}

// Data that went both ways shows in the counters.
TEST_F(SocketLookup, CountersOfAConnectionThatWasUsed) {
  const Fd listener = testing_sockets::listen_on(loopback(false));
  const Fd client = testing_sockets::connect_to(listener.own());
  const Fd server = listener.accepted();
  char text[512] = {};
  for (int i = 0; i < 5; i++) {
    ASSERT_EQ(send(client.get(), text, sizeof text, 0), 512);
    ASSERT_EQ(recv(server.get(), text, sizeof text, MSG_WAITALL), 512);
    ASSERT_EQ(send(server.get(), text, 100, 0), 100);
    ASSERT_EQ(recv(client.get(), text, 100, MSG_WAITALL), 100);
  }
  usleep(120000);  // the last delayed acknowledgement
  ask({"used client", listener.own(), client.own()}, "bpf_sk_lookup_tcp");
  ask({"used server", client.own(), listener.own()}, "bpf_sk_lookup_tcp");
}

TEST_F(SocketLookup, OptionsThatFieldsShow) {
  const Fd s(socket(AF_INET, SOCK_DGRAM, 0));
  s.set(SOL_SOCKET, SO_PRIORITY, 5);
  s.set(SOL_SOCKET, SO_MARK, 77);
  ASSERT_TRUE(s.bind(loopback(false)));
  ask({"priority and mark", {false, loopback(false).address, 9}, s.own()}, "bpf_sk_lookup_udp");
  const Fd bound(socket(AF_INET, SOCK_DGRAM, 0));
  bound.set(SOL_SOCKET, SO_BINDTOIFINDEX, 1);
  ASSERT_TRUE(bound.bind({false, {}, 0}));
  ask({"bound to lo",
       {false, loopback(false).address, 9},
       {false, loopback(false).address, bound.own().port}},
      "bpf_sk_lookup_udp");
}

TEST_F(SocketLookup, Udp) {
  for (const bool v6 : {false, true}) {
    const Fd exact(socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0));
    ASSERT_TRUE(exact.bind(loopback(v6)));
    const Fd any(socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0));
    ASSERT_TRUE(any.bind({v6, {}, 0}));
    const Fd peer(socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0));
    ASSERT_TRUE(peer.connect(exact.own()));
    const std::string family = v6 ? "v6 " : "v4 ";
    const End some{v6, loopback(v6).address, 9};
    for (const Tuple& t : {Tuple{family + "exact", some, exact.own()},
                           Tuple{family + "any", some, {v6, loopback(v6).address, any.own().port}},
                           Tuple{family + "connected", exact.own(), peer.own()},
                           Tuple{family + "connected to another", some, peer.own()}})
      for (const char* helper : {"bpf_sk_lookup_udp", "bpf_sk_lookup_tcp"}) ask(t, helper);
    EXPECT_EQ(live({"", some, exact.own()}, "bpf_sk_lookup_udp"), kFound);
  }
}

// A listener of IPv6 that takes IPv4 too, one that does not, and what was accepted from the first.
TEST_F(SocketLookup, DualStack) {
  const Fd dual = testing_sockets::listen_on({true, {}, 0});
  const End v4{false, loopback(false).address, dual.own().port}, some{false, loopback(false).address, 9};
  const Fd client = testing_sockets::connect_to(v4);
  const Fd server = dual.accepted();
  for (const Tuple& t : {Tuple{"dual listener by v4", some, v4}, Tuple{"dual server", client.own(), v4},
                         Tuple{"v4 client", v4, client.own()},
                         Tuple{"dual listener by v6",
                               {true, loopback(true).address, 9},
                               {true, loopback(true).address, v4.port}}})
    ask(t, "bpf_sk_lookup_tcp");
  const Fd only = testing_sockets::listen_on({true, {}, 0}, true);
  ask({"v6only by v4", some, {false, v4.address, only.own().port}}, "bpf_sk_lookup_tcp");
  EXPECT_EQ(live({"", some, v4}, "bpf_sk_lookup_tcp"), kFound);
}

// A connection that its own side closed first: no full socket, but a common one.
TEST_F(SocketLookup, TimeWait) {
  const Fd listener = testing_sockets::listen_on(loopback(false));
  Fd client = testing_sockets::connect_to(listener.own());
  Fd server = listener.accepted();
  const End own = client.own();
  client.shut();
  char byte;
  ASSERT_EQ(recv(server.get(), &byte, 1, 0), 0);
  server.shut();
  usleep(20000);
  const Tuple t{"time wait", listener.own(), own};
  for (const char* helper : {"bpf_sk_lookup_tcp", "bpf_skc_lookup_tcp"}) ask(t, helper);
  EXPECT_EQ(live(t, "bpf_skc_lookup_tcp"), kFound);
  EXPECT_EQ(live(t, "bpf_sk_lookup_tcp"), kNone);
}

TEST_F(SocketLookup, SizesNamespacesAndFlags) {
  const Fd listener = testing_sockets::listen_on(loopback(false));
  const Tuple t{"", {false, loopback(false).address, 9}, listener.own()};
  for (const int size : {1, 8, 12, 13, 36, 40})
    compare("size " + std::to_string(size), BPF_PROG_TYPE_SCHED_CLS,
            reader(t, "bpf_sk_lookup_tcp", BPF_PROG_TYPE_SCHED_CLS, size), {{.data = zeros(300)}});
  for (const char* netns : {"-1", "-2", "0", "1", "2147483647", "4294967295 ll", "4294967296 ll",
                            "2147483648 ll", "-4294967296 ll"})
    compare(std::string("namespace ") + netns, BPF_PROG_TYPE_SCHED_CLS,
            reader(t, "bpf_sk_lookup_tcp", BPF_PROG_TYPE_SCHED_CLS, 0, netns), {{.data = zeros(300)}});
  for (const int flags : {1, -1})
    compare("flags", BPF_PROG_TYPE_XDP, reader(t, "bpf_sk_lookup_tcp", BPF_PROG_TYPE_XDP, 0, "-1", flags),
            {{.data = zeros(300)}});
}

// One of a group by the hash of the addresses: the kernel's choice, whichever it is.
TEST_F(SocketLookup, ReuseportGroups) {
  std::vector<Fd> group;
  End at = loopback(false);
  for (int i = 0; i < 4; i++) {
    Fd s(socket(AF_INET, SOCK_DGRAM, 0));
    s.set(SOL_SOCKET, SO_REUSEPORT, 1);
    s.set(SOL_SOCKET, SO_PRIORITY, i);
    ASSERT_TRUE(s.bind(at));
    at = s.own();
    group.push_back(std::move(s));
  }
  for (u16 port = 1000; port < 1008; port++)
    ask({"from port " + std::to_string(port), {false, at.address, port}, at}, "bpf_sk_lookup_udp");
}

std::string syncookie(const Tuple& t, const std::string& helper, int ip_size, int tcp_size, u8 version,
                      u16 flags) {
  std::string s = store_words(bytes_of(t), kTuple);
  for (int off = -144; off < -40; off += 8) s += "*(u64 *)(r10 " + std::to_string(off) + ") = 0\n";
  s += "*(u8 *)(r10 -144) = " + std::to_string(version << 4 | 5) +
       "\n*(u16 *)(r10 -92) = " + std::to_string(flags) + "\n";
  s += "r2 = r10\nr2 += -40\nr3 = 12\nr4 = -1\nr5 = 0\ncall bpf_sk_lookup_tcp\nif r0 == 0 goto none\nr6 = "
       "r0\n";
  s += "r1 = r6\nr2 = r10\nr2 += -144\nr3 = " + std::to_string(ip_size) +
       "\nr4 = r10\nr4 += -104\nr5 = " + std::to_string(tcp_size) + "\ncall " + helper +
       "\nr7 = r0\nr1 = r6\ncall bpf_sk_release\nr0 = r7\nexit\nnone:\nr0 = 12345\nexit\n";
  return s;
}

TEST_F(SocketLookup, SynCookiesOfListeners) {
  const Fd listener = testing_sockets::listen_on(loopback(false));
  const Fd client = testing_sockets::connect_to(listener.own());
  const Tuple some{"listener", {false, loopback(false).address, 9}, listener.own()},
      connection{"connection", listener.own(), client.own()};
  const u16 kSyn = 0x0250, kAck = 0x1050, kSynAck = 0x1250, kRstAck = 0x1450, kFinSyn = 0x0350;
  for (const char* helper : {"bpf_tcp_check_syncookie", "bpf_tcp_gen_syncookie"})
    for (const Tuple& t : {some, connection})
      for (const u16 flags : {kSyn, kAck, kSynAck, kRstAck, kFinSyn, u16{0}})
        for (const u8 version : {u8{4}, u8{6}, u8{5}})
          for (const int ip : {20, 40, 8})
            for (const int tcp : {20, 24, 8})
              compare(std::string(helper) + " " + t.name + " " + std::to_string(flags) + " v" +
                          std::to_string(version) + " " + std::to_string(ip) + " " + std::to_string(tcp),
                      BPF_PROG_TYPE_SCHED_CLS, syncookie(t, helper, ip, tcp, version, flags),
                      {{.data = zeros(64)}});
}

}  // namespace
}  // namespace osmia::runtime
