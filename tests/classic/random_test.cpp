// Random classic programs: what Linux's rules accept must give what libpcap's interpreter gives; what libpcap
// refuses must be refused.
#include <gtest/gtest.h>

#include <random>

#include "packets.h"
#include "runtime/classic.h"

namespace osmia {
namespace {

using classic_test::packets;
using isa::ClassicInsn;

class Writer {
 public:
  explicit Writer(u32 seed) : random_(seed) {}
  u32 up_to(u32 n) { return static_cast<u32>(random_() % (u64{n} + 1)); }
  u32 number() {
    constexpr u32 kSpecial[] = {0,    1,     4,      0x0f,       0x10,       0x1f,       0x20,
                                0xff, 0x800, 0xffff, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff};
    switch (up_to(3)) {
      case 0: return kSpecial[up_to(std::size(kSpecial) - 1)];
      case 1: return static_cast<u32>(random_());
      default: return up_to(80);
    }
  }
  // Mostly well formed; with `wild`, anything goes now and then.
  std::vector<ClassicInsn> program(bool wild) {
    const u32 n = 2 + up_to(30);
    std::vector<ClassicInsn> p;
    for (u32 i = 0; i < 16; i++) p.push_back({0x02, 0, 0, i});  // st M[i]: all of memory is initialised
    const u32 total = static_cast<u32>(p.size()) + n;
    while (p.size() < total - 1) {
      const u32 left = total - static_cast<u32>(p.size()) - 2;
      p.push_back(one(left));
    }
    p.push_back(up_to(3) ? ClassicInsn{0x16, 0, 0, 0} : ClassicInsn{0x06, 0, 0, number()});
    if (wild) {
      ClassicInsn& in = p[up_to(total - 1)];
      switch (up_to(4)) {
        case 0: in.code = static_cast<u16>(up_to(0x1ff)); break;
        case 1: in.k = number(); break;
        case 2: in.jt = static_cast<u8>(up_to(255)); break;
        case 3: in.code = 0x05; break;
        default: p.pop_back(); break;
      }
    }
    return p;
  }

