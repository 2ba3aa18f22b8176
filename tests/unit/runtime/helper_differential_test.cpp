// Helpers with maps, text, dynptrs and callbacks: the same program on Osmia and on the running kernel.
#include "packets.h"
#include "two_kernels.h"

namespace osmia::runtime {
namespace {

constexpr u32 kCls = BPF_PROG_TYPE_SCHED_CLS;

class WithMaps : public TwoKernels {
 protected:
  struct Pair {
    long live = -1, our = -1;
  };
  long our(int cmd, union bpf_attr& a) { return osmia_(cmd, a); }

  Pair make(u32 type, u32 key, u32 value, u32 entries, u32 flags = 0) {
    union bpf_attr a;
    std::memset(&a, 0, sizeof a);
    a.map_type = type, a.key_size = key, a.value_size = value, a.max_entries = entries, a.map_flags = flags;
    Pair p{live_bpf(BPF_MAP_CREATE, a), our(BPF_MAP_CREATE, a)};
    EXPECT_GE(p.live, 0);
    EXPECT_GE(p.our, 0) << syscall::last_error();
    pairs_.push_back(p);
    return p;
  }
  static std::vector<isa::Insn> with_fds(std::vector<isa::Insn> insns, const std::vector<long>& fds) {
    for (size_t i = 0; i < insns.size(); i++)
      if (isa::is_ld_imm64(insns[i])) {
        if (insns[i].src == isa::kPseudoMapFd || insns[i].src == isa::kPseudoMapValue)
          insns[i].imm = static_cast<s32>(fds.at(static_cast<size_t>(insns[i].imm)));
        i++;
      }
    return insns;
  }
  // map[id:N] in the text is the N-th map. Runs `times` times.
  void both(const std::string& name, std::string_view text, const std::vector<Pair>& maps, u32 type = kCls,
            int times = 1) {
    const auto insns = program(text);
    std::vector<long> live_fds, our_fds;
    for (const auto& m : maps) live_fds.push_back(m.live), our_fds.push_back(m.our);
    std::string live_log, our_log;
    const Bpf ours = [this](int cmd, union bpf_attr& a) { return osmia_(cmd, a); };
    const long l = load(live_bpf, type, with_fds(insns, live_fds), &live_log),
               o = load(ours, type, with_fds(insns, our_fds), &our_log);
    ASSERT_GE(l, 0) << name << "\n" << live_log;
    ASSERT_GE(o, 0) << name << "\n" << our_log << syscall::last_error();
    for (int i = 0; i < times; i++) {
      const Input in{.data = udp4(20)};
      const Outcome want = test_run(live_bpf, l, in), got = test_run(ours, o, in);
      EXPECT_EQ(got.result, want.result) << name << ": " << syscall::last_error();
      EXPECT_EQ(static_cast<s32>(got.retval), static_cast<s32>(want.retval)) << name << ", run " << i;
    }
    close(static_cast<int>(l));
    syscall::FdTable::instance().close(static_cast<int>(o));
  }
  void TearDown() override {
    for (const auto& p : pairs_) {
      close(static_cast<int>(p.live));
      syscall::FdTable::instance().close(static_cast<int>(p.our));
    }
  }
  std::vector<Pair> pairs_;
};

TEST_F(WithMaps, LookupUpdateDelete) {
  for (const u32 type : {BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_PERCPU_ARRAY,
                         BPF_MAP_TYPE_PERCPU_HASH, BPF_MAP_TYPE_LRU_HASH})
    for (const int flags : {0, 1, 2, 3, 4, 8})
      for (const int key : {0, 1, 2}) {
        const auto m = make(type, 4, 8, 2);
        both("map type " + std::to_string(type) + " flags " + std::to_string(flags) + " key " +
                 std::to_string(key),
             "*(u32 *)(r10 -4) = " + std::to_string(key) + R"(
*(u64 *)(r10 -16) = 1000
r1 = map[id:0]
r2 = r10
r2 += -4
r3 = r10
r3 += -16
r4 = )" + std::to_string(flags) +
                 R"(
call bpf_map_update_elem
r6 = r0
r1 = map[id:0]
r2 = r10
r2 += -4
call bpf_map_lookup_elem
if r0 == 0 goto none
r1 = *(u64 *)(r0 +0)
r1 += 1
*(u64 *)(r0 +0) = r1
r6 += r1
none:
r1 = map[id:0]
r2 = r10
r2 += -4
call bpf_map_delete_elem
r6 <<= 8
r0 += r6
exit
)",
             {m}, kCls, 3);
      }
}

