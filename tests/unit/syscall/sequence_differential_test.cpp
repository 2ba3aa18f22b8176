// Random sequences of element commands on a map of every type, to Osmia's bpf(2) and to the running kernel's:
// the same answers, the same keys and values. What a value names (maps, programs) is translated: each side
// has objects of its own. Hashes walk in an order of their own, so walks are compared as sets. Skips where
// bpf(2) is refused. Nothing is attached.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <set>

#include "btf/write.h"
#include "host/run_context.h"
#include "isa/insn.h"
#include "test_kernel.h"

namespace osmia::syscall {
namespace {

enum class Values : u8 { kBytes, kMaps, kPrograms, kDevices, kCpus, kSockets };
enum class Keys : u8 { kIndex, kPrefix, kNone, kFiles, kTasks, kSockets, kGroups, kGroupStorage };

struct Kind {
  Values values = Values::kBytes;
  Keys keys = Keys::kIndex;
  bool unordered = false, percpu = false, locked = false;
};
struct Shape {
  const char* name;
  u32 type, key, value, entries, flags;
  Kind kind = {};
};

const Shape kShapes[] = {
    {"array", BPF_MAP_TYPE_ARRAY, 4, 9, 5, 0},
    {"array, mmapable", BPF_MAP_TYPE_ARRAY, 4, 9, 5, BPF_F_MMAPABLE},
    {"array with lock", BPF_MAP_TYPE_ARRAY, 4, 16, 5, 0, {.locked = true}},
    {"array, read-only", BPF_MAP_TYPE_ARRAY, 4, 8, 5, BPF_F_RDONLY},
    {"array, write-only", BPF_MAP_TYPE_ARRAY, 4, 8, 5, BPF_F_WRONLY},
    {"array, read-only for programs", BPF_MAP_TYPE_ARRAY, 4, 8, 5, BPF_F_RDONLY_PROG},
    {"per-CPU array", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 9, 5, 0, {.percpu = true}},
    {"hash", BPF_MAP_TYPE_HASH, 4, 9, 5, 0, {.unordered = true}},
    {"hash, odd key", BPF_MAP_TYPE_HASH, 7, 3, 5, 0, {.unordered = true}},
    {"hash without preallocation", BPF_MAP_TYPE_HASH, 4, 9, 5, BPF_F_NO_PREALLOC, {.unordered = true}},
    {"hash with lock", BPF_MAP_TYPE_HASH, 4, 16, 5, 0, {.unordered = true, .locked = true}},
    {"hash, zero seed", BPF_MAP_TYPE_HASH, 8, 8, 5, BPF_F_ZERO_SEED, {.unordered = true}},
    {"hash, read-only", BPF_MAP_TYPE_HASH, 4, 8, 5, BPF_F_RDONLY, {.unordered = true}},
    {"hash, write-only", BPF_MAP_TYPE_HASH, 4, 8, 5, BPF_F_WRONLY, {.unordered = true}},
    {"hash, write-only for programs", BPF_MAP_TYPE_HASH, 4, 8, 5, BPF_F_WRONLY_PROG, {.unordered = true}},
    {"per-CPU hash", BPF_MAP_TYPE_PERCPU_HASH, 4, 9, 5, 0, {.unordered = true, .percpu = true}},
    {"per-CPU hash without preallocation",
     BPF_MAP_TYPE_PERCPU_HASH,
     4,
     12,
     5,
     BPF_F_NO_PREALLOC,
     {.unordered = true, .percpu = true}},
    {"LRU hash", BPF_MAP_TYPE_LRU_HASH, 4, 9, 4096, 0, {.unordered = true}},
    {"LRU hash, lists by CPU", BPF_MAP_TYPE_LRU_HASH, 4, 9, 4096, BPF_F_NO_COMMON_LRU, {.unordered = true}},
    {"LRU per-CPU hash", BPF_MAP_TYPE_LRU_PERCPU_HASH, 4, 9, 4096, 0, {.unordered = true, .percpu = true}},
    {"LPM trie", BPF_MAP_TYPE_LPM_TRIE, 8, 9, 5, BPF_F_NO_PREALLOC, {.keys = Keys::kPrefix}},
    {"LPM trie, short", BPF_MAP_TYPE_LPM_TRIE, 5, 1, 3, BPF_F_NO_PREALLOC, {.keys = Keys::kPrefix}},
    {"queue", BPF_MAP_TYPE_QUEUE, 0, 9, 3, 0, {.keys = Keys::kNone}},
    {"stack", BPF_MAP_TYPE_STACK, 0, 9, 3, 0, {.keys = Keys::kNone}},
    {"queue, read-only", BPF_MAP_TYPE_QUEUE, 0, 8, 3, BPF_F_RDONLY, {.keys = Keys::kNone}},
    {"stack, write-only", BPF_MAP_TYPE_STACK, 0, 8, 3, BPF_F_WRONLY, {.keys = Keys::kNone}},
    {"bloom filter", BPF_MAP_TYPE_BLOOM_FILTER, 0, 8, 1000, 0, {.keys = Keys::kNone}},
    {"ring buffer", BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0, {.keys = Keys::kNone}},
    {"user ring buffer", BPF_MAP_TYPE_USER_RINGBUF, 0, 0, 4096, 0, {.keys = Keys::kNone}},
    {"stack trace", BPF_MAP_TYPE_STACK_TRACE, 4, 16, 4, 0},
    {"perf event array", BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 3, 0},
    {"cgroup array", BPF_MAP_TYPE_CGROUP_ARRAY, 4, 4, 3, 0},
    {"program array", BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 3, 0, {.values = Values::kPrograms}},
    {"array of maps", BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 3, 0, {.values = Values::kMaps}},
    {"hash of maps", BPF_MAP_TYPE_HASH_OF_MAPS, 4, 4, 3, 0, {.values = Values::kMaps, .unordered = true}},
    {"hash of maps without preallocation",
     BPF_MAP_TYPE_HASH_OF_MAPS,
     4,
     4,
     3,
     BPF_F_NO_PREALLOC,
     {.values = Values::kMaps, .unordered = true}},
    {"devmap", BPF_MAP_TYPE_DEVMAP, 4, 4, 3, 0, {.values = Values::kDevices}},
    {"devmap with programs", BPF_MAP_TYPE_DEVMAP, 4, 8, 3, 0, {.values = Values::kDevices}},
    {"devmap hash", BPF_MAP_TYPE_DEVMAP_HASH, 4, 4, 3, 0, {.values = Values::kDevices, .unordered = true}},
    {"devmap hash with programs",
     BPF_MAP_TYPE_DEVMAP_HASH,
     4,
     8,
     3,
     0,
     {.values = Values::kDevices, .unordered = true}},
    {"cpumap", BPF_MAP_TYPE_CPUMAP, 4, 4, 3, 0, {.values = Values::kCpus}},
    {"cpumap with programs", BPF_MAP_TYPE_CPUMAP, 4, 8, 3, 0, {.values = Values::kCpus}},
    {"xskmap", BPF_MAP_TYPE_XSKMAP, 4, 4, 3, 0, {.values = Values::kSockets}},
    {"sockmap", BPF_MAP_TYPE_SOCKMAP, 4, 4, 3, 0, {.values = Values::kSockets}},
    {"sockmap with cookies", BPF_MAP_TYPE_SOCKMAP, 4, 8, 3, 0, {.values = Values::kSockets}},
    {"sockhash", BPF_MAP_TYPE_SOCKHASH, 4, 8, 3, 0, {.values = Values::kSockets, .unordered = true}},
    {"reuseport array", BPF_MAP_TYPE_REUSEPORT_SOCKARRAY, 4, 4, 3, 0, {.values = Values::kSockets}},
    {"reuseport array with cookies",
     BPF_MAP_TYPE_REUSEPORT_SOCKARRAY,
     4,
     8,
     3,
     0,
     {.values = Values::kSockets}},
    {"cgroup storage", BPF_MAP_TYPE_CGROUP_STORAGE, 16, 8, 0, 0, {.keys = Keys::kGroupStorage}},
    {"cgroup storage, by group", BPF_MAP_TYPE_CGROUP_STORAGE, 8, 8, 0, 0, {.keys = Keys::kGroupStorage}},
    {"per-CPU cgroup storage",
     BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
     16,
     8,
     0,
     0,
     {.keys = Keys::kGroupStorage, .percpu = true}},
    {"socket storage", BPF_MAP_TYPE_SK_STORAGE, 4, 16, 0, BPF_F_NO_PREALLOC, {.keys = Keys::kSockets}},
    {"socket storage with lock",
     BPF_MAP_TYPE_SK_STORAGE,
     4,
     16,
     0,
     BPF_F_NO_PREALLOC,
     {.keys = Keys::kSockets, .locked = true}},
    {"inode storage", BPF_MAP_TYPE_INODE_STORAGE, 4, 16, 0, BPF_F_NO_PREALLOC, {.keys = Keys::kFiles}},
    {"task storage", BPF_MAP_TYPE_TASK_STORAGE, 4, 16, 0, BPF_F_NO_PREALLOC, {.keys = Keys::kTasks}},
    {"cgroup local storage", BPF_MAP_TYPE_CGRP_STORAGE, 4, 16, 0, BPF_F_NO_PREALLOC, {.keys = Keys::kGroups}},
};

bool local_storage(u32 type) {
  return type == BPF_MAP_TYPE_SK_STORAGE || type == BPF_MAP_TYPE_INODE_STORAGE ||
         type == BPF_MAP_TYPE_TASK_STORAGE || type == BPF_MAP_TYPE_CGRP_STORAGE;
}

// One of the two: its descriptor of the map, and of the objects that values may name.
struct Side {
  bool ours = false;
  long map = -1;
  std::vector<long> maps, programs;  // descriptors, by what the test calls them
  std::map<u32, u32> index_of;       // object ids of both kinds
};

class Sequence : public ::testing::TestWithParam<size_t> {
 protected:
  void SetUp() override {
    union bpf_attr a = {};
    a.map_type = BPF_MAP_TYPE_ARRAY, a.key_size = a.value_size = 4, a.max_entries = 1;
    const long fd = linux_bpf(BPF_MAP_CREATE, a);
    if (fd < 0)
      GTEST_SKIP() << "notice: bpf(2) is refused here (errno " << -fd << "); nothing to compare with";
    ::close(static_cast<int>(fd));
    side[0].ours = true;
    for (Side& s : side) make_objects(s);
    make_files();
  }
  void TearDown() override {
    for (Side& s : side) {
      close_of(s, s.map);
      for (const long fd : s.maps) close_of(s, fd);
      for (const long fd : s.programs) close_of(s, fd);
    }
    for (const int fd : files) ::close(fd);
  }
  long call(const Side& s, int cmd, union bpf_attr& a) { return s.ours ? t.call(cmd, a) : linux_bpf(cmd, a); }
  static void close_of(const Side& s, long fd) {
    if (fd < 0) return;
    if (s.ours)
      FdTable::instance().close(static_cast<int>(fd));
    else
      ::close(static_cast<int>(fd));
  }
  long create(const Side& s, const Shape& shape, long inner = -1) {
    union bpf_attr a = {};
    a.map_type = shape.type, a.key_size = shape.key, a.value_size = shape.value,
    a.max_entries = shape.entries, a.map_flags = shape.flags;
    if (inner >= 0) a.inner_map_fd = static_cast<u32>(inner);
    long btf = -1;
    if (shape.kind.locked || local_storage(shape.type)) {
      btf::Writer w;
      const u32 number = w.add_int("int", 4, btf::kIntSigned);
      const u32 lock = w.add_struct("bpf_spin_lock", 4, {{"val", number, 0}});
      const u32 value = w.add_struct("value", 16,
                                     {{"l", shape.kind.locked ? lock : number, 0},
                                      {"a", number, 32},
                                      {"b", number, 64},
                                      {"c", number, 96}});
      const auto bytes = w.bytes();
      union bpf_attr load = {};
      load.btf = reinterpret_cast<u64>(bytes.data()), load.btf_size = static_cast<u32>(bytes.size());
      btf = call(s, BPF_BTF_LOAD, load);
      EXPECT_GE(btf, 0);
      a.btf_fd = static_cast<u32>(btf), a.btf_key_type_id = number, a.btf_value_type_id = value;
    }
    const long fd = call(s, BPF_MAP_CREATE, a);
    close_of(s, btf);
    return fd;
  }
  u32 id_of(const Side& s, long fd, bool map) {
    bpf_map_info as_map = {};
    bpf_prog_info as_prog = {};
    union bpf_attr a = {};
    a.info.bpf_fd = static_cast<u32>(fd);
    a.info.info_len = map ? sizeof as_map : sizeof as_prog;
    a.info.info = map ? reinterpret_cast<u64>(&as_map) : reinterpret_cast<u64>(&as_prog);
    EXPECT_EQ(call(s, BPF_OBJ_GET_INFO_BY_FD, a), 0);
    return map ? as_map.id : as_prog.id;
  }
  // Inner maps that fit or do not; programs of several kinds. What a value calls 1, 2, 3 …
  void make_objects(Side& s) {
    const Shape inner[] = {
        {"", BPF_MAP_TYPE_ARRAY, 4, 8, 2, 0}, {"", BPF_MAP_TYPE_ARRAY, 4, 8, 2, 0},
        {"", BPF_MAP_TYPE_ARRAY, 4, 8, 3, 0}, {"", BPF_MAP_TYPE_ARRAY, 4, 4, 2, 0},
        {"", BPF_MAP_TYPE_HASH, 4, 8, 2, 0},  {"", BPF_MAP_TYPE_ARRAY, 4, 8, 2, BPF_F_MMAPABLE}};
    for (const Shape& i : inner) {
      s.maps.push_back(create(s, i));
      ASSERT_GE(s.maps.back(), 0);
      s.index_of[id_of(s, s.maps.back(), true)] = static_cast<u32>(s.maps.size());
    }
    const std::array<u32, 3> programs[] = {
        {BPF_PROG_TYPE_SOCKET_FILTER, 0, 0},    {BPF_PROG_TYPE_XDP, 0, 0},
        {BPF_PROG_TYPE_XDP, BPF_XDP_DEVMAP, 0}, {BPF_PROG_TYPE_XDP, BPF_XDP_DEVMAP, BPF_F_XDP_HAS_FRAGS},
        {BPF_PROG_TYPE_XDP, BPF_XDP_CPUMAP, 0}, {BPF_PROG_TYPE_XDP, BPF_XDP_CPUMAP, BPF_F_XDP_HAS_FRAGS},
        {BPF_PROG_TYPE_SCHED_CLS, 0, 0},
    };
    static const isa::Insn kReturn2[] = {{.code = 0xb7, .imm = 2}, {.code = 0x95}};
    for (const auto& [type, attach, flags] : programs) {
      union bpf_attr a = {};
      a.prog_type = type, a.expected_attach_type = attach, a.prog_flags = flags;
      a.insns = reinterpret_cast<u64>(kReturn2), a.insn_cnt = 2, a.license = reinterpret_cast<u64>("GPL");
      s.programs.push_back(call(s, BPF_PROG_LOAD, a));
      ASSERT_GE(s.programs.back(), 0);
      s.index_of[1000 + id_of(s, s.programs.back(), false)] = static_cast<u32>(s.programs.size());
    }
  }
  void make_files() {
    files = {::socket(AF_INET, SOCK_DGRAM, 0),
             ::socket(AF_INET, SOCK_STREAM, 0),
             ::socket(AF_UNIX, SOCK_DGRAM, 0),
             ::open("/tmp", O_RDONLY | O_DIRECTORY),
             ::open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY),
             static_cast<int>(::syscall(SYS_pidfd_open, getpid(), 0)),
             ::open("/dev/null", O_RDONLY),
             ::fcntl(::open("/dev/null", O_RDONLY), F_DUPFD, 900)};
    ::close(files.back());
  }

