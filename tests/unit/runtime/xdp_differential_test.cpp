// XDP on Osmia and on the running kernel: return values, packets, contexts, errnos.
#include "packets.h"
#include "two_kernels.h"

namespace osmia::runtime {
namespace {

std::vector<Input> packets() {
  std::vector<Input> in;
  for (const auto& p : {zeros(14), zeros(60), counting(14), counting(64), counting(1500), udp4(0), udp4(20),
                        udp6(), tagged(0x2064)})
    in.push_back({.data = p});
  return in;
}
std::vector<u8> xdp_md(u32 data, u32 data_end, u32 meta = 0, u32 ingress = 0, u32 queue = 0, u32 egress = 0) {
  const u32 words[6] = {data, data_end, meta, ingress, queue, egress};
  std::vector<u8> out(24);
  std::memcpy(out.data(), words, 24);
  return out;
}

TEST_F(TwoKernels, XdpReturnValues) {
  for (const char* r0 : {"0", "1", "2", "3", "4", "5", "-1", "0x7fffffff ll"})
    compare(std::string("r0 = ") + r0, BPF_PROG_TYPE_XDP, std::string("r0 = ") + r0 + "\nexit", packets());
}

TEST_F(TwoKernels, XdpSizesAndErrors) {
  std::vector<Input> in;
  for (const size_t n : {1u, 13u, 14u, 15u, 3000u, 3520u, 3521u, 4096u, 9000u})
    in.push_back({.data = counting(n), .out_room = 16384});
  in.push_back({});
  in.push_back({.data = counting(64), .out_room = 10});
  in.push_back({.data = counting(64), .out_room = 0});
  in.push_back({.data = counting(64), .want_data = false});
  in.push_back({.data = counting(64), .repeat = 1});
  in.push_back({.data = counting(64), .repeat = 100});
  in.push_back({.data = counting(64), .flags = 1});
  in.push_back({.data = counting(64), .flags = 4});
  in.push_back({.data = counting(64), .batch = 1});
  compare("sizes", BPF_PROG_TYPE_XDP, "r0 = 2\nexit", in);
}

TEST_F(TwoKernels, XdpContextIn) {
  std::vector<Input> in;
  auto with = [&](std::vector<u8> ctx, u32 room = 24) {
    in.push_back({.data = counting(100), .ctx = std::move(ctx), .ctx_out_room = room});
  };
  with(xdp_md(0, 100));
  with(xdp_md(4, 100));
  with(xdp_md(32, 100));
  with(xdp_md(3, 100));
  with(xdp_md(0, 101));
  with(xdp_md(0, 60));
  with(xdp_md(64, 60));
  with(xdp_md(88, 100));
  with(xdp_md(0, 100, 4));
  with(xdp_md(0, 100, 0, 1));
  with(xdp_md(0, 100, 0, 1, 1));
  with(xdp_md(0, 100, 0, 0, 1));
  with(xdp_md(0, 100, 0, 0, 0, 1));
  with(xdp_md(0, 100, 0, 987654));
  with(xdp_md(0, 100), 8);
  with(xdp_md(0, 100), 64);
  with({}, 24);
  auto longer = xdp_md(0, 100);
  longer.resize(40);
  with(longer);
  longer[30] = 1;
  with(longer);
  auto shorter = xdp_md(0, 100);
  shorter.resize(8);
  with(shorter);
  compare("context", BPF_PROG_TYPE_XDP,
          "r6 = *(u32 *)(r1 +12)\nr7 = *(u32 *)(r1 +16)\nr2 = *(u32 *)(r1 +0)\nr3 = *(u32 *)(r1 +8)\nr4 = "
          "*(u32 *)(r1 +4)\n"
          "r0 = r4\nr0 -= r2\nr2 -= r3\nr2 <<= 16\nr0 += r2\nr6 <<= 28\nr0 += r6\nr7 <<= 30\nr0 += r7\nexit",
          in);
}

TEST_F(TwoKernels, XdpReadsAndWritesThePacket) {
  compare("swap addresses", BPF_PROG_TYPE_XDP, R"(
r2 = *(u32 *)(r1 +4)
r1 = *(u32 *)(r1 +0)
r3 = r1
r3 += 14
r0 = 1
if r3 > r2 goto out
r3 = *(u32 *)(r1 +0)
r4 = *(u16 *)(r1 +4)
r5 = *(u32 *)(r1 +6)
r6 = *(u16 *)(r1 +10)
*(u32 *)(r1 +0) = r5
*(u16 *)(r1 +4) = r6
*(u32 *)(r1 +6) = r3
*(u16 *)(r1 +10) = r4
r0 = *(u16 *)(r1 +12)
r0 = be16 r0
out:
exit
)",
          packets());
}

TEST_F(TwoKernels, XdpAdjusts) {
  for (const char* helper : {"bpf_xdp_adjust_head", "bpf_xdp_adjust_tail", "bpf_xdp_adjust_meta"})
    for (const int delta : {0,    1,    4,     14,   32,   46,   47,    100,    255,        256,
                            2000, 5000, 70000, -1,   -4,   -8,   -14,   -32,    -46,        -200,
                            -216, -217, -252,  -255, -256, -257, -3000, -70000, 0x7fffffff, -0x7fffffff})
      compare(std::string(helper) + " " + std::to_string(delta), BPF_PROG_TYPE_XDP,
              "r6 = r1\nr2 = " + std::to_string(delta) + "\ncall " + helper +
                  "\nr7 = r0\nr1 = *(u32 *)(r6 +0)\nr2 = *(u32 *)(r6 +4)\nr3 = *(u32 *)(r6 +8)\nr0 = r2\nr0 "
                  "-= r1\nr1 -= r3\nr1 <<= 16\nr0 += r1\nr7 <<= 26\nr0 ^= r7\nexit",
              {{.data = counting(60)},
               {.data = counting(60), .ctx = xdp_md(8, 60), .ctx_out_room = 24},
               {.data = counting(3520)},
               {.data = counting(60), .repeat = 3},
               {.data = counting(5000), .out_room = 16384, .repeat = 0}});
}

TEST_F(TwoKernels, XdpAdjustTwice) {
  compare("meta then head", BPF_PROG_TYPE_XDP,
          "r6 = r1\nr2 = -12\ncall bpf_xdp_adjust_meta\nr7 = r0\nr1 = *(u32 *)(r6 +8)\nr2 = *(u32 *)(r6 "
          "+0)\nr3 = r1\nr3 += 12\n"
          "if r3 > r2 goto next\n*(u64 *)(r1 +0) = 0x11223344\n*(u32 *)(r1 +8) = 0x55\nnext:\nr1 = r6\nr2 = "
          "-20\ncall bpf_xdp_adjust_head\n"
          "r7 += r0\nr1 = r6\nr2 = 8\ncall bpf_xdp_adjust_head\nr0 += r7\nexit",
          {{.data = counting(60), .ctx = xdp_md(0, 60), .ctx_out_room = 24}, {.data = counting(60)}});
}

TEST_F(TwoKernels, XdpLoadAndStoreBytes) {
  for (const int offset : {0, 1, 13, 52, 53, 60, 3515, 4000, 8990, 8993, 65535, 65536, -1})
    compare("bytes at " + std::to_string(offset), BPF_PROG_TYPE_XDP,
            "r6 = r1\nr2 = " + std::to_string(offset) +
                "\nr3 = r10\nr3 += -8\n*(u64 *)(r10 -8) = 0\nr4 = 8\ncall bpf_xdp_load_bytes\nr7 = r0\nr8 = "
                "*(u64 *)(r10 -8)\n"
                "r1 = r6\nr2 = " +
                std::to_string(offset) +
                "\nr8 ^= -1\n*(u64 *)(r10 -8) = r8\nr3 = r10\nr3 += -8\nr4 = 8\ncall bpf_xdp_store_bytes\nr7 "
                "<<= 8\nr0 += r7\n"
                "r8 += r0\nr1 = r6\ncall bpf_xdp_get_buff_len\nr8 += r0\nr0 = r8\nexit",
            {{.data = counting(60)}, {.data = counting(9001), .out_room = 16384}});
}

TEST_F(TwoKernels, XdpOverTheCapture) {
  std::vector<Input> in;
  for (auto& p : capture(OSMIA_SOURCE_DIR "/examples/captures/http_dns.pcap")) in.push_back({.data = p});
  ASSERT_GT(in.size(), 20u);
  // Counts the bytes of the IPv4 header and the ports into r0 (drop, or a number), decrements the TTL.
  compare("ttl", BPF_PROG_TYPE_XDP, R"(
r2 = *(u32 *)(r1 +4)
r1 = *(u32 *)(r1 +0)
r3 = r1
r3 += 38
r0 = 1
if r3 > r2 goto out
r3 = *(u16 *)(r1 +12)
r0 = 2
if r3 != 8 goto out
r4 = *(u8 *)(r1 +22)
r4 -= 1
*(u8 *)(r1 +22) = r4
r0 = *(u16 *)(r1 +34)
r5 = *(u16 *)(r1 +36)
r0 = be16 r0
r5 = be16 r5
r0 ^= r5
r5 = *(u32 *)(r1 +26)
w0 += w5
out:
exit
)",
          in);
}

}  // namespace
}  // namespace osmia::runtime
