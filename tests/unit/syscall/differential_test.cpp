// The same attribute bytes to our bpf(2) and to the running kernel's: the errnos must be the same. Map and
// BTF commands and trivial program loads only; nothing is attached. Skips with a notice where bpf(2) is
// refused.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <vector>

#include "btf/write.h"
#include "test_kernel.h"

namespace osmia::syscall {
namespace {

class Differential : public ::testing::Test {
 protected:
  void SetUp() override {
    union bpf_attr a;
    std::memset(&a, 0, sizeof a);
    a.map_type = BPF_MAP_TYPE_ARRAY, a.key_size = 4, a.value_size = 4, a.max_entries = 1;
    const long fd = linux_bpf(BPF_MAP_CREATE, a, 64);
    if (fd < 0)
      GTEST_SKIP() << "notice: bpf(2) is refused here (errno " << -fd << "); nothing to compare with";
    ::close(static_cast<int>(fd));
  }
  // Both answers; descriptors are closed and count as 0.
  void same(int cmd, const union bpf_attr& given, unsigned size, const std::string& what) {
    union bpf_attr a = given, b = given;
    long ours = t.call(cmd, a, size), theirs = linux_bpf(cmd, b, size);
    if (ours > 0) FdTable::instance().close(static_cast<int>(ours)), ours = 0;
    if (theirs > 0) ::close(static_cast<int>(theirs)), theirs = 0;
    EXPECT_EQ(ours, theirs) << what << " (ours: " << last_error() << ")";
  }
  TestKernel t;
};

TEST_F(Differential, MapCreateOfEveryType) {
  std::mt19937 rng(1);
  const u32 keys[] = {0, 1, 4, 8, 16, 260, 600}, values[] = {0, 1, 4, 8, 12, 24, 64, 4096, 40000, 0x500000};
  const u32 entries[] = {0, 1, 3, 4096, 5000},
            flags[] = {0,   0,   1,       2,        4,        8,        16,  64,
                       128, 256, 1u << 9, 1u << 10, 1u << 11, 1u << 12, 384, 1u << 30};
  const auto pick = [&](const auto& set) { return set[rng() % std::size(set)]; };
  int compared = 0;
  for (u32 type = 0; type <= 34; type++) {
    // Vendor kernels leave types out or add checks of their own; struct_ops needs their BTF.
    if (type == BPF_MAP_TYPE_STRUCT_OPS || type >= BPF_MAP_TYPE_ARENA) continue;
    union bpf_attr probe;
    for (int i = 0; i < 120; i++) {
      std::memset(&probe, 0, sizeof probe);
      probe.map_type = type, probe.key_size = pick(keys), probe.value_size = pick(values),
      probe.max_entries = pick(entries);
      probe.map_flags = pick(flags);
      if (rng() % 16 == 0) probe.map_extra = 1;
      if (rng() % 16 == 0) probe.btf_key_type_id = 1;
      if (rng() % 16 == 0) probe.inner_map_fd = 9999;
      if (u64{probe.value_size} * std::max<u32>(probe.max_entries, 1) > 64u << 20) continue;
      same(BPF_MAP_CREATE, probe, sizeof probe,
           "type " + std::to_string(type) + " key " + std::to_string(probe.key_size) + " value " +
               std::to_string(probe.value_size) + " entries " + std::to_string(probe.max_entries) +
               " flags " + std::to_string(probe.map_flags) + " extra " + std::to_string(probe.map_extra) +
               " btf key " + std::to_string(probe.btf_key_type_id));
      compared++;
    }
  }
  EXPECT_GT(compared, 3000);
}

TEST_F(Differential, AttributeSizes) {
  std::vector<u8> big(8192);
  auto& a = *reinterpret_cast<union bpf_attr*>(big.data());
  for (const unsigned size : {0u, 1u, 4u, 16u, 28u, 64u, 148u, 200u, 4096u, 4097u, 8192u}) {
    std::fill(big.begin(), big.end(), 0);
    a.map_type = BPF_MAP_TYPE_ARRAY, a.key_size = 4, a.value_size = 4, a.max_entries = 1;
    for (const int tail : {0, 1}) {
      if (tail) big[std::max(300u, size ? size - 1 : 0)] = 1;
      union bpf_attr* p = &a;
      long ours = bpf(t.kernel, BPF_MAP_CREATE, p, size);
      long theirs = ::syscall(__NR_bpf, BPF_MAP_CREATE, p, size);
      if (theirs < 0) theirs = -errno;
      if (ours > 0) FdTable::instance().close(static_cast<int>(ours)), ours = 0;
      if (theirs > 0) ::close(static_cast<int>(theirs)), theirs = 0;
      EXPECT_EQ(ours, theirs) << "size " << size << " tail " << tail;
    }
  }
}

TEST_F(Differential, ElementCommands) {
  std::mt19937 rng(2);
  struct Shape {
    u32 type, key, value, entries, flags;
  };
  const Shape shapes[] = {{BPF_MAP_TYPE_ARRAY, 4, 8, 4, 0},
                          {BPF_MAP_TYPE_HASH, 4, 8, 4, 0},
                          {BPF_MAP_TYPE_HASH, 4, 8, 4, BPF_F_NO_PREALLOC},
                          {BPF_MAP_TYPE_QUEUE, 0, 8, 4, 0},
                          {BPF_MAP_TYPE_STACK, 0, 8, 4, 0},
                          {BPF_MAP_TYPE_LPM_TRIE, 8, 8, 4, BPF_F_NO_PREALLOC},
                          {BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 4, 0},
                          {BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0},
                          {BPF_MAP_TYPE_ARRAY, 4, 8, 4, BPF_F_RDONLY},
                          {BPF_MAP_TYPE_HASH, 4, 8, 4, BPF_F_WRONLY},
                          {BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 4, 0},
                          {BPF_MAP_TYPE_PERCPU_HASH, 4, 8, 4, 0},
                          {BPF_MAP_TYPE_LRU_HASH, 4, 8, 4096, 0}};
  for (const Shape& s : shapes) {
    union bpf_attr a;
    std::memset(&a, 0, sizeof a);
    a.map_type = s.type, a.key_size = s.key, a.value_size = s.value, a.max_entries = s.entries,
    a.map_flags = s.flags;
    union bpf_attr b = a;
    const long ours = t.call(BPF_MAP_CREATE, a), theirs = linux_bpf(BPF_MAP_CREATE, b, sizeof b);
    ASSERT_GT(ours, 0);
    ASSERT_GT(theirs, 0);
    for (int i = 0; i < 400; i++) {
      static const int cmds[] = {BPF_MAP_LOOKUP_ELEM,
                                 BPF_MAP_UPDATE_ELEM,
                                 BPF_MAP_UPDATE_ELEM,
                                 BPF_MAP_DELETE_ELEM,
                                 BPF_MAP_LOOKUP_AND_DELETE_ELEM,
                                 BPF_MAP_GET_NEXT_KEY};
      const int cmd = cmds[rng() % 6];
      // A key that exists or not, in all maps; next keys of hashes differ, so only their errno is compared.
      u32 key[2] = {static_cast<u32>(rng() % 6), 0};
      if (s.type == BPF_MAP_TYPE_LPM_TRIE) key[0] = 32, key[1] = static_cast<u32>(rng() % 6);
      alignas(8) u8 va[1024] = {}, vb[1024] = {};
      const u64 v = rng();
      std::memcpy(va, &v, 8), std::memcpy(vb, &v, 8);
      if (s.type == BPF_MAP_TYPE_PROG_ARRAY) std::memset(va, 0xff, 4), std::memset(vb, 0xff, 4);
      std::memset(&a, 0, sizeof a);
      a.map_fd = static_cast<u32>(ours);
      a.key = rng() % 20  ? (s.key ? reinterpret_cast<u64>(key) : 0)
              : rng() % 2 ? 0
                          : reinterpret_cast<u64>(key);
      // Hashes walk in an order of their own.
      if (cmd == BPF_MAP_GET_NEXT_KEY && s.type != BPF_MAP_TYPE_ARRAY && s.key &&
          s.type != BPF_MAP_TYPE_PROG_ARRAY)
        continue;
      const u64 flags = cmd == BPF_MAP_DELETE_ELEM || cmd == BPF_MAP_GET_NEXT_KEY
                            ? (rng() % 10 ? 0 : 1)
                            : (rng() % 3 ? 0 : rng() % 6);
      a.value = reinterpret_cast<u64>(va), a.flags = flags;
      if (rng() % 25 == 0) a.value = 8;
      b = a;
      b.map_fd = static_cast<u32>(theirs);
      if (b.value > 8) b.value = reinterpret_cast<u64>(vb);
      const long x = t.call(cmd, a), y = linux_bpf(cmd, b, sizeof b);
      ASSERT_EQ(x, y) << "type " << s.type << " cmd " << cmd << " key " << key[0] << " flags " << flags
                      << " step " << i;
      if (!x && cmd != BPF_MAP_GET_NEXT_KEY) {
        ASSERT_EQ(std::memcmp(va, vb, 8), 0) << "type " << s.type << " cmd " << cmd << " step " << i;
      }
    }
    FdTable::instance().close(static_cast<int>(ours));
    ::close(static_cast<int>(theirs));
  }
}

TEST_F(Differential, BtfLoad) {
  btf::Writer w;
  const u32 i = w.add_int("int", 4, btf::kIntSigned);
  w.add_struct("s", 8, {{"a", i, 0}, {"b", i, 32}});
  const auto good = w.bytes();
  std::mt19937 rng(3);
  for (int n = 0; n < 400; n++) {
    auto bytes = good;
    if (n)
      for (u32 k = rng() % 3; k < 3; k++) bytes[rng() % bytes.size()] ^= static_cast<u8>(1u << rng() % 8);
    union bpf_attr a;
    std::memset(&a, 0, sizeof a);
    a.btf = reinterpret_cast<u64>(bytes.data());
    a.btf_size = static_cast<u32>(bytes.size() - (rng() % 10 ? 0 : rng() % 5));
    same(BPF_BTF_LOAD, a, sizeof a, "btf mutation " + std::to_string(n));
  }
}

TEST_F(Differential, ProgLoadBeforeTheVerifier) {
  const isa::Insn ok[] = {{.code = 0xb7}, {.code = 0x95}};
  const char license[] = "GPL";
  const auto base = [&] {
    union bpf_attr a;
    std::memset(&a, 0, sizeof a);
    a.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
    a.insns = reinterpret_cast<u64>(ok), a.insn_cnt = 2, a.license = reinterpret_cast<u64>(license);
    return a;
  };
  char log[64] = "untouched";
  std::vector<std::pair<std::string, std::function<void(union bpf_attr&)>>> cases = {
      {"plain", [](auto&) {}},
      {"no insns", [](auto& a) { a.insn_cnt = 0; }},
      {"too many insns", [](auto& a) { a.insn_cnt = 1000001; }},
      {"bad insns pointer", [](auto& a) { a.insns = 8; }},
      {"bad license", [](auto& a) { a.license = 8; }},
      {"null license", [](auto& a) { a.license = 0; }},
      {"unknown flag", [](auto& a) { a.prog_flags = 1u << 30; }},
      {"unknown type", [](auto& a) { a.prog_type = 77; }},
      {"name with dash", [](auto& a) { std::memcpy(a.prog_name, "a-b", 4); }},
      {"long name", [](auto& a) { std::memset(a.prog_name, 'a', 16); }},
      {"log level without buffer", [](auto& a) { a.log_level = 1; }},
      {"buffer without level", [&](auto& a) { a.log_buf = reinterpret_cast<u64>(log), a.log_size = 64; }},
      {"size without buffer", [](auto& a) { a.log_level = 1, a.log_size = 64; }},
      {"bad level",
       [&](auto& a) { a.log_level = 16, a.log_buf = reinterpret_cast<u64>(log), a.log_size = 64; }},
      {"btf fd without infos", [](auto& a) { a.prog_btf_fd = 9999; }},
      {"func info without btf", [](auto& a) { a.func_info_cnt = 1, a.prog_btf_fd = 9999; }},
      {"attach_btf_id on a socket filter", [](auto& a) { a.attach_btf_id = 1; }},
      {"attach_prog_fd", [](auto& a) { a.attach_prog_fd = 9999; }},
      {"cgroup_skb attach type",
       [](auto& a) { a.prog_type = BPF_PROG_TYPE_CGROUP_SKB, a.expected_attach_type = 9; }},
      {"sk_lookup without attach type", [](auto& a) { a.prog_type = BPF_PROG_TYPE_SK_LOOKUP; }},
      {"xdp", [](auto& a) { a.prog_type = BPF_PROG_TYPE_XDP; }},
      {"any attach type on xdp",
       [](auto& a) { a.prog_type = BPF_PROG_TYPE_XDP, a.expected_attach_type = 3; }},
  };
  for (const auto& [what, change] : cases) {
    auto a = base();
    change(a);
    same(BPF_PROG_LOAD, a, sizeof a, what);
  }
  EXPECT_STREQ(log, "untouched");
}

TEST_F(Differential, BadDescriptorsAndCommands) {
  union bpf_attr a;
  for (int cmd = 0; cmd <= 40; cmd++) {
    if (cmd == BPF_PROG_ATTACH || cmd == BPF_PROG_DETACH || cmd == BPF_PROG_QUERY ||
        cmd == BPF_TASK_FD_QUERY || cmd == BPF_OBJ_PIN || cmd == BPF_OBJ_GET || cmd == BPF_ENABLE_STATS ||
        cmd == BPF_TOKEN_CREATE || cmd == BPF_RAW_TRACEPOINT_OPEN || cmd >= 37 ||
        cmd == BPF_PROG_GET_NEXT_ID || cmd == BPF_MAP_GET_NEXT_ID || cmd == BPF_BTF_GET_NEXT_ID ||
        cmd == BPF_LINK_GET_NEXT_ID)
      continue;
    std::memset(&a, 0, sizeof a);
    a.map_fd = 9999;
    if (cmd == BPF_OBJ_GET_INFO_BY_FD) a.info.bpf_fd = 9999;
    if (cmd >= BPF_MAP_LOOKUP_BATCH && cmd <= BPF_MAP_DELETE_BATCH) a.map_fd = 0, a.batch.map_fd = 9999;
    same(cmd, a, sizeof a, "cmd " + std::to_string(cmd) + " with descriptor 9999");
    std::memset(&a, 0xff, sizeof a);
    same(cmd, a, sizeof a, "cmd " + std::to_string(cmd) + " with all ones");
  }
}

}  // namespace
}  // namespace osmia::syscall
