// A light skeleton's way into the kernel: libbpf writes a loader program, which runs as a BPF program of type
// syscall, makes the maps and loads the programs with core_relos for the kernel to apply. No ELF and no
// libbpf is there at that point.
#include <bpf/libbpf.h>
#include <gtest/gtest.h>

#include <cstring>

#include "btf/write.h"
#include "runtime/catalog.h"
#include "runtime/engine.h"
#include "syscall/bpf.h"
#include "syscall/fds.h"

// libbpf's own calls need no kernel here: it only writes the loader program.
#include "loader/rebound.h"

namespace osmia {
namespace {

std::shared_ptr<const btf::Btf> kernel_btf(bool with_not_there) {
  btf::Writer w;
  const u32 i32 = w.add_int("int", 4, btf::kIntSigned), u64_ = w.add_int("long", 8, btf::kIntSigned);
  if (with_not_there)
    w.add_struct("task_struct", 64,
                 {{"pid", i32, 12 * 8}, {"tgid", u64_, 16 * 8}, {"not_there", i32, 40 * 8}});
  else
    w.add_struct("task_struct", 64, {{"pid", i32, 12 * 8}, {"tgid", u64_, 16 * 8}});
  w.add_enum("some_enum", 4, {{"TWO", 2222}});
  auto r = btf::Btf::parse(w.bytes());
  EXPECT_TRUE(r.ok());
  return *r;
}

struct Context {  // struct bpf_loader_ctx, then what the loader program fills in
  u32 size = 0, flags = 0, log_level = 0, log_size = 0;
  u64 log_buf = 0;
  struct {
    int fd;
    u32 max_entries;
    u64 initial_value;
  } map = {};
  int program_fd = 0;
};

struct Light : ::testing::TestWithParam<bool> {
  runtime::Kernel kernel{runtime::build_catalog(kernel_btf(GetParam()))};
  Light() { runtime::install_engine(kernel); }
  long call(int command, const std::function<void(union bpf_attr&)>& fill, union bpf_attr* out = nullptr) {
    union bpf_attr a;
    std::memset(&a, 0, sizeof a);
    fill(a);
    const long r = syscall::bpf(kernel, command, &a, sizeof a);
    if (out) *out = a;
    return r;
  }
};

TEST_P(Light, LoadsItselfAndIsRelocatedByTheKernel) {
  loader::Binding binding(kernel);
  bpf_object* o = bpf_object__open_file(OSMIA_LIGHT_OBJECT, nullptr);
  ASSERT_NE(o, nullptr);
  gen_loader_opts gen;
  std::memset(&gen, 0, sizeof gen);
  gen.sz = sizeof gen;
  ASSERT_EQ(bpf_object__gen_loader(o, &gen), 0);
  ASSERT_EQ(bpf_object__load(o), 0);

  const int blob = static_cast<int>(call(BPF_MAP_CREATE, [&](union bpf_attr& a) {
    a.map_type = BPF_MAP_TYPE_ARRAY, a.key_size = 4, a.value_size = gen.data_sz, a.max_entries = 1;
  }));
  ASSERT_GT(blob, 0);
  const u32 key = 0;
  ASSERT_EQ(call(BPF_MAP_UPDATE_ELEM,
                 [&](union bpf_attr& a) {
                   a.map_fd = static_cast<u32>(blob), a.key = reinterpret_cast<u64>(&key);
                   a.value = reinterpret_cast<u64>(gen.data);
                 }),
            0);
  const long loader = call(BPF_PROG_LOAD, [&](union bpf_attr& a) {
    a.prog_type = BPF_PROG_TYPE_SYSCALL, a.prog_flags = BPF_F_SLEEPABLE;
    a.insns = reinterpret_cast<u64>(gen.insns), a.insn_cnt = gen.insns_sz / 8;
    a.license = reinterpret_cast<u64>("Dual BSD/GPL");
    a.fd_array = reinterpret_cast<u64>(&blob);
  });
  ASSERT_GT(loader, 0) << syscall::last_error();
  Context context;
  context.size = offsetof(Context, program_fd) + 4;
  union bpf_attr run;
  ASSERT_EQ(call(
                BPF_PROG_TEST_RUN,
                [&](union bpf_attr& a) {
                  a.test.prog_fd = static_cast<u32>(loader);
                  a.test.ctx_in = reinterpret_cast<u64>(&context), a.test.ctx_size_in = context.size;
                },
                &run),
            0)
      << syscall::last_error();
  ASSERT_EQ(static_cast<int>(run.test.retval), 0) << syscall::last_error();
  ASSERT_GT(context.map.fd, 0);
  ASSERT_GT(context.program_fd, 0);

  const u8 packet[64] = {};
  ASSERT_EQ(call(
                BPF_PROG_TEST_RUN,
                [&](union bpf_attr& a) {
                  a.test.prog_fd = static_cast<u32>(context.program_fd);
                  a.test.data_in = reinterpret_cast<u64>(packet), a.test.data_size_in = sizeof packet;
                },
                &run),
            0)
      << syscall::last_error();
  EXPECT_EQ(run.test.retval, GetParam() ? 40u : 2u);
  struct {
    u32 tgid_offset, tgid_size, missing, type_size, enum_value, seen;
  } answers = {};
  ASSERT_EQ(call(BPF_MAP_LOOKUP_ELEM,
                 [&](union bpf_attr& a) {
                   a.map_fd = static_cast<u32>(context.map.fd), a.key = reinterpret_cast<u64>(&key);
                   a.value = reinterpret_cast<u64>(&answers);
                 }),
            0);
  EXPECT_EQ(answers.tgid_offset, 16u);
  EXPECT_EQ(answers.tgid_size, 8u);
  EXPECT_EQ(answers.missing, GetParam() ? 1u : 0u);
  EXPECT_EQ(answers.type_size, 64u);
  EXPECT_EQ(answers.enum_value, 2222u);
  EXPECT_EQ(answers.seen, 1u);
  auto& fds = syscall::FdTable::instance();
  for (const int fd : {blob, static_cast<int>(loader), context.map.fd, context.program_fd}) fds.close(fd);
  bpf_object__close(o);
}
INSTANTIATE_TEST_SUITE_P(Kernels, Light, ::testing::Bool());

}  // namespace
}  // namespace osmia