TEST_F(WithMaps, AFullHashAndItsFlags) {
  const auto m = make(BPF_MAP_TYPE_HASH, 4, 4, 2);
  std::string text = "r6 = 0\n";
  for (const int key : {1, 2, 3, 1})
    text += "*(u32 *)(r10 -4) = " + std::to_string(key) +
            "\n*(u32 *)(r10 -8) = 5\nr1 = map[id:0]\nr2 = r10\nr2 += -4\nr3 = r10\nr3 += -8\nr4 = 1\n"
            "call bpf_map_update_elem\nr6 *= 131\nr6 += r0\n";
  both("full", text + "r0 = r6\nexit", {m}, kCls, 2);
}

TEST_F(WithMaps, QueuesAndStacks) {
  for (const u32 type : {BPF_MAP_TYPE_QUEUE, BPF_MAP_TYPE_STACK}) {
    const auto m = make(type, 0, 4, 3);
    std::string text = "r6 = 0\n";
    for (const auto& [helper, flags] : std::vector<std::pair<std::string, int>>{{"push", 0},
                                                                                {"push", 0},
                                                                                {"peek", -1},
                                                                                {"push", 0},
                                                                                {"push", 0},
                                                                                {"push", 2},
                                                                                {"pop", -1},
                                                                                {"push", 1},
                                                                                {"pop", -1},
                                                                                {"pop", -1},
                                                                                {"pop", -1},
                                                                                {"pop", -1}}) {
      text += "r7 += 1\n";
      if (flags >= 0)
        text += "w1 = w6\nw1 &= 0xffff\nw1 += 3\n*(u32 *)(r10 -4) = r1\nr3 = " + std::to_string(flags) + "\n";
      text += "r1 = map[id:0]\nr2 = r10\nr2 += -4\ncall bpf_map_" + helper +
              "_elem\nr1 = *(u32 *)(r10 -4)\nw6 *= 31\nw6 += w0\nw6 += w1\n";
    }
    both("type " + std::to_string(type), "r7 = 0\n*(u32 *)(r10 -4) = 0\n" + text + "r0 = r6\nexit", {m}, kCls,
         2);
  }
}

TEST_F(WithMaps, TailCallsRunTheOtherProgram) {
  const auto array = make(BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 2);
  const Bpf ours = [this](int cmd, union bpf_attr& a) { return osmia_(cmd, a); };
  const auto other = program("r0 = *(u32 *)(r1 +0)\nr0 += 1000\nexit");
  const long l = load(live_bpf, kCls, other), o = load(ours, kCls, other);
  ASSERT_TRUE(l >= 0 && o >= 0);
  u32 index = 1;
  for (const bool live : {true, false}) {
    union bpf_attr a;
    std::memset(&a, 0, sizeof a);
    u32 fd = static_cast<u32>(live ? l : o);
    a.map_fd = static_cast<u32>(live ? array.live : array.our);
    a.key = reinterpret_cast<u64>(&index), a.value = reinterpret_cast<u64>(&fd);
    ASSERT_EQ(live ? live_bpf(BPF_MAP_UPDATE_ELEM, a) : osmia_(BPF_MAP_UPDATE_ELEM, a), 0)
        << syscall::last_error();
  }
  for (const int i : {0, 1, 2, -1})
    both("index " + std::to_string(i),
         "r2 = map[id:0]\nr3 = " + std::to_string(i) + "\ncall bpf_tail_call\nr0 = 5\nexit", {array});
  close(static_cast<int>(l));
  syscall::FdTable::instance().close(static_cast<int>(o));
}

TEST_F(WithMaps, ValuesByAddress) {
  const auto m = make(BPF_MAP_TYPE_ARRAY, 4, 64, 1);
  both("direct value",
       "r1 = map[id:0][0]+16\nr2 = *(u64 *)(r1 +0)\nr2 += 3\n*(u64 *)(r1 +0) = r2\nr3 = 5\nlock *(u32 *)(r1 "
       "+4) += r3\nr0 = *(u64 *)(r1 +0)\nr1 = r0\nr1 >>= 32\nr0 += r1\nexit",
       {m}, kCls, 3);
}