 private:
  ClassicInsn one(u32 left) {
    constexpr u16 kAlu[] = {0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x90, 0xa0};
    constexpr u16 kSize[] = {0x00, 0x08, 0x10};
    switch (up_to(12)) {
      case 0:
      case 1: return {static_cast<u16>(0x20 | kSize[up_to(2)]), 0, 0, up_to(5) ? up_to(60) : number()};
      case 2:
      case 3: return {static_cast<u16>(0x40 | kSize[up_to(2)]), 0, 0, up_to(3) ? up_to(30) : number()};
      case 4: return {0xb1, 0, 0, up_to(5) ? up_to(60) : number()};
      case 5: return {static_cast<u16>(up_to(1) ? 0x80 : 0x81), 0, 0, 0};
      case 6: return {static_cast<u16>(up_to(1) ? 0x00 : 0x01), 0, 0, number()};
      case 7: return {static_cast<u16>(up_to(1) ? 0x60 : 0x61), 0, 0, up_to(15)};
      case 8: return {static_cast<u16>(up_to(1) ? 0x02 : 0x03), 0, 0, up_to(15)};
      case 9: return {static_cast<u16>(up_to(1) ? 0x07 : 0x87), 0, 0, 0};
      case 10: {
        const u16 op = kAlu[up_to(9)];
        const bool x = up_to(1);
        u32 k = number();
        if (op == 0x60 || op == 0x70) k &= 31;
        if ((op == 0x30 || op == 0x90) && !k) k = 3;
        if (!up_to(12)) return {0x84, 0, 0, 0};
        return {static_cast<u16>(0x04 | op | (x ? 8 : 0)), 0, 0, k};
      }
      default: {
        if (!up_to(9)) return {0x05, 0, 0, up_to(left)};
        constexpr u16 kOps[] = {0x10, 0x20, 0x30, 0x40};
        const u8 most = static_cast<u8>(std::min(left, 6u));
        return {static_cast<u16>(0x05 | kOps[up_to(3)] | (up_to(1) ? 8 : 0)), static_cast<u8>(up_to(most)),
                static_cast<u8>(up_to(most)), number()};
      }
    }
  }
  std::mt19937 random_;
};

TEST(RandomClassic, EqualsLibpcap) {
  const auto interpreted = classic_test::kernel_with(runtime::JitMode::kOff);
  const auto compiled = classic_test::kernel_with(runtime::JitMode::kOn);
  int ran = 0, refused = 0, libpcap_refused = 0;
  u64 zero = 0, other = 0;
  for (u32 seed = 1; seed <= 1500; seed++) {
    Writer w(seed);
    const auto p = w.program(seed % 3 == 0);
    const bool accepted = isa::check_classic(p, isa::ClassicDialect::kCapture).ok();
    if (!cli::libpcap_accepts(p)) {
      libpcap_refused++;
      ASSERT_FALSE(accepted) << "seed " << seed;
    }
    const auto a = runtime::load_classic(*interpreted, p, isa::ClassicDialect::kCapture);
    const auto b = runtime::load_classic(*compiled, p, isa::ClassicDialect::kCapture);
    ASSERT_EQ(a.ok(), accepted) << "seed " << seed << ": " << (a.ok() ? "" : a.error().message);
    ASSERT_EQ(b.ok(), accepted);
    if (!accepted) {
      refused++;
      EXPECT_EQ(a.error().code, EINVAL);
      continue;
    }
    ran++;
    for (u32 i = 0; i < 24; i++) {
      const cli::Packet& packet = packets()[w.up_to(static_cast<u32>(packets().size()) - 1)];
      const u32 expected = cli::libpcap_result(p, packet);
      (expected ? other : zero)++;
      const runtime::ClassicPacket view{.bytes = packet.bytes, .wire_length = packet.wire_length};
      ASSERT_EQ(runtime::run_classic(*a, view), expected) << "seed " << seed;
      ASSERT_EQ(runtime::run_classic(*b, view), expected) << "seed " << seed << ", machine code";
    }
  }
  EXPECT_GT(ran, 1000);
  EXPECT_GT(refused, 100);
  EXPECT_GT(libpcap_refused, 60);
  EXPECT_GT(other, 3000u);
  EXPECT_GT(zero, 3000u);
}

// The longest programs: branches whose paths join again must not multiply the verifier's work.
TEST(RandomClassic, LongPrograms) {
  const auto kernel = classic_test::kernel_with(runtime::JitMode::kAuto);
  std::vector<ClassicInsn> p;
  while (p.size() < isa::kMaxClassicInsns - 6) {
    p.push_back({0x30, 0, 0, static_cast<u32>(p.size() % 60)});
    p.push_back({0x15, 0, 1, 0x40 + static_cast<u32>(p.size() % 7)});
    p.push_back({0x87, 0, 0, 0});
    p.push_back({0x04, 0, 0, 1});
    p.push_back({0x07, 0, 0, 0});
  }
  p.push_back({0x87, 0, 0, 0});
  p.push_back({0x16, 0, 0, 0});
  const auto filter = runtime::load_classic(*kernel, p, isa::ClassicDialect::kCapture);
  ASSERT_TRUE(filter.ok()) << filter.error().message;
  for (size_t i = 0; i < packets().size(); i += 17) {
    const cli::Packet& packet = packets()[i];
    ASSERT_EQ(runtime::run_classic(*filter, {.bytes = packet.bytes, .wire_length = packet.wire_length}),
              cli::libpcap_result(p, packet));
  }
  // A jump over nearly all of what grows most.
  std::vector<ClassicInsn> far{{0x15, 1, 0, 1}, {0x05, 0, 0, isa::kMaxClassicInsns - 2}};
  while (far.size() < isa::kMaxClassicInsns - 1) far.push_back({0xb1, 0, 0, 14});
  far.push_back({0x06, 0, 0, 7});
  ASSERT_EQ(isa::check_classic(far, isa::ClassicDialect::kSocket).error().code, EINVAL);  // one too far
  far[1].k--;
  const auto jumped = runtime::load_classic(*kernel, far, isa::ClassicDialect::kSocket);
  ASSERT_TRUE(jumped.ok()) << jumped.error().message;
  EXPECT_EQ(runtime::run_classic(*jumped, {.bytes = packets()[0].bytes}), 7u);
}

}  // namespace
}  // namespace osmia
