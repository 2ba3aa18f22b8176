// Socket buffer programs on Osmia and on the running kernel.
#include <cstddef>

#include "packets.h"
#include "two_kernels.h"

namespace osmia::runtime {
namespace {

std::vector<std::vector<u8>> packets() {
  return {
      zeros(14),      zeros(60),
      counting(14),   counting(64),
      counting(1500), udp4(0),
      udp4(20),       udp6(),
      tagged(0x2064), {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5, 6, 0x00, 0x20, 0xff, 0xff, 0, 1}};
}
std::vector<Input> inputs() {
  std::vector<Input> in;
  for (const auto& p : packets()) in.push_back({.data = p});
  return in;
}
std::vector<u8> bytes_of(const __sk_buff& c) {
  const auto* p = reinterpret_cast<const u8*>(&c);
  return {p, p + sizeof c};
}
constexpr u32 kCls = BPF_PROG_TYPE_SCHED_CLS, kFilter = BPF_PROG_TYPE_SOCKET_FILTER,
              kCgroup = BPF_PROG_TYPE_CGROUP_SKB;

TEST_F(TwoKernels, SkbReturnValuesAndPackets) {
  for (const u32 type : {kCls, kFilter, u32{BPF_PROG_TYPE_SCHED_ACT}, kCgroup, u32{BPF_PROG_TYPE_LWT_IN},
                         u32{BPF_PROG_TYPE_LWT_OUT}})
    compare("type " + std::to_string(type), type, "r0 = 1\nexit", inputs());
}

TEST_F(TwoKernels, SkbErrors) {
  std::vector<Input> in;
  for (const size_t n : {1u, 13u, 14u, 3000u, 3700u, 3711u, 3712u, 3713u, 4096u, 5000u, 66000u})
    in.push_back({.data = counting(n)});
  auto short4 = udp4(0), short6 = udp6();
  short4.resize(33);
  short6.resize(53);
  in.push_back({.data = short4});
  in.push_back({.data = short6});
  in.push_back({});
  in.push_back({.data = counting(64), .out_room = 10});
  in.push_back({.data = counting(64), .out_room = 0});
  in.push_back({.data = counting(64), .want_data = false});
  in.push_back({.data = counting(64), .repeat = 5});
  in.push_back({.data = counting(64), .flags = 2});
  in.push_back({.data = counting(64), .cpu = 1});
  in.push_back({.data = counting(64), .batch = 1});
  compare("errors", kCls, "r0 = 1\nexit", in);
  compare("errors", kFilter, "r0 = 1\nexit", in);
}

// Every byte of __sk_buff set alone: allowed or refused, and what comes back.
TEST_F(TwoKernels, SkbContextByteByByte) {
  std::vector<Input> in;
  for (size_t i = 0; i < sizeof(__sk_buff); i++) {
    // A device of that number may or may not be there, and its own index comes back.
    if (i >= offsetof(__sk_buff, ifindex) && i < offsetof(__sk_buff, ifindex) + 4 &&
        i != offsetof(__sk_buff, ifindex) + 3)
      continue;
    __sk_buff c{};
    reinterpret_cast<u8*>(&c)[i] = 0x41;
    in.push_back({.data = udp4(20), .ctx = bytes_of(c), .ctx_out_room = sizeof c});
  }
  compare("bytes", kCls, "r0 = *(u32 *)(r1 +0)\nexit", in);
}

TEST_F(TwoKernels, SkbContextSizes) {
  std::vector<Input> in;
  __sk_buff c{};
  c.mark = 7, c.priority = 9, c.wire_len = 100, c.gso_segs = 3, c.gso_size = 5, c.cb[4] = 77,
  c.tstamp = 1234567, c.hwtstamp = 99;
  for (const u32 wire : {0u, 1u, 61u, 62u, 65536u, 65537u}) {
    c.wire_len = wire;
    in.push_back({.data = udp4(20), .ctx = bytes_of(c), .ctx_out_room = sizeof c});
  }
  c.wire_len = 0;
  for (const size_t n : {8u, 100u, 180u, 192u, 200u}) {
    auto bytes = bytes_of(c);
    bytes.resize(n);
    in.push_back({.data = udp4(20), .ctx = bytes, .ctx_out_room = 192});
    in.push_back({.data = udp4(20), .ctx = bytes, .ctx_out_room = 20});
  }
  auto longer = bytes_of(c);
  longer.resize(250);
  longer[249] = 1;
  in.push_back({.data = udp4(20), .ctx = longer, .ctx_out_room = 192});
  in.push_back({.data = udp4(20), .ctx_out_room = 192});
  compare("sizes", kCls, "r0 = 0\nexit", in);
  compare("sizes", kFilter, "r0 = 0\nexit", in);
}

// Every field, whole and narrow, as the program reads it.
TEST_F(TwoKernels, SkbFieldsReadWholeAndNarrow) {
  __sk_buff c{};
  c.mark = 0x11223344, c.priority = 0x55667788, c.ingress_ifindex = 1, c.tstamp = 0x0123456789abcdef,
  c.wire_len = 0x1234, c.gso_segs = 0x4321;
  c.gso_size = 0x567, c.hwtstamp = 0x1122334455667788;
  for (int i = 0; i < 5; i++) c.cb[i] = 0x01020304u * static_cast<u32>(i + 1);
  std::vector<Input> in;
  for (const auto& p : packets()) in.push_back({.data = p});
  in.push_back({.data = udp4(20), .ctx = bytes_of(c), .ctx_out_room = sizeof c});
  in.push_back({.data = udp4(20), .ctx = bytes_of(c)});
  for (const u32 type : {kCls, kFilter, kCgroup})
    for (u32 off = 0; off < sizeof(__sk_buff); off++)
      for (const int size : {1, 2, 4, 8}) {
        if (off % static_cast<u32>(size)) continue;
        // Addresses differ between the kernels, and a hash is random.
        const bool address =
            (off >= 76 && off < 84) || (off >= 140 && off < 152) || (off >= 168 && off < 176);
        if (address) continue;
        // Verdicts are compared too: refused by one is refused by both. Returned in two halves, cut to 0 or 1
        // where a range is checked.
        const std::string load =
            "r0 = *(u" + std::to_string(size * 8) + " *)(r1 +" + std::to_string(off) + ")\n";
        const std::string cut = type == kCgroup ? "r1 = r0\nr0 = 0\nif r1 == 0 goto +1\nr0 = 1\nexit"
                                                : "r1 = r0\nr1 >>= 32\nr0 ^= r1\nexit";
        compare("type " + std::to_string(type) + " offset " + std::to_string(off) + " size " +
                    std::to_string(size),
                type, load + cut, in);
        if (HasFailure()) return;
      }
}

TEST_F(TwoKernels, SkbFieldsWritten) {
  for (const u32 off : {8u, 12u, 32u, 44u, 48u, 64u, 72u, 152u})
    for (const int size : {1, 2, 4, 8})
      for (const u32 type : {kCls, kFilter}) {
        if (off % static_cast<u32>(size)) continue;
        const std::string where = "*(u" + std::to_string(size * 8) + " *)(r1 +" + std::to_string(off) + ")";
        compare("write " + where + " type " + std::to_string(type), type,
                "r2 = 0x8899aabbccddeeff ll\n" + where + " = r2\nr0 = " + where +
                    "\nr2 = r0\nr2 >>= 32\nr0 ^= r2\nexit",
                {{.data = udp4(20), .ctx_out_room = 192}});
        compare("write immediate " + where, type, where + " = 4660\nr0 = " + where + "\nexit",
                {{.data = udp4(20), .ctx_out_room = 192}});
      }
}

TEST_F(TwoKernels, SkbPacketLoads) {
  for (const char* load :
       {"r0 = *(u8 *)skb[0]", "r0 = *(u16 *)skb[12]", "r0 = *(u32 *)skb[14]", "r0 = *(u8 *)skb[59]",
        "r0 = *(u16 *)skb[59]", "r0 = *(u32 *)skb[1496]", "r0 = *(u16 *)skb[-2097140]",
        "r0 = *(u8 *)skb[-1048567]", "r0 = *(u8 *)skb[-1]", "r7 = 9\nr0 = *(u8 *)skb[r7 + 5]",
        "r7 = 60\nr0 = *(u32 *)skb[r7 + 0]", "r7 = -1048576\nr0 = *(u8 *)skb[r7 + 9]"})
    for (const u32 type : {kCls, kFilter})
      compare(std::string(load) + " type " + std::to_string(type), type,
              std::string("r6 = r1\n") + load + "\nr0 += 3\nexit", inputs());
}

TEST_F(TwoKernels, SkbHelpersOnBytes) {
  for (const int offset : {0, 1, 12, 14, 20, 54, 56, 60, 1490, -1, 0x7fffffff, 70000}) {
    const std::string off = std::to_string(offset);
    compare("load " + off, kCls,
            "r2 = " + off +
                "\nr3 = r10\nr3 += -8\nr4 = 8\ncall bpf_skb_load_bytes\nr1 = *(u64 *)(r10 -8)\nr2 = r1\nr2 "
                ">>= 32\nr0 += r1\nr0 ^= r2\nexit",
            inputs());
    for (const int start : {0, 1, 2})
      for (const u32 type : {kCls, kFilter})
        compare("relative " + off, type,
                "r2 = " + off + "\nr3 = r10\nr3 += -4\nr4 = 4\nr5 = " + std::to_string(start) +
                    "\ncall bpf_skb_load_bytes_relative\nr1 = *(u32 *)(r10 -4)\nr0 += r1\nexit",
                inputs());
    for (const int flags : {0, 1, 2, 4})
      compare("store " + off, kCls,
              "*(u64 *)(r10 -8) = 0x1234567\nr2 = " + off + "\nr3 = r10\nr3 += -8\nr4 = 7\nr5 = " +
                  std::to_string(flags) + "\ncall bpf_skb_store_bytes\nexit",
              inputs());
    for (const int flags : {0, 2, 4, 3, 16}) {
      const std::string from = flags == 0 ? "0" : "0x12345678", to = "0x9abcdef0 ll";
      compare("l3 " + off, kCls,
              "r2 = " + off + "\nw3 = " + from + "\nr4 = " + to + "\nr5 = " + std::to_string(flags) +
                  "\ncall bpf_l3_csum_replace\nexit",
              inputs());
      compare("l4 " + off, kCls,
              "r2 = " + off + "\nw3 = " + from + "\nr4 = " + to + "\nr5 = " + std::to_string(flags) +
                  "\ncall bpf_l4_csum_replace\nexit",
              inputs());
      compare("l4 mangled " + off, kCls,
              "r2 = " + off + "\nw3 = " + from + "\nr4 = " + to + "\nr5 = " + std::to_string(flags | 32) +
                  "\ncall bpf_l4_csum_replace\nexit",
              inputs());
    }
  }
}

TEST_F(TwoKernels, SkbChangesOfSize) {
  const std::string tail =
      "\nr7 = r0\nr1 = r6\nr0 = *(u32 *)(r1 +0)\nr7 <<= 20\nr0 ^= r7\nr2 = *(u32 *)(r6 +80)\nr1 = *(u32 "
      "*)(r6 +76)\nr2 -= r1\nr2 <<= 8\nr0 += r2\nexit";
  for (const int n : {0, 10, 13, 14, 15, 60, 64, 200, 4000, 16064, 16065, -1}) {
    const std::string len = std::to_string(n);
    compare("tail " + len, kCls, "r6 = r1\nr2 = " + len + "\nr3 = 0\ncall bpf_skb_change_tail" + tail,
            inputs());
    compare("head " + len, kCls, "r6 = r1\nr2 = " + len + "\nr3 = 0\ncall bpf_skb_change_head" + tail,
            inputs());
    compare("pull " + len, kCls, "r6 = r1\nr2 = " + len + "\ncall bpf_skb_pull_data" + tail, inputs());
  }
  compare("tail flags", kCls, "r6 = r1\nr2 = 20\nr3 = 1\ncall bpf_skb_change_tail" + tail, inputs());
}

TEST_F(TwoKernels, SkbVlan) {
  const std::string fields =
      "r0 = *(u32 *)(r6 +20)\nr1 = *(u32 *)(r6 +24)\nr0 ^= r1\nr1 = *(u32 *)(r6 +28)\nr1 <<= 16\nr0 ^= "
      "r1\nr1 = *(u32 *)(r6 +16)\nr0 += r1\n"
      "r1 = *(u32 *)(r6 +0)\nr1 <<= 20\nr0 ^= r1\nexit";
  const std::string push = "r1 = r6\nr2 = 0x8100\nr2 = be16 r2\nr3 = 0x2065\ncall bpf_skb_vlan_push\n",
                    pop = "r1 = r6\ncall bpf_skb_vlan_pop\n";
  auto in = inputs();
  auto twice = tagged(5);
  const u8 outer[] = {0x88, 0xa8, 0x10, 0x09};
  twice.insert(twice.begin() + 12, outer, outer + 4);
  in.push_back({.data = twice});
  compare("push", kCls, "r6 = r1\n" + push + fields, in);
  compare("push twice", kCls, "r6 = r1\n" + push + push + fields, in);
  compare("pop", kCls, "r6 = r1\n" + pop + fields, in);
  compare("pop twice", kCls, "r6 = r1\n" + pop + pop + fields, in);
  compare("push push pop", kCls, "r6 = r1\n" + push + push + pop + fields, in);
  compare("pop push push push", kCls, "r6 = r1\n" + pop + push + push + push + fields, in);
}

TEST_F(TwoKernels, SkbTypeAndCsumLevel) {
  for (const int t : {0, 1, 2, 3, 4, 7, -1})
    compare("type", kCls,
            "r6 = r1\nr2 = " + std::to_string(t) +
                "\ncall bpf_skb_change_type\nr1 = *(u32 *)(r6 +4)\nr0 += r1\nexit",
            inputs());
  for (const int l : {0, 1, 2, 3, 4})
    compare("level", kCls,
            "r6 = r1\nr2 = 1\ncall bpf_csum_level\nr7 = r0\nr1 = r6\nr2 = " + std::to_string(l) +
                "\ncall bpf_csum_level\nr7 += r0\nr1 = r6\nr2 = 0\ncall bpf_csum_level\nr0 += r7\nexit",
            inputs());
  compare("csum_update", kCls, "r2 = 5\ncall bpf_csum_update\nexit",
          {{.data = udp4(20)}, {.data = udp4(20), .flags = 4}});
}

}  // namespace
}  // namespace osmia::runtime
