// PROG_LOAD with core_relos, twice: against a small kernel BTF with known answers, and against the running
// kernel over its own BTF, where errno, log and the relocated instructions must be the same for good and for
// hostile records. The second skips with a notice where bpf(2) is refused or the kernel shows no BTF.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <random>
#include <sstream>

#include "btf/core.h"
#include "btf/write.h"
#include "test_kernel.h"

namespace osmia::syscall {
namespace {

using btf::CoreKind;
using isa::Insn;

// A program's BTF that knows a few kernel types in its own words.
struct Local {
  btf::Writer w;
  u32 i32, u8_, u64_, pid, task, task_old, gone, skb, mtype, etype, func, list, anon, fwd, proto_td, e64,
      pidfd;
  u32 voidp;
  Local() {
    i32 = w.add_int("int", 4, btf::kIntSigned);
    u8_ = w.add_int("unsigned char", 1);
    u64_ = w.add_int("unsigned long", 8);
    voidp = w.add_ptr(0);
    pid = w.add_typedef("pid_t", i32);
    const u32 comm = w.add_array(u8_, i32, 16);
    const u32 mm = w.add_ptr(w.add_fwd("mm_struct"));
    task = w.add_struct("task_struct", 40,
                        {{"pid", pid, 0}, {"tgid", u64_, 64}, {"comm", comm, 128}, {"mm", mm, 256}});
    task_old = w.add_struct("task_struct___old", 16, {{"no_such_field", i32, 0}, {"flags", u64_, 64}});
    gone = w.add_struct("no_such_struct_anywhere", 4, {{"x", i32, 0}});
    const u32 u32_ = w.add_int("unsigned int", 4);
    const u32 inner = w.add_struct("", 8, {{"len", u32_, 0}, {"data_len", i32, 32}});
    skb = w.add_struct("sk_buff", 16, {{"", inner, 0}, {"pkt_type", u8_, 64, 3}, {"cloned", u8_, 67, 1}});
    mtype = w.add_enum("bpf_map_type", 4, {{"BPF_MAP_TYPE_ARRAY", 77}, {"BPF_MAP_TYPE_NOT_THERE", 78}});
    etype = w.add_enum("no_such_enum", 4, {{"NO_SUCH_VALUE", -1}}, true);
    const u32 self = w.next_id() + 1;
    const u32 lp = w.add_ptr(self);
    list = w.add_struct("list_head", 16, {{"next", lp, 0}, {"prev", lp, 64}});
    anon = w.add_struct("", 4, {{"a", i32, 0}});
    fwd = w.add_fwd("file");
    const u32 fp = w.add_func_proto(i32, {{"a", voidp}, {"b", i32}});
    proto_td = w.add_typedef("notifier_fn_t", w.add_ptr(fp));
    e64 = w.add_enum64("no_such_enum64", {{"BIG", 1ll << 40}});
    pidfd = w.add_union("bpf_attr", 8, {{"map_type", i32, 0}});
    func = w.add_func("prog", w.add_func_proto(i32, {{"ctx", voidp}}));
  }
};

struct Case {
  std::vector<Insn> insns;
  std::vector<u8> btf;
  u32 func = 0;
  std::vector<u8> relos;
  u32 count = 0, record = 16;
};
struct Answer {
  long result = 0;
  std::string log;  // the relocation's lines
  std::vector<Insn> xlated;
};

std::string relocation_lines(const std::string& log) {
  std::istringstream in(log);
  std::string out;
  for (std::string line; std::getline(in, line);) {
    for (const char* start :
         {"CO-RE", "prog ''", "relo #", "target cand", "Invalid core", "nonzero", "invalid func"})
      if (line.find(start) != std::string::npos) {
        out += line + "\n";
        break;
      }
  }
  return out;
}

// bpf: the system call to ask.
Answer ask(const Case& c, const std::function<long(int, union bpf_attr&)>& bpf,
           const std::function<void(long)>& close, u32 level = 1) {
  Answer r;
  union bpf_attr a;
  std::memset(&a, 0, sizeof a);
  a.btf = reinterpret_cast<u64>(c.btf.data()), a.btf_size = static_cast<u32>(c.btf.size());
  const long btf = bpf(BPF_BTF_LOAD, a);
  EXPECT_GT(btf, 0) << "BTF is refused: " << btf;
  std::string log(1 << 16, '\0');
  const struct bpf_func_info info = {0, c.func};
  std::memset(&a, 0, sizeof a);
  a.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
  a.insns = reinterpret_cast<u64>(c.insns.data()), a.insn_cnt = static_cast<u32>(c.insns.size());
  a.license = reinterpret_cast<u64>("GPL");
  a.log_level = level, a.log_buf = reinterpret_cast<u64>(log.data()),
  a.log_size = static_cast<u32>(log.size());
  a.prog_btf_fd = static_cast<u32>(btf);
  a.func_info = reinterpret_cast<u64>(&info), a.func_info_cnt = 1, a.func_info_rec_size = 8;
  a.core_relos = reinterpret_cast<u64>(c.relos.data()), a.core_relo_cnt = c.count;
  a.core_relo_rec_size = c.record;
  const long prog = bpf(BPF_PROG_LOAD, a);
  r.result = std::min(prog, 0l);
  r.log = relocation_lines(log.c_str());
  if (prog > 0) {
    r.xlated.resize(64);
    struct bpf_prog_info i = {};
    i.xlated_prog_insns = reinterpret_cast<u64>(r.xlated.data());
    i.xlated_prog_len = static_cast<u32>(r.xlated.size() * 8);
    std::memset(&a, 0, sizeof a);
    a.info.bpf_fd = static_cast<u32>(prog), a.info.info_len = sizeof i,
    a.info.info = reinterpret_cast<u64>(&i);
    EXPECT_EQ(bpf(BPF_OBJ_GET_INFO_BY_FD, a), 0);
    r.xlated.resize(i.xlated_prog_len / 8);
    close(prog);
  }
  close(btf);
  return r;
}
Answer ask_ours(TestKernel& t, const Case& c, u32 level = 1) {
  return ask(
      c, [&](int cmd, union bpf_attr& a) { return t.call(cmd, a); },
      [](long fd) { FdTable::instance().close(static_cast<int>(fd)); }, level);
}

void add(Case& c, u32 insn, u32 type, u32 access, u32 kind) {
  const btf::CoreRelo r{insn * 8, type, access, kind};
  const u8* p = reinterpret_cast<const u8*>(&r);
  c.relos.insert(c.relos.end(), p, p + sizeof r);
  c.relos.resize(c.relos.size() + c.record - sizeof r);
  c.count++;
}

// r0 = 0; if r0 == 0 goto exit; what a relocation may change, never reached; exit. Instruction 2 on.
const std::vector<Insn> kDead = {
    {.code = 0xb7, .imm = 0},             // 2: r0 = 0
    {.code = 0x79, .dst = 1, .src = 1},   // 3: r1 = *(u64 *)(r1 + 0)
    {.code = 0x61, .dst = 1, .src = 1},   // 4: r1 = *(u32 *)(r1 + 0)
    {.code = 0x71, .dst = 1, .src = 1},   // 5: r1 = *(u8 *)(r1 + 0)
    {.code = 0x7b, .dst = 10, .src = 1},  // 6: *(u64 *)(r10 + 0) = r1
    {.code = 0x62, .dst = 10},            // 7: *(u32 *)(r10 + 0) = 0
    {.code = 0x18, .dst = 2},
    {},                        // 8: r2 = 0 ll
    {.code = 0x07, .dst = 2},  // 10: r2 += 0
    {.code = 0x07, .dst = 2},  // 11: r2 += 0
};

std::vector<Insn> dead_program() {
  std::vector<Insn> v = {{.code = 0xb7}, {.code = 0x15, .off = static_cast<s16>(kDead.size())}};
  v.insert(v.end(), kDead.begin(), kDead.end());
  v.push_back({.code = 0x95});
  return v;
}

// -- the small kernel

struct SmallKernel : ::testing::Test {
  Local local;
  TestKernel t;
  u32 off(const char* s) { return local.w.add_string(s); }
  static std::shared_ptr<const btf::Btf> kernel_btf() {
    btf::Writer w;
    const u32 i32 = w.add_int("int", 4, btf::kIntSigned), u64_ = w.add_int("u64", 8);
    const u32 u32_ = w.add_int("u32", 4);
    const u32 arr = w.add_array(w.add_int("char", 1, btf::kIntSigned), i32, 32);
    const u32 anon = w.add_union("", 8, {{"tgid", u32_, 0}, {"both", u64_, 0}});
    w.add_struct("task_struct", 128,
                 {{"state", u64_, 0}, {"pid", i32, 12 * 8}, {"", anon, 16 * 8}, {"comm", arr, 24 * 8}});
    w.add_enum("bpf_map_type", 4, {{"A", 1}, {"BPF_MAP_TYPE_ARRAY", 2}});
    const u32 b = w.add_int("unsigned char", 1);
    w.add_struct("sk_buff", 8, {{"len", u32_, 0}, {"x", b, 32, 5}, {"pkt_type", b, 37, 3}});
    auto r = btf::Btf::parse(w.bytes());
    EXPECT_TRUE(r.ok());
    return *r;
  }
  SmallKernel() : t{runtime::Kernel(runtime::build_catalog(kernel_btf()))} {}