  u32 value_bytes(const Shape& s) const {
    return s.kind.percpu ? (s.value + 7) / 8 * 8 * host::nr_cpus() : s.value;
  }
  std::vector<u8> random_key(const Shape& s) {
    std::vector<u8> key(std::max<u32>(s.key, 16));
    const auto put = [&](u32 n) { std::memcpy(key.data(), &n, sizeof n); };
    switch (s.kind.keys) {
      case Keys::kNone: break;
      case Keys::kIndex: put(rng() % 16 ? static_cast<u32>(rng() % 7) : 0xffffffffu); break;
      case Keys::kPrefix: {
        static const u32 kLengths[] = {0, 1, 2, 7, 8, 8, 9, 24, 32, 33, ~0u};
        put(kLengths[rng() % std::size(kLengths)]);
        for (u32 i = 4; i < s.key; i++) key[i] = rng() % 3 ? 0 : static_cast<u8>(rng() & 0xc1);
        break;
      }
      default:
        if (s.kind.keys == Keys::kGroupStorage)
          put(static_cast<u32>(rng() % 3));
        else
          put(static_cast<u32>(files[rng() % files.size()]));
    }
    return key;
  }
  // A value for each side.
  std::array<std::vector<u8>, 2> random_value(const Shape& s) {
    std::array<std::vector<u8>, 2> v;
    for (auto& x : v) x.assign(std::max<u32>(value_bytes(s), 16) + 64, 0);
    const u32 n = static_cast<u32>(rng());
    const auto put = [&](u32 at, u32 word) {
      for (auto& x : v) std::memcpy(&x[at], &word, sizeof word);
    };
    const auto put_object = [&](u32 at, bool map) {
      const size_t which = rng() % ((map ? side[0].maps : side[0].programs).size() + 1);
      for (u32 i = 0; i < 2; i++) {
        const auto& list = map ? side[i].maps : side[i].programs;
        const u32 fd = which < list.size() ? static_cast<u32>(list[which]) : 9999;
        std::memcpy(&v[i][at], &fd, sizeof fd);
      }
    };
    switch (s.kind.values) {
      case Values::kBytes:
        for (u32 i = 0; i < value_bytes(s); i++)
          for (auto& x : v) x[i] = static_cast<u8>(n * (i + 1) >> 5);
        if (s.kind.locked) put(0, 0);
        break;
      case Values::kMaps: put_object(0, true); break;
      case Values::kPrograms: put_object(0, false); break;
      case Values::kDevices:
        put(0, std::array<u32, 5>{0, 1, 1, 1, 12345}[n % 5]);
        if (s.value == 8 && n % 3) put_object(4, false);
        break;
      case Values::kCpus:
        put(0, std::array<u32, 5>{0, 64, 128, 16384, 16385}[n % 5]);
        if (s.value == 8 && n % 3) put_object(4, false);
        break;
      case Values::kSockets:
        // TCP sockets that a sockmap takes would be changed: such a value is left out of those.
        put(0, static_cast<u32>(files[n % 8 == 0 ? 0 : 2 + n % (files.size() - 2)]));
        if (s.value == 8 && n % 16 == 0) put(4, 1);
    }
    return v;
  }
  // What came out, in words that both sides share.
  void translate(const Side& from, const Shape& s, u8* value) const {
    const auto swap_id = [&](u32 at, u32 base) {
      u32 id;
      std::memcpy(&id, value + at, sizeof id);
      if (!id) return;
      const auto it = from.index_of.find(base + id);
      const u32 index = it == from.index_of.end() ? ~0u : it->second;
      std::memcpy(value + at, &index, sizeof index);
    };
    if (s.kind.values == Values::kMaps) swap_id(0, 0);
    if (s.kind.values == Values::kPrograms) swap_id(0, 1000);
    if ((s.kind.values == Values::kDevices || s.kind.values == Values::kCpus) && s.value == 8)
      swap_id(4, 1000);
  }
  void element(const Shape& s, int cmd, const std::string& step);
  void batch(const Shape& s, int cmd, const std::string& step);
  void walk(const Shape& s, const std::string& step);

