// Programs attached to functions: the kernel's that test runs call, and those of other programs. What they
// see, in which order they run, what they may change.
#include <gtest/gtest.h>

#include "btf/write.h"
#include "runtime/engine.h"
#include "runtime/kernel_functions.h"
#include "test_kernel.h"

namespace osmia::syscall {
namespace {

using isa::Insn;

std::shared_ptr<const btf::Btf> kernel_types() {
  btf::Writer w;
  const u32 i32 = w.add_int("int", 4, btf::kIntSigned), u64_ = w.add_int("unsigned long", 8),
            i16 = w.add_int("short", 2, btf::kIntSigned), i8 = w.add_int("char", 1, btf::kIntSigned),
            p = w.add_ptr(0), pi = w.add_ptr(i32);
  w.add_func("bpf_fentry_test1", w.add_func_proto(i32, {{"a", i32}}));
  w.add_func("bpf_fentry_test2", w.add_func_proto(i32, {{"a", i32}, {"b", u64_}}));
  w.add_func("bpf_modify_return_test", w.add_func_proto(i32, {{"a", i32}, {"b", pi}}));
  w.add_func("bpf_modify_return_test2",
             w.add_func_proto(
                 i32, {{"a", i32}, {"b", pi}, {"c", i16}, {"d", i32}, {"e", p}, {"f", i8}, {"g", i32}}));
  w.add_func("never_called", w.add_func_proto(0, {{"a", i32}}));
  w.add_struct("sk_buff", 8, {{"len", i32, 0}});
  w.add_struct("net_device", 8, {{"ifindex", i32, 0}});
  w.add_struct("net", 8, {{"id", i32, 0}});
  return *btf::Btf::parse(w.bytes());
}

struct Tracing : ::testing::TestWithParam<runtime::JitMode> {
  TestKernel t{.kernel = runtime::Kernel(runtime::build_catalog(kernel_types()))};
  long map = -1;
  std::vector<long> opened;

