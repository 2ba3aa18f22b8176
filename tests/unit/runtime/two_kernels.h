// The same program, packet and context on Osmia and on the running kernel. Where the machine refuses bpf(2),
// the running kernel is absent and tests that compare skip.
#pragma once
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "isa/asm.h"
#include "runtime/catalog.h"
#include "runtime/engine.h"
#include "runtime/kernel.h"
#include "syscall/bpf.h"
#include "syscall/fds.h"

namespace osmia::runtime {

using Bpf = std::function<long(int cmd, union bpf_attr& attr)>;

inline long live_bpf(int cmd, union bpf_attr& attr) {
  const long r = ::syscall(SYS_bpf, cmd, &attr, sizeof attr);
  return r < 0 ? -errno : r;
}

struct Osmia {
  Osmia() { install_engine(kernel); }
  Kernel kernel{build_catalog()};
  long operator()(int cmd, union bpf_attr& attr) { return syscall::bpf(kernel, cmd, &attr, sizeof attr); }
};

// {name, id} of helpers, so that programs may call by name.
inline isa::AsmOptions named_helpers() {
  static const auto catalog = build_catalog();
  isa::AsmOptions o;
  o.helper_id = [](std::string_view name) -> std::optional<s32> {
    for (const auto* h : catalog->helpers)
      if (h->name == name) return static_cast<s32>(h->id);
    return std::nullopt;
  };
  return o;
}
inline std::vector<isa::Insn> program(std::string_view text) {
  auto p = isa::assemble(text, named_helpers());
  EXPECT_TRUE(p.ok()) << (p.ok() ? "" : p.error().message) << "\n" << text;
  return p.ok() ? *p : std::vector<isa::Insn>{};
}

inline long load(const Bpf& bpf, u32 type, const std::vector<isa::Insn>& insns, std::string* log = nullptr,
                 u32 flags = 0, u32 attach_type = 0) {
  union bpf_attr a;
  std::memset(&a, 0, sizeof a);
  std::string text(1 << 16, '\0');
  a.prog_type = type;
  a.insns = reinterpret_cast<u64>(insns.data());
  a.insn_cnt = static_cast<u32>(insns.size());
  a.license = reinterpret_cast<u64>("GPL");
  a.prog_flags = flags;
  a.expected_attach_type = attach_type;
  if (log)
    a.log_buf = reinterpret_cast<u64>(text.data()), a.log_size = static_cast<u32>(text.size()),
    a.log_level = 1;
  const long fd = bpf(BPF_PROG_LOAD, a);
  if (log) *log = text.c_str();
  return fd;
}

struct Input {
  std::vector<u8> data;
  std::vector<u8> ctx;
  u32 out_room = 8192, ctx_out_room = 0, repeat = 0, flags = 0, cpu = 0, batch = 0;
  bool want_data = true;
};
struct Outcome {
  long result = 0;
  u32 retval = 0, data_size = 0, ctx_size = 0;
  std::vector<u8> data, ctx;
  bool operator==(const Outcome&) const = default;
};
inline Outcome test_run(const Bpf& bpf, long fd, const Input& in) {
  union bpf_attr a;
  std::memset(&a, 0, sizeof a);
  Outcome out;
  out.data.resize(in.out_room ? in.out_room : 8192);
  out.ctx.resize(in.ctx_out_room);
  a.test.prog_fd = static_cast<u32>(fd);
  if (!in.data.empty())
    a.test.data_in = reinterpret_cast<u64>(in.data.data()),
    a.test.data_size_in = static_cast<u32>(in.data.size());
  if (in.want_data)
    a.test.data_out = reinterpret_cast<u64>(out.data.data()), a.test.data_size_out = in.out_room;
  std::vector<u8> ctx = in.ctx;
  if (!ctx.empty())
    a.test.ctx_in = reinterpret_cast<u64>(ctx.data()), a.test.ctx_size_in = static_cast<u32>(ctx.size());
  if (in.ctx_out_room)
    a.test.ctx_out = reinterpret_cast<u64>(out.ctx.data()), a.test.ctx_size_out = in.ctx_out_room;
  a.test.repeat = in.repeat, a.test.flags = in.flags, a.test.cpu = in.cpu, a.test.batch_size = in.batch;
  out.result = bpf(BPF_PROG_TEST_RUN, a);
  out.retval = a.test.retval;
  out.data_size = a.test.data_size_out;
  out.ctx_size = a.test.ctx_size_out;
  return out;
}

inline std::string hex(const std::vector<u8>& bytes, size_t most = 200) {
  std::string out;
  char two[4];
  for (size_t i = 0; i < bytes.size() && i < most; i++)
    out += (std::snprintf(two, sizeof two, "%02x", bytes[i]), two);
  return out;
}

class TwoKernels : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto insns = program("r0 = 0\nexit");
    const long fd = load(live_bpf, BPF_PROG_TYPE_XDP, insns);
    if (fd < 0) GTEST_SKIP() << "the running kernel refuses bpf(2): " << std::strerror(static_cast<int>(-fd));
    close(static_cast<int>(fd));
  }
  // Same verdict, and the same outcome for each input.
  void compare(const std::string& name, u32 type, std::string_view text, const std::vector<Input>& inputs) {
    const auto insns = program(text);
    std::string live_log, our_log;
    const Bpf ours = [this](int cmd, union bpf_attr& a) { return osmia_(cmd, a); };
    const long live = load(live_bpf, type, insns, &live_log, prog_flags_, attach_type_);
    const long our = load(ours, type, insns, &our_log, prog_flags_, attach_type_);
    ASSERT_EQ(our >= 0, live >= 0) << name << "\nlive: " << live << "\n"
                                   << live_log << "\nours: " << our << "\n"
                                   << our_log;
    if (live < 0) return;
    int n = 0;
    for (const auto& in : inputs) {
      const Outcome want = test_run(live_bpf, live, in), got = test_run(ours, our, in);
      const std::string where = name + ", input " + std::to_string(n++) + ": " + syscall::last_error();
      EXPECT_EQ(got.result, want.result) << where;
      EXPECT_EQ(got.retval, want.retval) << where;
      EXPECT_EQ(got.data_size, want.data_size) << where;
      EXPECT_EQ(hex(got.data), hex(want.data)) << where;
      EXPECT_TRUE(got.data == want.data) << where;
      EXPECT_EQ(got.ctx_size, want.ctx_size) << where;
      EXPECT_EQ(hex(got.ctx), hex(want.ctx)) << where;
    }
    close(static_cast<int>(live));
    syscall::FdTable::instance().close(static_cast<int>(our));
  }
  Osmia osmia_;
  u32 prog_flags_ = 0, attach_type_ = 0;  // of the programs that compare() loads
};

}  // namespace osmia::runtime
