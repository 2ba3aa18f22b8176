// Element rules of the smaller types, with Linux's errnos.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <map>
#include <random>

#include "base/bits.h"
#include "host/run_context.h"
#include "maps/map_type.h"
#include "maps/stack_trace.h"

namespace osmia::maps {
namespace {

struct FakeProg : ProgObject {
  u32 id, type, attach;
  FakeProg(u32 i, u32 t, u32 a) : id(i), type(t), attach(a) {}
  u32 object_id() const override { return id; }
  u32 prog_type() const override { return type; }
  u32 attach_type() const override { return attach; }
};
class Fds : public Descriptors {
 public:
  std::map<int, std::shared_ptr<ProgObject>> progs;
  Result<MapPtr> map(int) override { return Error{EBADF, ""}; }
  Result<std::shared_ptr<ProgObject>> prog(int fd) override {
    const auto it = progs.find(fd);
    if (it == progs.end()) return Error{EBADF, ""};
    return it->second;
  }
};

MapPtr make(u32 type, u32 key, u32 value, u32 entries, u32 flags = 0, u64 extra = 0) {
  MapAttr a;
  a.type = type, a.key_size = key, a.value_size = value, a.max_entries = entries, a.map_flags = flags;
  a.map_extra = extra;
  auto m = create_map(a);
  EXPECT_TRUE(m.ok()) << m.error().message;
  return *m;
}
Fds no_fds;

TEST(BloomFilter, NeverForgetsAndRarelyInvents) {
  for (const u64 hashes : {0, 1, 15}) {
    auto m = make(BPF_MAP_TYPE_BLOOM_FILTER, 0, 12, 2000, 0, hashes);
    std::mt19937 rng(3);
    struct V {
      u32 a, b, c;
    };
    for (u32 i = 0; i < 2000; i++) {
      V v{i, i * 7, 0};
      ASSERT_EQ(m->push(&v, BPF_ANY), 0);
    }
    u32 invented = 0;
    for (u32 i = 0; i < 4000; i++) {
      V v{i, i * 7, 0};
      const s64 r = m->peek(&v);
      if (i < 2000)
        ASSERT_EQ(r, 0);
      else
        invented += r == 0;
    }
    EXPECT_LT(invented, hashes == 1 ? 1400u : 300u) << hashes;
    V v{1, 2, 3};
    EXPECT_EQ(m->push(&v, BPF_EXIST), -EINVAL);
    EXPECT_EQ(m->pop(&v), -EOPNOTSUPP);
    EXPECT_EQ(m->erase(&v), -EOPNOTSUPP);
    EXPECT_EQ(m->next_key(nullptr, &v), -EOPNOTSUPP);
  }
}

TEST(StackTrace, SameStackSameId) {
  MapPtr p = make(BPF_MAP_TYPE_STACK_TRACE, 4, 5 * 8, 3);
  auto& m = static_cast<StackTraceMap&>(*p);
  const u64 a[] = {1, 2, 3}, b[] = {1, 2, 4};
  const s64 id = m.store(a, 0);
  ASSERT_GE(id, 0);
  EXPECT_EQ(m.store(a, 0), id);
  u32 key = static_cast<u32>(id);
  u64 out[5];
  ASSERT_EQ(m.lookup_user(&key, out, 0), 0);
  EXPECT_EQ(out[0], 1u);
  EXPECT_EQ(out[2], 3u);
  EXPECT_EQ(out[3], 0u);
  // Another stack in the same place: found by search, since the hash is not ours to know.
  u64 other[] = {9, 0};
  while (m.store(other, 0) != -EEXIST) other[1]++;
  const s64 taken = m.store(other, BPF_F_REUSE_STACKID);
  ASSERT_GE(taken, 0);
  u32 next;
  u32 n = 0;
  for (int e = m.next_key(nullptr, &next); !e; e = m.next_key(&next, &next)) n++;
  EXPECT_LE(n, 3u);
  key = static_cast<u32>(taken);
  EXPECT_EQ(m.erase(&key), 0);
  EXPECT_EQ(m.erase(&key), -ENOENT);
  EXPECT_EQ(m.lookup_user(&key, out, 0), -ENOENT);
  key = 4;
  EXPECT_EQ(m.erase(&key), -E2BIG);
  EXPECT_EQ(m.update(&key, b, 0), -EINVAL);
}

TEST(Devmap, DevicesAndPrograms) {
  Fds fds;
  fds.progs[7] = std::make_shared<FakeProg>(70, BPF_PROG_TYPE_XDP, 33);
  fds.progs[8] = std::make_shared<FakeProg>(80, BPF_PROG_TYPE_XDP, 37);
  for (const u32 type : {BPF_MAP_TYPE_DEVMAP, BPF_MAP_TYPE_DEVMAP_HASH}) {
    const bool hash = type == BPF_MAP_TYPE_DEVMAP_HASH;
    auto m = make(type, 4, 8, 4);
    EXPECT_TRUE(m->info().map_flags & BPF_F_RDONLY_PROG);
    struct {
      u32 ifindex;
      s32 fd;
    } v{1, 0}, out{};
    u32 key = 2;
    EXPECT_EQ(m->lookup(&key), nullptr);
    EXPECT_EQ(m->update_user(&key, &v, 0, fds), 0);
    EXPECT_EQ(m->lookup_user(&key, &out, 0), 0);
    EXPECT_EQ(out.ifindex, 1u);
    v.fd = 7;
    EXPECT_EQ(m->update_user(&key, &v, BPF_EXIST, fds), 0);
    EXPECT_EQ(m->lookup_user(&key, &out, 0), 0);
    EXPECT_EQ(out.fd, 70);  // the program's id
    v.fd = 8;
    EXPECT_EQ(m->update_user(&key, &v, 0, fds), -EINVAL);  // for another hook
    v.fd = 9;
    EXPECT_EQ(m->update_user(&key, &v, 0, fds), -EINVAL);  // not a program
    v = {0x7ffffff0, 0};
    EXPECT_EQ(m->update_user(&key, &v, 0, fds), -EINVAL);  // no such device
    v = {1, 0};
    EXPECT_EQ(m->update_user(&key, &v, BPF_NOEXIST, fds), -EEXIST);
    EXPECT_EQ(m->update_user(&key, &v, 3, fds), -EINVAL);
    v = {0, 0};
    EXPECT_EQ(m->update_user(&key, &v, 0, fds), hash ? -EINVAL : 0);
    if (!hash) {
      EXPECT_EQ(m->lookup(&key), nullptr);
    }
    key = 100;
    v = {1, 0};
    EXPECT_EQ(m->update_user(&key, &v, 0, fds), hash ? 0 : -E2BIG);
    EXPECT_EQ(m->erase(&key), hash ? 0 : -EINVAL);
    EXPECT_EQ(m->erase(&key), hash ? -ENOENT : -EINVAL);
    if (hash) {
      for (key = 0; key < 3; key++) m->update_user(&key, &v, 0, fds);
      for (key = 10; !m->update_user(&key, &v, 0, fds) && key < 20;) key++;
      EXPECT_LE(key, 12u);
    }
  }
}

TEST(Cpumap, Rules) {
  auto m = make(BPF_MAP_TYPE_CPUMAP, 4, 4, 8000);
  u32 key = 0, v = 64;
  EXPECT_EQ(m->update_user(&key, &v, 0, no_fds), 0);
  EXPECT_NE(m->lookup(&key), nullptr);
  v = 16385;
  EXPECT_EQ(m->update_user(&key, &v, 0, no_fds), -EOVERFLOW);
  v = 1;
  EXPECT_EQ(m->update_user(&key, &v, BPF_NOEXIST, no_fds), -EEXIST);
  key = host::nr_cpus();
  EXPECT_EQ(m->update_user(&key, &v, 0, no_fds), -ENODEV);
  key = 8000;
  EXPECT_EQ(m->update_user(&key, &v, 0, no_fds), -E2BIG);
  key = v = 0;
  EXPECT_EQ(m->update_user(&key, &v, 0, no_fds), 0);
  EXPECT_EQ(m->lookup(&key), nullptr);
}

TEST(SocketMaps, SocketsByDescriptor) {
  const int udp = socket(AF_INET, SOCK_DGRAM, 0), tcp = socket(AF_INET, SOCK_STREAM, 0), file = dup(0);
  u64 cookie = 0;
  socklen_t n = sizeof cookie;
  const auto bind_it = [](int fd) {  // to any port of loopback: UDP sockets without one are refused
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
  };
  ASSERT_TRUE(bind_it(udp));
  ASSERT_EQ(getsockopt(udp, SOL_SOCKET, SO_COOKIE, &cookie, &n), 0);
  for (const u32 type : {BPF_MAP_TYPE_SOCKMAP, BPF_MAP_TYPE_SOCKHASH}) {
    auto m = make(type, 4, 8, 2);
    u32 key = 1;
    const int unbound = socket(AF_INET, SOCK_DGRAM, 0);
    u64 v = static_cast<u64>(unbound), out = 0;
    EXPECT_EQ(m->update_user(&key, &v, 0, no_fds), -EOPNOTSUPP);
    close(unbound);
    v = static_cast<u64>(udp);
    EXPECT_EQ(m->update_user(&key, &v, BPF_EXIST, no_fds), -ENOENT);
    EXPECT_EQ(m->update_user(&key, &v, 0, no_fds), 0);
    EXPECT_EQ(m->update_user(&key, &v, BPF_NOEXIST, no_fds), -EEXIST);
    EXPECT_EQ(m->lookup_user(&key, &out, 0), 0);
    EXPECT_EQ(out, cookie);
    v = static_cast<u64>(tcp);
    EXPECT_EQ(m->update_user(&key, &v, 0, no_fds), -EOPNOTSUPP);  // neither connected nor listening
    v = static_cast<u64>(file);
    EXPECT_EQ(m->update_user(&key, &v, 0, no_fds), -ENOTSOCK);
    v = 9999;
    EXPECT_EQ(m->update_user(&key, &v, 0, no_fds), -EBADF);
    v = 1ull << 32;
    EXPECT_EQ(m->update_user(&key, &v, 0, no_fds), -EINVAL);
    EXPECT_EQ(m->erase(&key), 0);
    EXPECT_EQ(m->erase(&key), type == BPF_MAP_TYPE_SOCKMAP ? -EINVAL : -ENOENT);
    const int gone = dup(udp), other = socket(AF_INET, SOCK_DGRAM, 0);
    ASSERT_TRUE(bind_it(other));
    v = static_cast<u64>(other);
    EXPECT_EQ(m->update_user(&key, &v, 0, no_fds), 0);
    close(other);
    EXPECT_EQ(m->lookup_user(&key, &out, 0), -ENOENT);  // closed sockets leave the map
    close(gone);
  }
  auto small = make(BPF_MAP_TYPE_SOCKMAP, 4, 4, 2);
  u32 key = 0, v = static_cast<u32>(udp);
  u64 out;
  EXPECT_EQ(small->update_user(&key, &v, 0, no_fds), 0);
  EXPECT_EQ(small->lookup_user(&key, &out, 0), -ENOSPC);

  auto array = make(BPF_MAP_TYPE_REUSEPORT_SOCKARRAY, 4, 8, 2);
  u64 fd = static_cast<u64>(udp);
  EXPECT_EQ(array->update_user(&key, &fd, 0, no_fds), -EINVAL);  // not bound, does not share its port
  const int one = 1, bound = socket(AF_INET, SOCK_DGRAM, 0);
  setsockopt(bound, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(bound, reinterpret_cast<sockaddr*>(&a), sizeof a), 0);
  fd = static_cast<u64>(bound);
  EXPECT_EQ(array->update_user(&key, &fd, 0, no_fds), 0);
  key = 1;
  EXPECT_EQ(array->update_user(&key, &fd, 0, no_fds), -EBUSY);
  EXPECT_EQ(array->erase(&key), -ENOENT);
  key = 2;
  EXPECT_EQ(array->erase(&key), -E2BIG);
  for (const int f : {udp, tcp, file, bound}) close(f);
}

TEST(LocalStorage, ValuesByDescriptor) {
  const auto storage = [](u32 type) {
    MapAttr a;
    a.type = type, a.key_size = 4, a.value_size = 12, a.map_flags = BPF_F_NO_PREALLOC;
    a.btf_key_type_id = a.btf_value_type_id = 1;
    auto m = create_map(a);
    EXPECT_TRUE(m.ok());
    return *m;
  };
  const int sock = socket(AF_INET, SOCK_DGRAM, 0), again = dup(sock), other = socket(AF_INET, SOCK_DGRAM, 0);
  const int task = static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0));
  const int root = open("/", O_RDONLY), root2 = open("/", O_RDONLY), tmp = open("/tmp", O_RDONLY);
  const struct {
    u32 type;
    int fd, same, another, wrong, wrong_error;
  } cases[] = {{BPF_MAP_TYPE_SK_STORAGE, sock, again, other, root, -ENOTSOCK},
               {BPF_MAP_TYPE_INODE_STORAGE, root, root2, tmp, 9999, -EBADF},
               {BPF_MAP_TYPE_TASK_STORAGE, task, task, -1, sock, -EBADF},
               {BPF_MAP_TYPE_CGRP_STORAGE, -1, -1, -1, root, -EBADF}};
  for (const auto& c : cases) {
    auto m = storage(c.type);
    u8 v[12] = {1, 2, 3}, out[12] = {};
    EXPECT_EQ(m->update_user(&c.wrong, v, 0, no_fds), c.wrong_error);
    u32 next;
    EXPECT_EQ(m->next_key(nullptr, &next), -kNotSupp);
    if (c.fd < 0) continue;
    EXPECT_EQ(m->lookup_user(&c.fd, out, 0), -ENOENT);
    EXPECT_EQ(m->update_user(&c.fd, v, BPF_EXIST, no_fds), -ENOENT);
    EXPECT_EQ(m->update_user(&c.fd, v, 0, no_fds), 0);
    EXPECT_EQ(m->update_user(&c.same, v, BPF_NOEXIST, no_fds), -EEXIST);
    EXPECT_EQ(m->update_user(&c.fd, v, 3, no_fds), -EINVAL);
    EXPECT_EQ(m->update_user(&c.fd, v, BPF_F_LOCK, no_fds), -EINVAL);
    EXPECT_EQ(m->lookup_user(&c.same, out, 0), 0);
    EXPECT_EQ(out[2], 3);
    if (c.another >= 0) {
      EXPECT_EQ(m->lookup_user(&c.another, out, 0), -ENOENT);
    }
    EXPECT_EQ(m->erase_user(&c.same), 0);
    EXPECT_EQ(m->erase_user(&c.fd), -ENOENT);
  }
  for (const int fd : {sock, again, other, task, root, root2, tmp}) close(fd);
}

