// The caller's memory: what cannot be reached is EFAULT, by the machine's own page tables or by restriction.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cerrno>

#include "syscall/uaccess.h"

namespace osmia::syscall {
namespace {

struct UserMemory : testing::Test {
  static constexpr u64 kPage = 4096;
  u8* page =
      static_cast<u8*>(mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  u64 at(u64 offset) const { return reinterpret_cast<u64>(page) + offset; }
  void SetUp() override { ASSERT_EQ(mprotect(page + kPage, kPage, PROT_NONE), 0); }
  void TearDown() override {
    restrict_user_memory(0, ~u64{0});
    munmap(page, 2 * kPage);
  }
};

TEST_F(UserMemory, EndsWhereThePagesEnd) {
  u64 v = 5;
  EXPECT_EQ(copy_to_user(at(kPage - 8), &v, 8), 0);
  EXPECT_EQ(copy_to_user(at(kPage - 7), &v, 8), -EFAULT);
  EXPECT_EQ(copy_from_user(&v, 0, 8), -EFAULT);
  EXPECT_EQ(copy_from_user(&v, ~u64{0} - 3, 8), -EFAULT);
  EXPECT_EQ(copy_from_user(&v, 0, 0), 0);
}

TEST_F(UserMemory, CanBeRestricted) {
  u64 v = 0x1122;
  restrict_user_memory(at(64), at(128));
  EXPECT_EQ(copy_to_user(at(64), &v, 8), 0);
  EXPECT_EQ(copy_to_user(at(120), &v, 8), 0);
  EXPECT_EQ(copy_to_user(at(63), &v, 8), -EFAULT);
  EXPECT_EQ(copy_to_user(at(121), &v, 8), -EFAULT);
  EXPECT_EQ(copy_from_user(&v, at(128), 1), -EFAULT);
  EXPECT_EQ(copy_from_user(&v, at(64), ~u64{0}), -EFAULT);  // a length that wraps
  EXPECT_EQ(check_tail_zero(at(60), 2, 8), -EFAULT);
}

}  // namespace
}  // namespace osmia::syscall
