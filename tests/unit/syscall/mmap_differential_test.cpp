// Mapping the memory of maps, and freezing them, on Osmia and on the running kernel: the same errnos, the
// same rights afterwards. Skips where bpf(2) is refused.
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test_kernel.h"

namespace osmia::syscall {
namespace {

class Mapping : public ::testing::Test {
 protected:
  void SetUp() override {
    open(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
    if (fd[1] < 0)
      GTEST_SKIP() << "notice: bpf(2) is refused here (errno " << -fd[1] << "); nothing to compare with";
  }
  void TearDown() override { shut(); }
  void shut() {
    if (fd[0] >= 0) FdTable::instance().close(static_cast<int>(fd[0]));
    if (fd[1] >= 0) ::close(static_cast<int>(fd[1]));
    fd[0] = fd[1] = -1;
  }
  void open(u32 type, u32 key, u32 value, u32 entries, u32 flags) {
    shut();
    union bpf_attr a = {};
    a.map_type = type, a.key_size = key, a.value_size = value, a.max_entries = entries, a.map_flags = flags;
    union bpf_attr b = a;
    fd[0] = t.call(BPF_MAP_CREATE, a), fd[1] = linux_bpf(BPF_MAP_CREATE, b);
    name = "type " + std::to_string(type) + " flags " + std::to_string(flags);
  }
  // On both: 0 or -errno, the same. The mappings stay in at[].
  long map(u64 len, int prot, int flags, u64 off) {
    long r[2];
    at[0] =
        FdTable::instance().mmap(nullptr, len, prot, flags, static_cast<int>(fd[0]), static_cast<off_t>(off));
    r[0] = at[0] == MAP_FAILED ? -errno : 0;
    at[1] = ::mmap(nullptr, len, prot, flags, static_cast<int>(fd[1]), static_cast<off_t>(off));
    r[1] = at[1] == MAP_FAILED ? -errno : 0;
    EXPECT_EQ(r[0], r[1]) << name << " len " << len << " prot " << prot << " flags " << flags << " off "
                          << off;
    return r[0] == r[1] ? r[0] : -1;
  }
  void unmap(u64 len) {
    for (void*& p : at)
      if (p != MAP_FAILED) munmap(p, len), p = MAP_FAILED;
  }
  long freeze() {
    union bpf_attr a = {}, b = {};
    a.map_fd = static_cast<u32>(fd[0]), b.map_fd = static_cast<u32>(fd[1]);
    const long x = t.call(BPF_MAP_FREEZE, a), y = linux_bpf(BPF_MAP_FREEZE, b);
    EXPECT_EQ(x, y) << name << " freeze";
    return x;
  }
  TestKernel t;
  long fd[2] = {-1, -1};
  void* at[2] = {MAP_FAILED, MAP_FAILED};
  std::string name;
};

TEST_F(Mapping, RightsSizesAndOffsets) {
  struct Shape {
    u32 type, key, value, entries, flags;
  };
  const Shape shapes[] = {
      {BPF_MAP_TYPE_ARRAY, 4, 8, 1000, BPF_F_MMAPABLE},
      {BPF_MAP_TYPE_ARRAY, 4, 8, 1000, BPF_F_MMAPABLE | BPF_F_RDONLY_PROG},
      {BPF_MAP_TYPE_ARRAY, 4, 8, 1000, BPF_F_MMAPABLE | BPF_F_WRONLY_PROG},
      {BPF_MAP_TYPE_ARRAY, 4, 8, 1000, 0},
      {BPF_MAP_TYPE_ARRAY, 4, 8, 1000, BPF_F_RDONLY_PROG},
      {BPF_MAP_TYPE_HASH, 4, 8, 1000, 0},
      {BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 1000, 0},
      {BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0},
      {BPF_MAP_TYPE_USER_RINGBUF, 0, 0, 4096, 0},
      {BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 8, 0},
      {BPF_MAP_TYPE_STACK_TRACE, 4, 8, 8, 0},
      {BPF_MAP_TYPE_BLOOM_FILTER, 0, 8, 8, 0},
  };
  for (const Shape& s : shapes) {
    open(s.type, s.key, s.value, s.entries, s.flags);
    ASSERT_GE(fd[0], 0);
    ASSERT_GE(fd[1], 0);
    for (const int prot : {PROT_READ, PROT_READ | PROT_WRITE, PROT_NONE})
      for (const int flags : {MAP_SHARED, MAP_PRIVATE})
        for (const u64 len : {u64{1}, u64{4096}, u64{8000}, u64{8192}, u64{8193}, u64{16384}, u64{20480}})
          for (const u64 off : {0, 4096, 8192}) {
            if (!map(len, prot, flags, off) && len <= 4096) {
              // What was mapped without it never gets it.
              const int x = mprotect(at[0], len, PROT_READ | PROT_WRITE) ? errno : 0,
                        y = mprotect(at[1], len, PROT_READ | PROT_WRITE) ? errno : 0;
              EXPECT_EQ(x, y) << name << " mprotect after prot " << prot << " off " << off;
            }
            unmap(len);
          }
  }
}

TEST_F(Mapping, FreezingWaitsForWriters) {
  open(BPF_MAP_TYPE_ARRAY, 4, 8, 1000, BPF_F_MMAPABLE);
  EXPECT_EQ(map(4096, PROT_READ, MAP_SHARED, 0), 0);
  void* const reader[2] = {at[0], at[1]};
  at[0] = at[1] = MAP_FAILED;
  EXPECT_EQ(map(4096, PROT_READ | PROT_WRITE, MAP_SHARED, 4096), 0);
  EXPECT_EQ(freeze(), -EBUSY);
  unmap(4096);
  EXPECT_EQ(freeze(), 0);
  EXPECT_EQ(freeze(), -EPERM);
  EXPECT_EQ(map(4096, PROT_READ | PROT_WRITE, MAP_SHARED, 0), -EPERM);
  EXPECT_EQ(map(4096, PROT_READ, MAP_SHARED, 0), 0);
  unmap(4096);
  for (void* p : reader) munmap(p, 4096);
}

}  // namespace
}  // namespace osmia::syscall