  // What "r0 = was" becomes; the errno as negative, poison as LONG_MIN.
  long relocated(u32 type, const char* access, CoreKind kind, s32 was, std::string* log = nullptr) {
    Case c;
    c.insns = {{.code = 0xb7, .imm = was}, {.code = 0x95}};
    add(c, 0, type, off(access), static_cast<u32>(kind));
    c.btf = local.w.bytes();
    c.func = local.func;
    const Answer a = ask_ours(t, c);
    if (log) *log = a.log;
    if (a.log.find("invalid func unknown#195896080") != std::string::npos) return LONG_MIN;
    return a.result < 0 ? a.result : a.xlated.at(0).imm;
  }
};

TEST_F(SmallKernel, Fields) {
  EXPECT_EQ(relocated(local.task, "0:0", CoreKind::kFieldByteOffset, 0), 12);
  EXPECT_EQ(relocated(local.task, "0:1", CoreKind::kFieldByteOffset, 8), 16) << "inside an anonymous union";
  EXPECT_EQ(relocated(local.task, "0:1", CoreKind::kFieldByteSize, 8), 4);
  EXPECT_EQ(relocated(local.task, "0:2:3", CoreKind::kFieldByteOffset, 19), 27);
  EXPECT_EQ(relocated(local.task, "1:0", CoreKind::kFieldByteOffset, 40), 128 + 12);
  EXPECT_EQ(relocated(local.task, "0:0", CoreKind::kFieldExists, 1), 1);
  EXPECT_EQ(relocated(local.task, "0:3", CoreKind::kFieldExists, 1), 0);
  EXPECT_EQ(relocated(local.task_old, "0:0", CoreKind::kFieldExists, 1), 0);
  EXPECT_EQ(relocated(local.task, "0:0", CoreKind::kFieldSigned, 1), 1);
  EXPECT_EQ(relocated(local.task, "0:1", CoreKind::kFieldSigned, 0), 0);
  EXPECT_EQ(relocated(local.skb, "0:1", CoreKind::kFieldByteOffset, 0), 4) << "bit fields are not validated";
  EXPECT_EQ(relocated(local.skb, "0:1", CoreKind::kFieldLshiftU64, 0), 56);
  EXPECT_EQ(relocated(local.skb, "0:1", CoreKind::kFieldRshiftU64, 61), 61);
  EXPECT_EQ(relocated(local.skb, "0:0:0", CoreKind::kFieldByteSize, 4), 4);
}

TEST_F(SmallKernel, TypesAndEnums) {
  EXPECT_EQ(relocated(local.task, "0", CoreKind::kTypeExists, 1), 1);
  EXPECT_EQ(relocated(local.gone, "0", CoreKind::kTypeExists, 1), 0);
  EXPECT_EQ(relocated(local.task, "0", CoreKind::kTypeSize, 40), 128);
  EXPECT_EQ(relocated(local.gone, "0", CoreKind::kTypeSize, 4), 0);
  EXPECT_EQ(relocated(local.task, "0", CoreKind::kTypeIdLocal, 12345), static_cast<long>(local.task));
  EXPECT_GT(relocated(local.task, "0", CoreKind::kTypeIdTarget, 12345), 0);
  EXPECT_EQ(relocated(local.mtype, "0", CoreKind::kEnumvalValue, 77), 2);
  EXPECT_EQ(relocated(local.mtype, "1", CoreKind::kEnumvalExists, 1), 0);
  EXPECT_EQ(relocated(local.task, "0", CoreKind::kTypeMatches, 1), 0);
}

TEST_F(SmallKernel, WhatHasNoAnswerIsPoisoned) {
  std::string log;
  EXPECT_EQ(relocated(local.task_old, "0:0", CoreKind::kFieldByteOffset, 0, &log), LONG_MIN);
  EXPECT_NE(log.find("substituting insn #0 w/ invalid insn"), std::string::npos) << log;
  EXPECT_EQ(relocated(local.mtype, "1", CoreKind::kEnumvalValue, 78), LONG_MIN);
}

TEST_F(SmallKernel, RefusedRecords) {
  std::string log;
  EXPECT_EQ(relocated(local.task, "0:0", CoreKind::kFieldByteOffset, 5, &log), -EINVAL);
  EXPECT_NE(log.find("unexpected insn #0 (ALU/ALU64) value: got 5, exp 0 -> 12"), std::string::npos) << log;
  for (const char* access : {"", ":0", "0:", "0:9", "x", "0:-1", "0:0:0", "-1"})
    EXPECT_EQ(relocated(local.task, access, CoreKind::kFieldByteOffset, 0), -EINVAL) << access;
  EXPECT_EQ(relocated(local.task, "0:0", static_cast<CoreKind>(99), 0), -EINVAL);
  EXPECT_EQ(relocated(local.anon, "0:0", CoreKind::kFieldByteOffset, 0), -EINVAL);
  EXPECT_EQ(relocated(0, "0", CoreKind::kTypeExists, 0), -EINVAL);
  EXPECT_EQ(relocated(9999, "0", CoreKind::kTypeExists, 0), -EINVAL);
}

TEST_F(SmallKernel, RecordSizes) {
  Case c;
  c.insns = {{.code = 0xb7}, {.code = 0x95}};
  add(c, 0, local.task, off("0:0"), 0);
  c.btf = local.w.bytes();
  c.func = local.func;
  for (const u32 size : {0u, 8u, 15u, 17u, 256u}) {
    c.record = size;
    EXPECT_EQ(ask_ours(t, c).result, -EINVAL) << size;
  }
  c.record = 20;
  c.relos.resize(20);
  EXPECT_EQ(ask_ours(t, c).result, 0);
  c.relos[17] = 1;
  EXPECT_EQ(ask_ours(t, c).result, -E2BIG);
  c.record = 16, c.count = 0x7fffffff;
  EXPECT_EQ(ask_ours(t, c).result, -EINVAL);
}

TEST_F(SmallKernel, InstructionsThatTakeNoNumber) {
  Case c;
  c.insns = dead_program();
  add(c, 1, local.task, off("0:0"), 0);
  c.btf = local.w.bytes();
  c.func = local.func;
  Answer a = ask_ours(t, c);
  EXPECT_EQ(a.result, -EINVAL);
  EXPECT_NE(
      a.log.find("trying to relocate unrecognized insn #1, code:0x15, src:0x0, dst:0x0, off:0xa, imm:0x0"),
      std::string::npos)
      << a.log;
  c.insns[8].src = 1;  // a map's, not a number
  c.relos.clear(), c.count = 0;
  add(c, 8, local.task, off("0:0"), 0);
  a = ask_ours(t, c);
  EXPECT_EQ(a.result, -EINVAL);
  EXPECT_NE(a.log.find("insn #8 (LDIMM64) has unexpected form"), std::string::npos) << a.log;
}

TEST_F(SmallKernel, LevelTwoShowsTheCandidates) {
  Case c;
  c.insns = {{.code = 0xb7}, {.code = 0x95}};
  add(c, 0, local.task, off("0:0"), 0);
  c.btf = local.w.bytes();
  btf::CoreCandidates candidates(t.kernel.catalog().vmlinux, {});
  const auto own = btf::Btf::parse(c.btf);
  ASSERT_TRUE(own.ok());
  ASSERT_NE(candidates.find(**own, local.task_old), nullptr);
  EXPECT_EQ(candidates.find(**own, local.anon), nullptr);
  const std::string text = candidates.describe();
  EXPECT_EQ(text.find("vmlinux_cand_cache:["), 0u);
  EXPECT_NE(text.find("]task_struct("), std::string::npos) << text;
}

// -- the running kernel

class CoreDifferential : public ::testing::Test {
 protected:
  void SetUp() override {
    union bpf_attr a;
    std::memset(&a, 0, sizeof a);
    a.map_type = BPF_MAP_TYPE_ARRAY, a.key_size = 4, a.value_size = 4, a.max_entries = 1;
    const long fd = linux_bpf(BPF_MAP_CREATE, a);
    if (fd < 0) GTEST_SKIP() << "notice: bpf(2) is refused here (errno " << -fd << ")";
    ::close(static_cast<int>(fd));
    auto r = btf::Btf::from_file("/sys/kernel/btf/vmlinux");
    if (!r.ok()) GTEST_SKIP() << "notice: no kernel BTF here: " << r.error().message;
    t.reset(new TestKernel{runtime::Kernel(runtime::build_catalog(*r))});
  }
  // The lines, and what the instructions became.
  void same(const Case& c, const std::string& what) {
    const Answer ours = ask_ours(*t, c);
    const Answer theirs = ask(
        c, [](int cmd, union bpf_attr& a) { return linux_bpf(cmd, a); },
        [](long fd) { ::close(static_cast<int>(fd)); });
    EXPECT_EQ(ours.result, theirs.result) << what << "\nours: " << ours.log << "theirs: " << theirs.log;
    EXPECT_EQ(ours.log, theirs.log) << what;
    if (!ours.result && !theirs.result) accepted++;
    if (!ours.result && !theirs.result && c.insns.size() == 2) {
      ASSERT_EQ(ours.xlated.size(), theirs.xlated.size()) << what;
      for (size_t i = 0; i < ours.xlated.size(); i++)
        EXPECT_EQ(std::memcmp(&ours.xlated[i], &theirs.xlated[i], 8), 0) << what << " instruction " << i;
    }
  }
  std::unique_ptr<TestKernel> t;
  int accepted = 0, failures = 0;
};

TEST_F(CoreDifferential, EveryKindOnEveryInstruction) {
  Local l;
  struct {
    u32 type;
    const char* access;
  } const targets[] = {
      {l.task, "0"},
      {l.task, "0:0"},
      {l.task, "0:1"},
      {l.task, "0:2"},
      {l.task, "0:2:5"},
      {l.task, "0:3"},
      {l.task_old, "0:0"},
      {l.skb, "0:0:0"},
      {l.skb, "0:0:1"},
      {l.skb, "0:1"},
      {l.skb, "0:2"},
      {l.gone, "0"},
      {l.gone, "0:0"},
      {l.mtype, "0"},
      {l.mtype, "1"},
      {l.etype, "0"},
      {l.list, "0"},
      {l.list, "0:1"},
      {l.anon, "0"},
      {l.fwd, "0"},
      {l.proto_td, "0"},
      {l.e64, "0"},
      {l.pidfd, "0:0"},
      {l.pid, "0"},
      {l.i32, "0"},
      {l.func, "0"},
      {0, "0"},
      {77777, "0"},
      {l.task, "1:0"},
      {l.task, "0:00"},
      {l.task, " 0: 1"},
      {l.task, "0:2:16"},
      {l.task, ""},
      {l.task, "0:1:0"},
      {l.voidp, "0"},
      {l.list, "0:0:0"},
      {l.u64_, "3"},
      {l.task, "99999999999:0"},
  };
  for (const auto& target : targets)
    for (u32 kind = 0; kind <= 13; kind++)
      for (u32 insn : {2u, 3u, 8u}) {
        if (insn != 2 && kind > 7) continue;
        Case c;
        c.insns = dead_program();
        add(c, insn, target.type, l.w.add_string(target.access), kind);
        c.btf = l.w.bytes();
        c.func = l.func;
        same(c, fmt::format("type {} access '{}' kind {} insn {}", target.type, target.access, kind, insn));
        if (HasFailure() && ++failures > 5) return;
      }
  EXPECT_GT(accepted, 100);
}

TEST_F(CoreDifferential, ReachedInstructions) {
  Local l;
  struct {
    u32 type;
    const char* access;
    CoreKind kind;
    s32 was;
  } const cases[] = {
      {l.task, "0:0", CoreKind::kFieldByteOffset, 0},    {l.task, "0:1", CoreKind::kFieldByteOffset, 8},
      {l.task, "0:2:5", CoreKind::kFieldByteOffset, 21}, {l.task, "0", CoreKind::kTypeSize, 40},
      {l.task, "0", CoreKind::kTypeIdTarget, 1},         {l.mtype, "0", CoreKind::kEnumvalValue, 77},
      {l.mtype, "1", CoreKind::kEnumvalValue, 78},       {l.task_old, "0:0", CoreKind::kFieldByteOffset, 0},
      {l.task_old, "0:1", CoreKind::kFieldByteSize, 8},  {l.list, "0", CoreKind::kTypeMatches, 1},
      {l.list, "0", CoreKind::kTypeExists, 1},           {l.skb, "0:1", CoreKind::kFieldLshiftU64, 1},
      {l.skb, "0:1", CoreKind::kFieldByteOffset, 1},     {l.skb, "0:1", CoreKind::kFieldRshiftU64, 61},
      {l.proto_td, "0", CoreKind::kTypeExists, 1},       {l.pidfd, "0:0", CoreKind::kFieldExists, 1},
  };
  for (const auto& k : cases) {
    Case c;
    c.insns = {{.code = 0xb7, .imm = k.was}, {.code = 0x95}};
    add(c, 0, k.type, l.w.add_string(k.access), static_cast<u32>(k.kind));
    c.btf = l.w.bytes();
    c.func = l.func;
    same(c, fmt::format("type {} access {} kind {}", k.type, k.access, static_cast<u32>(k.kind)));
  }
}

TEST_F(CoreDifferential, HostileRecords) {
  Local l;
  const u32 strings[] = {l.w.add_string("0"), l.w.add_string("0:0"), l.w.add_string("0:1"), 0, 1, 1u << 20};
  // Not the branches: kernels after 6.12 say nothing of them, and poison them.
  const u32 insns[] = {2, 3, 4, 5, 6, 7, 8, 10, 11, 13, 1u << 28};
  std::mt19937 rng(5);
  for (int n = 0; n < 300; n++) {
    Case c;
    c.insns = dead_program();
    const u32 sizes[] = {16, 16, 16, 20, 24, 252, 12, 18, 256};
    c.record = sizes[rng() % std::size(sizes)];
    const u32 room = std::max(c.record, 16u);
    for (u32 k = rng() % 4; k < 4; k++) {
      const btf::CoreRelo r{
          insns[rng() % std::size(insns)] * 8 + static_cast<u32>(rng() % 12 ? 0 : rng() % 8),
          static_cast<u32>(rng() % (l.w.next_id() + 2)), strings[rng() % std::size(strings)],
          static_cast<u32>(rng() % 15)};
      std::vector<u8> bytes(room);
      std::memcpy(bytes.data(), &r, sizeof r);
      if (rng() % 10 == 0) bytes[rng() % room] ^= static_cast<u8>(1u << rng() % 8);
      c.relos.insert(c.relos.end(), bytes.begin(), bytes.end());
      c.count++;
    }
    if (rng() % 40 == 0) c.count = 1u << (20 + rng() % 12);
    c.relos.reserve(c.relos.size());
    c.btf = l.w.bytes();
    c.func = l.func;
    same(c, fmt::format("case {} record size {} count {}", n, c.record, c.count));
    if (HasFailure() && ++failures > 5) return;
  }
}

}  // namespace
}  // namespace osmia::syscall
