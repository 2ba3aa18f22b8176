// Links as Linux has them: what can be attached, ids, information, pins, and that a link lives exactly as
// long as something holds it.
#include <gtest/gtest.h>

#include "btf/write.h"
#include "runtime/engine.h"
#include "runtime/tracepoints.h"
#include "syscall/fdinfo.h"
#include "test_kernel.h"

namespace osmia::syscall {
namespace {

using isa::Insn;

// A kernel whose BTF has one tracepoint of two arguments.
std::shared_ptr<const btf::Btf> kernel_types() {
  btf::Writer w;
  const u32 i32 = w.add_int("int", 4, btf::kIntSigned), p = w.add_ptr(0);
  const u32 proto = w.add_func_proto(0, {{"__data", p}, {"a", i32}, {"b", i32}});
  w.add_typedef("btf_trace_osmia_event", w.add_ptr(proto));
  return *btf::Btf::parse(w.bytes());
}

struct Links : ::testing::Test {
  TestKernel t{.kernel = runtime::Kernel(runtime::build_catalog(kernel_types()))};
  long map = -1;
  std::vector<long> opened;

  Links() {
    runtime::install_engine(t.kernel);
    map = keep(t.make(BPF_MAP_TYPE_ARRAY, 4, 8, 1));
  }
  ~Links() {
    for (const long fd : opened) FdTable::instance().close(static_cast<int>(fd));
  }
  long keep(long fd) {
    if (fd >= 0) opened.push_back(fd);
    return fd;
  }
  long load(u32 type, const std::vector<Insn>& insns, u32 attach_type = 0) {
    return keep(t.call(BPF_PROG_LOAD, [&](union bpf_attr& a) {
      a.prog_type = type, a.insns = reinterpret_cast<u64>(insns.data());
      a.insn_cnt = static_cast<u32>(insns.size()), a.license = reinterpret_cast<u64>("GPL");
      a.expected_attach_type = attach_type;
    }));
  }
  // Adds its arguments and its cookie to the map's value.
  long counter() {
    return load(BPF_PROG_TYPE_RAW_TRACEPOINT,
                {{.code = 0x79, .dst = 6, .src = 1},            // r6 = args[0]
                 {.code = 0x79, .dst = 7, .src = 1, .off = 8},  // r7 = args[1]
                 {.code = 0x0f, .dst = 6, .src = 7},
                 {.code = 0x85, .imm = 174},  // bpf_get_attach_cookie(ctx)
                 {.code = 0x0f, .dst = 6, .src = 0},
                 {.code = 0x18, .dst = 1, .src = 2, .imm = static_cast<s32>(map)},
                 {},
                 {.code = 0xdb, .dst = 1, .src = 6},  // lock *(u64 *)(r1 + 0) += r6
                 {.code = 0xb7},
                 {.code = 0x95}});
  }
  long open(long prog, const char* name, u64 cookie = 0) {
    return t.call(BPF_RAW_TRACEPOINT_OPEN, [&](union bpf_attr& a) {
      a.raw_tracepoint.name = reinterpret_cast<u64>(name), a.raw_tracepoint.cookie = cookie;
      a.raw_tracepoint.prog_fd = static_cast<u32>(prog);
    });
  }
  u64 fire(u64 a, u64 b) {
    u64 args[] = {a, b}, value = 0;
    t.kernel.tracepoints->fire("osmia_event", args);
    const u32 key = 0;
    EXPECT_EQ(t.elem(BPF_MAP_LOOKUP_ELEM, map, &key, &value), 0);
    return value;
  }
  long info(long fd, bpf_link_info& i) {
    return t.call(BPF_OBJ_GET_INFO_BY_FD, [&](union bpf_attr& a) {
      a.info.bpf_fd = static_cast<u32>(fd), a.info.info_len = sizeof i;
      a.info.info = reinterpret_cast<u64>(&i);
    });
  }
  long next_link(u32 after) {
    u32 id = 0;
    union bpf_attr a;
    std::memset(&a, 0, sizeof a);
    a.start_id = after;
    const long r = t.call(BPF_LINK_GET_NEXT_ID, a);
    id = a.next_id;
    return r ? r : id;
  }
  static int close(long fd) { return FdTable::instance().close(static_cast<int>(fd)); }
};

TEST_F(Links, ARawTracepointRunsWhileItsLinkLives) {
  const long prog = counter();
  ASSERT_GE(prog, 0) << last_error();
  EXPECT_EQ(open(prog, "no_such_event"), -ENOENT);
  EXPECT_EQ(open(prog, nullptr), -EFAULT);
  EXPECT_EQ(open(map, "osmia_event"), -EINVAL);
  EXPECT_EQ(open(9999, "osmia_event"), -EBADF);
  EXPECT_EQ(next_link(0), -ENOENT);
  const long link = open(prog, "osmia_event", 100);
  ASSERT_GE(link, 0) << last_error();
  EXPECT_EQ(fire(1, 2), 103u);
  const long twice = open(prog, "osmia_event", 1000);
  ASSERT_GE(twice, 0);
  EXPECT_EQ(fire(0, 0), 1203u);
  close(twice);
  EXPECT_EQ(fire(0, 0), 1303u);

  // By id: another descriptor holds it too.
  const long id = next_link(0);
  ASSERT_GT(id, 0);
  const long other =
      t.call(BPF_LINK_GET_FD_BY_ID, [&](union bpf_attr& a) { a.link_id = static_cast<u32>(id); });
  ASSERT_GE(other, 0);
  close(link);
  EXPECT_EQ(fire(0, 0), 1403u);
  close(other);
  EXPECT_EQ(fire(5, 5), 1403u);
  EXPECT_EQ(next_link(0), -ENOENT);
  EXPECT_EQ(t.call(BPF_LINK_GET_FD_BY_ID, [&](union bpf_attr& a) { a.link_id = static_cast<u32>(id); }),
            -ENOENT);
}

TEST_F(Links, ALinkKeepsItsProgram) {
  const long prog = counter();
  const long link = keep(open(prog, "osmia_event"));
  ASSERT_GE(link, 0);
  close(prog);
  opened.erase(opened.end() - 2);
  EXPECT_EQ(fire(3, 4), 7u);
}

TEST_F(Links, Information) {
  const long prog = counter(), link = keep(open(prog, "osmia_event"));
  ASSERT_GE(link, 0);
  bpf_link_info i{};
  ASSERT_EQ(info(link, i), 0);
  EXPECT_EQ(i.type, u32{BPF_LINK_TYPE_RAW_TRACEPOINT});
  EXPECT_EQ(static_cast<long>(i.id), next_link(0));
  EXPECT_EQ(i.raw_tracepoint.tp_name_len, sizeof "osmia_event");
  bpf_prog_info p{};
  ASSERT_EQ(t.call(BPF_OBJ_GET_INFO_BY_FD,
                   [&](union bpf_attr& a) {
                     a.info.bpf_fd = static_cast<u32>(prog), a.info.info_len = sizeof p;
                     a.info.info = reinterpret_cast<u64>(&p);
                   }),
            0);
  EXPECT_EQ(i.prog_id, p.id);
  char name[32] = {};
  i = {};
  i.raw_tracepoint.tp_name = reinterpret_cast<u64>(name), i.raw_tracepoint.tp_name_len = sizeof name;
  ASSERT_EQ(info(link, i), 0);
  EXPECT_STREQ(name, "osmia_event");
  i.raw_tracepoint.tp_name_len = 6;
  EXPECT_EQ(info(link, i), -ENOSPC);
  EXPECT_STREQ(name, "osmia");
  i.raw_tracepoint.tp_name_len = 0;
  EXPECT_EQ(info(link, i), -EINVAL);
  const std::string text = fdinfo_text(static_cast<int>(link));
  EXPECT_NE(text.find("link_type:\traw_tracepoint\n"), text.npos) << text;
  EXPECT_NE(text.find("prog_id:\t" + std::to_string(p.id) + "\ntp_name:\tosmia_event\n"), text.npos) << text;
  char buffer[32] = {};
  union bpf_attr q;
  std::memset(&q, 0, sizeof q);
  q.task_fd_query.pid = static_cast<u32>(getpid()), q.task_fd_query.fd = static_cast<u32>(link);
  q.task_fd_query.buf = reinterpret_cast<u64>(buffer), q.task_fd_query.buf_len = sizeof buffer;
  ASSERT_EQ(t.call(BPF_TASK_FD_QUERY, q), 0);
  EXPECT_STREQ(buffer, "osmia_event");
  EXPECT_EQ(q.task_fd_query.prog_id, p.id);
  EXPECT_EQ(q.task_fd_query.buf_len, sizeof "osmia_event" - 1);
  EXPECT_EQ(q.task_fd_query.fd_type, u32{BPF_FD_TYPE_RAW_TRACEPOINT});
}

TEST_F(Links, PinsHoldThem) {
  const long prog = counter(), link = open(prog, "osmia_event");
  ASSERT_GE(link, 0);
  const auto pin = [&](int cmd, u32 flags, long fd) {
    return t.call(cmd, [&](union bpf_attr& a) {
      a.pathname = reinterpret_cast<u64>("/sys/fs/bpf/link"), a.file_flags = flags;
      a.bpf_fd = static_cast<u32>(fd);
    });
  };
  ASSERT_EQ(pin(BPF_OBJ_PIN, 0, link), 0);
  close(link);
  EXPECT_EQ(fire(1, 1), 2u);
  EXPECT_EQ(pin(BPF_OBJ_GET, BPF_F_RDONLY, 0), -EINVAL);
  const long again = pin(BPF_OBJ_GET, 0, 0);
  ASSERT_GE(again, 0);
  t.kernel.pins.clear();
  EXPECT_EQ(fire(1, 1), 4u);
  close(again);
  EXPECT_EQ(fire(1, 1), 4u);
}

TEST_F(Links, WhatTheyCannotDo) {
  const long prog = counter(), link = keep(open(prog, "osmia_event"));
  const auto update = [&](long with, u32 flags, long old) {
    return t.call(BPF_LINK_UPDATE, [&](union bpf_attr& a) {
      a.link_update.link_fd = static_cast<u32>(link), a.link_update.new_prog_fd = static_cast<u32>(with);
      a.link_update.flags = flags, a.link_update.old_prog_fd = static_cast<u32>(old);
    });
  };
  EXPECT_EQ(update(prog, 0, 0), -EINVAL);  // a raw tracepoint's program stays
  EXPECT_EQ(update(prog, 0, prog), -EINVAL);
  EXPECT_EQ(update(prog, 2, 0), -EINVAL);
  EXPECT_EQ(update(9999, 0, 0), -EBADF);
  EXPECT_EQ(
      t.call(BPF_LINK_DETACH, [&](union bpf_attr& a) { a.link_detach.link_fd = static_cast<u32>(link); }),
      -EOPNOTSUPP);
  EXPECT_EQ(
      t.call(BPF_LINK_DETACH, [&](union bpf_attr& a) { a.link_detach.link_fd = static_cast<u32>(prog); }),
      -EINVAL);
  EXPECT_EQ(
      t.call(BPF_ITER_CREATE, [&](union bpf_attr& a) { a.iter_create.link_fd = static_cast<u32>(link); }),
      -EINVAL);
}

// What is the machine's is refused, after Linux's own checks.
TEST_F(Links, NothingIsAttachedToTheMachine) {
  const std::vector<Insn> one = {{.code = 0xb7, .imm = 1}, {.code = 0x95}};
  const long xdp = load(BPF_PROG_TYPE_XDP, one), cls = load(BPF_PROG_TYPE_SCHED_CLS, one),
             skb = load(BPF_PROG_TYPE_CGROUP_SKB, one), filter = load(BPF_PROG_TYPE_SOCKET_FILTER, one);
  const auto create = [&](long prog, u32 attach_type) {
    return t.call(BPF_LINK_CREATE, [&](union bpf_attr& a) {
      a.link_create.prog_fd = static_cast<u32>(prog), a.link_create.target_ifindex = 1;
      a.link_create.attach_type = attach_type;
    });
  };
  EXPECT_EQ(create(xdp, BPF_XDP), -EOPNOTSUPP);
  EXPECT_NE(last_error().find("osmia run --pcap"), std::string::npos) << last_error();
  EXPECT_EQ(create(xdp, BPF_CGROUP_DEVICE), -EINVAL);
  EXPECT_EQ(create(cls, BPF_TCX_INGRESS), -EOPNOTSUPP);
  EXPECT_EQ(create(cls, BPF_XDP), -EINVAL);
  EXPECT_EQ(create(skb, BPF_CGROUP_INET_EGRESS), -EOPNOTSUPP);
  EXPECT_EQ(create(filter, 0), -EINVAL);
  const auto attach = [&](long prog, u32 attach_type, u32 flags) {
    return t.call(BPF_PROG_ATTACH, [&](union bpf_attr& a) {
      a.attach_bpf_fd = static_cast<u32>(prog), a.attach_type = attach_type, a.attach_flags = flags;
    });
  };
  EXPECT_EQ(attach(skb, BPF_CGROUP_INET_EGRESS, 0), -EOPNOTSUPP);
  EXPECT_EQ(attach(skb, BPF_CGROUP_INET_EGRESS, 1u << 20), -EINVAL);
  EXPECT_EQ(attach(skb, BPF_CGROUP_DEVICE, 0), -EINVAL);
  EXPECT_EQ(attach(9999, BPF_CGROUP_DEVICE, 0), -EBADF);
  EXPECT_EQ(attach(xdp, BPF_XDP, 0), -EINVAL);
  const auto query = [&](u32 attach_type) {
    return t.call(BPF_PROG_QUERY, [&](union bpf_attr& a) { a.query.attach_type = attach_type; });
  };
  EXPECT_EQ(query(BPF_CGROUP_INET_EGRESS), -EOPNOTSUPP);
  EXPECT_EQ(query(BPF_TRACE_FENTRY), -EINVAL);
}

}  // namespace
}  // namespace osmia::syscall
