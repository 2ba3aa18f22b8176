// Arena pages seen from the program's window and from user space's mapping, and the rules of mapping beside
// those of the running kernel.
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>

#include "base/bits.h"
#include "maps/arena.h"
#include "maps/map_type.h"

namespace osmia::maps {
namespace {

#ifdef __SANITIZE_THREAD__
constexpr bool kFixedAddressesTaken = true;
#else
constexpr bool kFixedAddressesTaken = false;
#endif

constexpr u64 kPage = 4096;

MapAttr attributes(u32 pages, u64 extra = 0) {
  MapAttr a;
  a.type = BPF_MAP_TYPE_ARENA, a.max_entries = pages, a.map_flags = BPF_F_MMAPABLE, a.map_extra = extra;
  return a;
}
class Arena : public testing::Test {
 protected:
  void make(u32 pages, u64 extra = 0) {
    auto m = create_map(attributes(pages, extra));
    ASSERT_TRUE(m.ok()) << m.error().message;
    map_ = *m;
    arena_ = static_cast<ArenaMap*>(map_.get());
    space_ = map_->info().code.arena;
    bytes_ = pages * kPage;
  }
  u8* map_user(u64 at = 0) {
    auto p = map_->map_memory(reinterpret_cast<void*>(at), bytes_, PROT_READ | PROT_WRITE,
                              MAP_SHARED | (at ? MAP_FIXED : 0), 0);
    EXPECT_TRUE(p.ok()) << (p.ok() ? "" : p.error().message);
    user_ = p.ok() ? static_cast<u8*>(*p) : nullptr;
    return user_;
  }
  // What a program reads and writes at a user address.
  u8* window(u64 user, u32 bytes = 1) const {
    const s64 at = static_cast<s64>(static_cast<u32>(user));
    return space_->present(at, bytes) ? space_->base + at : nullptr;
  }
  void TearDown() override {
    if (user_) munmap(user_, bytes_);
  }
  MapPtr map_;
  ArenaMap* arena_ = nullptr;
  const contract::ArenaSpace* space_ = nullptr;
  u64 bytes_ = 0;
  u8* user_ = nullptr;
};

TEST_F(Arena, PagesComeAndGo) {
  make(4);
  u8* user = map_user();
  ASSERT_NE(user, nullptr);
  const u64 base = reinterpret_cast<u64>(user);
  EXPECT_EQ(window(base), nullptr) << "nothing is there before it is allocated";
  EXPECT_EQ(arena_->alloc_pages(0, 1, -1), base);
  EXPECT_EQ(arena_->alloc_pages(base + 2 * kPage, 1, -1), base + 2 * kPage);
  EXPECT_EQ(arena_->alloc_pages(0, 2, -1), 0u) << "no two pages in a row are left";
  EXPECT_EQ(arena_->alloc_pages(base + 2 * kPage, 1, -1), 0u) << "it is taken";
  EXPECT_EQ(arena_->alloc_pages(base + 1, 1, -1), 0u) << "not the start of a page";
  EXPECT_EQ(arena_->alloc_pages(base + 3 * kPage, 2, -1), 0u) << "beyond the end";
  EXPECT_EQ(arena_->alloc_pages(0, 5, -1), 0u) << "larger than the arena";
  EXPECT_EQ(arena_->alloc_pages(0, 1, 77), 0u) << "no such node";

  *window(base + 5) = 42;
  EXPECT_EQ(user[5], 42);
  user[6] = 43;
  EXPECT_EQ(*window(base + 6), 43);
  arena_->free_pages(base, 1);
  EXPECT_EQ(window(base), nullptr);
  EXPECT_EQ(window(base + 2 * kPage - 1, 2), nullptr) << "half of it is missing";
  EXPECT_EQ(arena_->alloc_pages(0, 1, -1), base);
  EXPECT_EQ(*window(base + 5), 0) << "a page comes back zeroed";
  EXPECT_EQ(arena_->alloc_pages(0, 1, -1), base + kPage);
  EXPECT_NE(window(base + kPage - 4, 8), nullptr) << "across two pages that are there";
}

TEST_F(Arena, UserSpaceFaultsPagesIn) {
  make(3);
  u8* user = map_user();
  ASSERT_NE(user, nullptr);
  const u64 base = reinterpret_cast<u64>(user);
  user[kPage + 1] = 7;
  ASSERT_NE(window(base + kPage + 1), nullptr);
  EXPECT_EQ(*window(base + kPage + 1), 7);
  EXPECT_EQ(window(base), nullptr);
  EXPECT_EQ(arena_->alloc_pages(base + kPage, 1, -1), 0u) << "a page that user space touched is taken";
  arena_->free_pages(base, 3);
  EXPECT_EQ(window(base + kPage + 1), nullptr);
  EXPECT_EQ(user[kPage + 1], 0) << "the mapping shows a fresh page";
}

TEST_F(Arena, AddressesAreAWindowOfFourGigabytes) {
  if (kFixedAddressesTaken) GTEST_SKIP() << "ThreadSanitizer keeps these addresses for itself";
  const u64 at = (1ull << 44) | (0xffffffffull - 2 * kPage + 1);  // its end is the end of a 4 GiB block
  make(2, at);
  EXPECT_EQ(map_user(at), reinterpret_cast<u8*>(at));
  EXPECT_EQ(arena_->alloc_pages(0, 2, -1), at);
  EXPECT_NE(window(at + 2 * kPage - 1), nullptr);
  EXPECT_FALSE(space_->present(static_cast<s64>(0xffffffff), 2)) << "the window's end";
  EXPECT_FALSE(space_->present(-1, 1));
  EXPECT_FALSE(space_->present(static_cast<s64>(1ull << 32) + 100, 1));
  EXPECT_EQ(space_->user_address(0x1234567800000010), (1ull << 44) | 0x10);
  EXPECT_EQ(space_->user_address(0x1234567800000000), 0u) << "null stays null";
  arena_->free_pages(at + kPage, 0xffffffff);
  EXPECT_NE(window(at), nullptr);
  EXPECT_EQ(window(at + kPage), nullptr);
}

// Each mapping's errno, here and on the running kernel, in the order given.
TEST(ArenaRules, MappingsAsOnTheRunningKernel) {
  if (kFixedAddressesTaken) GTEST_SKIP() << "ThreadSanitizer keeps these addresses for itself";
  struct Call {
    u64 at, bytes;
    int flags;
    u64 off;
  };
  const u64 extra = 0x200000000000;
  const Call calls[] = {{extra, 2 * kPage, MAP_SHARED | MAP_FIXED, kPage},
                        {extra, 3 * kPage, MAP_SHARED | MAP_FIXED, 0},
                        {extra, kPage, MAP_SHARED | MAP_FIXED, 0},
                        {extra + kPage, 2 * kPage, MAP_SHARED | MAP_FIXED, 0},
                        {0, 2 * kPage, MAP_SHARED, 0},
                        {extra, 2 * kPage, MAP_PRIVATE | MAP_FIXED, 0},
                        {extra, 2 * kPage, MAP_SHARED | MAP_FIXED, 0},
                        {extra, 2 * kPage - 5, MAP_SHARED | MAP_FIXED, 0}};
  union bpf_attr a;
  std::memset(&a, 0, sizeof a);
  a.map_type = BPF_MAP_TYPE_ARENA, a.max_entries = 2, a.map_flags = BPF_F_MMAPABLE, a.map_extra = extra;
  const long fd = ::syscall(SYS_bpf, BPF_MAP_CREATE, &a, sizeof a);
  if (fd < 0) GTEST_SKIP() << "the running kernel makes no arenas";
  std::vector<int> live;
  for (const Call& c : calls) {
    void* p = mmap(reinterpret_cast<void*>(c.at), c.bytes, PROT_READ | PROT_WRITE, c.flags,
                   static_cast<int>(fd), static_cast<off_t>(c.off));
    live.push_back(p == MAP_FAILED ? errno : 0);
    if (p != MAP_FAILED) munmap(p, c.bytes);
  }
  close(static_cast<int>(fd));
  auto ours = create_map(attributes(2, extra));
  ASSERT_TRUE(ours.ok());
  for (size_t i = 0; i < std::size(calls); i++) {
    const Call& c = calls[i];
    auto p = (*ours)->map_memory(reinterpret_cast<void*>(c.at), c.bytes, PROT_READ | PROT_WRITE, c.flags,
                                 static_cast<off_t>(c.off));
    EXPECT_EQ(p.ok() ? 0 : p.error().code, live[i]) << "mapping " << i;
    if (p.ok()) munmap(*p, c.bytes);
  }
}

}  // namespace
}  // namespace osmia::maps
