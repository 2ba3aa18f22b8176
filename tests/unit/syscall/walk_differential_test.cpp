// Walking, batches and accounting on Osmia and on the running kernel: keys that go while they are walked
// over, batches that meet their limits, memlock. Orders of hashes differ between the two, so maps here hold
// one element, or sets are compared. Skips where bpf(2) is refused.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <random>
#include <set>

#include "syscall/fdinfo.h"
#include "test_kernel.h"

namespace osmia::syscall {
namespace {

struct Shape {
  u32 type, key, value, entries, flags;
};
constexpr Shape kWalked[] = {
    {BPF_MAP_TYPE_HASH, 4, 8, 8, 0},
    {BPF_MAP_TYPE_HASH, 4, 8, 8, BPF_F_NO_PREALLOC},
    {BPF_MAP_TYPE_LRU_HASH, 4, 8, 4096, 0},
    {BPF_MAP_TYPE_PERCPU_HASH, 4, 8, 8, 0},
    {BPF_MAP_TYPE_LRU_PERCPU_HASH, 4, 8, 4096, 0},
    {BPF_MAP_TYPE_ARRAY, 4, 8, 3, 0},
    {BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 3, 0},
    {BPF_MAP_TYPE_LPM_TRIE, 8, 8, 8, BPF_F_NO_PREALLOC},
    {BPF_MAP_TYPE_DEVMAP, 4, 4, 3, 0},
    {BPF_MAP_TYPE_DEVMAP_HASH, 4, 4, 8, 0},
    {BPF_MAP_TYPE_CPUMAP, 4, 4, 2, 0},
    {BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 3, 0},
    {BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 3, 0},
    {BPF_MAP_TYPE_STACK_TRACE, 4, 8, 4, 0},
    {BPF_MAP_TYPE_QUEUE, 0, 8, 4, 0},
    {BPF_MAP_TYPE_BLOOM_FILTER, 0, 8, 4, 0},
    {BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0},
    {BPF_MAP_TYPE_SOCKMAP, 4, 4, 3, 0},
    {BPF_MAP_TYPE_SOCKHASH, 4, 4, 8, 0},
    {BPF_MAP_TYPE_XSKMAP, 4, 4, 3, 0},
    {BPF_MAP_TYPE_REUSEPORT_SOCKARRAY, 4, 8, 3, 0},
};

class Walk : public ::testing::Test {
 protected:
  void SetUp() override {
    const long fd = make_live(kWalked[0]);
    if (fd < 0)
      GTEST_SKIP() << "notice: bpf(2) is refused here (errno " << -fd << "); nothing to compare with";
    ::close(static_cast<int>(fd));
  }
  static union bpf_attr create(const Shape& s) {
    union bpf_attr a;
    std::memset(&a, 0, sizeof a);
    a.map_type = s.type, a.key_size = s.key, a.value_size = s.value, a.max_entries = s.entries,
    a.map_flags = s.flags;
    return a;
  }
  static long make_live(const Shape& s) {
    auto a = create(s);
    return linux_bpf(BPF_MAP_CREATE, a);
  }
  long make_ours(const Shape& s) {
    auto a = create(s);
    return t.call(BPF_MAP_CREATE, a);
  }
  bool make_both(const Shape& s) {
    ours = make_ours(s), theirs = make_live(s);
    EXPECT_EQ(ours >= 0, theirs >= 0) << "type " << s.type;
    return ours >= 0 && theirs >= 0;
  }
  void close_both() {
    FdTable::instance().close(static_cast<int>(ours));
    ::close(static_cast<int>(theirs));
  }
  // The same command on both; errnos must be equal. Gives ours.
  long both(int cmd, const void* key, void* our_value, void* their_value, u64 flags,
            const std::string& what) {
    union bpf_attr a;
    std::memset(&a, 0, sizeof a);
    a.map_fd = static_cast<u32>(ours), a.key = reinterpret_cast<u64>(key), a.flags = flags;
    union bpf_attr b = a;
    b.map_fd = static_cast<u32>(theirs);
    a.value = reinterpret_cast<u64>(our_value), b.value = reinterpret_cast<u64>(their_value);
    const long x = t.call(cmd, a), y = linux_bpf(cmd, b);
    EXPECT_EQ(x, y) << what;
    return x;
  }
  struct Batch {
    long result = 0;
    u32 count = 0;
    u64 in = 0;
    std::vector<u8> keys, values, out;
  };
  template <class Call>
  static Batch batch(const Call& call, long fd, int cmd, const Shape& s, u32 count, const std::vector<u8>* in,
                     std::vector<u8> keys, std::vector<u8> values, u64 elem_flags, u64 flags) {
    Batch r;
    r.keys = std::move(keys), r.values = std::move(values);
    r.keys.resize(64 * 16), r.values.resize(64 * 4096), r.out.resize(64);
    union bpf_attr a;
    std::memset(&a, 0, sizeof a);
    a.batch.map_fd = static_cast<u32>(fd), a.batch.count = count;
    a.batch.keys = reinterpret_cast<u64>(r.keys.data()),
    a.batch.values = reinterpret_cast<u64>(r.values.data());
    a.batch.in_batch = in ? reinterpret_cast<u64>(in->data()) : 0,
    a.batch.out_batch = reinterpret_cast<u64>(r.out.data());
    a.batch.elem_flags = elem_flags, a.batch.flags = flags;
    r.result = call(cmd, a);
    r.count = a.batch.count;
    (void)s;
    return r;
  }
  TestKernel t;
  long ours = -1, theirs = -1;
};

TEST_F(Walk, NextKeyWhileItChanges) {
  for (const Shape& s : kWalked) {
    if (!make_both(s)) continue;
    const bool lpm = s.type == BPF_MAP_TYPE_LPM_TRIE;
    const auto key_of = [&](u32 n) {
      return std::vector<u32>{lpm ? 32 : n, lpm ? __builtin_bswap32(n) : 0, 0, 0};
    };
    alignas(8) u8 va[4096] = {}, vb[4096] = {};
    va[0] = vb[0] = 1;  // a device, a queue, a value
    const auto next = [&](const std::vector<u32>* key, const char* when) {
      u32 na[4] = {}, nb[4] = {};
      const std::string what = "type " + std::to_string(s.type) + " next key, " + when;
      if (both(BPF_MAP_GET_NEXT_KEY, key ? key->data() : nullptr, na, nb, 0, what) == 0) {
        EXPECT_EQ(std::memcmp(na, nb, s.key), 0) << what;
      }
    };
    const auto k1 = key_of(1), k2 = key_of(2), far = key_of(100);
    const auto all = [&](const char* when) {
      next(nullptr, when), next(&k1, when), next(&k2, when), next(&far, when);
    };
    all("empty");
    both(BPF_MAP_UPDATE_ELEM, k1.data(), va, vb, 0, "update, type " + std::to_string(s.type));
    all("one element");
    both(BPF_MAP_DELETE_ELEM, k1.data(), nullptr, nullptr, 0, "delete, type " + std::to_string(s.type));
    all("deleted");
    both(BPF_MAP_DELETE_ELEM, k1.data(), nullptr, nullptr, 0, "delete again, type " + std::to_string(s.type));
    next(nullptr, "no key");
    close_both();
  }
}

// Deleting what was just visited, with the deleted key as the next start: every element is met once on both.
TEST_F(Walk, DeletingWhileWalking) {
  for (const Shape& s : {kWalked[0], kWalked[1], kWalked[2], kWalked[3], kWalked[7]}) {
    if (!make_both(s)) continue;
    const u32 n = 8;
    std::vector<u8> value(4096, 1);
    const auto walk = [&](const auto& call, long fd) {
      union bpf_attr a;
      for (u32 i = 0; i < n; i++) {
        u32 key[2] = {s.type == BPF_MAP_TYPE_LPM_TRIE ? 32 : i, i};
        std::memset(&a, 0, sizeof a);
        a.map_fd = static_cast<u32>(fd), a.key = reinterpret_cast<u64>(key),
        a.value = reinterpret_cast<u64>(value.data());
        EXPECT_EQ(call(BPF_MAP_UPDATE_ELEM, a), 0);
      }
      std::multiset<u64> met;
      u64 key = 0, found = 0;
      bool first = true;
      for (;;) {
        std::memset(&a, 0, sizeof a);
        a.map_fd = static_cast<u32>(fd), a.key = first ? 0 : reinterpret_cast<u64>(&key),
        a.value = reinterpret_cast<u64>(&found);
        if (call(BPF_MAP_GET_NEXT_KEY, a)) break;
        first = false;
        key = found;
        met.insert(key);
        a.key = reinterpret_cast<u64>(&key), a.value = 0;
        EXPECT_EQ(call(BPF_MAP_DELETE_ELEM, a), 0);
      }
      return met;
    };
    const auto a = walk([&](int cmd, union bpf_attr& x) { return t.call(cmd, x); }, ours);
    const auto b = walk([&](int cmd, union bpf_attr& x) { return linux_bpf(cmd, x); }, theirs);
    EXPECT_EQ(a, b) << "type " << s.type;
    EXPECT_EQ(a.size(), n);
    close_both();
  }
}

TEST_F(Walk, Batches) {
  std::mt19937 rng(7);
  for (Shape s : kWalked) {
    if (s.type == BPF_MAP_TYPE_HASH || s.type == BPF_MAP_TYPE_PERCPU_HASH)
      s.entries = 1;  // one bucket: orders agree
    if (!make_both(s)) continue;
    const auto our_call = [&](int cmd, union bpf_attr& x) { return t.call(cmd, x); };
    const auto their_call = [&](int cmd, union bpf_attr& x) { return linux_bpf(cmd, x); };
    const bool lru = s.type == BPF_MAP_TYPE_LRU_HASH || s.type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
    for (int step = 0; step < 120; step++) {
      static const int kCommands[] = {BPF_MAP_LOOKUP_BATCH, BPF_MAP_LOOKUP_AND_DELETE_BATCH,
                                      BPF_MAP_UPDATE_BATCH, BPF_MAP_UPDATE_BATCH, BPF_MAP_DELETE_BATCH};
      const int cmd = kCommands[rng() % 5];
      const u32 count = static_cast<u32>(rng() % 5);
      std::vector<u8> keys(64 * 16), values(64 * 4096, 1);
      for (u32 i = 0; i < 16 && s.key; i++) {
        const u32 n = lru ? 1 : static_cast<u32>(rng() % (s.entries < 3 ? 2 : 3));
        u32 key[2] = {s.type == BPF_MAP_TYPE_LPM_TRIE ? 32 : n, n};
        std::memcpy(&keys[u64{i} * s.key], key, std::min<u32>(s.key, 8));
      }
      const u64 elem_flags = rng() % 6 ? 0 : rng() % 6, flags = rng() % 20 ? 0 : 1;
      std::vector<u8> in(64);
      const u32 start = static_cast<u32>(rng() % 3 ? rng() % 2 : 1u << 20);
      std::memcpy(in.data(), &start, 4);
      const bool with_in =
          (cmd == BPF_MAP_LOOKUP_BATCH || cmd == BPF_MAP_LOOKUP_AND_DELETE_BATCH) && rng() % 4 == 0 && !lru;
      const Batch a =
          batch(our_call, ours, cmd, s, count, with_in ? &in : nullptr, keys, values, elem_flags, flags);
      const Batch b =
          batch(their_call, theirs, cmd, s, count, with_in ? &in : nullptr, keys, values, elem_flags, flags);
      const std::string what = "type " + std::to_string(s.type) + " cmd " + std::to_string(cmd) + " count " +
                               std::to_string(count) + " flags " + std::to_string(flags) + " elem_flags " +
                               std::to_string(elem_flags) +
                               (with_in ? " from " + std::to_string(start) : "") + " step " +
                               std::to_string(step);
      ASSERT_EQ(a.result, b.result) << what;
      ASSERT_EQ(a.count, b.count) << what;
      ASSERT_EQ(a.keys, b.keys) << what;
      ASSERT_EQ(a.values, b.values) << what;
    }
    close_both();
  }
}

// All of a larger hash in batches, whatever their size: the same set, ENOENT at the end.
TEST_F(Walk, BatchesMeetEverything) {
  for (const Shape& s : {Shape{BPF_MAP_TYPE_HASH, 4, 8, 1000, 0}, Shape{BPF_MAP_TYPE_LRU_HASH, 4, 8, 8192, 0},
                         Shape{BPF_MAP_TYPE_ARRAY, 4, 8, 1000, 0}}) {
    if (!make_both(s)) continue;
    for (const bool linux_kernel : {false, true}) {
      const long fd = linux_kernel ? theirs : ours;
      const auto call = [&](int cmd, union bpf_attr& x) {
        return linux_kernel ? linux_bpf(cmd, x) : t.call(cmd, x);
      };
      union bpf_attr a;
      for (u32 i = 0; i < 1000; i++) {
        u64 value = i * 7;
        std::memset(&a, 0, sizeof a);
        a.map_fd = static_cast<u32>(fd), a.key = reinterpret_cast<u64>(&i),
        a.value = reinterpret_cast<u64>(&value);
        ASSERT_EQ(call(BPF_MAP_UPDATE_ELEM, a), 0);
      }
      for (const u32 size : {64u, 100u, 1000u}) {
        std::map<u32, u64> met;
        std::vector<u32> keys(2000);
        std::vector<u64> values(2000);
        u64 from = 0, to = 0;
        bool first = true;
        long r = 0;
        while (!r) {
          std::memset(&a, 0, sizeof a);
          a.batch.map_fd = static_cast<u32>(fd), a.batch.count = size;
          a.batch.keys = reinterpret_cast<u64>(keys.data()),
          a.batch.values = reinterpret_cast<u64>(values.data());
          a.batch.in_batch = first ? 0 : reinterpret_cast<u64>(&from),
          a.batch.out_batch = reinterpret_cast<u64>(&to);
          r = call(BPF_MAP_LOOKUP_BATCH, a);
          ASSERT_TRUE(!r || r == -ENOENT) << r;
          for (u32 i = 0; i < a.batch.count; i++) EXPECT_TRUE(met.emplace(keys[i], values[i]).second);
          from = to;
          first = false;
        }
        EXPECT_EQ(met.size(), 1000u) << "type " << s.type << " size " << size;
        for (const auto& [k, v] : met) EXPECT_EQ(v, k * 7ull);
      }
    }
    close_both();
  }
}

u64 memlock_of(const std::string& text) {
  const size_t at = text.find("memlock:\t");
  return at == text.npos ? ~u64{0} : std::strtoull(text.c_str() + at + 9, nullptr, 10);
}

// The kernel that runs may be newer: its structs' sizes differ by some bytes from those of 6.12.
TEST_F(Walk, Memlock) {
  constexpr Shape kShapes[] = {
      {BPF_MAP_TYPE_ARRAY, 4, 100, 1000, 0},
      {BPF_MAP_TYPE_ARRAY, 4, 100, 1000, BPF_F_MMAPABLE},
      {BPF_MAP_TYPE_PERCPU_ARRAY, 4, 100, 1000, 0},
      {BPF_MAP_TYPE_HASH, 4, 100, 1000, 0},
      {BPF_MAP_TYPE_HASH, 4, 100, 1000, BPF_F_NO_PREALLOC},
      {BPF_MAP_TYPE_PERCPU_HASH, 4, 100, 1000, 0},
      {BPF_MAP_TYPE_LRU_HASH, 4, 100, 5000, 0},
      {BPF_MAP_TYPE_LRU_PERCPU_HASH, 4, 100, 5000, 0},
      {BPF_MAP_TYPE_LPM_TRIE, 8, 100, 1000, BPF_F_NO_PREALLOC},
      {BPF_MAP_TYPE_QUEUE, 0, 100, 1000, 0},
      {BPF_MAP_TYPE_STACK, 0, 100, 1000, 0},
      {BPF_MAP_TYPE_BLOOM_FILTER, 0, 100, 1000, 0},
      {BPF_MAP_TYPE_RINGBUF, 0, 0, 65536, 0},
      {BPF_MAP_TYPE_USER_RINGBUF, 0, 0, 65536, 0},
      {BPF_MAP_TYPE_STACK_TRACE, 4, 800, 1000, 0},
      {BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 1000, 0},
      {BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 1000, 0},
      {BPF_MAP_TYPE_DEVMAP, 4, 4, 1000, 0},
      {BPF_MAP_TYPE_DEVMAP_HASH, 4, 4, 1000, 0},
      {BPF_MAP_TYPE_CPUMAP, 4, 4, 2, 0},
      {BPF_MAP_TYPE_XSKMAP, 4, 4, 1000, 0},
      {BPF_MAP_TYPE_SOCKMAP, 4, 4, 1000, 0},
      {BPF_MAP_TYPE_SOCKHASH, 4, 4, 1000, 0},
      {BPF_MAP_TYPE_REUSEPORT_SOCKARRAY, 4, 8, 1000, 0},
  };
  for (const Shape& s : kShapes) {
    if (!make_both(s)) continue;
    for (const bool filled : {false, true}) {
      if (filled && s.type != BPF_MAP_TYPE_HASH && s.type != BPF_MAP_TYPE_LPM_TRIE) continue;
      for (u32 i = 0; filled && i < 200; i++) {
        u32 key[2] = {s.type == BPF_MAP_TYPE_LPM_TRIE ? 32 : i, i};
        std::vector<u8> value(128);
        both(BPF_MAP_UPDATE_ELEM, key, value.data(), value.data(), 0, "fill");
      }
      std::ifstream in("/proc/self/fdinfo/" + std::to_string(theirs));
      const std::string text(std::istreambuf_iterator<char>(in), {});
      const u64 live_bytes = memlock_of(text), our_bytes = memlock_of(fdinfo_text(static_cast<int>(ours)));
      const u64 difference = live_bytes > our_bytes ? live_bytes - our_bytes : our_bytes - live_bytes;
      const u64 elements = s.type == BPF_MAP_TYPE_STACK_TRACE ? 1000
                           : filled                           ? 200
                                                              : 0;  // their headers grew since
      EXPECT_LE(difference, 256 + elements * 16)
          << "type " << s.type << " flags " << s.flags << ": Linux " << live_bytes << ", ours " << our_bytes;
    }
    close_both();
  }
  EXPECT_EQ(fdinfo_text(0), "");
  EXPECT_EQ(fd_link(0), "");
}

TEST(Fdinfo, SaysWhatLinuxSays) {
  TestKernel t;
  const long fd = t.make(BPF_MAP_TYPE_HASH, 4, 8, 16, BPF_F_NO_PREALLOC);
  ASSERT_GE(fd, 0);
  const std::string text = fdinfo_text(static_cast<int>(fd));
  for (const char* line : {"pos:\t0\n", "flags:\t02000002\n", "map_type:\t1\n", "key_size:\t4\n",
                           "value_size:\t8\n", "max_entries:\t16\n", "map_flags:\t0x1\n", "map_extra:\t0x0\n",
                           "memlock:\t", "map_id:\t", "frozen:\t0\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << " in " << text;
  EXPECT_EQ(fd_link(static_cast<int>(fd)), "anon_inode:bpf-map");
  FdTable::instance().close(static_cast<int>(fd));
  EXPECT_EQ(fdinfo_text(static_cast<int>(fd)), "");
}

}  // namespace
}  // namespace osmia::syscall