  TestKernel t;
  Side side[2];
  std::vector<int> files;
  std::mt19937 rng;
};

std::string hex(const std::vector<u8>& bytes, u32 n) {
  std::string out;
  char two[4];
  for (u32 i = 0; i < n; i++) std::snprintf(two, sizeof two, "%02x", bytes[i]), out += two;
  return out;
}

void Sequence::element(const Shape& s, int cmd, const std::string& step) {
  // Newer than 6.12: taking stack traces out.
  if (cmd == BPF_MAP_LOOKUP_AND_DELETE_ELEM && s.type == BPF_MAP_TYPE_STACK_TRACE) return;
  const auto key = random_key(s);
  auto values = random_value(s);
  static const u64 kFlags[] = {BPF_NOEXIST, BPF_EXIST, 3, BPF_F_LOCK, BPF_F_LOCK | BPF_EXIST, 1ull << 40};
  const u64 flags = rng() % 3 ? 0 : kFlags[rng() % std::size(kFlags)];
  const bool null_key = s.key ? rng() % 24 == 0 : rng() % 24 != 0;
  const bool bad_value = rng() % 32 == 0;
  long result[2];
  for (u32 i = 0; i < 2; i++) {
    union bpf_attr a = {};
    a.map_fd = static_cast<u32>(side[i].map), a.flags = cmd == BPF_MAP_DELETE_ELEM ? 0 : flags;
    a.key = null_key ? 0 : reinterpret_cast<u64>(key.data());
    a.value = bad_value ? 8 : reinterpret_cast<u64>(values[i].data());
    result[i] = call(side[i], cmd, a);
  }
  const std::string what = std::string(s.name) + " cmd " + std::to_string(cmd) + " key " +
                           (null_key ? "null" : hex(key, s.key)) + " value " +
                           (bad_value ? "bad" : hex(values[0], std::min(s.value, 16u))) + " flags " +
                           std::to_string(flags) + " step " + step;
  ASSERT_EQ(result[0], result[1]) << what << " (ours: " << last_error() << ")";
  if (result[0] || cmd == BPF_MAP_UPDATE_ELEM || cmd == BPF_MAP_DELETE_ELEM) return;
  for (u32 i = 0; i < 2; i++) translate(side[i], s, values[i].data());
  ASSERT_EQ(hex(values[0], value_bytes(s)), hex(values[1], value_bytes(s))) << what;
}

// All keys from the start; and what follows a key, where there is an order.
void Sequence::walk(const Shape& s, const std::string& step) {
  std::vector<std::string> seen[2];
  for (u32 i = 0; i < 2; i++) {
    std::vector<u8> key(16), next(16);
    bool first = true;
    long r = 0;
    for (u32 n = 0; n < 64; n++) {
      union bpf_attr a = {};
      a.map_fd = static_cast<u32>(side[i].map);
      a.key = first ? 0 : reinterpret_cast<u64>(key.data()), a.next_key = reinterpret_cast<u64>(next.data());
      r = call(side[i], BPF_MAP_GET_NEXT_KEY, a);
      if (r) break;
      seen[i].push_back(hex(next, s.key));
      key = next;
      first = false;
    }
    if (s.kind.unordered) std::sort(seen[i].begin(), seen[i].end());
    seen[i].push_back(std::to_string(r));
  }
  ASSERT_EQ(seen[0], seen[1]) << s.name << " walk, step " << step;
  const auto key = random_key(s);
  std::vector<u8> next[2] = {std::vector<u8>(16), std::vector<u8>(16)};
  long r[2];
  if (s.kind.unordered || s.kind.keys == Keys::kNone) return;
  for (u32 i = 0; i < 2; i++) {
    union bpf_attr a = {};
    a.map_fd = static_cast<u32>(side[i].map);
    a.key = reinterpret_cast<u64>(key.data()), a.next_key = reinterpret_cast<u64>(next[i].data());
    r[i] = call(side[i], BPF_MAP_GET_NEXT_KEY, a);
  }
  const std::string what = std::string(s.name) + " after " + hex(key, s.key) + ", step " + step;
  ASSERT_EQ(r[0], r[1]) << what;
  ASSERT_EQ(hex(next[0], s.key), hex(next[1], s.key)) << what;
}

void Sequence::batch(const Shape& s, int cmd, const std::string& step) {
  const bool reads = cmd == BPF_MAP_LOOKUP_BATCH || cmd == BPF_MAP_LOOKUP_AND_DELETE_BATCH;
  constexpr u32 kRoom = 64;
  const u32 count = reads && s.kind.unordered ? (rng() % 8 ? kRoom : 0) : static_cast<u32>(rng() % 5);
  const u64 elem_flags = rng() % 6 ? 0 : std::array<u64, 4>{BPF_F_LOCK, BPF_NOEXIST, BPF_EXIST, 8}[rng() % 4];
  const u64 flags = rng() % 24 ? 0 : 1;
  const bool from_key = reads && !s.kind.unordered && rng() % 3 == 0;
  const u32 vs = value_bytes(s);
  std::vector<u8> keys[2], values[2], in(64), out[2];
  for (u32 i = 0; i < 2; i++)
    keys[i].resize(kRoom * 16), values[i].resize(kRoom * (vs + 16)), out[i].resize(64);
  for (u32 n = 0; n < 4; n++) {
    const auto key = random_key(s);
    const auto value = random_value(s);
    for (u32 i = 0; i < 2; i++) {
      std::copy_n(key.begin(), s.key, &keys[i][n * s.key]);
      if (cmd == BPF_MAP_UPDATE_BATCH) std::copy_n(value[i].begin(), vs, &values[i][n * vs]);
    }
    if (!n) std::copy_n(key.begin(), s.key, in.begin());
  }
  long result[2];
  u32 got[2];
  for (u32 i = 0; i < 2; i++) {
    union bpf_attr a = {};
    a.batch.map_fd = static_cast<u32>(side[i].map), a.batch.count = count;
    a.batch.keys = reinterpret_cast<u64>(keys[i].data()),
    a.batch.values = reinterpret_cast<u64>(values[i].data());
    a.batch.in_batch = from_key ? reinterpret_cast<u64>(in.data()) : 0;
    a.batch.out_batch = reinterpret_cast<u64>(out[i].data());
    a.batch.elem_flags = elem_flags, a.batch.flags = flags;
    result[i] = call(side[i], cmd, a);
    got[i] = a.batch.count;
  }
  const std::string what = std::string(s.name) + " batch cmd " + std::to_string(cmd) + " count " +
                           std::to_string(count) + " elem_flags " + std::to_string(elem_flags) + " flags " +
                           std::to_string(flags) + (from_key ? " from a key" : "") + " step " + step;
  ASSERT_EQ(result[0], result[1]) << what << " (ours: " << last_error() << ")";
  ASSERT_EQ(got[0], got[1]) << what;
  if (!reads || (result[0] && result[0] != -ENOENT)) return;
  std::vector<std::string> pairs[2];
  for (u32 i = 0; i < 2; i++) {
    for (u32 n = 0; n < std::min(got[i], kRoom); n++) {
      translate(side[i], s, &values[i][n * vs]);
      pairs[i].push_back(hex({&keys[i][n * s.key], &keys[i][(n + 1) * s.key]}, s.key) + "=" +
                         hex({&values[i][n * vs], &values[i][(n + 1) * vs]}, vs));
    }
    if (s.kind.unordered) std::sort(pairs[i].begin(), pairs[i].end());
  }
  ASSERT_EQ(pairs[0], pairs[1]) << what;
  if (!s.kind.unordered && got[0]) {
    ASSERT_EQ(hex(out[0], s.key), hex(out[1], s.key)) << what;
  }
}

TEST_P(Sequence, SameAnswers) {
  const Shape& s = kShapes[GetParam()];
  rng.seed(static_cast<u32>(GetParam()) + 1);
  for (int round = 0; round < 3; round++) {
    for (Side& x : side) {
      close_of(x, x.map);
      x.map = create(x, s, s.kind.values == Values::kMaps ? x.maps[0] : -1);
    }
    if (side[1].map < 0 && (side[1].map == -EINVAL || side[1].map == -EOPNOTSUPP) && side[0].map >= 0)
      GTEST_SKIP() << "notice: this kernel has no " << s.name;
    ASSERT_GE(side[0].map, 0) << s.name << ": " << last_error();
    ASSERT_GE(side[1].map, 0) << s.name;
    for (int n = 0; n < 250 && !HasFatalFailure(); n++) {
      static const int kElement[] = {BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM, BPF_MAP_UPDATE_ELEM,
                                     BPF_MAP_DELETE_ELEM, BPF_MAP_LOOKUP_AND_DELETE_ELEM};
      static const int kBatch[] = {BPF_MAP_LOOKUP_BATCH, BPF_MAP_LOOKUP_AND_DELETE_BATCH,
                                   BPF_MAP_UPDATE_BATCH, BPF_MAP_DELETE_BATCH};
      const std::string step = std::to_string(round) + "." + std::to_string(n);
      const u32 what = static_cast<u32>(rng() % 16);
      if (what < 11)
        element(s, kElement[rng() % std::size(kElement)], step);
      else if (what < 13)
        walk(s, step);
      else
        batch(s, kBatch[rng() % std::size(kBatch)], step);
      if (HasFatalFailure()) return;
      if (n == 200) {
        long r[2];
        for (u32 i = 0; i < 2; i++) {
          union bpf_attr a = {};
          a.map_fd = static_cast<u32>(side[i].map);
          r[i] = call(side[i], BPF_MAP_FREEZE, a);
        }
        ASSERT_EQ(r[0], r[1]) << s.name << " freeze";
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Types, Sequence, ::testing::Range<size_t>(0, std::size(kShapes)),
                         [](const auto& info) {
                           std::string name = kShapes[info.param].name;
                           for (char& c : name)
                             if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
                           return name;
                         });

}  // namespace
}  // namespace osmia::syscall
