// What reading strings writes: the string, and nothing of what lies behind it.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "helpers/code.h"

namespace osmia::helpers::code {
namespace {

u64 address(const void* p) {
  return reinterpret_cast<u64>(p);
}

TEST(ProbeReadStr, LeavesWhatFollowsTheString) {
  for (const size_t length :
       {size_t{0}, size_t{1}, size_t{7}, size_t{8}, size_t{511}, size_t{512}, size_t{1000}}) {
    std::vector<char> from(2000, 's');  // bytes behind the string are not zero
    from[length] = 0;
    std::vector<char> to(1500, 't');
    ASSERT_EQ(probe_read_str(address(to.data()), 1200, address(from.data()), 0, 0), length + 1);
    EXPECT_EQ(std::string(to.data()), std::string(length, 's'));
    for (size_t i = length + 1; i < to.size(); i++) ASSERT_EQ(to[i], 't') << length << " " << i;
  }
}

TEST(ProbeReadStr, IsCutAndTerminated) {
  const std::vector<char> from(2000, 's');
  std::vector<char> to(1500, 't');
  ASSERT_EQ(probe_read_str(address(to.data()), 1200, address(from.data()), 0, 0), 1200u);
  EXPECT_EQ(std::string(to.data()), std::string(1199, 's'));
  EXPECT_EQ(to[1200], 't');
}

TEST(ProbeReadStr, EndsBeforeAMissingPage) {
  constexpr size_t kPage = 4096;
  auto* pages = static_cast<char*>(
      mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(pages, MAP_FAILED);
  ASSERT_EQ(mprotect(pages + kPage, kPage, PROT_NONE), 0);
  std::memset(pages, 'x', kPage);
  char to[64];
  pages[kPage - 1] = 0;
  EXPECT_EQ(probe_read_str(address(to), sizeof to, address(pages + kPage - 5), 0, 0), 5u);
  pages[kPage - 1] = 'x';
  EXPECT_EQ(static_cast<s64>(probe_read_str(address(to), sizeof to, address(pages + kPage - 5), 0, 0)),
            -EFAULT);
  for (const char c : to) EXPECT_EQ(c, 0) << "a failed read leaves zeros";
  munmap(pages, 2 * kPage);
}

}  // namespace
}  // namespace osmia::helpers::code