TEST_F(WithMaps, NumbersFromText) {
  struct Text {
    const char* bytes;
    int length;
  };
  for (const Text t : {Text{"123", 3},
                       {"  -77x", 6},
                       {"0x1f", 4},
                       {"017", 3},
                       {"9", 1},
                       {"", 1},
                       {"-", 1},
                       {"   ", 3},
                       {"0x", 2},
                       {"0xg", 3},
                       {"08", 2},
                       {"+5", 2},
                       {"7fz", 3}})
    for (const int flags : {0, 8, 10, 16, 7, 42})
      for (const char* helper : {"bpf_strtol", "bpf_strtoul"}) {
        u64 word = 0;
        std::memcpy(&word, t.bytes, std::min<size_t>(8, std::strlen(t.bytes)));
        char number[40];
        std::snprintf(number, sizeof number, "0x%llx ll", static_cast<unsigned long long>(word));
        both(std::string(helper) + " \"" + t.bytes + "\" flags " + std::to_string(flags),
             std::string("r1 = ") + number +
                 "\n*(u64 *)(r10 -8) = r1\n*(u64 *)(r10 -16) = 0\nr1 = r10\nr1 += -8\nr2 = " +
                 std::to_string(t.length) + "\nr3 = " + std::to_string(flags) +
                 "\nr4 = r10\nr4 += -16\ncall " + helper +
                 "\nr1 = *(u64 *)(r10 -16)\nr0 <<= 16\nr0 ^= r1\nexit",
             {});
      }
}

TEST_F(WithMaps, DynptrsOverAMapValue) {
  const auto m = make(BPF_MAP_TYPE_ARRAY, 4, 64, 1);
  for (const int size : {0, 8, 64})
    for (const int flags : {0, 1})
      for (const int offset : {0, 4, 57, 64, -1})
        both("dynptr " + std::to_string(size) + " " + std::to_string(offset),
             "r1 = map[id:0][0]+0\nr2 = " + std::to_string(size) + "\nr3 = " + std::to_string(flags) +
                 "\nr4 = r10\nr4 += -16\ncall bpf_dynptr_from_mem\nr6 = r0\n"
                 "*(u64 *)(r10 -24) = 0x1234567\nr1 = r10\nr1 += -16\nr2 = " +
                 std::to_string(offset) +
                 "\nr3 = r10\nr3 += -24\nr4 = 8\nr5 = 0\ncall bpf_dynptr_write\n"
                 "r6 *= 31\nr6 += r0\n*(u64 *)(r10 -24) = 0\nr1 = r10\nr1 += -24\nr2 = 8\nr3 = r10\nr3 += "
                 "-16\nr4 = " +
                 std::to_string(offset) +
                 "\nr5 = 0\ncall bpf_dynptr_read\n"
                 "r6 *= 31\nr6 += r0\nr1 = *(u64 *)(r10 -24)\nr6 += r1\nr1 = r10\nr1 += -16\nr2 = 4\nr3 = "
                 "4\ncall bpf_dynptr_data\nif r0 == 0 goto out\nr0 = *(u32 *)(r0 +0)\nr6 += r0\nout:\nr0 = "
                 "r6\nexit",
             {m});
}

TEST_F(WithMaps, RingBuffer) {
  const auto m = make(BPF_MAP_TYPE_RINGBUF, 0, 0, 4096);
  std::string text = "r6 = 0\n";
  for (const int n : {8, 100, 1, 3000, 2000}) {
    text += "r1 = map[id:0]\nr2 = " + std::to_string(n) +
            "\nr3 = 0\ncall bpf_ringbuf_reserve\nif r0 == 0 goto no" + std::to_string(n) +
            "\n*(u8 *)(r0 +0) = 1\nr1 = r0\nr2 = 0\ncall bpf_ringbuf_" + (n == 100 ? "discard" : "submit") +
            "\nr6 += " + std::to_string(n) + "\nno" + std::to_string(n) + ":\n";
    for (const int what : {0, 1, 2, 3, 4})
      text +=
          "r1 = map[id:0]\nr2 = " + std::to_string(what) + "\ncall bpf_ringbuf_query\nr6 *= 7\nr6 += r0\n";
  }
  text +=
      "*(u64 *)(r10 -8) = 5\nr1 = map[id:0]\nr2 = r10\nr2 += -8\nr3 = 8\nr4 = 9\ncall bpf_ringbuf_output\nr6 "
      "+= r0\nr1 = map[id:0]\nr2 = r10\nr2 += -8\nr3 = 8\nr4 = 1\ncall bpf_ringbuf_output\nr6 *= 3\nr6 += "
      "r0\n";
  both("ring", text + "r0 = r6\nexit", {m}, kCls, 2);
}