  Tracing() {
    runtime::install_engine(t.kernel);
    t.kernel.jit = GetParam();
    map = keep(t.make(BPF_MAP_TYPE_ARRAY, 4, 64, 1));
  }
  ~Tracing() {
    for (const long fd : opened) close(fd);
  }
  static int close(long fd) { return FdTable::instance().close(static_cast<int>(fd)); }
  long keep(long fd) {
    if (fd >= 0) opened.push_back(fd);
    return fd;
  }
  u32 function(const char* name) { return t.kernel.catalog().vmlinux->find(name, btf::Kind::kFunc); }
  long load(u32 attach_type, u32 btf_id, const std::vector<Insn>& insns, long target = 0) {
    return keep(t.call(BPF_PROG_LOAD, [&](union bpf_attr& a) {
      a.prog_type = BPF_PROG_TYPE_TRACING, a.insns = reinterpret_cast<u64>(insns.data());
      a.insn_cnt = static_cast<u32>(insns.size()), a.license = reinterpret_cast<u64>("GPL");
      a.expected_attach_type = attach_type, a.attach_btf_id = btf_id;
      a.attach_prog_fd = static_cast<u32>(target);
    }));
  }
  long link(long prog, u32 attach_type, u64 cookie = 0) {
    return t.call(BPF_LINK_CREATE, [&](union bpf_attr& a) {
      a.link_create.prog_fd = static_cast<u32>(prog), a.link_create.attach_type = attach_type;
      a.link_create.tracing.cookie = cookie;
    });
  }
  struct Run {
    long result;
    u32 retval;
  };
  Run run(long prog) {
    union bpf_attr a;
    std::memset(&a, 0, sizeof a);
    a.test.prog_fd = static_cast<u32>(prog);
    const long r = t.call(BPF_PROG_TEST_RUN, a);
    return {r, a.test.retval};
  }
  std::array<u64, 8> seen() {
    std::array<u64, 8> v{};
    const u32 key = 0;
    EXPECT_EQ(t.elem(BPF_MAP_LOOKUP_ELEM, map, &key, v.data()), 0);
    return v;
  }
  void reset() {
    std::array<u64, 8> v{};
    const u32 key = 0;
    t.elem(BPF_MAP_UPDATE_ELEM, map, &key, v.data());
  }
  // *(u64 *)(map's value + 8 * slot) = r<from>, by r1.
  std::vector<Insn> store(u8 from, s16 slot) {
    return {{.code = 0x18, .dst = 1, .src = 2, .imm = static_cast<s32>(map)},
            {},
            {.code = 0x7b, .dst = 1, .src = from, .off = static_cast<s16>(8 * slot)}};
  }
  static std::vector<Insn> join(std::initializer_list<std::vector<Insn>> parts) {
    std::vector<Insn> all;
    for (const auto& p : parts) all.insert(all.end(), p.begin(), p.end());
    return all;
  }
  static std::vector<Insn> give(s32 value) { return {{.code = 0xb7, .imm = value}, {.code = 0x95}}; }
  // r6 = ctx; r7 = word n of it
  static std::vector<Insn> word(u8 n) {
    return {{.code = 0xbf, .dst = 6, .src = 1},
            {.code = 0x79, .dst = 7, .src = 6, .off = static_cast<s16>(8 * n)}};
  }
  // Multiplies slot by ten and adds a digit: tells the order.
  std::vector<Insn> digit(s32 d, s16 slot) {
    return {{.code = 0x18, .dst = 1, .src = 2, .imm = static_cast<s32>(map)},
            {},
            {.code = 0x79, .dst = 2, .src = 1, .off = static_cast<s16>(8 * slot)},
            {.code = 0x27, .dst = 2, .imm = 10},
            {.code = 0x07, .dst = 2, .imm = d},
            {.code = 0x7b, .dst = 1, .src = 2, .off = static_cast<s16>(8 * slot)}};
  }
};

TEST_P(Tracing, EntryAndExitSeeArgumentsResultAndCookie) {
  const u32 f = function("bpf_fentry_test2");
  // Slot 0: second argument, 1: cookie, 2: count of arguments, 3: the function's address.
  const auto call = [&](s32 helper, s16 slot) {
    return join({{{.code = 0xbf, .dst = 1, .src = 6}, {.code = 0x85, .imm = helper}}, store(0, slot)});
  };
  const long entry = load(BPF_TRACE_FENTRY, f,
                          join({word(1), store(7, 0), call(174, 1), call(185, 2), call(173, 3), give(0)}));
  ASSERT_GE(entry, 0) << last_error();
  // Slot 4: the result, 5: what bpf_get_func_ret() gives.
  const long exit = load(BPF_TRACE_FEXIT, f,
                         join({word(2),
                               store(7, 4),
                               {{.code = 0xbf, .dst = 1, .src = 6},
                                {.code = 0xbf, .dst = 2, .src = 10},
                                {.code = 0x07, .dst = 2, .imm = -8},
                                {.code = 0x85, .imm = 184},
                                {.code = 0x79, .dst = 7, .src = 10, .off = -8}},
                               store(7, 5),
                               give(0)}));
  ASSERT_GE(exit, 0) << last_error();
  EXPECT_EQ(run(entry).result, 0);
  EXPECT_EQ(seen()[0], 0u);  // not attached
  const long a = link(entry, BPF_TRACE_FENTRY, 0xc0ffee), b = link(exit, BPF_TRACE_FEXIT);
  ASSERT_GE(a, 0) << last_error();
  ASSERT_GE(b, 0) << last_error();
  EXPECT_EQ(link(entry, BPF_TRACE_FENTRY), -EBUSY);
  EXPECT_EQ(link(entry, BPF_TRACE_FEXIT), -EINVAL);
  EXPECT_EQ(run(exit).result, 0);
  const auto v = seen();
  EXPECT_EQ(v[0], 3u);
  EXPECT_EQ(v[1], 0xc0ffeeu);
  EXPECT_EQ(v[2], 2u);
  EXPECT_EQ(runtime::kernel_function(t.kernel, *t.kernel.vmlinux(), f)->address, v[3]);
  EXPECT_EQ(v[4], 5u);
  EXPECT_EQ(v[5], 5u);
  close(a);
  close(b);
  reset();
  EXPECT_EQ(run(entry).result, 0);
  EXPECT_EQ(seen()[0], 0u);
  keep(link(entry, BPF_TRACE_FENTRY));  // again, and it runs again
  EXPECT_EQ(run(entry).result, 0);
  EXPECT_EQ(seen()[0], 3u);
  bpf_link_info info{};
  union bpf_attr q;
  std::memset(&q, 0, sizeof q);
  q.info.bpf_fd = static_cast<u32>(opened.back()), q.info.info_len = sizeof info;
  q.info.info = reinterpret_cast<u64>(&info);
  ASSERT_EQ(t.call(BPF_OBJ_GET_INFO_BY_FD, q), 0);
  EXPECT_EQ(info.type, u32{BPF_LINK_TYPE_TRACING});
  EXPECT_EQ(info.tracing.attach_type, u32{BPF_TRACE_FENTRY});
  EXPECT_EQ(info.tracing.target_obj_id, t.kernel.vmlinux()->id);
  EXPECT_EQ(info.tracing.target_btf_id, f);
}

TEST_P(Tracing, TheLastAttachedRunsFirst) {
  const u32 f = function("bpf_fentry_test1");
  for (const s32 d : {1, 2, 3}) {
    keep(link(load(BPF_TRACE_FENTRY, f, join({digit(d, 0), give(0)})), BPF_TRACE_FENTRY));
    keep(link(load(BPF_TRACE_FEXIT, f, join({digit(d, 1), give(0)})), BPF_TRACE_FEXIT));
  }
  EXPECT_EQ(run(opened[1]).result, 0);
  EXPECT_EQ(seen()[0], 321u);
  EXPECT_EQ(seen()[1], 321u);
}

TEST_P(Tracing, AModifiedResultReplacesTheFunction) {
  const u32 f = function("bpf_modify_return_test");
  const auto modify = [&](s32 value) {
    return load(BPF_MODIFY_RETURN, f, join({digit(value & 7, 0), give(value)}));
  };
  const long zero = modify(0), seven = modify(7), other = modify(6);
  ASSERT_GE(seven, 0) << last_error();
  EXPECT_EQ(run(zero).retval, 2u << 16 | (4 + 29));  // both functions run
  keep(link(zero, BPF_MODIFY_RETURN));
  EXPECT_EQ(run(zero).retval, 2u << 16 | (4 + 29));
  EXPECT_EQ(seen()[0], 0u);
  keep(link(other, BPF_MODIFY_RETURN));
  keep(link(seven, BPF_MODIFY_RETURN));
  keep(link(load(BPF_TRACE_FEXIT, f, join({word(2), store(7, 1), give(0)})), BPF_TRACE_FEXIT));
  EXPECT_EQ(run(zero).retval, 1u << 16 | (7 + 29));  // the first side effect is gone
  EXPECT_EQ(seen()[0], 7u);                          // and nobody asked the others
  EXPECT_EQ(seen()[1], 7u);
  // A changed result of a function whose value the test run checks.
  const u32 g = function("bpf_fentry_test1");
  const long traced = load(BPF_TRACE_FENTRY, g, give(0));
  EXPECT_EQ(run(traced).result, 0);
  keep(link(load(BPF_MODIFY_RETURN, g, give(5)), BPF_MODIFY_RETURN));
  EXPECT_EQ(run(traced).result, -EFAULT);
}

TEST_P(Tracing, AtMost38) {
  const u32 f = function("bpf_fentry_test1");
  std::vector<long> links;
  for (u32 i = 0; i < 38; i++) {
    links.push_back(link(load(BPF_TRACE_FENTRY, f, join({digit(1, 0), give(0)})), BPF_TRACE_FENTRY));
    ASSERT_GE(links.back(), 0) << last_error();
  }
  const long one_more = load(BPF_TRACE_FEXIT, f, give(0));
  EXPECT_EQ(link(one_more, BPF_TRACE_FEXIT), -E2BIG);
  close(links[5]);
  links[5] = link(one_more, BPF_TRACE_FEXIT);
  EXPECT_GE(links[5], 0);
  for (const long l : links) close(l);
}

TEST_P(Tracing, ProbesAtManyFunctions) {
  const auto probe = [&](s16 word,
                         s16 slot) {  // slots: a register, then the function's address, then the cookie
    const std::vector<Insn> insns =
        join({{{.code = 0xbf, .dst = 6, .src = 1},
               {.code = 0x79, .dst = 7, .src = 6, .off = static_cast<s16>(8 * word)}},
              store(7, slot),
              {{.code = 0xbf, .dst = 1, .src = 6}, {.code = 0x85, .imm = 173}},
              store(0, static_cast<s16>(slot + 1)),
              {{.code = 0xbf, .dst = 1, .src = 6}, {.code = 0x85, .imm = 174}},
              store(0, static_cast<s16>(slot + 2)),
              give(0)});
    return keep(t.call(BPF_PROG_LOAD, [&](union bpf_attr& a) {
      a.prog_type = BPF_PROG_TYPE_KPROBE, a.insns = reinterpret_cast<u64>(insns.data());
      a.insn_cnt = static_cast<u32>(insns.size()), a.license = reinterpret_cast<u64>("GPL");
      a.expected_attach_type = BPF_TRACE_KPROBE_MULTI;
    }));
  };
  const char* names[] = {"bpf_fentry_test2", "bpf_fentry_test1"};
  const u64 cookies[] = {22, 11};
  const auto attach = [&](long prog, u32 flags, u32 count) {
    return t.call(BPF_LINK_CREATE, [&](union bpf_attr& a) {
      a.link_create.prog_fd = static_cast<u32>(prog), a.link_create.attach_type = BPF_TRACE_KPROBE_MULTI;
      a.link_create.kprobe_multi.flags = flags, a.link_create.kprobe_multi.cnt = count;
      a.link_create.kprobe_multi.syms = reinterpret_cast<u64>(names);
      a.link_create.kprobe_multi.cookies = reinterpret_cast<u64>(cookies);
    });
  };
  constexpr s16 kDi = 14, kAx = 10;
  const long entry = probe(kDi, 0), exit = probe(kAx, 3);
  ASSERT_GE(entry, 0) << last_error();
  EXPECT_EQ(attach(entry, 0, 0), -EINVAL);
  EXPECT_EQ(attach(entry, 2, 2), -EINVAL);
  EXPECT_EQ(attach(load(BPF_TRACE_FENTRY, function("bpf_fentry_test1"), give(0)), 0, 2), -EINVAL);
  const long a = keep(attach(entry, 0, 2)), b = keep(attach(exit, BPF_F_KPROBE_MULTI_RETURN, 2));
  ASSERT_GE(a, 0) << last_error();
  ASSERT_GE(b, 0) << last_error();
  const long traced = load(BPF_TRACE_FENTRY, function("bpf_fentry_test1"), give(0));
  EXPECT_EQ(run(traced).result, 0);
  auto v = seen();  // of bpf_fentry_test2(2, 3), which is called last
  const auto second = runtime::kernel_function(t.kernel, *t.kernel.vmlinux(), function("bpf_fentry_test2"));
  EXPECT_EQ(v[0], 2u);
  EXPECT_EQ(v[1], second->address);
  EXPECT_EQ(v[2], 22u);
  EXPECT_EQ(v[3], 5u);
  EXPECT_EQ(v[4], second->address);
  EXPECT_EQ(v[5], 22u);
  u64 addresses[2] = {};
  bpf_link_info info{};
  info.kprobe_multi.addrs = reinterpret_cast<u64>(addresses), info.kprobe_multi.count = 2;
  union bpf_attr q;
  std::memset(&q, 0, sizeof q);
  q.info.bpf_fd = static_cast<u32>(a), q.info.info_len = sizeof info,
  q.info.info = reinterpret_cast<u64>(&info);
  ASSERT_EQ(t.call(BPF_OBJ_GET_INFO_BY_FD, q), 0);
  EXPECT_EQ(info.kprobe_multi.count, 2u);
  EXPECT_EQ(addresses[1], second->address);
  names[0] = "no_such_function";
  EXPECT_EQ(attach(entry, 0, 2), -ESRCH);
}

TEST_P(Tracing, FunctionsThatNothingCalls) {
  const long prog = load(BPF_TRACE_FENTRY, function("never_called"), give(0));
  testing::internal::CaptureStderr();
  EXPECT_GE(keep(link(prog, BPF_TRACE_FENTRY)), 0);
  EXPECT_NE(
      testing::internal::GetCapturedStderr().find("never_called(), which nothing in this process calls"),
      std::string::npos);
}

// A program with a second function that takes two numbers: add(3, 4) + 1.
struct TracingPrograms : Tracing {
  u32 main_type = 0, second_type = 0;
  long target() {
    btf::Writer w;
    const u32 i32 = w.add_int("int", 4, btf::kIntSigned);
    const u32 p = w.add_ptr(w.add_struct("__sk_buff", 4, {{"len", i32, 0}}));
    main_type = w.add_func("entry", w.add_func_proto(i32, {{"skb", p}}), btf::FuncLinkage::kGlobal);
    second_type =
        w.add_func("add", w.add_func_proto(i32, {{"a", i32}, {"b", i32}}), btf::FuncLinkage::kStatic);
    const auto bytes = w.bytes();
    const long types = keep(t.call(BPF_BTF_LOAD, [&](union bpf_attr& a) {
      a.btf = reinterpret_cast<u64>(bytes.data()), a.btf_size = static_cast<u32>(bytes.size());
    }));
    EXPECT_GE(types, 0) << last_error();
    const std::vector<Insn> insns = {{.code = 0xb7, .dst = 1, .imm = 3},
                                     {.code = 0xb7, .dst = 2, .imm = 4},
                                     {.code = 0x85, .src = 1, .imm = 2},
                                     {.code = 0x07, .imm = 1},
                                     {.code = 0x95},
                                     {.code = 0xbf, .src = 1},
                                     {.code = 0x0f, .src = 2},
                                     {.code = 0x95}};
    const bpf_func_info functions[] = {{0, main_type}, {5, second_type}};
    return keep(t.call(BPF_PROG_LOAD, [&](union bpf_attr& a) {
      a.prog_type = BPF_PROG_TYPE_SCHED_CLS, a.insns = reinterpret_cast<u64>(insns.data());
      a.insn_cnt = static_cast<u32>(insns.size()), a.license = reinterpret_cast<u64>("GPL");
      a.prog_btf_fd = static_cast<u32>(types), a.func_info = reinterpret_cast<u64>(functions);
      a.func_info_cnt = 2, a.func_info_rec_size = 8;
    }));
  }
  u32 packet(long prog) {
    u8 data[64] = {};
    union bpf_attr a;
    std::memset(&a, 0, sizeof a);
    a.test.prog_fd = static_cast<u32>(prog), a.test.data_in = reinterpret_cast<u64>(data);
    a.test.data_size_in = sizeof data;
    EXPECT_EQ(t.call(BPF_PROG_TEST_RUN, a), 0) << last_error();
    return a.test.retval;
  }
};

TEST_P(TracingPrograms, EveryFunction) {
  const long prog = target();
  ASSERT_GE(prog, 0) << last_error();
  EXPECT_EQ(packet(prog), 8u);
  const long entry = load(BPF_TRACE_FENTRY, second_type, join({word(1), store(7, 0), give(0)}), prog);
  ASSERT_GE(entry, 0) << last_error();
  const long exit = load(BPF_TRACE_FEXIT, second_type, join({word(2), store(7, 1), give(0)}), prog);
  ASSERT_GE(exit, 0) << last_error();
  const long whole = load(BPF_TRACE_FEXIT, main_type, join({word(1), store(7, 2), give(0)}), prog);
  ASSERT_GE(whole, 0) << last_error();
  // The context is the kernel's struct: its first member is the length.
  const long length = load(BPF_TRACE_FENTRY, main_type,
                           join({word(0), {{.code = 0x61, .dst = 7, .src = 7}}, store(7, 3), give(0)}), prog);
  ASSERT_GE(length, 0) << last_error();
  EXPECT_LT(load(BPF_MODIFY_RETURN, second_type, give(0), prog), 0);
  EXPECT_LT(load(BPF_TRACE_FENTRY, 1, give(0), prog), 0);  // a type that is no function of it

  const long w = link(whole, BPF_TRACE_FEXIT);
  ASSERT_GE(w, 0) << last_error();
  EXPECT_EQ(packet(prog), 8u);
  EXPECT_EQ(seen()[2], 8u);
  const long l = link(length, BPF_TRACE_FENTRY), e = link(entry, BPF_TRACE_FENTRY),
             x = link(exit, BPF_TRACE_FEXIT);
  ASSERT_GE(e, 0) << last_error();
  reset();
  EXPECT_EQ(packet(prog), 8u);
  const auto v = seen();
  EXPECT_EQ(v[0], 4u);
  EXPECT_EQ(v[1], 7u);
  EXPECT_EQ(v[2], 8u);
  EXPECT_EQ(v[3], 64u);
  for (const long fd : {w, l, e, x}) close(fd);
  reset();
  EXPECT_EQ(packet(prog), 8u);
  EXPECT_EQ(seen(), (std::array<u64, 8>{}));
  EXPECT_EQ(link(entry, BPF_TRACE_FENTRY), -EINVAL);  // what it was loaded for is taken
}

// A tracer is not run by what it causes itself.
TEST_P(TracingPrograms, TracersOfTracers) {
  const long prog = target();
  const long tracer = load(BPF_TRACE_FENTRY, main_type, give(0), prog);
  ASSERT_GE(tracer, 0) << last_error();
  EXPECT_LT(load(BPF_TRACE_FENTRY, main_type, give(0), tracer), 0);  // no BTF
}

INSTANTIATE_TEST_SUITE_P(Engines, Tracing,
                         ::testing::Values(runtime::JitMode::kAuto, runtime::JitMode::kOff));
INSTANTIATE_TEST_SUITE_P(Engines, TracingPrograms,
                         ::testing::Values(runtime::JitMode::kAuto, runtime::JitMode::kOff));

}  // namespace
}  // namespace osmia::syscall
