// Test runs of the program types beside XDP and traffic control, on Osmia and on the running kernel: errnos,
// return values, what comes back. And XDP with fragments.
#include "packets.h"
#include "two_kernels.h"

namespace osmia::runtime {
namespace {

constexpr u32 kFrags = BPF_F_XDP_HAS_FRAGS;

std::vector<Input> options() {
  return {
      {.data = udp4(20)},
      {.data = udp6()},
      {.data = zeros(14)},
      {.data = zeros(13)},
      {.data = zeros(20)},
      {.data = {}},
      {.data = udp4(20), .repeat = 5},
      {.data = udp4(20), .flags = 1},
      {.data = udp4(20), .cpu = 1},
      {.data = udp4(20), .batch = 4},
      {.data = udp4(20), .ctx = zeros(8)},
      {.data = udp4(20), .ctx = counting(8)},
      {.data = udp4(20), .ctx = zeros(300), .ctx_out_room = 300},
      {.data = udp4(20), .out_room = 4},
      {.data = udp4(20), .want_data = false},
  };
}

TEST_F(TwoKernels, FragmentsGrowAndShrink) {
  prog_flags_ = kFrags;
  std::vector<Input> in;
  for (const size_t n : {60u, 3500u, 3520u, 3521u, 5000u, 7616u, 7617u, 9000u, 11712u, 20000u, 64000u})
    in.push_back({.data = counting(n), .out_room = 70000});
  for (const int delta : {0,  1,  8,    100,   575,   576,   577,   2000,  4095,  4096,
                          -1, -8, -100, -1480, -1481, -4096, -5000, -8986, -8987, -63986})
    compare("frags: adjust_tail " + std::to_string(delta), BPF_PROG_TYPE_XDP,
            "r6 = r1\nr2 = " + std::to_string(delta) +
                "\ncall bpf_xdp_adjust_tail\nr7 = r0\nr1 = r6\ncall bpf_xdp_get_buff_len\nr7 <<= 20\nr0 += "
                "r7\nr1 = *(u32 *)(r6 +0)\nr2 = "
                "*(u32 *)(r6 +4)\nr2 -= r1\nr0 ^= r2\nexit",
            in);
}

TEST_F(TwoKernels, FragmentsHeadAndMeta) {
  prog_flags_ = kFrags;
  for (const char* helper : {"bpf_xdp_adjust_head", "bpf_xdp_adjust_meta"})
    for (const int delta : {-216, -200, -4, 0, 4, 32, 3000, 3519, 3520})
      compare(std::string("frags: ") + helper + " " + std::to_string(delta), BPF_PROG_TYPE_XDP,
              std::string("r6 = r1\nr2 = ") + std::to_string(delta) + "\ncall " + helper +
                  "\nr7 = r0\nr1 = r6\ncall bpf_xdp_get_buff_len\nr7 <<= 20\nr0 += r7\nexit",
              {{.data = counting(3520)}, {.data = counting(9000), .out_room = 16384}});
}

TEST_F(TwoKernels, FragmentsBytes) {
  prog_flags_ = kFrags;
  for (const int offset : {0, 3516, 3519, 3520, 7612, 7616, 8992, 8993, 65535, 65536})
    compare("frags: bytes at " + std::to_string(offset), BPF_PROG_TYPE_XDP,
            "r6 = r1\nr2 = " + std::to_string(offset) +
                "\nr3 = r10\nr3 += -8\n*(u64 *)(r10 -8) = 0\nr4 = 8\ncall bpf_xdp_load_bytes\nr7 = r0\nr8 = "
                "*(u64 *)(r10 -8)\nr8 ^= "
                "-1\n*(u64 *)(r10 -8) = r8\nr1 = r6\nr2 = " +
                std::to_string(offset) +
                "\nr3 = r10\nr3 += -8\nr4 = 8\ncall bpf_xdp_store_bytes\nr0 += r7\nr0 ^= r8\nexit",
            {{.data = counting(9000), .out_room = 16384}});
}

TEST_F(TwoKernels, CgroupSkb) {
  for (const u32 attach : {BPF_CGROUP_INET_INGRESS, BPF_CGROUP_INET_EGRESS}) {
    attach_type_ = attach;
    compare("cgroup_skb", BPF_PROG_TYPE_CGROUP_SKB, "r0 = *(u32 *)(r1 +0)\nr0 &= 1\nexit", options());
    compare("cgroup_skb pointers", BPF_PROG_TYPE_CGROUP_SKB,
            "r2 = *(u32 *)(r1 +76)\nr3 = *(u32 *)(r1 +80)\nr0 = 0\nr2 += 1\nif r2 > r3 goto out\nr0 = "
            "1\nout:\nexit",
            options());
  }
}

TEST_F(TwoKernels, Tunnels) {
  for (const u32 type : {BPF_PROG_TYPE_LWT_IN, BPF_PROG_TYPE_LWT_OUT, BPF_PROG_TYPE_LWT_XMIT})
    compare("lwt", type,
            "r2 = *(u32 *)(r1 +76)\nr3 = *(u32 *)(r1 +80)\nr0 = r3\nr0 -= r2\nr2 += 4\nif r2 > r3 goto "
            "out\nr2 = *(u8 *)(r2 -4)\nr0 <<= "
            "8\nr0 |= r2\nout:\nexit",
            options());
}

TEST_F(TwoKernels, FlowDissector) {
  attach_type_ = BPF_FLOW_DISSECTOR;
  std::vector<Input> in = options();
  in.push_back({.data = udp4(20), .ctx = zeros(56), .ctx_out_room = 56});
  std::vector<u8> flags(56);
  flags[48] = 1;
  in.push_back({.data = udp4(20), .ctx = flags, .ctx_out_room = 56});
  in.push_back({.data = counting(3000)});
  in.push_back({.data = counting(4096)});
  compare("dissector: nothing", BPF_PROG_TYPE_FLOW_DISSECTOR, "r0 = 0\nexit", in);
  compare("dissector: keys", BPF_PROG_TYPE_FLOW_DISSECTOR,
          "r2 = *(u64 *)(r1 +144)\nr3 = 200\n*(u16 *)(r2 +0) = r3\nr3 = 65535\n*(u16 *)(r2 +2) = r3\nr3 = "
          "17\n*(u8 *)(r2 +9) = r3\nr0 = "
          "*(u32 *)(r1 +76)\nr3 = *(u32 *)(r1 +80)\nr3 -= r0\nr0 = r3\nexit",
          in);
}

TEST_F(TwoKernels, SocketLookup) {
  attach_type_ = BPF_SK_LOOKUP;
  std::vector<Input> in;
  const auto with = [&](u32 family, u32 protocol, u32 remote, u32 local, size_t size = 72, u64 cookie = 0) {
    std::vector<u8> ctx(size);
    const u32 words[] = {static_cast<u32>(cookie), static_cast<u32>(cookie >> 32), family, protocol,
                         0x0100007f};
    std::memcpy(ctx.data(), words, sizeof words);
    if (size >= 72) {
      std::memcpy(&ctx[36], &remote, 4);
      std::memcpy(&ctx[60], &local, 4);
    }
    in.push_back({.ctx = ctx, .ctx_out_room = 72, .want_data = false});
  };
  with(2, 6, 80, 8080);
  with(10, 17, 80, 8080);
  with(2, 6, 0x5000, 65535);
  with(2, 6, 80, 65536);
  with(1, 6, 80, 80);
  with(2, 6, 80, 80, 72, 5);
  with(2, 6, 80, 80, 64);
  with(2, 6, 80, 80, 100);
  in.push_back({.want_data = false});
  in.push_back({.data = udp4(4)});
  in.push_back({.ctx = zeros(72), .repeat = 3, .want_data = false});
  compare("sk_lookup", BPF_PROG_TYPE_SK_LOOKUP, "r2 = *(u32 *)(r1 +64)\nr0 = *(u32 *)(r1 +60)\nr0 &= 1\nexit",
          in);
}

TEST_F(TwoKernels, RawTracepointAndSyscall) {
  std::vector<Input> in;
  for (const size_t n : {8u, 15u, 16u, 24u, 96u, 97u, 200u})
    in.push_back({.ctx = counting(n), .want_data = false});
  in.push_back({.want_data = false});
  in.push_back({.ctx = counting(16)});
  in.push_back({.ctx = counting(16), .repeat = 1, .want_data = false});
  in.push_back({.ctx = counting(16), .flags = 1, .want_data = false});
  in.push_back({.ctx = counting(16), .flags = 1, .cpu = 100000, .want_data = false});
  in.push_back({.ctx = counting(16), .cpu = 1, .want_data = false});
  in.push_back({.ctx = counting(16), .flags = 2, .want_data = false});
  in.push_back({.ctx = counting(16), .ctx_out_room = 16, .want_data = false});
  compare("raw_tp", BPF_PROG_TYPE_RAW_TRACEPOINT, "r0 = *(u64 *)(r1 +8)\nr0 &= 0xffff\nexit", in);
  prog_flags_ = BPF_F_SLEEPABLE;
  compare("syscall", BPF_PROG_TYPE_SYSCALL, "r0 = *(u64 *)(r1 +8)\nr0 &= 0xffff\nexit", in);
}

TEST_F(TwoKernels, TypesWithoutATestRun) {
  const std::vector<Input> in = {{.data = udp4(4)}, {.ctx = zeros(8), .want_data = false}};
  compare("kprobe", BPF_PROG_TYPE_KPROBE, "r0 = 0\nexit", in);
  compare("tracepoint", BPF_PROG_TYPE_TRACEPOINT, "r0 = 0\nexit", in);
  compare("perf_event", BPF_PROG_TYPE_PERF_EVENT, "r0 = 0\nexit", in);
  compare("sk_msg", BPF_PROG_TYPE_SK_MSG, "r0 = 1\nexit", in);
  compare("sk_skb", BPF_PROG_TYPE_SK_SKB, "r0 = 1\nexit", in);
  compare("sock_ops", BPF_PROG_TYPE_SOCK_OPS, "r0 = 1\nexit", in);
  compare("cgroup_device", BPF_PROG_TYPE_CGROUP_DEVICE, "r0 = 1\nexit", in);
}

}  // namespace
}  // namespace osmia::runtime
