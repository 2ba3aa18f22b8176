// The domain's text against lines that Linux 6.12 prints.
#include <gtest/gtest.h>

#include "verifier/domain/alu.h"
#include "verifier/domain/print.h"

namespace osmia::verifier {
namespace {

std::string ranges(const Scalar& s) {
  std::string out;
  const char* sep = "";
  append_ranges(out, s, sep);
  return out;
}

TEST(DomainPrint, TnumIsAConstantOrAPair) {
  EXPECT_EQ(tnum_strn(tnum_const(0)), "0");
  EXPECT_EQ(tnum_strn(tnum_const(65535)), "65535");
  EXPECT_EQ(tnum_strn(tnum_const(65536)), "0x10000");
  EXPECT_EQ(tnum_strn({0, 0xff}), "(0x0; 0xff)");
  EXPECT_EQ(tnum_strn({0x100, 0xff}), "(0x100; 0xff)");
  EXPECT_EQ(tnum_sbin({5, 2}), std::string(61, '0') + "1x1");
}

TEST(DomainPrint, UnknownSaysNothing) {
  EXPECT_EQ(ranges(Scalar::unknown()), "");
}

TEST(DomainPrint, EqualBoundsAreGrouped) {
  Scalar byte;
  byte.truncate(1);
  EXPECT_EQ(ranges(byte), "smin=smin32=0,smax=umax=smax32=umax32=255,var_off=(0x0; 0xff)");
}

TEST(DomainPrint, SignExtendedHalfPrintsItsOwnHex) {
  Scalar s;
  s.sign_extend(4);
  EXPECT_EQ(ranges(s), "smin=0xffffffff80000000,smax=0x7fffffff");
}

TEST(DomainPrint, NegativeBoundsKeepTheirSignApart) {
  Scalar s;
  s.smin = -655, s.smax = -146;
  s.sync();
  EXPECT_EQ(
      ranges(s),
      "smin=smin32=-655,smax=smax32=-146,umin=0xfffffffffffffd71,umax=0xffffffffffffff6e,umin32=0xfffffd71,"
      "umax32=0xffffff6e,var_off=(0xfffffffffffffc00; 0x3ff)");
}

TEST(DomainPrint, ViolationNamesTheRegister) {
  Scalar s;
  s.umin = 5, s.umax = 4;
  ASSERT_STREQ(s.violation(), "range bounds violation");
  EXPECT_EQ(format_violation(s, "true_reg1", s.violation()),
            "REG INVARIANTS VIOLATION (true_reg1): range bounds violation u64=[0x5, 0x4] "
            "s64=[0x8000000000000000, 0x7fffffffffffffff] u32=[0x0, 0xffffffff] s32=[0x80000000, 0x7fffffff] "
            "var_off=(0x0, 0xffffffffffffffff)");
}

TEST(DomainPrint, SeparatorGoesOn) {
  Scalar s;
  s.umax = 9;
  s.sync();
  std::string out = "id=1";
  const char* sep = ",";
  append_ranges(out, s, sep);
  EXPECT_EQ(out, "id=1,smin=smin32=0,smax=umax=smax32=umax32=9,var_off=(0x0; 0xf)");
  EXPECT_STREQ(sep, ",");
}

}  // namespace
}  // namespace osmia::verifier
