// Pins as files, what a map keeps alive, and what test runs count.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "btf/write.h"
#include "host/run_context.h"
#include "isa/insn.h"
#include "runtime/engine.h"
#include "syscall/pin_files.h"
#include "test_kernel.h"

namespace osmia::syscall {
namespace {

struct Pins : ::testing::Test {
  TestKernel t;
  btf::Writer w;
  u32 key, value;

  Pins() {
    runtime::install_engine(t.kernel);
    key = w.add_int("unsigned int", 4, 0);
    const u32 small = w.add_int("short", 2, btf::kIntSigned);
    value = w.add_struct("pair", 8, {{"a", key, 0}, {"b", small, 32}, {"c", small, 48}});
  }
  long load_btf() {
    const auto bytes = w.bytes();
    return t.call(BPF_BTF_LOAD, [&](union bpf_attr& a) {
      a.btf = reinterpret_cast<u64>(bytes.data()), a.btf_size = static_cast<u32>(bytes.size());
    });
  }
  long typed_map(u32 type, long btf, u32 entries) {
    return t.call(BPF_MAP_CREATE, [&](union bpf_attr& a) {
      a.map_type = type, a.key_size = 4, a.value_size = 8, a.max_entries = entries;
      a.btf_fd = static_cast<u32>(btf), a.btf_key_type_id = key, a.btf_value_type_id = value;
    });
  }
  long pin(long fd, const char* path) {
    return t.call(BPF_OBJ_PIN, [&](union bpf_attr& a) {
      a.pathname = reinterpret_cast<u64>(path), a.bpf_fd = static_cast<u32>(fd);
    });
  }
  static int close(long fd) { return FdTable::instance().close(static_cast<int>(fd)); }
};

TEST_F(Pins, AreThereUntilUnlinked) {
  const long map = t.make(BPF_MAP_TYPE_ARRAY, 4, 8, 2);
  ASSERT_EQ(pin(map, "/sys/fs/bpf//x/../y"), 0);
  EXPECT_TRUE(is_pinned(t.kernel, "/sys/fs/bpf/y"));
  EXPECT_TRUE(is_pinned(t.kernel, "/sys/fs/bpf/./y"));
  EXPECT_FALSE(is_pinned(t.kernel, "/sys/fs/bpf/x"));
  EXPECT_EQ(pin(map, "/sys/fs/bpf/y"), -EEXIST);
  EXPECT_FALSE(unpin(t.kernel, "/sys/fs/bpf/x"));
  EXPECT_TRUE(unpin(t.kernel, "/sys/fs/bpf/y"));
  EXPECT_FALSE(unpin(t.kernel, "/sys/fs/bpf/y"));
  EXPECT_EQ(pin(map, "/sys/fs/bpf/y"), 0) << "the name is free again";
  EXPECT_EQ(pin_text(t.kernel, "/sys/fs/bpf/z").error().code, ENOENT);
  EXPECT_EQ(pin_text(t.kernel, "/sys/fs/bpf/y").error().code, EIO) << "a map without BTF has no text";
  unpin(t.kernel, "/sys/fs/bpf/y");
  close(map);
}

constexpr const char* kHead =
    "# WARNING!! The output is for debug purpose only\n# WARNING!! The output format will change\n";

TEST_F(Pins, MapsReadByTheirTypes) {
  const long btf = load_btf();
  ASSERT_GT(btf, 0) << last_error();
  struct Pair {
    u32 a;
    s16 b, c;
  };
  const long array = typed_map(BPF_MAP_TYPE_ARRAY, btf, 2), hash = typed_map(BPF_MAP_TYPE_HASH, btf, 4);
  const u32 one = 1, seven = 7;
  Pair p{5, -6, 0};
  ASSERT_EQ(t.elem(BPF_MAP_UPDATE_ELEM, array, &one, &p), 0);
  ASSERT_EQ(t.elem(BPF_MAP_UPDATE_ELEM, hash, &seven, &p), 0);
  ASSERT_EQ(pin(array, "/sys/fs/bpf/array"), 0);
  ASSERT_EQ(pin(hash, "/sys/fs/bpf/hash"), 0);
  EXPECT_EQ(*pin_text(t.kernel, "/sys/fs/bpf/array"), kHead + std::string("0: {0,0,0,}\n1: {5,-6,0,}\n"));
  EXPECT_EQ(*pin_text(t.kernel, "/sys/fs/bpf/hash"), kHead + std::string("7: {5,-6,0,}\n"));

  const long percpu = typed_map(BPF_MAP_TYPE_PERCPU_ARRAY, btf, 1);
  const u32 cpus = host::nr_cpus(), zero = 0;
  std::vector<Pair> all(cpus);
  for (u32 c = 0; c < cpus; c++) all[c] = {c + 1, 0, 0};
  ASSERT_EQ(t.elem(BPF_MAP_UPDATE_ELEM, percpu, &zero, all.data()), 0);
  ASSERT_EQ(pin(percpu, "/sys/fs/bpf/percpu"), 0);
  std::string expected = kHead + std::string("0: {\n");
  for (u32 c = 0; c < cpus; c++)
    expected += "\tcpu" + std::to_string(c) + ": {" + std::to_string(c + 1) + ",0,0,}\n";
  EXPECT_EQ(*pin_text(t.kernel, "/sys/fs/bpf/percpu"), expected + "}\n");
  for (const char* path : {"/sys/fs/bpf/array", "/sys/fs/bpf/hash", "/sys/fs/bpf/percpu"})
    unpin(t.kernel, path);
  for (const long fd : {array, hash, percpu, btf}) close(fd);
}

TEST_F(Pins, BtfLivesAsLongAsAMapOfIt) {
  const long btf = load_btf();
  const long map = typed_map(BPF_MAP_TYPE_ARRAY, btf, 1);
  ASSERT_GT(map, 0) << last_error();
  struct bpf_map_info info = {};
  ASSERT_EQ(t.call(BPF_OBJ_GET_INFO_BY_FD,
                   [&](union bpf_attr& a) {
                     a.info.bpf_fd = static_cast<u32>(map), a.info.info_len = sizeof info;
                     a.info.info = reinterpret_cast<u64>(&info);
                   }),
            0);
  close(btf);
  const auto open = [&] {
    return t.call(BPF_BTF_GET_FD_BY_ID, [&](union bpf_attr& a) { a.btf_id = info.btf_id; });
  };
  const long again = open();
  EXPECT_GT(again, 0) << last_error();
  close(again);
  close(map);
  EXPECT_EQ(open(), -ENOENT);
}

TEST_F(Pins, RunsAreCountedWhenSomebodyAsks) {
  const isa::Insn two[] = {{.code = 0xb7, .imm = 0}, {.code = 0x95}};
  const long prog = t.call(BPF_PROG_LOAD, [&](union bpf_attr& a) {
    a.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
    a.insns = reinterpret_cast<u64>(two), a.insn_cnt = 2, a.license = reinterpret_cast<u64>("GPL");
  });
  ASSERT_GT(prog, 0) << last_error();
  u8 packet[64] = {};
  const auto run = [&](u32 repeat) {
    return t.call(BPF_PROG_TEST_RUN, [&](union bpf_attr& a) {
      a.test.prog_fd = static_cast<u32>(prog), a.test.repeat = repeat;
      a.test.data_in = reinterpret_cast<u64>(packet), a.test.data_size_in = sizeof packet;
    });
  };
  const auto count = [&] {
    struct bpf_prog_info info = {};
    EXPECT_EQ(t.call(BPF_OBJ_GET_INFO_BY_FD,
                     [&](union bpf_attr& a) {
                       a.info.bpf_fd = static_cast<u32>(prog), a.info.info_len = sizeof info;
                       a.info.info = reinterpret_cast<u64>(&info);
                     }),
              0);
    return info.run_cnt;
  };
  ASSERT_EQ(run(3), 0) << last_error();
  EXPECT_EQ(count(), 0u);
  const long stats =
      t.call(BPF_ENABLE_STATS, [](union bpf_attr& a) { a.enable_stats.type = BPF_STATS_RUN_TIME; });
  ASSERT_GT(stats, 0);
  ASSERT_EQ(run(0), 0);
  EXPECT_EQ(count(), 1u) << "no repetition is one run";
  ASSERT_EQ(run(5), 0);
  EXPECT_EQ(count(), 6u);
  close(stats);
  ASSERT_EQ(run(5), 0);
  EXPECT_EQ(count(), 6u);
  close(prog);
}

// Linux: CAP_SYS_ADMIN stands for what BPF asks, but not for CAP_SYS_BOOT.
TEST(Credentials, AdministratorsMayNotReboot) {
  using contract::Capability;
  const auto bit = [](Capability c) { return 1u << static_cast<u32>(c); };
  EXPECT_TRUE(runtime::Cred{}.capable(Capability::kSysBoot));
  const runtime::Cred admin{.caps = bit(Capability::kSysAdmin)};
  EXPECT_TRUE(admin.capable(Capability::kBpf));
  EXPECT_TRUE(admin.capable(Capability::kNetAdmin));
  EXPECT_FALSE(admin.capable(Capability::kSysBoot));
  EXPECT_TRUE((runtime::Cred{.caps = bit(Capability::kSysAdmin) | bit(Capability::kSysBoot)}.capable(
      Capability::kSysBoot)));
  const runtime::Cred none{.caps = 0};
  EXPECT_TRUE(none.capable(Capability::kNone));
  EXPECT_FALSE(none.capable(Capability::kBpf));
}

}  // namespace
}  // namespace osmia::syscall
