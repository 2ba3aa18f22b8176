// The socket dialect where it goes beyond libpcap's interpreter: negative offsets, ancillary values, 32-bit
// wrap-around. Expectations: Linux 6.12, net/core/filter.c.
#include <gtest/gtest.h>

#include "packets.h"
#include "runtime/classic.h"

namespace osmia {
namespace {

using isa::ClassicInsn;

constexpr u32 kAd = 0xfffff000, kNet = 0xfff00000, kLink = 0xffe00000;
constexpr u16 kLdW = 0x20, kLdH = 0x28, kLdB = 0x30, kLdIndB = 0x50, kImm = 0x00, kLdxImm = 0x01;

// A TCP packet in a VLAN-less Ethernet frame.
const std::vector<u8> kFrame = [] {
  for (const auto& p : classic_test::packets())
    if (p.wire_length == p.bytes.size() && p.bytes.size() > 90 && p.bytes[12] == 8 && p.bytes[23] == 6 &&
        p.bytes[14] == 0x45)
      return p.bytes;
  return std::vector<u8>();
}();

u32 run(std::vector<ClassicInsn> p, runtime::ClassicPacket packet) {
  p.push_back({0x16, 0, 0, 0});
  u32 result[2];
  for (int i = 0; i < 2; i++) {
    const auto kernel = classic_test::kernel_with(i ? runtime::JitMode::kOn : runtime::JitMode::kOff);
    const auto filter = runtime::load_classic(*kernel, p, isa::ClassicDialect::kSocket);
    EXPECT_TRUE(filter.ok()) << filter.error().message;
    if (!filter.ok()) return ~0u;
    result[i] = runtime::run_classic(*filter, packet);
  }
  EXPECT_EQ(result[0], result[1]);
  return result[0];
}
u32 run(std::vector<ClassicInsn> p) {
  return run(std::move(p), {.bytes = kFrame, .protocol = 0x0800, .hatype = 1});
}

TEST(SocketDialect, NegativeOffsets) {
  ASSERT_FALSE(kFrame.empty());
  EXPECT_EQ(run({{kLdB, 0, 0, kNet}}), 0x45u);
  EXPECT_EQ(run({{kLdB, 0, 0, kNet + 9}}), 6u);
  EXPECT_EQ(run({{kLdH, 0, 0, kLink + 12}}), 0x0800u);
  EXPECT_EQ(run({{kLdW, 0, 0, kNet + 0x8000}, {0x04, 0, 0, 1}}), 0u);  // outside: the program ends with 0
  EXPECT_EQ(run({{kLdxImm, 0, 0, 3}, {kLdIndB, 0, 0, kNet + 6}}), 6u);
  EXPECT_EQ(run({{kLdxImm, 0, 0, 0xfffffff0}, {kLdIndB, 0, 0, 16 + 12}}), 0x08u);  // wraps around
  EXPECT_EQ(run({{kLdxImm, 0, 0, kAd}, {kLdIndB, 0, 0, 0}, {0x04, 0, 0, 1}}), 0u);
  EXPECT_EQ(run({{0xb1, 0, 0, 14}, {0x87, 0, 0, 0}}), 20u);
  EXPECT_EQ(run({{kImm, 0, 0, 5}, {0xb1, 0, 0, kNet}}), 5u);  // A stays
}

TEST(SocketDialect, Ancillary) {
  EXPECT_EQ(run({{kLdH, 0, 0, kAd + 0}}), 0x0800u);                                   // protocol, host order
  EXPECT_EQ(run({{kLdW, 0, 0, kAd + 8}}), 1u);                                        // ifindex
  EXPECT_EQ(run({{kLdW, 0, 0, kAd + 28}}), 1u);                                       // hatype
  EXPECT_EQ(run({{kLdW, 0, 0, kAd + 20}}), 0u);                                       // mark
  EXPECT_EQ(run({{kLdW, 0, 0, kAd + 48}}), 0u);                                       // no tag
  EXPECT_EQ(run({{kImm, 0, 0, 6}, {kLdxImm, 0, 0, 3}, {kLdW, 0, 0, kAd + 40}}), 5u);  // A ^= X
  EXPECT_LT(run({{kLdW, 0, 0, kAd + 36}}), 4096u);                                    // cpu
  EXPECT_EQ(run({{kLdxImm, 0, 0, 9}, {kLdW, 0, 0, kAd + 56}, {0x87, 0, 0, 0}}), 9u);  // random leaves X alone
  EXPECT_EQ(run({{0x80, 0, 0, 0}}), kFrame.size());
}

TEST(SocketDialect, PayloadOffset) {
  EXPECT_EQ(run({{kLdW, 0, 0, kAd + 52}}), 14u + 20 + (kFrame[46] >> 4) * 4);
  int seen = 0;
  for (const auto& p : classic_test::packets()) {
    if (p.wire_length != p.bytes.size()) continue;
    const u16 type = static_cast<u16>(p.bytes[12] << 8 | p.bytes[13]);
    const u32 got =
        run({{kLdW, 0, 0, kAd + 52}}, {.bytes = p.bytes, .wire_length = p.wire_length, .protocol = type});
    EXPECT_LE(got, p.bytes.size() + 60);
    if (type == 0x0806) {
      EXPECT_EQ(got, 0u);
    }
    if (type == 0x86dd && p.bytes[20] == 17) {
      EXPECT_EQ(got, 14u + 40 + 8);
    }
    if (type == 0x86dd && p.bytes[20] == 44) {
      EXPECT_EQ(got, 14u + 40 + 8 + 20);
    }
    if (type == 0x0800 && p.bytes[23] == 17 && (p.bytes[21] || p.bytes[20] & 0x1f)) {
      EXPECT_EQ(got, 34u);
    }
    if (++seen > 400) break;
  }
}

TEST(SocketDialect, Attributes) {
  // Two attributes at 4: type 7 (8 bytes, holding one of type 3), type 9.
  std::vector<u8> bytes(4);
  const auto u16le = [&](u32 v) {
    bytes.push_back(static_cast<u8>(v));
    bytes.push_back(static_cast<u8>(v >> 8));
  };
  u16le(12), u16le(7), u16le(8), u16le(3), u16le(0), u16le(0), u16le(4), u16le(9);
  const runtime::ClassicPacket packet{.bytes = bytes, .link_header = 0};
  const auto find = [&](u32 ad, u32 from, u32 type) {
    return run({{kLdxImm, 0, 0, type}, {kImm, 0, 0, from}, {kLdW, 0, 0, kAd + ad}}, packet);
  };
  EXPECT_EQ(find(12, 4, 7), 4u);
  EXPECT_EQ(find(12, 4, 9), 16u);
  EXPECT_EQ(find(12, 4, 3), 0u);
  EXPECT_EQ(find(16, 4, 3), 8u);
  EXPECT_EQ(find(16, 4, 9), 0u);
  EXPECT_EQ(find(12, 1000, 7), 0u);
}

TEST(SocketDialect, ArithmeticIsThirtyTwoBits) {
  EXPECT_EQ(run({{kImm, 0, 0, 0xffffffff}, {0x04, 0, 0, 2}}), 1u);
  EXPECT_EQ(run({{kImm, 0, 0, 1}, {kLdxImm, 0, 0, 33}, {0x6c, 0, 0, 0}}), 2u);  // X & 31, as eBPF shifts
  EXPECT_EQ(run({{kImm, 0, 0, 7}, {0x3c, 0, 0, 0}, {0x04, 0, 0, 1}}), 0u);      // by X = 0: ends with 0
  EXPECT_EQ(run({{kImm, 0, 0, 7}, {0x9c, 0, 0, 0}, {0x04, 0, 0, 1}}), 0u);
  EXPECT_EQ(run({{kImm, 0, 0, 0x80000000}, {kLdxImm, 0, 0, 1}, {0x2d, 0, 1, 0}, {kImm, 0, 0, 1}}),
            1u);  // unsigned
}

}  // namespace
}  // namespace osmia
