// struct_ops programs from load to call: what is refused and in which words, test runs, and what runs before
// and after the programs of a struct, on both engines.
#include <gtest/gtest.h>

#include "struct_ops_kernel.h"

namespace osmia::syscall {
namespace {

using runtime::JitMode;

constexpr Insn mov(u8 dst, s32 imm) {
  return {.code = 0xb7, .dst = dst, .imm = imm};
}
constexpr Insn load8(u8 dst, u8 src, s16 off) {
  return {.code = 0x79, .dst = dst, .src = src, .off = off};
}
constexpr Insn store_imm(u8 code, u8 dst, s16 off, s32 imm) {
  return {.code = code, .dst = dst, .off = off, .imm = imm};
}
constexpr u8 kB = 0x72, kH = 0x6a, kW = 0x62, kDw = 0x7a;
constexpr Insn kExit{.code = 0x95};
const std::vector<Insn> kReturn0 = {mov(0, 0), kExit};

void close_fd(long fd) {
  FdTable::instance().close(static_cast<int>(fd));
}

// Writes to the first argument behind a null check.
std::vector<Insn> writing(u8 code, s16 off) {
  return {load8(1, 1, 0), {.code = 0x15, .dst = 1, .off = 1}, store_imm(code, 1, off, 7), mov(0, 0), kExit};
}

TEST(StructOps, RefusesWhatLinuxRefuses) {
  StructOpsKernel k;
  const struct {
    StructOpsKernel::Wanted want;
    long error;
    const char* text;
  } cases[] = {
      {{"bpf_dummy_ops", 9}, -EINVAL, "attach to invalid member idx 9 of struct bpf_dummy_ops"},
      {{"bpf_dummy_ops", 0, false, true},
       -EINVAL,
       "attach to unsupported member test_1 of struct bpf_dummy_ops"},
      {{"bpf_dummy_ops", 0, false, false, "Proprietary"},
       -EINVAL,
       "struct ops programs must have a GPL compatible"},
      {{"tcp_congestion_ops", 4}, -524, "attach to unsupported member get_info of struct tcp_congestion_ops"},
      {{"tcp_congestion_ops", 13},
       -EINVAL,
       "attach to invalid member name(@idx 13) of struct tcp_congestion_ops"},
      {{"sock", 0}, -524, "is not a supported struct"},
      // A module's struct is not vmlinux's and the other way round.
      {{"tcp_congestion_ops", 0, true}, -524, "is not a supported struct"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(k.load(c.want, kReturn0), c.error) << c.text;
    EXPECT_NE(k.log.find(c.text), std::string::npos) << k.log;
  }
  for (const StructOpsKernel::Wanted ok :
       {StructOpsKernel::Wanted{"bpf_dummy_ops", 2, false, true}, {"tcp_congestion_ops", 5, false, true}}) {
    const long fd = k.load(ok, kReturn0);
    EXPECT_GT(fd, 0) << k.log;
    close_fd(fd);
  }
}

TEST(StructOps, WritesOnlyWhatTheStructLists) {
  StructOpsKernel k;
  const struct {
    StructOpsKernel::Wanted want;
    u8 code;
    s16 off;
    const char* text;  // null: accepted
  } cases[] = {
      {{"bpf_dummy_ops", 0}, kW, 0, nullptr},
      {{"bpf_dummy_ops", 0}, kH, 2, nullptr},
      {{"bpf_dummy_ops", 0}, kDw, 0, "write access at off 0 with size 8"},
      {{"bpf_dummy_ops", 0}, kW, 4, "write access at off 4 with size 4"},
      {{"tcp_congestion_ops", 5}, kDw, 8, nullptr},  // sk_pacing_rate
      {{"tcp_congestion_ops", 5}, kW, 8, nullptr},   // its first half
      {{"tcp_congestion_ops", 5}, kW, 12, "no write support to tcp_sock at off 12"},
      {{"tcp_congestion_ops", 5}, kDw, 40, nullptr},  // inside icsk_ca_priv
      {{"tcp_congestion_ops", 5}, kB, 24, nullptr},   // icsk_ack.pending
      {{"tcp_congestion_ops", 5}, kH, 24, "size 2 beyond the member of tcp_sock ended at 25"},
      {{"tcp_congestion_ops", 5}, kDw, 56, "size 8 beyond the member of tcp_sock ended at 60"},
      {{"tcp_congestion_ops", 5}, kDw, 64, "no write support to tcp_sock at off 64"},
      {{"bpf_testmod_st_ops", 0, true}, kDw, 0, nullptr},
  };
  for (const auto& c : cases) {
    const long fd = k.load(c.want, writing(c.code, c.off));
    if (!c.text) {
      EXPECT_GT(fd, 0) << k.log;
      close_fd(fd);
      continue;
    }
    EXPECT_EQ(fd, -EACCES) << c.text;
    EXPECT_NE(k.log.find(c.text), std::string::npos) << k.log;
  }
  // Eight bytes at the end of the struct: beyond it.
  EXPECT_EQ(k.load({"bpf_testmod_st_ops", 0, true}, writing(kDw, 8)), -EACCES);
  EXPECT_EQ(k.load({"bpf_testmod_st_ops", 0, true}, writing(kDw, -8)), -EACCES);
}

TEST(StructOps, OnlyNullableArgumentsMustBeChecked) {
  StructOpsKernel k;
  const std::vector<Insn> reads = {load8(1, 1, 0), {.code = 0x61, .dst = 0, .src = 1}, kExit};
  EXPECT_EQ(k.load({"bpf_dummy_ops", 0}, reads), -EACCES);
  EXPECT_NE(k.log.find("R1 invalid mem access 'trusted_ptr_or_null_'"), std::string::npos) << k.log;
  const long fd = k.load({"bpf_dummy_ops", 1}, reads);
  EXPECT_GT(fd, 0) << k.log;
  close_fd(fd);
  // No fourth argument, nothing is written to the context, nothing returned but a number.
  EXPECT_EQ(k.load({"bpf_dummy_ops", 1}, {load8(0, 1, 24), kExit}), -EACCES);
  EXPECT_EQ(k.load({"bpf_dummy_ops", 1}, {store_imm(kDw, 1, 0, 1), mov(0, 0), kExit}), -EACCES);
  EXPECT_EQ(k.load({"bpf_dummy_ops", 1}, {{.code = 0x85, .imm = 5}, kExit}), -EINVAL);
  EXPECT_NE(k.log.find("program of this type cannot use helper bpf_ktime_get_ns#5"), std::string::npos)
      << k.log;
}

struct Engines : ::testing::TestWithParam<JitMode> {};

TEST_P(Engines, TestRunsOfDummyOps) {
  StructOpsKernel k(GetParam());
  // *state = 9 where there is one; gives its second argument plus 1.
  const long with = k.load({"bpf_dummy_ops", 1}, {{.code = 0x79, .dst = 0, .src = 1, .off = 8},
                                                  load8(1, 1, 0),
                                                  store_imm(kW, 1, 0, 9),
                                                  {.code = 0x07, .dst = 0, .imm = 1},
                                                  kExit});
  const long maybe = k.load({"bpf_dummy_ops", 0}, {load8(1, 1, 0),
                                                   mov(0, -7),
                                                   {.code = 0x15, .dst = 1, .off = 1},
                                                   {.code = 0x61, .dst = 0, .src = 1},
                                                   kExit});
  const long tcp = k.load({"tcp_congestion_ops", 0}, kReturn0);
  ASSERT_GT(with, 0);
  ASSERT_GT(maybe, 0);
  ASSERT_GT(tcp, 0);
  u32 retval = 0;
  const auto run = [&](long prog, std::vector<u64> ctx) {
    return k.call(BPF_PROG_TEST_RUN, [&](union bpf_attr& a) {
      a.test.prog_fd = static_cast<u32>(prog);
      a.test.ctx_in = reinterpret_cast<u64>(ctx.data()),
      a.test.ctx_size_in = static_cast<u32>(ctx.size() * 8);
    });
  };
  const auto value = [&](long prog, std::vector<u64> ctx) {
    union bpf_attr a;
    std::memset(&a, 0, sizeof a);
    a.test.prog_fd = static_cast<u32>(prog);
    a.test.ctx_in = reinterpret_cast<u64>(ctx.data()), a.test.ctx_size_in = static_cast<u32>(ctx.size() * 8);
    const long r = bpf(*k.kernel, BPF_PROG_TEST_RUN, &a, sizeof a);
    retval = a.test.retval;
    return r;
  };
  s32 state = 4;
  const u64 at = reinterpret_cast<u64>(&state);
  EXPECT_EQ(value(with, {at, 41, 0}), 0);
  EXPECT_EQ(retval, 42u);
  EXPECT_EQ(state, 9);
  EXPECT_EQ(value(maybe, {at}), 0);
  EXPECT_EQ(retval, 9u);
  EXPECT_EQ(value(maybe, {0}), 0);
  EXPECT_EQ(static_cast<s32>(retval), -7);
  EXPECT_EQ(run(with, {0, 1, 2}), -EINVAL);  // not nullable
  EXPECT_EQ(run(with, {at, 1}), -EINVAL);    // an argument is missing
  EXPECT_EQ(run(with, {at, 1, 2, 3}), -EINVAL);
  EXPECT_EQ(run(with, {8, 1, 2}), -EFAULT);
  EXPECT_EQ(run(tcp, {at}), -EOPNOTSUPP);
  for (long fd : {with, maybe, tcp}) close_fd(fd);
}

// What a syscall program gets from the module's kfunc for a->a = 1, and what is in a->a then.
struct Called {
  s64 result;
  u64 a;
};
Called call_module(StructOpsKernel& k, std::string_view kfunc) {
  const u32 id = k.module->find(kfunc, btf::Kind::kFunc);
  const long btf = k.btf_fd(2);
  const std::vector<Insn> insns = {{.code = 0xbf, .dst = 6, .src = 1},
                                   {.code = 0x7b, .dst = 10, .src = 1, .off = -16},
                                   store_imm(kDw, 10, -8, 1),
                                   {.code = 0xbf, .dst = 1, .src = 10},
                                   {.code = 0x07, .dst = 1, .imm = -8},
                                   {.code = 0x85, .src = 2, .off = 1, .imm = static_cast<s32>(id)},
                                   {.code = 0x67, .dst = 0, .imm = 32},
                                   {.code = 0xc7, .dst = 0, .imm = 32},
                                   {.code = 0x7b, .dst = 6, .src = 0, .off = 0},
                                   load8(0, 10, -8),
                                   {.code = 0x7b, .dst = 6, .src = 0, .off = 8},
                                   mov(0, 0),
                                   kExit};
  const int fds[] = {0, static_cast<int>(btf)};
  std::vector<char> text(1 << 16);
  const long prog = k.call(BPF_PROG_LOAD, [&](union bpf_attr& a) {
    a.prog_type = BPF_PROG_TYPE_SYSCALL, a.prog_flags = BPF_F_SLEEPABLE;
    a.insns = reinterpret_cast<u64>(insns.data()), a.insn_cnt = static_cast<u32>(insns.size());
    a.license = reinterpret_cast<u64>("GPL"), a.fd_array = reinterpret_cast<u64>(fds);
    a.log_level = 2, a.log_buf = reinterpret_cast<u64>(text.data()),
    a.log_size = static_cast<u32>(text.size());
  });
  EXPECT_GT(prog, 0) << text.data() << last_error();
  Called out{};
  EXPECT_EQ(k.call(BPF_PROG_TEST_RUN,
                   [&](union bpf_attr& a) {
                     a.test.prog_fd = static_cast<u32>(prog);
                     a.test.ctx_in = reinterpret_cast<u64>(&out), a.test.ctx_size_in = sizeof out;
                   }),
            0)
      << last_error();
  close_fd(prog);
  close_fd(btf);
  return out;
}

TEST_P(Engines, ProloguesAndEpiloguesOfAttachedPrograms) {
  StructOpsKernel k(GetParam());
  // a *= 3; two exits.
  const std::vector<Insn> times3 = {load8(2, 1, 0),
                                    load8(0, 2, 0),
                                    {.code = 0x27, .dst = 0, .imm = 3},
                                    {.code = 0x7b, .dst = 2, .src = 0},
                                    {.code = 0x25, .dst = 0, .off = 1, .imm = 100},
                                    kExit,
                                    {.code = 0x07, .dst = 0, .imm = 1},
                                    kExit};
  OpsValue value;
  long progs[3];
  for (u32 i = 0; i < 3; i++) {
    progs[i] = k.load({"bpf_testmod_st_ops", i, true}, times3);
    ASSERT_GT(progs[i], 0) << k.log;
    value.word[i] = static_cast<u64>(progs[i]);
  }
  EXPECT_EQ(call_module(k, "bpf_kfunc_st_ops_test_prologue").result, -1);  // nothing is attached
  const long map = k.make_map(k.st_value, true);
  ASSERT_GT(map, 0) << last_error();
  ASSERT_EQ(k.elem(BPF_MAP_UPDATE_ELEM, map, 0, &value), 0) << last_error();
  for (long p : progs) close_fd(p);  // the map holds them

  Called c = call_module(k, "bpf_kfunc_st_ops_test_prologue");
  EXPECT_EQ(c.result, 3 * 1001 + 1);
  EXPECT_EQ(c.a, 3u * 1001);
  c = call_module(k, "bpf_kfunc_st_ops_test_epilogue");
  EXPECT_EQ(c.result, 2 * 10003);
  EXPECT_EQ(c.a, 10003u);
  c = call_module(k, "bpf_kfunc_st_ops_test_pro_epilogue");
  EXPECT_EQ(c.result, 2 * (3 * 1001 + 10000));

  // A second one must wait until the first is gone.
  const long second = k.make_map(k.st_value, true);
  OpsValue empty;
  EXPECT_EQ(k.elem(BPF_MAP_UPDATE_ELEM, second, 0, &empty), -EEXIST);
  EXPECT_EQ(k.elem(BPF_MAP_DELETE_ELEM, map, 0, nullptr), 0);
  EXPECT_EQ(k.elem(BPF_MAP_UPDATE_ELEM, second, 0, &empty), 0);
  EXPECT_EQ(call_module(k, "bpf_kfunc_st_ops_test_prologue").result, -1);
  EXPECT_EQ(k.elem(BPF_MAP_DELETE_ELEM, second, 0, nullptr), 0);
  close_fd(map);
  close_fd(second);
}

// Jumps back to its first instruction twice: what runs before it runs once.
TEST_P(Engines, APrologueRunsOnce) {
  StructOpsKernel k(GetParam());
  const std::vector<Insn> loops = {{.code = 0x15, .dst = 1, .off = 5},            // 0: if r1 == 0 goto 6
                                   {.code = 0x15, .dst = 1, .off = 2, .imm = 1},  // 1: if r1 == 1 goto 4
                                   mov(1, 1),
                                   {.code = 0x05, .off = -4},  // 3: goto 0
                                   mov(1, 0),
                                   {.code = 0x05, .off = -6},  // 5: goto 0
                                   mov(0, 0),
                                   kExit};
  OpsValue value;
  std::vector<long> fds;
  for (u32 i = 0; i < 3; i++) {
    fds.push_back(k.load({"bpf_testmod_st_ops", i, true}, loops));
    ASSERT_GT(fds.back(), 0) << k.log;
    value.word[i] = static_cast<u64>(fds.back());
  }
  fds.push_back(k.make_map(k.st_value, true));
  ASSERT_EQ(k.elem(BPF_MAP_UPDATE_ELEM, fds.back(), 0, &value), 0) << last_error();
  EXPECT_EQ(call_module(k, "bpf_kfunc_st_ops_test_prologue").a, 1001u);
  EXPECT_EQ(call_module(k, "bpf_kfunc_st_ops_test_epilogue").result, 20002);
  EXPECT_EQ(call_module(k, "bpf_kfunc_st_ops_test_pro_epilogue").result, 22002);
  EXPECT_EQ(k.elem(BPF_MAP_DELETE_ELEM, fds.back(), 0, nullptr), 0);
  for (long fd : fds) close_fd(fd);
}

TEST(StructOps, ShowsPrologueAndEpilogueAsLinux) {
  StructOpsKernel k;
  const std::vector<Insn> two_exits = {load8(1, 1, 0), {.code = 0x79, .dst = 2, .src = 1},
                                       mov(0, 0),      {.code = 0x15, .dst = 2, .off = 1},
                                       kExit,          mov(0, 1),
                                       kExit};
  const long fd = k.load({"bpf_testmod_st_ops", 2, true}, two_exits);
  ASSERT_GT(fd, 0) << k.log;
  Insn seen[32] = {};
  struct bpf_prog_info info = {};
  info.xlated_prog_insns = reinterpret_cast<u64>(seen), info.xlated_prog_len = sizeof seen;
  ASSERT_EQ(k.call(BPF_OBJ_GET_INFO_BY_FD,
                   [&](union bpf_attr& a) {
                     a.info.bpf_fd = static_cast<u32>(fd);
                     a.info.info = reinterpret_cast<u64>(&info), a.info.info_len = sizeof info;
                   }),
            0);
  const std::vector<Insn> wanted = {
      load8(6, 1, 0),  // prologue
      load8(7, 6, 0),
      {.code = 0x07, .dst = 7, .imm = 1000},
      {.code = 0x7b, .dst = 6, .src = 7},
      {.code = 0x7b, .dst = 10, .src = 1, .off = -8},  // the context, for the epilogue
      load8(1, 1, 0),
      load8(2, 1, 0),
      mov(0, 0),
      {.code = 0x15, .dst = 2, .off = 8},  // to the second exit's block
      load8(1, 10, -8),                    // 9: epilogue
      load8(1, 1, 0),
      load8(6, 1, 0),
      {.code = 0x07, .dst = 6, .imm = 10000},
      {.code = 0x7b, .dst = 1, .src = 6},
      {.code = 0xbf, .dst = 0, .src = 6},
      {.code = 0x27, .dst = 0, .imm = 2},
      kExit,
      mov(0, 1),
      {.code = 0x06, .imm = -10},  // gotol 9
  };
  ASSERT_EQ(info.xlated_prog_len, wanted.size() * 8);
  for (size_t i = 0; i < wanted.size(); i++) {
    // The verifier's mark of loads that may fault is shown as a plain load.
    EXPECT_EQ(seen[i].code, wanted[i].code) << i;
    EXPECT_EQ(seen[i].off, wanted[i].off) << i;
    EXPECT_EQ(seen[i].imm, wanted[i].imm) << i;
    EXPECT_EQ(seen[i].dst, wanted[i].dst) << i;
    EXPECT_EQ(seen[i].src, wanted[i].src) << i;
  }
  close_fd(fd);
}

TEST_P(Engines, AProgramThatCallsItselfThroughTheModuleEnds) {
  StructOpsKernel k(GetParam());
  const u32 id = k.module->find("bpf_kfunc_st_ops_test_epilogue", btf::Kind::kFunc);
  const long btf = k.btf_fd(2);
  const std::vector<Insn> insns = {
      load8(1, 1, 0), {.code = 0x85, .src = 2, .off = 1, .imm = static_cast<s32>(id)}, mov(0, 0), kExit};
  const int fds[] = {0, static_cast<int>(btf)};
  const long prog = k.call(BPF_PROG_LOAD, [&](union bpf_attr& a) {
    a.prog_type = BPF_PROG_TYPE_STRUCT_OPS, a.prog_flags = BPF_F_SLEEPABLE;
    a.insns = reinterpret_cast<u64>(insns.data()), a.insn_cnt = static_cast<u32>(insns.size());
    a.license = reinterpret_cast<u64>("GPL"), a.fd_array = reinterpret_cast<u64>(fds);
    a.attach_btf_id = k.module->find("bpf_testmod_st_ops", btf::Kind::kStruct);
    a.attach_btf_obj_fd = static_cast<u32>(btf), a.expected_attach_type = 1;
  });
  ASSERT_GT(prog, 0) << last_error();
  const long map = k.make_map(k.st_value, true);
  OpsValue value;
  value.word[1] = static_cast<u64>(prog);
  ASSERT_EQ(k.elem(BPF_MAP_UPDATE_ELEM, map, 0, &value), 0) << last_error();
  EXPECT_EQ(call_module(k, "bpf_kfunc_st_ops_test_epilogue").a, 4u * 10000 + 1);  // as deep as it may go
  for (long fd : {prog, btf, map}) close_fd(fd);
  // Still attached: goes with the kernel (the address sanitizer would see it stay).
}

INSTANTIATE_TEST_SUITE_P(StructOps, Engines, ::testing::Values(JitMode::kOff, JitMode::kOn));

// A tail call keeps the context: what one program takes for a TCP socket must be one.
TEST(StructOps, TailCallsStayWithTheirMember) {
  StructOpsKernel k;
  const auto array = [&] {
    return k.call(BPF_MAP_CREATE, [](union bpf_attr& a) {
      a.map_type = BPF_MAP_TYPE_PROG_ARRAY, a.key_size = 4, a.value_size = 4, a.max_entries = 2;
    });
  };
  const auto calls = [](long map) {
    return std::vector<Insn>{{.code = 0x18, .dst = 2, .src = 1, .imm = static_cast<s32>(map)},
                             {},
                             mov(3, 0),
                             {.code = 0x85, .imm = 12},
                             mov(0, 0),
                             kExit};
  };
  const auto put = [&](long map, long prog) {
    u32 value = static_cast<u32>(prog);
    return k.elem(BPF_MAP_UPDATE_ELEM, map, 0, &value);
  };
  const long used = array(), filled = array();
  const long caller = k.load({"bpf_testmod_st_ops", 0, true}, calls(used));
  const long same = k.load({"bpf_testmod_st_ops", 0, true}, kReturn0);
  const long other_member = k.load({"bpf_testmod_st_ops", 1, true}, kReturn0);
  const long other_struct = k.load({"tcp_congestion_ops", 0}, kReturn0);
  for (long fd : {used, filled, caller, same, other_member, other_struct}) ASSERT_GT(fd, 0) << last_error();
  // Who was loaded with the map decides, though it is still empty.
  EXPECT_EQ(put(used, other_member), -EINVAL);
  EXPECT_EQ(put(used, other_struct), -EINVAL);
  EXPECT_EQ(put(used, same), 0);
  // And what is in the map decides who may be loaded with it.
  EXPECT_EQ(put(filled, other_struct), 0);
  EXPECT_EQ(k.load({"bpf_testmod_st_ops", 0, true}, calls(filled)), -EINVAL);
  const auto xdp = calls(filled);
  EXPECT_EQ(k.call(BPF_PROG_LOAD,
                   [&](union bpf_attr& a) {
                     a.prog_type = BPF_PROG_TYPE_XDP, a.license = reinterpret_cast<u64>("GPL");
                     a.insns = reinterpret_cast<u64>(xdp.data()), a.insn_cnt = static_cast<u32>(xdp.size());
                   }),
            -EINVAL);
  const long fits = k.load({"tcp_congestion_ops", 0}, calls(filled));
  EXPECT_GT(fits, 0) << last_error();
  for (long fd : {used, filled, caller, same, other_member, other_struct, fits}) close_fd(fd);
}

}  // namespace
}  // namespace osmia::syscall
