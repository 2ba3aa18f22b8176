// Socket maps under programs: what sk_lookup programs choose from them, on Osmia and on the running kernel,
// with the same sockets of this process in both maps.
#include "host/sockets.h"
#include "packets.h"
#include "sockets.h"
#include "two_kernels.h"

namespace osmia::runtime {
namespace {

using testing_sockets::End;
using testing_sockets::Fd;
using testing_sockets::loopback;

class SocketMaps : public TwoKernels {
 protected:
  SocketMaps() { attach_type_ = BPF_SK_LOOKUP; }
  long make(const Bpf& bpf, u32 type, u32 key_size = 4) {
    union bpf_attr a;
    std::memset(&a, 0, sizeof a);
    a.map_type = type;
    a.key_size = key_size, a.value_size = 8, a.max_entries = 16;
    return bpf(BPF_MAP_CREATE, a);
  }
  long put(const Bpf& bpf, long map, u32 key, u64 fd, u64 flags = 0) {
    union bpf_attr a;
    std::memset(&a, 0, sizeof a);
    a.map_fd = static_cast<u32>(map);
    a.key = reinterpret_cast<u64>(&key);
    a.value = reinterpret_cast<u64>(&fd);
    a.flags = flags;
    return bpf(BPF_MAP_UPDATE_ELEM, a);
  }
  // `text` with MAP for the map; both maps hold the sockets, key by key.
  void both(const std::string& name, u32 map_type, const std::vector<int>& sockets, std::string text,
            const Input& in) {
    const Bpf ours = [this](int cmd, union bpf_attr& a) { return osmia_(cmd, a); };
    Outcome outcome[2];
    for (const bool live : {true, false}) {
      const Bpf& bpf = live ? Bpf(live_bpf) : ours;
      const long map = make(bpf, map_type);
      ASSERT_GE(map, 0) << name;
      for (size_t i = 0; i < sockets.size(); i++) {
        const long r = put(bpf, map, static_cast<u32>(i), static_cast<u64>(sockets[i]));
        ASSERT_EQ(r, 0) << name << ", element " << i << (live ? " live" : " ours");
      }
      std::string with_map = text;
      for (size_t at; (at = with_map.find("MAP")) != with_map.npos;)
        with_map.replace(at, 3, "map[fd:" + std::to_string(map) + "]");
      std::string log;
      const long fd = load(bpf, BPF_PROG_TYPE_SK_LOOKUP, program(with_map), &log, 0, BPF_SK_LOOKUP);
      ASSERT_GE(fd, 0) << name << "\n" << log;
      outcome[live] = test_run(bpf, fd, in);
      if (live) {
        close(static_cast<int>(fd));
        close(static_cast<int>(map));
      } else {
        syscall::FdTable::instance().close(static_cast<int>(fd));
        syscall::FdTable::instance().close(static_cast<int>(map));
      }
    }
    EXPECT_EQ(outcome[0].result, outcome[1].result) << name;
    EXPECT_EQ(static_cast<s32>(outcome[0].retval), static_cast<s32>(outcome[1].retval)) << name;
    EXPECT_EQ(hex(outcome[0].ctx), hex(outcome[1].ctx)) << name;
    last_ = outcome[1];
  }
  static Input connection(bool v6, u32 protocol) {
    bpf_sk_lookup c{};
    c.family = v6 ? AF_INET6 : AF_INET;
    c.protocol = protocol;
    c.remote_port = 0x3412;
    c.local_port = 7007;
    if (v6)
      c.local_ip6[3] = c.remote_ip6[3] = 0x01000000;
    else
      c.local_ip4 = c.remote_ip4 = 0x0100007f;
    const auto* bytes = reinterpret_cast<const u8*>(&c);
    return {.ctx = {bytes, bytes + sizeof c}, .ctx_out_room = sizeof c, .want_data = false};
  }
  void TearDown() override { EXPECT_EQ(host::live_sockets(), 0u); }
  Outcome last_;
};

// Looks element `key` up, assigns it, lets it go; 1 plus what bpf_sk_assign() said, shifted into the
// positive.
std::string assign(int key, int flags, const char* first = "") {
  return std::string("r6 = r1\nr9 = 0\n") + first + "*(u32 *)(r10 -4) = " + std::to_string(key) +
         "\nr2 = r10\nr2 += -4\nr1 = MAP\ncall bpf_map_lookup_elem\nif r0 == 0 goto none\nr7 = r0\nr1 = "
         "r6\nr2 = r7\nr3 = " +
         std::to_string(flags) +
         "\ncall bpf_sk_assign\nr8 = r0\nr1 = r7\ncall bpf_sk_release\nif r8 == 0 goto yes\nr0 = 0\nexit\n" +
         "yes:\nr0 = 1\nexit\nnone:\nr0 = 0\nexit\n";
}

TEST_F(SocketMaps, ChosenByLookupPrograms) {
  const Fd tcp4 = testing_sockets::listen_on(loopback(false)),
           tcp6 = testing_sockets::listen_on(loopback(true)),
           dual = testing_sockets::listen_on({true, {}, 0}),
           only6 = testing_sockets::listen_on({true, {}, 0}, true);
  const Fd client = testing_sockets::connect_to(tcp4.own()), server = tcp4.accepted();
  const Fd udp4(socket(AF_INET, SOCK_DGRAM, 0)), udp6(socket(AF_INET6, SOCK_DGRAM, 0)),
      joined(socket(AF_INET, SOCK_DGRAM, 0));
  ASSERT_TRUE(udp4.bind(loopback(false)) && udp6.bind(loopback(true)) && joined.connect(udp4.own()));
  const Fd shared(socket(AF_INET, SOCK_DGRAM, 0));
  shared.set(SOL_SOCKET, SO_REUSEPORT, 1);
  ASSERT_TRUE(shared.bind(loopback(false)));
  const std::vector<int> sockets{tcp4.get(), tcp6.get(), dual.get(),   only6.get(), client.get(),
                                 udp4.get(), udp6.get(), joined.get(), shared.get()};
  for (const u32 type : {u32{BPF_MAP_TYPE_SOCKMAP}, u32{BPF_MAP_TYPE_SOCKHASH}})
    for (const bool v6 : {false, true})
      for (const u32 protocol : {6u, 17u})
        for (int key = 0; key < 10; key++)
          for (const int flags : {0, 1, 2, 3, 4})
            both((type == BPF_MAP_TYPE_SOCKMAP ? "sockmap[" : "sockhash[") + std::to_string(key) + "] v6 " +
                     std::to_string(v6) + " protocol " + std::to_string(protocol) + " flags " +
                     std::to_string(flags),
                 type, sockets, assign(key, flags), connection(v6, protocol));
  both("a listener", BPF_MAP_TYPE_SOCKMAP, sockets, assign(0, 0), connection(false, 6));
  u64 cookie = 0, own = 0;
  socklen_t size = sizeof own;
  getsockopt(tcp4.get(), SOL_SOCKET, SO_COOKIE, &own, &size);
  ASSERT_GE(last_.ctx.size(), sizeof cookie);
  std::memcpy(&cookie, last_.ctx.data(), sizeof cookie);
  EXPECT_EQ(cookie, own);
}

// A second choice replaces the first only if it says so.
TEST_F(SocketMaps, ReplacesAChoice) {
  const Fd a = testing_sockets::listen_on(loopback(false)), b = testing_sockets::listen_on(loopback(false));
  const std::string first =
      "*(u32 *)(r10 -4) = 1\nr2 = r10\nr2 += -4\nr1 = MAP\ncall bpf_map_lookup_elem\nif r0 == 0 goto "
      "none\nr7 = r0\nr1 = r6\n"
      "r2 = r7\nr3 = 0\ncall bpf_sk_assign\nr1 = r7\ncall bpf_sk_release\n";
  for (const int flags : {0, 1})
    both("replace " + std::to_string(flags), BPF_MAP_TYPE_SOCKMAP, {a.get(), b.get()},
         assign(0, flags, first.c_str()), connection(false, 6));
}

// Does not ask the running kernel.
class OwnSocketMaps : public SocketMaps {
  void SetUp() override {}
};

// A socket that was closed is no longer found.
TEST_F(OwnSocketMaps, ClosedSocketsAreGone) {
  const Bpf ours = [this](int cmd, union bpf_attr& a) { return osmia_(cmd, a); };
  Fd listener = testing_sockets::listen_on(loopback(false));
  const long map = make(ours, BPF_MAP_TYPE_SOCKMAP);
  ASSERT_EQ(put(ours, map, 0, static_cast<u64>(listener.get())), 0);
  const long fd =
      load(ours, BPF_PROG_TYPE_SK_LOOKUP,
           program("r6 = r1\n*(u32 *)(r10 -4) = 0\nr2 = r10\nr2 += -4\nr1 = map[fd:" + std::to_string(map) +
                   "]\ncall bpf_map_lookup_elem\nif r0 == 0 goto none\nr1 = r0\ncall bpf_sk_release\nr0 = 1\n"
                   "none:\nexit\n"),
           nullptr, 0, BPF_SK_LOOKUP);
  ASSERT_GE(fd, 0);
  EXPECT_EQ(test_run(ours, fd, connection(false, 6)).retval, 1u);
  listener.shut();
  EXPECT_EQ(test_run(ours, fd, connection(false, 6)).retval, 0u);
  syscall::FdTable::instance().close(static_cast<int>(fd));
  syscall::FdTable::instance().close(static_cast<int>(map));
}

}  // namespace
}  // namespace osmia::runtime
