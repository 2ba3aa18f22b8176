// The rebound libbpf must reach the kernel through osmia_rebound_* only: this test defines those functions as
// a recording stub with fake descriptors far above any real one, so that a call that leaks to the real kernel
// shows as EBADF or as a missing record.
#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace {

constexpr int kFakeFd = 900001;
std::vector<std::string> calls;
bpf_attr last_attr;

}  // namespace

extern "C" {

long osmia_rebound_syscall(long number, ...) {
  va_list args;
  va_start(args, number);
  if (number == __NR_bpf) {
    const int command = va_arg(args, int);
    const auto* attr = va_arg(args, const bpf_attr*);
    const auto size = va_arg(args, unsigned);
    last_attr = {};
    memcpy(&last_attr, attr, size < sizeof last_attr ? size : sizeof last_attr);
    calls.push_back("bpf " + std::to_string(command));
    va_end(args);
    return kFakeFd;
  }
  va_end(args);
  calls.push_back("syscall " + std::to_string(number));
  errno = ENOSYS;
  return -1;
}

int osmia_rebound_close(int fd) {
  calls.push_back("close " + std::to_string(fd));
  return 0;
}

int osmia_rebound_fcntl(int fd, int, ...) {
  calls.push_back("fcntl " + std::to_string(fd));
  return fd;
}

void* osmia_rebound_mmap(void*, size_t, int, int, int, off_t) {
  return MAP_FAILED;
}
int osmia_rebound_munmap(void*, size_t) {
  return 0;
}
int osmia_rebound_ioctl(int, unsigned long, ...) {
  return 0;
}
FILE* osmia_rebound_fopen(const char*, const char*) {
  return errno = ENOENT, nullptr;
}
int osmia_rebound_faccessat(int, const char*, int, int) {
  return errno = ENOENT, -1;
}
int osmia_rebound_epoll_ctl(int, int, int, void*) {
  return 0;
}
int osmia_rebound_epoll_wait(int, void*, int, int) {
  return 0;
}

}  // extern "C"

TEST(Rebound, MapCreateArrivesHere) {
  calls.clear();
  const int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "ports", 4, 8, 16, nullptr);
  EXPECT_EQ(fd, kFakeFd);
  EXPECT_NE(std::find(calls.begin(), calls.end(), "bpf " + std::to_string(BPF_MAP_CREATE)), calls.end());
  EXPECT_EQ(last_attr.map_type, unsigned{BPF_MAP_TYPE_HASH});
  EXPECT_EQ(last_attr.key_size, 4u);
  EXPECT_EQ(last_attr.value_size, 8u);
  EXPECT_EQ(last_attr.max_entries, 16u);
  EXPECT_STREQ(last_attr.map_name, "ports");
}

TEST(Rebound, OtherCommandsArriveHere) {
  calls.clear();
  EXPECT_EQ(bpf_raw_tracepoint_open("x", 3), kFakeFd);
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0], "bpf " + std::to_string(BPF_RAW_TRACEPOINT_OPEN));
}

// The headers that come with osmia_uapi are 6.12's, whatever the machine has in /usr/include.
TEST(Uapi, KnowsWhatArrivedBy612) {
  EXPECT_EQ(BPF_F_TOKEN_FD, 1u << 16);
  EXPECT_EQ(int{BPF_TOKEN_CREATE}, 36);
  EXPECT_GT(int{BPF_TCP_BOUND_INACTIVE}, 0);
}
