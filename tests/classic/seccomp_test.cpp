// Seccomp filters over struct seccomp_data: the fields, the actions.
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/seccomp.h>

#include <cstring>

#include "packets.h"
#include "runtime/classic.h"

namespace osmia {
namespace {

using isa::ClassicInsn;

u32 run(const std::vector<ClassicInsn>& p, const seccomp_data& d, runtime::JitMode jit) {
  const auto kernel = classic_test::kernel_with(jit);
  const auto filter = runtime::load_classic(*kernel, p, isa::ClassicDialect::kSeccomp);
  EXPECT_TRUE(filter.ok()) << filter.error().message;
  u8 bytes[64];
  static_assert(sizeof d == sizeof bytes);
  std::memcpy(bytes, &d, sizeof bytes);
  return filter.ok() ? runtime::run_seccomp(*filter, bytes) : ~0u;
}

TEST(Seccomp, ADenyListOfTwoCalls) {
  const std::vector<ClassicInsn> p{
      {0x20, 0, 0, 4},                  // arch
      {0x15, 1, 0, AUDIT_ARCH_X86_64},  //
      {0x06, 0, 0, SECCOMP_RET_KILL_PROCESS},
      {0x20, 0, 0, 0},   // nr
      {0x15, 3, 0, 59},  // execve
      {0x15, 0, 1, 41},  // socket ...
      {0x20, 0, 0, 16},  // ... by its family, args[0]
      {0x06, 0, 0, SECCOMP_RET_ALLOW},
      {0x06, 0, 0, SECCOMP_RET_ERRNO | 13},
  };
  for (const auto jit : {runtime::JitMode::kOff, runtime::JitMode::kOn}) {
    seccomp_data d{};
    EXPECT_EQ(run(p, d, jit), SECCOMP_RET_KILL_PROCESS);
    d.arch = AUDIT_ARCH_X86_64;
    EXPECT_EQ(run(p, d, jit), SECCOMP_RET_ALLOW);
    d.nr = 59;
    EXPECT_EQ(run(p, d, jit), SECCOMP_RET_ERRNO | 13);
  }
}

TEST(Seccomp, FieldsAndLength) {
  seccomp_data d{};
  d.nr = 7;
  d.instruction_pointer = 0x1122334455667788;
  d.args[5] = 0xaabbccdd00000001;
  const auto word = [&](u32 k) {
    return run({{0x20, 0, 0, k}, {0x16, 0, 0, 0}}, d, runtime::JitMode::kAuto);
  };
  EXPECT_EQ(word(0), 7u);
  EXPECT_EQ(word(8), 0x55667788u);
  EXPECT_EQ(word(12), 0x11223344u);
  EXPECT_EQ(word(60), 0xaabbccddu);
  EXPECT_EQ(run({{0x80, 0, 0, 0}, {0x16, 0, 0, 0}}, d, runtime::JitMode::kAuto), 64u);
}

TEST(Seccomp, ActionsHaveNames) {
  EXPECT_EQ(runtime::seccomp_action(SECCOMP_RET_ALLOW), "SECCOMP_RET_ALLOW");
  EXPECT_EQ(runtime::seccomp_action(SECCOMP_RET_ERRNO | 13), "SECCOMP_RET_ERRNO(13)");
  EXPECT_EQ(runtime::seccomp_action(SECCOMP_RET_TRACE | 2), "SECCOMP_RET_TRACE(2)");
  EXPECT_EQ(runtime::seccomp_action(0), "SECCOMP_RET_KILL_THREAD");
  EXPECT_EQ(runtime::seccomp_action(0x80000005), "SECCOMP_RET_KILL_PROCESS");
  EXPECT_EQ(runtime::seccomp_action(0x12340000), "SECCOMP_RET_KILL_PROCESS");
}

}  // namespace
}  // namespace osmia
