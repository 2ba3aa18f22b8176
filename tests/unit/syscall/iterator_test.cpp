// Iterators from LINK_CREATE to the last byte: what is shown, when it is asked for again, that small reads
// give the same bytes, and that nothing is shown twice or after it has gone.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "btf/write.h"
#include "host/run_context.h"
#include "host/seq_file.h"
#include "runtime/engine.h"
#include "runtime/iter/iter_file.h"
#include "syscall/fdinfo.h"
#include "test_kernel.h"

namespace osmia::syscall {
namespace {

using isa::Insn;

struct Types {
  btf::BtfPtr btf;
  u32 map, elem, task;  // FUNC ids
};
Types kernel_types() {
  btf::Writer w;
  const u32 i32 = w.add_int("int", 4, btf::kIntSigned), u64t = w.add_int("long unsigned int", 8);
  const u32 nothing = w.add_ptr(0), ch = w.add_int("char", 1, btf::kIntSigned);
  const u32 seq = w.add_struct("seq_file", 40,
                               {{"buf", nothing, 0},
                                {"size", u64t, 64},
                                {"from", u64t, 128},
                                {"count", u64t, 192},
                                {"index", u64t, 256}});
  const u32 meta = w.add_struct(
      "bpf_iter_meta", 24, {{"seq", w.add_ptr(seq), 0}, {"session_id", u64t, 64}, {"seq_num", u64t, 128}});
  const u32 map = w.add_struct("bpf_map", 8, {{"id", i32, 0}, {"map_type", i32, 32}});
  const u32 comm = w.add_array(ch, i32, 16);
  const u32 task = w.add_struct("task_struct", 24, {{"pid", i32, 0}, {"tgid", i32, 32}, {"comm", comm, 64}});
  w.add_struct("path", 16, {{"mnt", nothing, 0}, {"dentry", nothing, 64}});
  const u32 pmeta = w.add_ptr(meta), pmap = w.add_ptr(map), ptask = w.add_ptr(task);
  Types t;
  t.map = w.add_func("bpf_iter_bpf_map", w.add_func_proto(i32, {{"meta", pmeta}, {"map", pmap}}));
  t.elem = w.add_func(
      "bpf_iter_bpf_map_elem",
      w.add_func_proto(i32, {{"meta", pmeta}, {"map", pmap}, {"key", nothing}, {"value", nothing}}));
  t.task = w.add_func("bpf_iter_task", w.add_func_proto(i32, {{"meta", pmeta}, {"task", ptask}}));
  t.btf = *btf::Btf::parse(w.bytes());
  return t;
}
const Types& types() {
  static const Types t = kernel_types();
  return t;
}

struct Iterators : ::testing::TestWithParam<runtime::JitMode> {
  TestKernel t{.kernel = runtime::Kernel(runtime::build_catalog(types().btf))};
  std::vector<long> opened;

