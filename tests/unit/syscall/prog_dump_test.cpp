// What OBJ_GET_INFO_BY_FD shows of a loaded program: the rewritten instructions in Linux's encoding, debug
// information that fits them, and no address for who may not see one.
#include <gtest/gtest.h>

#include "btf/write.h"
#include "jit/jit.h"
#include "runtime/engine.h"
#include "runtime/symbols.h"
#include "test_kernel.h"

namespace osmia::syscall {
namespace {

using contract::Capability;
using isa::Insn;

u32 bit(Capability c) {
  return 1u << static_cast<u32>(c);
}

struct ProgDump : ::testing::Test {
  TestKernel t;
  btf::Writer w;
  u32 main_id, sub_id;
  long map = -1, prog = -1;
  struct bpf_prog_info info = {};
  Insn insns[64];
  struct bpf_func_info funcs[8];
  struct bpf_line_info lines[16];
  u64 ksyms[8];

  ProgDump() {
    runtime::install_engine(t.kernel);
    const u32 i32 = w.add_int("int", 4, btf::kIntSigned), p = w.add_ptr(0);
    main_id = w.add_func("entry", w.add_func_proto(i32, {{"ctx", p}}));
    sub_id = w.add_func("helper_of_mine", w.add_func_proto(i32, {{"x", i32}}));
    map = t.make(BPF_MAP_TYPE_HASH, 4, 8, 16);
  }
  ~ProgDump() {
    FdTable::instance().close(static_cast<int>(prog));
    FdTable::instance().close(static_cast<int>(map));
  }

