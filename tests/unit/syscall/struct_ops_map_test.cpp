// The element of a struct_ops map from update to delete, and links: states, counts, errnos.
#include <gtest/gtest.h>
#include <poll.h>

#include "struct_ops_kernel.h"

namespace osmia::syscall {
namespace {

const std::vector<Insn> kReturn0 = {{.code = 0xb7}, {.code = 0x95}};

void close_fd(long fd) {
  FdTable::instance().close(static_cast<int>(fd));
}

// The element of a tcp_congestion_ops map that is whole.
OpsValue algorithm(StructOpsKernel& k, const char* name, std::vector<long>& progs) {
  OpsValue v;
  for (u32 i = 0; i < 3; i++) {
    progs.push_back(k.load({"tcp_congestion_ops", i}, kReturn0));
    EXPECT_GT(progs.back(), 0) << k.log;
    v.word[i] = static_cast<u64>(progs.back());
  }
  std::strncpy(reinterpret_cast<char*>(&v.word[13]), name, 15);
  return v;
}

TEST(StructOpsMap, CreationFollowsLinux) {
  StructOpsKernel k;
  const auto create = [&](u32 value_id, bool module, u32 flags = 0, u32 size = 0) {
    const long fd = k.make_map(value_id, module, flags, size);
    if (fd > 0) close_fd(fd);
    return fd > 0 ? 0 : fd;
  };
  EXPECT_EQ(create(k.tcp_value, false), 0);
  EXPECT_EQ(create(k.tcp_value, false, BPF_F_LINK), 0);
  EXPECT_EQ(create(k.tcp_value, false, BPF_F_RDONLY), -EINVAL);
  EXPECT_EQ(create(k.tcp_value, false, 0, 192), -EINVAL);
  EXPECT_EQ(create(k.tcp_value + 1, false), -524);
  EXPECT_EQ(create(k.tcp_value, true), -524);  // the module has no such type of its own
  EXPECT_EQ(create(k.st_value, true), 0);
  EXPECT_EQ(create(k.st_value, false), -524);
  EXPECT_EQ(k.call(BPF_MAP_CREATE,
                   [&](union bpf_attr& a) {
                     a.map_type = BPF_MAP_TYPE_STRUCT_OPS, a.key_size = 4, a.max_entries = 1,
                     a.value_size = 200;
                   }),
            -EINVAL);
}

TEST(StructOpsMap, LifeOfItsElement) {
  StructOpsKernel k;
  std::vector<long> progs;
  const OpsValue whole = algorithm(k, "mine", progs);
  const long map = k.make_map(k.tcp_value, false);
  ASSERT_GT(map, 0);
  OpsValue seen;
  seen.state = 9, seen.word[0] = 9;
  EXPECT_EQ(k.elem(BPF_MAP_LOOKUP_ELEM, map, 0, &seen), 0);
  EXPECT_EQ(seen.state, 0u);
  EXPECT_EQ(seen.word[0], 0u);
  EXPECT_EQ(k.elem(BPF_MAP_LOOKUP_ELEM, map, 1, &seen), -ENOENT);
  EXPECT_EQ(k.elem(BPF_MAP_DELETE_ELEM, map, 0, nullptr), -ENOENT);

  const auto refused = [&](long error, const std::function<void(OpsValue&)>& spoil, u32 key = 0,
                           u64 flags = 0) {
    OpsValue v = whole;
    spoil(v);
    EXPECT_EQ(k.elem(BPF_MAP_UPDATE_ELEM, map, key, &v, flags), error);
    EXPECT_EQ(k.elem(BPF_MAP_LOOKUP_ELEM, map, 0, &v), 0);
    EXPECT_EQ(v.state, 0u);
  };
  refused(
      -EINVAL, [](OpsValue&) {}, 0, BPF_NOEXIST);
  refused(
      -E2BIG, [](OpsValue&) {}, 1);
  refused(-EINVAL, [](OpsValue& v) { v.state = 1; });
  refused(-EINVAL, [](OpsValue& v) { v.refcnt = 1; });
  refused(-EINVAL, [](OpsValue& v) { v.pad[0] = 1; });             // between the two parts
  refused(-EINVAL, [](OpsValue& v) { v.word[16] = 1ull << 32; });  // behind flags
  refused(-EINVAL, [](OpsValue& v) { v.word[16] = 4; });           // no such flag
  refused(-EINVAL, [](OpsValue& v) { v.word[15] = 1; });           // the owner is not chosen
  refused(-EINVAL, [](OpsValue& v) { v.word[13] = 0; });           // no name
  refused(-EINVAL, [](OpsValue& v) { std::memcpy(&v.word[13], "a b", 4); });
  refused(-EINVAL, [](OpsValue& v) { std::memset(&v.word[13], 'a', 16); });
  refused(-EINVAL, [](OpsValue& v) { v.word[0] = 0; });                    // what an algorithm needs
  refused(-EINVAL, [](OpsValue& v) { std::swap(v.word[0], v.word[2]); });  // a program of another member
  refused(-EBADF, [](OpsValue& v) { v.word[0] = 4000; });
  refused(-EINVAL, [&](OpsValue& v) { v.word[0] = static_cast<u64>(map); });
  refused(-EEXIST, [](OpsValue& v) { std::memcpy(&v.word[13], "cubic", 6); });

  OpsValue v = whole;
  ASSERT_EQ(k.elem(BPF_MAP_UPDATE_ELEM, map, 0, &v), 0) << last_error();
  EXPECT_EQ(k.elem(BPF_MAP_UPDATE_ELEM, map, 0, &v), -EBUSY);
  EXPECT_EQ(k.elem(BPF_MAP_LOOKUP_ELEM, map, 0, &seen), 0);
  EXPECT_EQ(seen.state, 1u);  // in use
  EXPECT_EQ(seen.refcnt, 1u);
  struct bpf_prog_info info = {};
  EXPECT_EQ(k.call(BPF_OBJ_GET_INFO_BY_FD,
                   [&](union bpf_attr& a) {
                     a.info.bpf_fd = static_cast<u32>(progs[0]);
                     a.info.info = reinterpret_cast<u64>(&info), a.info.info_len = sizeof info;
                   }),
            0);
  EXPECT_EQ(seen.word[0], info.id);
  EXPECT_EQ(std::string(reinterpret_cast<char*>(&seen.word[13])), "mine");
  // Another of that name has to wait.
  const long other = k.make_map(k.tcp_value, false);
  EXPECT_EQ(k.elem(BPF_MAP_UPDATE_ELEM, other, 0, &v), -EEXIST);
  EXPECT_EQ(k.elem(BPF_MAP_DELETE_ELEM, map, 0, nullptr), 0);
  EXPECT_EQ(k.elem(BPF_MAP_LOOKUP_ELEM, map, 0, &seen), 0);
  EXPECT_EQ(seen.state, 2u);  // to be freed
  EXPECT_EQ(k.elem(BPF_MAP_DELETE_ELEM, map, 0, nullptr), -EINPROGRESS);
  EXPECT_EQ(k.elem(BPF_MAP_UPDATE_ELEM, map, 0, &v), -EBUSY);
  EXPECT_EQ(k.elem(BPF_MAP_UPDATE_ELEM, other, 0, &v), 0);

  struct bpf_map_info map_info = {};
  EXPECT_EQ(k.call(BPF_OBJ_GET_INFO_BY_FD,
                   [&](union bpf_attr& a) {
                     a.info.bpf_fd = static_cast<u32>(map);
                     a.info.info = reinterpret_cast<u64>(&map_info), a.info.info_len = sizeof map_info;
                   }),
            0);
  EXPECT_EQ(map_info.btf_vmlinux_id, 1u);
  EXPECT_EQ(map_info.btf_vmlinux_value_type_id, k.tcp_value);
  EXPECT_EQ(k.call(BPF_MAP_FREEZE, [&](union bpf_attr& a) { a.map_fd = static_cast<u32>(map); }), -524);
  // In use, an element keeps its map though nobody holds a descriptor of it.
  const u32 other_id = map_info.id + 1;
  close_fd(other);
  const long again = k.call(BPF_MAP_GET_FD_BY_ID, [&](union bpf_attr& a) { a.map_id = other_id; });
  EXPECT_GT(again, 0);
  EXPECT_EQ(k.elem(BPF_MAP_DELETE_ELEM, again, 0, nullptr), 0);
  close_fd(again);
  EXPECT_EQ(k.call(BPF_MAP_GET_FD_BY_ID, [&](union bpf_attr& a) { a.map_id = other_id; }), -ENOENT);
  close_fd(map);
  for (long fd : progs) close_fd(fd);
}

TEST(StructOpsMap, NothingOfDummyOpsIsTakenOn) {
  StructOpsKernel k;
  const long map = k.make_map(k.dummy_value, false), link = k.make_map(k.dummy_value, false, BPF_F_LINK);
  OpsValue v;
  EXPECT_EQ(k.elem(BPF_MAP_UPDATE_ELEM, map, 0, &v), -EOPNOTSUPP);
  EXPECT_EQ(k.elem(BPF_MAP_UPDATE_ELEM, link, 0, &v), -EOPNOTSUPP);
  close_fd(map);
  close_fd(link);
}

struct StructOpsLinks : ::testing::Test {
  StructOpsKernel k;
  std::vector<long> progs;
  long create(long map) {
    return k.call(BPF_LINK_CREATE, [&](union bpf_attr& a) {
      a.link_create.map_fd = static_cast<u32>(map), a.link_create.attach_type = BPF_STRUCT_OPS;
    });
  }
  long update(long link, long map, long old = 0) {
    return k.call(BPF_LINK_UPDATE, [&](union bpf_attr& a) {
      a.link_update.link_fd = static_cast<u32>(link), a.link_update.new_map_fd = static_cast<u32>(map);
      if (old) a.link_update.old_map_fd = static_cast<u32>(old), a.link_update.flags = BPF_F_REPLACE;
    });
  }
  long filled(const char* name) {
    OpsValue v = algorithm(k, name, progs);
    const long map = k.make_map(k.tcp_value, false, BPF_F_LINK);
    EXPECT_EQ(k.elem(BPF_MAP_UPDATE_ELEM, map, 0, &v), 0) << last_error();
    return map;
  }
  OpsValue element(long map) {
    OpsValue v;
    EXPECT_EQ(k.elem(BPF_MAP_LOOKUP_ELEM, map, 0, &v), 0);
    return v;
  }
  ~StructOpsLinks() override {
    for (long fd : progs) close_fd(fd);
  }
};

TEST_F(StructOpsLinks, TakeMapsOnAndLetThemGo) {
  const long raw = k.make_map(k.tcp_value, false, BPF_F_LINK), plain = k.make_map(k.tcp_value, false);
  EXPECT_EQ(create(raw), -EINVAL);  // nothing in it yet
  EXPECT_EQ(create(plain), -EINVAL);
  EXPECT_EQ(create(4000), -EBADF);
  const long map = filled("mine"), same = filled("mine"), other = filled("other");
  EXPECT_EQ(element(map).state, 3u);  // ready
  EXPECT_EQ(element(map).refcnt, 0u);
  EXPECT_EQ(k.elem(BPF_MAP_DELETE_ELEM, map, 0, nullptr), -EOPNOTSUPP);
  const long link = create(map);
  ASSERT_GT(link, 0) << last_error();
  EXPECT_EQ(element(map).state, 3u);
  EXPECT_EQ(element(map).refcnt, 1u);
  EXPECT_EQ(create(same), -EEXIST);
  struct bpf_link_info info = {};
  EXPECT_EQ(k.call(BPF_OBJ_GET_INFO_BY_FD,
                   [&](union bpf_attr& a) {
                     a.info.bpf_fd = static_cast<u32>(link);
                     a.info.info = reinterpret_cast<u64>(&info), a.info.info_len = sizeof info;
                   }),
            0);
  EXPECT_EQ(info.type, u32{BPF_LINK_TYPE_STRUCT_OPS});
  EXPECT_NE(info.struct_ops.map_id, 0u);

  EXPECT_EQ(update(link, raw), -EINVAL);
  EXPECT_EQ(update(link, other), -EINVAL);       // another name
  EXPECT_EQ(update(link, same, other), -EPERM);  // not what is there
  EXPECT_EQ(update(link, same, map), 0);
  EXPECT_EQ(element(map).refcnt, 0u);
  EXPECT_EQ(element(same).refcnt, 1u);
  EXPECT_EQ(create(map), -EEXIST);

  pollfd p{static_cast<int>(link), POLLHUP, 0};
  EXPECT_EQ(poll(&p, 1, 0), 0);
  const auto detach = [&] {
    return k.call(BPF_LINK_DETACH,
                  [&](union bpf_attr& a) { a.link_detach.link_fd = static_cast<u32>(link); });
  };
  EXPECT_EQ(detach(), 0);
  EXPECT_EQ(poll(&p, 1, 0), 1);
  EXPECT_TRUE(p.revents & POLLHUP);
  EXPECT_EQ(detach(), 0);
  EXPECT_EQ(update(link, map), -ENOLINK);
  EXPECT_EQ(element(same).refcnt, 0u);
  const long again = create(map);
  EXPECT_GT(again, 0);
  close_fd(again);  // the last descriptor of a link detaches it
  const long third = create(same);
  EXPECT_GT(third, 0);
  for (long fd : {raw, plain, map, same, other, link, third}) close_fd(fd);
}

}  // namespace
}  // namespace osmia::syscall
