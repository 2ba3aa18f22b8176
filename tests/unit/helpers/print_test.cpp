// Text that programs print: what reaches the sink, and what bpf_snprintf writes.
#include "helpers/code.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "host/effects.h"

namespace osmia::helpers::code {
namespace {

std::vector<std::string> g_lines;

s64 print(const char* format, std::vector<u64> args) {
  g_lines.clear();
  host::set_trace_sink([](std::string_view line) { g_lines.emplace_back(line); });
  const s64 n = static_cast<s64>(trace_vprintk(reinterpret_cast<u64>(format), std::strlen(format) + 1,
                                               reinterpret_cast<u64>(args.data()), args.size() * 8, 0));
  host::set_trace_sink(nullptr);
  return n;
}
std::string text(const char* format, std::vector<u64> args = {}) {
  const s64 n = print(format, std::move(args));
  return n < 0 ? "error " + std::to_string(n) : g_lines.empty() ? "" : g_lines.front();
}

TEST(Print, Numbers) {
  EXPECT_EQ(text("%d %u %x %X", {~u64{0}, ~u64{0}, 0xabcdu, 0xabcdu}), "-1 4294967295 abcd ABCD");
  EXPECT_EQ(text("%lld %llu %llx %ld", {~u64{0}, ~u64{0}, 1ull << 40, ~u64{0}}),
            "-1 18446744073709551615 10000000000 -1");
  EXPECT_EQ(text("%i", {u64{1} << 32 | 5}), "5");
  EXPECT_EQ(text("[%5d] [%-5d] [%05d] [%+d]", {42, 42, 42, 42}), "[   42] [42   ] [00042] [+42]");
  EXPECT_EQ(text("100%% of %d\n", {7}), "100% of 7");
  EXPECT_EQ(print("100%% of %d\n", {7}), 10);
}

TEST(Print, TextAndAddresses) {
  const char name[] = "osmia";
  const u8 v4[4] = {192, 168, 0, 7}, v6[16] = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  const u64 n = reinterpret_cast<u64>(name), a = reinterpret_cast<u64>(v4), b = reinterpret_cast<u64>(v6);
  EXPECT_EQ(text("%s|%8s|%-8s|%c", {n, n, n, 'x'}), "osmia|   osmia|osmia   |x");
  EXPECT_EQ(text("%s!", {0}), "!");
  EXPECT_EQ(text("%pks %pus", {n, n}), "osmia osmia");
  EXPECT_EQ(text("%pI4 %pi4", {a, a}), "192.168.0.7 192.168.000.007");
  EXPECT_EQ(text("%pI6", {b}), "fe80:0000:0000:0000:0000:0000:0000:0001");
  EXPECT_EQ(text("%px", {0x1234}), "0000000000001234");
}

TEST(Print, BadFormatsPrintNothing) {
  for (const char* bad :
       {"%", "%z", "%lls", "%sx", "%pZ", "%pI5", "%5", "\x01", "%*d", "%f", "%hd", "%o", "%.3d", "%n"})
    EXPECT_EQ(print(bad, {1, 2, 3}), -EINVAL) << bad;
  EXPECT_EQ(print("%d %d", {1}), -EINVAL);
  EXPECT_TRUE(g_lines.empty());
  EXPECT_EQ(text("\xc3\xa9 %d", {1}), "\xc3\xa9 1");
}

TEST(Print, SnprintfCutsAndCounts) {
  char out[8];
  const u64 args[1] = {123456};
  auto call = [&](u64 size) {
    std::memset(out, 'x', sizeof out);
    return static_cast<s64>(snprintf(reinterpret_cast<u64>(out), size, reinterpret_cast<u64>("n=%d"),
                                     reinterpret_cast<u64>(args), 8));
  };
  EXPECT_EQ(call(8), 9);
  EXPECT_STREQ(out, "n=12345");
  EXPECT_EQ(call(3), 9);
  EXPECT_STREQ(out, "n=");
  EXPECT_EQ(out[3], 'x');
  EXPECT_EQ(call(0), 9);
  EXPECT_EQ(out[0], 'x');
  EXPECT_EQ(static_cast<s64>(snprintf(0, 0, reinterpret_cast<u64>("%d"), 0, 0)), -EINVAL);
  EXPECT_EQ(static_cast<s64>(snprintf(0, 0, reinterpret_cast<u64>("%d"), reinterpret_cast<u64>(args), 7)),
            -EINVAL);
}

}  // namespace
}  // namespace osmia::helpers::code