TEST_F(WithMaps, ReadsOfMissingMemory) {
  for (const char* helper : {"bpf_probe_read_kernel", "bpf_probe_read_user", "bpf_probe_read_kernel_str",
                             "bpf_probe_read_user_str"})
    both(helper,
         std::string("*(u64 *)(r10 -8) = -1\nr1 = r10\nr1 += -8\nr2 = 8\nr3 = 16\ncall ") + helper +
             "\nr1 = *(u64 *)(r10 -8)\nr0 += r1\nexit",
         {});
  both("own stack",
       "*(u64 *)(r10 -16) = 0x414243\nr1 = r10\nr1 += -8\nr2 = 8\nr3 = r10\nr3 += -16\ncall "
       "bpf_probe_read_kernel_str\nr1 = *(u32 *)(r10 -8)\nr0 += r1\nexit",
       {});
  both("cut string",
       "*(u64 *)(r10 -16) = 0x41424344\nr1 = r10\nr1 += -8\nr2 = 3\nr3 = r10\nr3 += -16\ncall "
       "bpf_probe_read_kernel_str\nr1 = *(u8 *)(r10 -6)\nr0 <<= 8\nr0 += r1\nexit",
       {});
}

TEST_F(WithMaps, Redirections) {
  for (const int flags : {0, 1, 2, 8}) {
    both("tc", "r1 = 1\nr2 = " + std::to_string(flags) + "\ncall bpf_redirect\nexit", {});
    both("xdp", "r1 = 1\nr2 = " + std::to_string(flags) + "\ncall bpf_redirect\nexit", {}, BPF_PROG_TYPE_XDP);
    const auto devices = make(BPF_MAP_TYPE_DEVMAP, 4, 4, 4);
    both("xdp map " + std::to_string(flags),
         "r1 = map[id:0]\nr2 = 1\nr3 = " + std::to_string(flags) + "\ncall bpf_redirect_map\nexit", {devices},
         BPF_PROG_TYPE_XDP);
  }
}

TEST_F(WithMaps, EventsWithoutAReader) {
  const auto m = make(BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 2);
  for (const char* flags :
       {"0", "1", "2", "0xffffffff ll", "0x100000000 ll", "0x10000000000 ll", "0x1000000000000000 ll"})
    for (const u32 type : {kCls, u32{BPF_PROG_TYPE_XDP}})
      both(std::string("flags ") + flags,
           std::string("*(u64 *)(r10 -8) = 7\nr2 = map[id:0]\nr3 = ") + flags +
               "\nr4 = r10\nr4 += -8\nr5 = 8\ncall bpf_perf_event_output\nexit",
           {m}, type);
}

// The running kernel folds its result to 16 bits and takes any size, 6.12 only multiples of 4: compared
// folded, those only.
TEST_F(WithMaps, ChecksumDifference) {
  const std::string fold =
      "if r0 s< 0 goto out\nr1 = r0\nr1 >>= 16\nr0 &= 0xffff\nr0 += r1\nr1 = r0\nr1 >>= 16\nr0 &= 0xffff\nr0 "
      "+= r1\nout:\nexit";
  for (const int from : {0, 4, 8, 16})
    for (const int to : {0, 4, 12, 16})
      for (const char* seed : {"0", "1", "-1", "0xffff0001"})
        both("csum",
             std::string("r1 = 0x1122334455667788 ll\n*(u64 *)(r10 -16) = r1\n*(u64 *)(r10 -8) = -2\n*(u64 "
                         "*)(r10 -32) = 0x7fffff1\n*(u64 *)(r10 -24) = 99\nr1 = r10\nr1 += -16\nr2 = ") +
                 std::to_string(from) + "\nr3 = r10\nr3 += -32\nr4 = " + std::to_string(to) +
                 "\nw5 = " + seed + "\ncall bpf_csum_diff\n" + fold,
             {});
}

}  // namespace
}  // namespace osmia::runtime