  Iterators() {
    runtime::install_engine(t.kernel);
    t.kernel.jit = GetParam();
    FdTable::take_over_reads();
  }
  ~Iterators() override {
    for (const long fd : opened) FdTable::instance().close(static_cast<int>(fd));
  }
  long keep(long fd) {
    if (fd >= 0) opened.push_back(fd);
    return fd;
  }
  void close(long fd) {
    std::erase(opened, fd);
    FdTable::instance().close(static_cast<int>(fd));
  }
  long load(u32 function, const std::vector<Insn>& insns) {
    return keep(t.call(BPF_PROG_LOAD, [&](union bpf_attr& a) {
      a.prog_type = BPF_PROG_TYPE_TRACING, a.expected_attach_type = BPF_TRACE_ITER;
      a.insns = reinterpret_cast<u64>(insns.data()), a.insn_cnt = static_cast<u32>(insns.size());
      a.license = reinterpret_cast<u64>("GPL"), a.attach_btf_id = function;
    }));
  }
  // Each element: `key` bytes of its key, `value` bytes of its value; at the end the byte '!'. With `erases`,
  // a map: the element is deleted there first. The result is the first byte of the key, if `asks`.
  long dumper(u32 key, u32 value, long erases = -1, bool asks = false) {
    std::vector<Insn> p{{.code = 0xbf, .dst = 6, .src = 1},              // r6 = ctx
                        {.code = 0x79, .dst = 7, .src = 6, .off = 16},   // r7 = key
                        {.code = 0x79, .dst = 8, .src = 6, .off = 24}};  // r8 = value
    const auto write = [&](std::vector<Insn> source, u32 bytes) {
      p.push_back({.code = 0x79, .dst = 1, .src = 6});
      p.push_back({.code = 0x79, .dst = 1, .src = 1});
      p.insert(p.end(), source.begin(), source.end());
      p.push_back({.code = 0xb7, .dst = 3, .imm = static_cast<s32>(bytes)});
      p.push_back({.code = 0x85, .imm = BPF_FUNC_seq_write});
    };
    const size_t at = p.size();
    p.push_back({.code = 0x15, .dst = 7});
    p.push_back({.code = 0x15, .dst = 8});
    if (erases >= 0) {
      p.push_back({.code = 0x61, .dst = 1, .src = 7});  // its key on the stack
      p.push_back({.code = 0x63, .dst = 10, .src = 1, .off = -4});
      p.push_back({.code = 0x18, .dst = 1, .src = 1, .imm = static_cast<s32>(erases)});
      p.push_back({});
      p.push_back({.code = 0xbf, .dst = 2, .src = 10});
      p.push_back({.code = 0x07, .dst = 2, .imm = -4});
      p.push_back({.code = 0x85, .imm = BPF_FUNC_map_delete_elem});
    }
    if (key) write({{.code = 0xbf, .dst = 2, .src = 7}}, key);
    if (value) write({{.code = 0xbf, .dst = 2, .src = 8}}, value);
    p.push_back({.code = 0xb7, .dst = 0});
    if (asks) {
      p.push_back({.code = 0x71, .dst = 0, .src = 8});  // the value's first byte, taken down by one
      p.push_back({.code = 0x15, .dst = 0, .off = 3});
      p.push_back({.code = 0xb7, .dst = 0, .imm = 0});
      p.push_back({.code = 0x73, .dst = 8, .src = 0});
      p.push_back({.code = 0xb7, .dst = 0, .imm = 1});
    }
    p.push_back({.code = 0x95});
    const size_t end = p.size();
    p[at].off = static_cast<s16>(end - at - 1);
    p[at + 1].off = static_cast<s16>(end - at - 2);
    p.push_back({.code = 0x72, .dst = 10, .off = -1, .imm = '!'});
    write({{.code = 0xbf, .dst = 2, .src = 10}, {.code = 0x07, .dst = 2, .imm = -1}}, 1);
    p.push_back({.code = 0xb7, .dst = 0});
    p.push_back({.code = 0x95});
    return load(types().elem, p);
  }
  long link(long prog, const union bpf_iter_link_info* info = nullptr, u32 flags = 0) {
    return keep(t.call(BPF_LINK_CREATE, [&](union bpf_attr& a) {
      a.link_create.prog_fd = static_cast<u32>(prog), a.link_create.attach_type = BPF_TRACE_ITER;
      a.link_create.flags = flags, a.link_create.iter_info = reinterpret_cast<u64>(info);
      a.link_create.iter_info_len = info ? sizeof *info : 0;
    }));
  }
  long link_map(long prog, long map) {
    union bpf_iter_link_info info {};
    info.map.map_fd = static_cast<u32>(map);
    return link(prog, &info);
  }
  long open(long link_fd) {
    return keep(t.call(BPF_ITER_CREATE,
                       [&](union bpf_attr& a) { a.iter_create.link_fd = static_cast<u32>(link_fd); }));
  }
  long read(long fd, void* to, size_t n) {
    long r = -EBADF;
    EXPECT_TRUE(FdTable::instance().read_iterator(static_cast<int>(fd), to, n, r));
    return r;
  }
  std::string all(long fd, size_t step, long* error = nullptr) {
    std::string out, buffer(step, 0);
    long n;
    while ((n = read(fd, buffer.data(), step)) > 0) out.append(buffer, 0, static_cast<size_t>(n));
    if (error)
      *error = n;
    else
      EXPECT_EQ(n, 0);
    return out;
  }
  long hash(u32 entries, u32 value = 8, u32 type = BPF_MAP_TYPE_HASH) {
    const long fd = keep(t.make(type, 4, value, entries));
    EXPECT_GE(fd, 0) << last_error();
    return fd;
  }
  void put(long map, u32 key, const std::string& value) {
    EXPECT_EQ(t.elem(BPF_MAP_UPDATE_ELEM, map, &key, const_cast<char*>(value.data())), 0);
  }
  static std::multiset<u32> keys_in(const std::string& text) {
    std::multiset<u32> out;
    for (size_t i = 0; i + 4 < text.size(); i += 4) out.insert(*reinterpret_cast<const u32*>(&text[i]));
    return out;
  }
};

TEST_P(Iterators, SmallReadsGiveTheSameBytes) {
  const long map = hash(100), prog = dumper(4, 8);
  ASSERT_GE(prog, 0) << last_error();
  for (u32 k = 0; k < 100; k++) put(map, k, std::string(8, static_cast<char>('a' + k % 26)));
  const long l = link_map(prog, map);
  ASSERT_GE(l, 0) << last_error();
  const std::string whole = all(open(l), 1 << 16);
  EXPECT_EQ(whole.size(), 100 * 12 + 1);
  EXPECT_EQ(whole.back(), '!');
  for (const size_t step : {1, 2, 7, 11, 12, 13, 100, 4096}) EXPECT_EQ(all(open(l), step), whole) << step;
}

TEST_P(Iterators, EmptyMapHasItsEnd) {
  const long l = link_map(dumper(4, 8), hash(10));
  const long fd = open(l);
  EXPECT_EQ(all(fd, 16), "!");
  char byte;
  EXPECT_EQ(read(fd, &byte, 1), 0);  // the end is shown once
}

TEST_P(Iterators, ArraysAndPerCpuValues) {
  const long array = keep(t.make(BPF_MAP_TYPE_ARRAY, 4, 8, 3));
  for (u32 k = 0; k < 3; k++) put(array, k, std::string(8, static_cast<char>('x' + k)));
  EXPECT_EQ(all(open(link_map(dumper(0, 8), array)), 64), "xxxxxxxxyyyyyyyyzzzzzzzz!");
  const long percpu = hash(4, 4, BPF_MAP_TYPE_PERCPU_HASH);
  const u32 cpus = host::nr_cpus();
  std::string values;
  for (u32 c = 0; c < cpus; c++) values += std::string(8, static_cast<char>('0' + c % 10));
  put(percpu, 1, values);
  EXPECT_EQ(all(open(link_map(dumper(0, 8 * cpus), percpu)), 64).substr(0, 8 * cpus).size(), 8 * cpus);
  EXPECT_EQ(link_map(dumper(0, 8 * cpus + 8), percpu), -EACCES);
}

TEST_P(Iterators, ReachingBeyondTheMapIsRefused) {
  const long map = hash(4, 8);
  EXPECT_EQ(link_map(dumper(5, 8), map), -EACCES);
  EXPECT_EQ(link_map(dumper(4, 9), map), -EACCES);
  EXPECT_GE(link_map(dumper(4, 8), map), 0);
  EXPECT_EQ(link_map(dumper(4, 8), keep(t.make(BPF_MAP_TYPE_QUEUE, 0, 8, 4))), -EINVAL);
  EXPECT_EQ(link_map(dumper(4, 8), 9999), -EBADF);
  EXPECT_EQ(link(dumper(4, 8)), -EBADF);  // no map at all
  EXPECT_EQ(link(dumper(4, 8), nullptr, 1), -EINVAL);
}

TEST_P(Iterators, AFullFileAsksAgainAndTooMuchIsAnError) {
  const long map = hash(3, 20000);
  for (u32 k = 0; k < 3; k++) put(map, k, std::string(20000, static_cast<char>('a' + k)));
  const long l = link_map(dumper(0, 20000), map);
  ASSERT_GE(l, 0) << last_error();
  const long fd = open(l);
  std::string out(100000, 0);
  EXPECT_EQ(read(fd, out.data(), out.size()), 20000);  // the second does not fit beside the first
  EXPECT_EQ(read(fd, out.data(), out.size()), 20000);
  EXPECT_EQ(read(fd, out.data(), out.size()), 20001);  // with the end
  EXPECT_EQ(read(fd, out.data(), out.size()), 0);

  const long larger = hash(2, 32768);
  put(larger, 1, std::string(32768, 'x'));
  EXPECT_EQ(read(open(link_map(dumper(0, 32767), larger)), out.data(), out.size()), 32767);
  EXPECT_EQ(read(open(link_map(dumper(0, 32768), larger)), out.data(), out.size()), -E2BIG);
}

TEST_P(Iterators, AResultOfOneAsksForTheObjectAgain) {
  const long map = keep(t.make(BPF_MAP_TYPE_ARRAY, 4, 1, 3));
  put(map, 1, std::string(1, 1));  // the second asks once
  const long l = link_map(dumper(1, 1, -1, true), map);
  ASSERT_GE(l, 0) << last_error();
  const long fd = open(l);
  char out[64];
  ASSERT_EQ(read(fd, out, sizeof out), 2);  // what the second printed does not count
  EXPECT_EQ(std::string(out, 2), std::string("\0\0", 2));
  ASSERT_EQ(read(fd, out, sizeof out), 5);
  EXPECT_EQ(std::string(out, 5), std::string("\1\0\2\0!", 5));

  put(map, 0, std::string(1, 1));  // the first asks, and there is nothing before it
  const long again = open(l);
  EXPECT_EQ(read(again, out, sizeof out), -EAGAIN);
  EXPECT_EQ(read(again, out, sizeof out), 7);
}

TEST_P(Iterators, ElementsThatGoAreNotShown) {
  const long map = hash(1000);
  for (u32 k = 0; k < 1000; k++) put(map, k, std::string(8, 'v'));
  const long l = link_map(dumper(4, 0), map);
  const long fd = open(l);
  std::string text(400, 0);
  text.resize(static_cast<size_t>(read(fd, text.data(), text.size())));
  const auto first = keys_in(text + "....");
  for (u32 k = 0; k < 1000; k++)
    if (!first.count(k) && k % 2) {
      EXPECT_EQ(t.elem(BPF_MAP_DELETE_ELEM, map, &k, nullptr), 0);
    }
  const auto rest = keys_in(all(fd, 4096) + "...");
  for (u32 k = 0; k < 1000; k++)
    EXPECT_LE(first.count(k) + rest.count(k), k % 2 || first.count(k) ? first.count(k) : 1u) << k;
  EXPECT_GT(rest.size(), 400u);
}

TEST_P(Iterators, AProgramMayDeleteWhatItIsShown) {
  const long map = hash(500);
  for (u32 k = 0; k < 500; k++) put(map, k, std::string(8, static_cast<char>(k)));
  const std::string text = all(open(link_map(dumper(4, 0, map), map)), 1 << 16);
  const auto shown = keys_in(text + "...");
  EXPECT_EQ(shown.size(), 500u);
  EXPECT_EQ(std::set<u32>(shown.begin(), shown.end()).size(), 500u);
  u32 next;
  EXPECT_EQ(t.elem(BPF_MAP_GET_NEXT_KEY, map, nullptr, &next), -ENOENT);
}

TEST_P(Iterators, TheFileOutlivesLinkMapAndProgram) {
  const long map = hash(10), prog = dumper(4, 8);
  put(map, 7, "abcdefgh");
  const long l = link_map(prog, map), fd = open(l);
  ASSERT_GE(fd, 0) << last_error();
  close(l), close(prog), close(map);
  EXPECT_EQ(all(fd, 3), std::string("\7\0\0\0abcdefgh!", 13));
}

TEST_P(Iterators, UpdatedLinksAndWhatTheyTell) {
  const long map = hash(10);
  put(map, 1, "abcdefgh");
  const long l = link_map(dumper(0, 8), map), old = open(l);
  const auto update = [&](long prog) {
    return t.call(BPF_LINK_UPDATE, [&](union bpf_attr& a) {
      a.link_update.link_fd = static_cast<u32>(l), a.link_update.new_prog_fd = static_cast<u32>(prog);
    });
  };
  EXPECT_EQ(update(dumper(0, 9)), -EACCES);
  EXPECT_EQ(update(dumper(0, 2)), 0);
  EXPECT_EQ(all(open(l), 64), "ab!");
  EXPECT_EQ(all(old, 64), "abcdefgh!");  // a file keeps the program that it was opened with
  char name[16] = {};
  bpf_link_info info{};
  const auto ask = [&](u32 room) {
    info = {};
    info.iter.target_name = reinterpret_cast<u64>(name), info.iter.target_name_len = room;
    return t.call(BPF_OBJ_GET_INFO_BY_FD, [&](union bpf_attr& a) {
      a.info.bpf_fd = static_cast<u32>(l), a.info.info_len = sizeof info;
      a.info.info = reinterpret_cast<u64>(&info);
    });
  };
  EXPECT_EQ(ask(4), -ENOSPC);
  EXPECT_STREQ(name, "bpf");
  EXPECT_EQ(ask(16), 0);
  EXPECT_STREQ(name, "bpf_map_elem");
  EXPECT_EQ(info.type, u32{BPF_LINK_TYPE_ITER});
  EXPECT_EQ(info.iter.target_name_len, 13u);
  EXPECT_NE(info.iter.map.map_id, 0u);
  EXPECT_NE(fdinfo_text(static_cast<int>(l)).find("target_name:\tbpf_map_elem\nmap_id:\t"),
            std::string::npos);
  EXPECT_EQ(fd_link(static_cast<int>(old)), "anon_inode:bpf_iter");
  EXPECT_EQ(
      t.call(BPF_ITER_CREATE, [&](union bpf_attr& a) { a.iter_create.link_fd = static_cast<u32>(map); }),
      -EINVAL);
}

// Prints the word at `offset` of the object; at the end nothing.
std::vector<Insn> word_of(s16 offset) {
  return {{.code = 0x79, .dst = 7, .src = 1, .off = 8},
          {.code = 0x15, .dst = 7, .off = 8},
          {.code = 0x61, .dst = 2, .src = 7, .off = offset},
          {.code = 0x63, .dst = 10, .src = 2, .off = -4},
          {.code = 0x79, .dst = 1, .src = 1},
          {.code = 0x79, .dst = 1, .src = 1},
          {.code = 0xbf, .dst = 2, .src = 10},
          {.code = 0x07, .dst = 2, .imm = -4},
          {.code = 0xb7, .dst = 3, .imm = 4},
          {.code = 0x85, .imm = BPF_FUNC_seq_write},
          {.code = 0xb7, .dst = 0},
          {.code = 0x95}};
}

TEST_P(Iterators, MapsAndTasks) {
  const std::vector<Insn> maps = word_of(0);
  const long a = hash(1), b = hash(1);
  const long prog = load(types().map, maps);
  ASSERT_GE(prog, 0) << last_error();
  const auto ids = keys_in(all(open(link(prog)), 4) + "....");
  EXPECT_GE(ids.size(), 2u);
  EXPECT_EQ(ids.size(), std::set<u32>(ids.begin(), ids.end()).size());
  close(a), close(b);
  EXPECT_EQ(keys_in(all(open(link(prog)), 64) + "....").size(), ids.size() - 2);

  const std::vector<Insn> tasks = word_of(0);
  const long task_prog = load(types().task, tasks);
  ASSERT_GE(task_prog, 0) << last_error();
  union bpf_iter_link_info info {};
  info.task.tid = static_cast<u32>(getpid());
  EXPECT_EQ(keys_in(all(open(link(task_prog, &info)), 64) + "...."),
            (std::multiset<u32>{static_cast<u32>(getpid())}));
  info.task.pid = info.task.tid;
  EXPECT_EQ(link(task_prog, &info), -EINVAL);  // both
  info.task.tid = 0;
  const long l = link(task_prog, &info);
  EXPECT_EQ(keys_in(all(open(l), 64) + "....").count(static_cast<u32>(getpid())), 1u);
  EXPECT_NE(fdinfo_text(static_cast<int>(l)).find("task_type:\tPID\n"), std::string::npos);
  EXPECT_GT(keys_in(all(open(link(task_prog)), 64) + "....").size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Engines, Iterators,
                         ::testing::Values(runtime::JitMode::kOff, runtime::JitMode::kAuto));

TEST(SeqFile, OneByteStaysFree) {
  auto file = host::SeqFile::make(*types().btf);
  ASSERT_TRUE(file.ok());
  host::SeqFile& f = **file;
  const std::string text(host::SeqFile::kBufferBytes, 'x');
  EXPECT_TRUE(f.write(text.data(), text.size() - 1));
  EXPECT_FALSE(f.overflowed());
  EXPECT_TRUE(f.write(text.data(), 0));
  EXPECT_FALSE(f.write(text.data(), 1));
  EXPECT_TRUE(f.overflowed());
  f.set_count(3);
  EXPECT_FALSE(f.overflowed());
  EXPECT_TRUE(f.write("abc", 3));
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(f.data()), 6), "xxxabc");
  EXPECT_EQ(host::SeqFile::current(f.address()), nullptr);
  {
    const host::SeqFile::Use use(f);
    EXPECT_EQ(host::SeqFile::current(f.address()), &f);
    EXPECT_EQ(host::SeqFile::current(f.address() + 8), nullptr);
  }
  EXPECT_EQ(host::SeqFile::current(f.address()), nullptr);
}

}  // namespace
}  // namespace osmia::syscall