TEST(ProgArray, SlotsAndOwners) {
  Fds fds;
  fds.progs[3] = std::make_shared<FakeProg>(30, BPF_PROG_TYPE_XDP, 37);
  fds.progs[4] = std::make_shared<FakeProg>(40, BPF_PROG_TYPE_SCHED_CLS, 0);
  auto m = make(BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 3);
  u32 key = 1, out = 0;
  s32 fd = 3;
  EXPECT_EQ(m->prog_at(1), nullptr);
  EXPECT_EQ(m->update_user(&key, &fd, 0, fds), 0);
  EXPECT_EQ(m->prog_at(1), fds.progs[3].get());
  EXPECT_EQ(reinterpret_cast<ProgObject**>(m->info().code.slots.base)[1], fds.progs[3].get());
  EXPECT_EQ(m->lookup_user(&key, &out, 0), 0);
  EXPECT_EQ(out, 30u);
  fd = 4;
  EXPECT_EQ(m->update_user(&key, &fd, 0, fds), -EINVAL);  // another type than the first
  fd = 5;
  EXPECT_EQ(m->update_user(&key, &fd, 0, fds), -EBADF);
  std::weak_ptr<ProgObject> seen = fds.progs[3];
  fds.progs.clear();
  {
    host::RunScope scope(nullptr);
    EXPECT_EQ(m->erase(&key), 0);
    EXPECT_EQ(m->prog_at(1), nullptr);
    EXPECT_FALSE(seen.expired());  // a running program may be about to jump there
  }
  EXPECT_EQ(m->erase(&key), -ENOENT);
  fds.progs[3] = std::make_shared<FakeProg>(31, BPF_PROG_TYPE_XDP, 37);
  fd = 3;
  EXPECT_EQ(m->update_user(&key, &fd, 0, fds), 0);
  EXPECT_TRUE(seen.expired());
  m->user_ref();
  m->user_unref();
  EXPECT_EQ(m->prog_at(1), nullptr);
  key = 3;
  EXPECT_EQ(m->erase(&key), -E2BIG);
}

TEST(PercpuArray, InlineLayoutIsTheLookup) {
  auto m = make(BPF_MAP_TYPE_PERCPU_ARRAY, 4, 12, 10);
  const auto& l = m->info().code.inline_lookup;
  ASSERT_EQ(l.kind, contract::LookupInline::kPercpuArray);
  host::RunScope scope(nullptr);
  for (u32 i = 0; i < 12; i++) {
    const u64 want = i < l.count ? l.base + i * l.stride + host::current_cpu() * l.cpu_stride : 0;
    EXPECT_EQ(reinterpret_cast<u64>(m->lookup(&i)), want);
    for (u32 c = 0; c < host::nr_cpus() && i < 10; c++)
      EXPECT_EQ(reinterpret_cast<u64>(m->lookup_percpu(&i, c)), l.base + i * l.stride + c * l.cpu_stride);
  }
}

}  // namespace
}  // namespace osmia::maps