  // entry: a dead branch, a map lookup, a call of the second function.
  void load(u32 func_infos = 2) {
    const std::vector<Insn> program = {
        {.code = 0xb7, .dst = 6, .imm = 7},                                // 0: r6 = 7
        {.code = 0x15, .dst = 6, .off = 2, .imm = 7},                      // 1: if r6 == 7 goto 4
        {.code = 0xb7, .dst = 0, .imm = 1},                                // 2: dead
        {.code = 0x95},                                                    // 3: dead
        {.code = 0x62, .dst = 10, .off = -4, .imm = 3},                    // 4: *(u32 *)(r10 - 4) = 3
        {.code = 0x18, .dst = 1, .src = 1, .imm = static_cast<s32>(map)},  // 5: r1 = map
        {},
        {.code = 0xbf, .dst = 2, .src = 10},  // 7: r2 = r10
        {.code = 0x07, .dst = 2, .imm = -4},  // 8: r2 += -4
        {.code = 0x85, .imm = 1},             // 9: call bpf_map_lookup_elem
        {.code = 0xb7, .dst = 1, .imm = 2},   // 10: r1 = 2
        {.code = 0x85, .src = 1, .imm = 1},   // 11: call 13
        {.code = 0x95},                       // 12: exit
        {.code = 0xbf, .src = 1},             // 13: r0 = r1
        {.code = 0x95},                       // 14: exit
    };
    const auto bytes = w.bytes();
    const long btf = t.call(BPF_BTF_LOAD, [&](union bpf_attr& a) {
      a.btf = reinterpret_cast<u64>(bytes.data()), a.btf_size = static_cast<u32>(bytes.size());
    });
    ASSERT_GT(btf, 0);
    const struct bpf_func_info fi[] = {{0, main_id}, {13, sub_id}};
    const struct bpf_line_info li[] = {
        {0, 0, 0, 1 << 10}, {2, 0, 0, 2 << 10}, {3, 0, 0, 3 << 10}, {7, 0, 0, 4 << 10}, {13, 0, 0, 5 << 10}};
    prog = t.call(BPF_PROG_LOAD, [&](union bpf_attr& a) {
      a.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
      a.insns = reinterpret_cast<u64>(program.data()), a.insn_cnt = static_cast<u32>(program.size());
      a.license = reinterpret_cast<u64>("GPL");
      std::strcpy(a.prog_name, "entry");
      a.prog_btf_fd = static_cast<u32>(btf);
      a.func_info = reinterpret_cast<u64>(fi), a.func_info_cnt = func_infos, a.func_info_rec_size = 8;
      a.line_info = reinterpret_cast<u64>(li), a.line_info_cnt = 5, a.line_info_rec_size = 16;
    });
    ASSERT_GT(prog, 0) << last_error();
    FdTable::instance().close(static_cast<int>(btf));
  }
  void read_info() {
    info = {};
    info.xlated_prog_insns = reinterpret_cast<u64>(insns), info.xlated_prog_len = sizeof insns;
    info.func_info = reinterpret_cast<u64>(funcs), info.nr_func_info = 8, info.func_info_rec_size = 8;
    info.line_info = reinterpret_cast<u64>(lines), info.nr_line_info = 16, info.line_info_rec_size = 16;
    info.jited_ksyms = reinterpret_cast<u64>(ksyms), info.nr_jited_ksyms = 8;
    ASSERT_EQ(t.call(BPF_OBJ_GET_INFO_BY_FD,
                     [&](union bpf_attr& a) {
                       a.info.bpf_fd = static_cast<u32>(prog), a.info.info_len = sizeof info;
                       a.info.info = reinterpret_cast<u64>(&info);
                     }),
              0);
  }
  const Insn* find(u8 code, u8 src) const {
    for (u32 i = 0; i < info.xlated_prog_len / 8; i++)
      if (insns[i].code == code && insns[i].src == src) return &insns[i];
    return nullptr;
  }
  u32 map_id() {
    struct bpf_map_info m = {};
    EXPECT_EQ(t.call(BPF_OBJ_GET_INFO_BY_FD,
                     [&](union bpf_attr& a) {
                       a.info.bpf_fd = static_cast<u32>(map), a.info.info_len = sizeof m;
                       a.info.info = reinterpret_cast<u64>(&m);
                     }),
              0);
    return m.id;
  }
};

TEST_F(ProgDump, RewrittenInstructionsInLinuxsEncoding) {
  ASSERT_NO_FATAL_FAILURE(load());
  ASSERT_NO_FATAL_FAILURE(read_info());
  const Insn* m = find(0x18, 1);
  ASSERT_NE(m, nullptr) << "the map is shown as map[id:N]";
  EXPECT_EQ(static_cast<u32>(m->imm), map_id());
  EXPECT_EQ(m[1].imm, 0);
  EXPECT_EQ(insns[0].imm, 7);
  for (u32 i = 0; i < info.xlated_prog_len / 8; i++)
    EXPECT_FALSE(insns[i].code == 0xb7 && insns[i].dst == 0) << "dead code is gone";
  const Insn* call = find(0x85, 1);
  ASSERT_NE(call, nullptr);
  EXPECT_EQ(call->imm, 1) << "the second function";
  const u32 target = static_cast<u32>(call - insns) + 1 + static_cast<u32>(call->off);
  ASSERT_EQ(info.nr_func_info, 2u);
  EXPECT_EQ(funcs[0].insn_off, 0u);
  EXPECT_EQ(funcs[1].insn_off, target);
  EXPECT_EQ(funcs[1].type_id, sub_id);
}

TEST_F(ProgDump, LinesMoveWithTheirInstructions) {
  ASSERT_NO_FATAL_FAILURE(load());
  ASSERT_NO_FATAL_FAILURE(read_info());
  // The dead lines 2 and 3: the last of them goes to what follows.
  std::vector<u32> numbers;
  for (u32 i = 0; i < info.nr_line_info; i++) {
    numbers.push_back(lines[i].line_col >> 10);
    EXPECT_LT(lines[i].insn_off, info.xlated_prog_len / 8);
    if (i) {
      EXPECT_GT(lines[i].insn_off, lines[i - 1].insn_off);
    }
  }
  EXPECT_EQ(numbers, (std::vector<u32>{1, 3, 4, 5}));
  EXPECT_EQ(lines[3].insn_off, funcs[1].insn_off);
}

TEST_F(ProgDump, KallsymsNamesWhatTheDumpShows) {
  ASSERT_NO_FATAL_FAILURE(load());
  ASSERT_NO_FATAL_FAILURE(read_info());
  const std::string symbols = runtime::kallsyms(t.kernel);
  const auto address = [&](const std::string& name) -> u64 {
    const size_t at = symbols.find(" " + name);
    if (at == std::string::npos) return 0;
    return std::stoull(symbols.substr(symbols.rfind('\n', at) + 1, 16), nullptr, 16);
  };
  const u64 base = address("T __bpf_call_base\n");
  ASSERT_NE(base, 0u);
  const Insn* call = find(0x85, 0);
  ASSERT_NE(call, nullptr);
  EXPECT_EQ(base + static_cast<u64>(s64{call->imm}), address("T __htab_map_lookup_elem\n"))
      << "what Linux inlines for a hash";
  ASSERT_EQ(info.nr_jited_ksyms, 2u);
  const size_t line = symbols.find("_helper_of_mine\t[bpf]\n");
  ASSERT_NE(line, std::string::npos);
  const size_t start = symbols.rfind('\n', line) + 1;
  EXPECT_EQ(std::stoull(symbols.substr(start, 16), nullptr, 16), ksyms[1]);
}

TEST_F(ProgDump, MachineCodeAndItsLinesFitTogether) {
  if (!jit::available()) GTEST_SKIP() << "no JIT for this CPU";
  t.kernel.jit = runtime::JitMode::kOn;
  ASSERT_NO_FATAL_FAILURE(load());
  u8 code[8192];
  u32 lengths[8];
  u64 addresses[16];
  struct bpf_prog_info i = {};
  i.jited_prog_insns = reinterpret_cast<u64>(code), i.jited_prog_len = sizeof code;
  i.jited_ksyms = reinterpret_cast<u64>(ksyms), i.nr_jited_ksyms = 8;
  i.jited_func_lens = reinterpret_cast<u64>(lengths), i.nr_jited_func_lens = 8;
  i.jited_line_info = reinterpret_cast<u64>(addresses), i.nr_jited_line_info = 16;
  i.jited_line_info_rec_size = 8;
  ASSERT_EQ(t.call(BPF_OBJ_GET_INFO_BY_FD,
                   [&](union bpf_attr& a) {
                     a.info.bpf_fd = static_cast<u32>(prog), a.info.info_len = sizeof i;
                     a.info.info = reinterpret_cast<u64>(&i);
                   }),
            0);
  ASSERT_GT(i.jited_prog_len, 0u);
  ASSERT_EQ(i.nr_jited_ksyms, 2u);
  ASSERT_EQ(i.nr_jited_func_lens, 2u);
  ASSERT_EQ(i.nr_jited_line_info, i.nr_line_info);
  EXPECT_LE(lengths[0] + lengths[1], i.jited_prog_len);
  EXPECT_EQ(ksyms[1] - ksyms[0], lengths[0]);
  for (u32 n = 0; n < i.nr_jited_line_info; n++) {
    const u32 f = n + 1 == i.nr_jited_line_info;  // the last line is the second function's
    EXPECT_GE(addresses[n], ksyms[f]) << n;
    EXPECT_LT(addresses[n], ksyms[f] + lengths[f]) << n;
    if (n) {
      EXPECT_GT(addresses[n], addresses[n - 1]) << n << ": libbpf takes no other";
    }
  }
  EXPECT_EQ(addresses[i.nr_jited_line_info - 1], ksyms[1]);
  t.kernel.credentials = [] { return runtime::Cred{1u | bit(Capability::kBpf), 1000}; };
  std::memset(code, 0x5a, sizeof code);
  i = {};
  i.jited_prog_insns = reinterpret_cast<u64>(code), i.jited_prog_len = sizeof code;
  ASSERT_EQ(t.call(BPF_OBJ_GET_INFO_BY_FD,
                   [&](union bpf_attr& a) {
                     a.info.bpf_fd = static_cast<u32>(prog), a.info.info_len = sizeof i;
                     a.info.info = reinterpret_cast<u64>(&i);
                   }),
            0);
  EXPECT_EQ(i.jited_prog_insns, 0u);
  EXPECT_GT(i.jited_prog_len, 0u);
  EXPECT_EQ(code[0], 0x5a);
}

TEST_F(ProgDump, MachineCodeOfFunctionsWithoutFuncInfo) {
  if (!jit::available()) GTEST_SKIP() << "no JIT for this CPU";
  t.kernel.jit = runtime::JitMode::kOn;
  ASSERT_NO_FATAL_FAILURE(load(0));
  u64 addresses[16];
  struct bpf_prog_info i = {};
  i.jited_ksyms = reinterpret_cast<u64>(ksyms), i.nr_jited_ksyms = 8;
  i.jited_line_info = reinterpret_cast<u64>(addresses), i.nr_jited_line_info = 16;
  i.jited_line_info_rec_size = 8;
  ASSERT_EQ(t.call(BPF_OBJ_GET_INFO_BY_FD,
                   [&](union bpf_attr& a) {
                     a.info.bpf_fd = static_cast<u32>(prog), a.info.info_len = sizeof i;
                     a.info.info = reinterpret_cast<u64>(&i);
                   }),
            0);
  EXPECT_EQ(i.nr_func_info, 0u);
  ASSERT_EQ(i.nr_jited_ksyms, 2u);
  ASSERT_EQ(i.nr_jited_line_info, i.nr_line_info);
  EXPECT_EQ(addresses[0], ksyms[0]);
  EXPECT_EQ(addresses[i.nr_jited_line_info - 1], ksyms[1]) << "each function begins with its first line";
}

TEST_F(ProgDump, WhoMayNotSeeAddressesSeesNone) {
  ASSERT_NO_FATAL_FAILURE(load());
  t.kernel.credentials = [] { return runtime::Cred{1u | bit(Capability::kBpf), 1000}; };
  ksyms[0] = 77;
  ASSERT_NO_FATAL_FAILURE(read_info());
  for (u32 i = 0; i < info.xlated_prog_len / 8; i++)
    if (insns[i].code == 0x85) {
      EXPECT_EQ(insns[i].imm, 0) << i;
    }
  EXPECT_NE(find(0x18, 1), nullptr) << "map ids are no addresses";
  EXPECT_EQ(info.jited_ksyms, 0u);
  EXPECT_EQ(info.nr_jited_ksyms, 2u);
  EXPECT_EQ(ksyms[0], 77u);
  t.kernel.credentials = [] { return runtime::Cred{1u, 1000}; };
  ASSERT_NO_FATAL_FAILURE(read_info());
  EXPECT_EQ(info.xlated_prog_len, 0u);
  EXPECT_EQ(info.nr_func_info, 0u);
}

TEST_F(ProgDump, WithoutAnEngineTheProgramIsShownAsLoaded) {
  t.kernel.prepare = nullptr;
  ASSERT_NO_FATAL_FAILURE(load());
  ASSERT_NO_FATAL_FAILURE(read_info());
  EXPECT_EQ(info.xlated_prog_len, 15u * 8);
  EXPECT_EQ(insns[5].src, 1);
  EXPECT_EQ(static_cast<u32>(insns[5].imm), map_id());
  EXPECT_EQ(insns[11].off, 1);
  EXPECT_EQ(insns[11].imm, 1);
  EXPECT_EQ(info.nr_line_info, 5u);
}

}  // namespace
}  // namespace osmia::syscall
