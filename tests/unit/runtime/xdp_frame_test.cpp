// Frames that go on after their program: programs in devmap and cpumap elements, and what they see. Two
// devices with small MTUs are a network of our own, so that nothing depends on the machine's.
#include "host/network.h"
#include "host/run_context.h"
#include "packets.h"
#include "runtime/test_run_code.h"
#include "syscall/call.h"
#include "two_kernels.h"

namespace osmia::runtime {
namespace {

using End = FrameHop::End;

class Frames : public ::testing::Test {
 protected:
  void SetUp() override {
    auto network = std::make_unique<host::Network>();
    for (const u32 index : {2u, 3u, 4u}) {
      host::Device d;
      d.ifindex = index, d.mtu = index == 4 ? 60 : 1500;
      network->devices.push_back(d);
    }
    host::set_network(std::move(network));
    seen_ = make(BPF_MAP_TYPE_ARRAY, 4, 8, 8);
  }
  void TearDown() override {
    host::set_network(nullptr);
    for (const long fd : fds_) syscall::FdTable::instance().close(static_cast<int>(fd));
  }
  long make(u32 type, u32 key, u32 value, u32 entries) {
    union bpf_attr a = {};
    a.map_type = type, a.key_size = key, a.value_size = value, a.max_entries = entries;
    const long fd = osmia_(BPF_MAP_CREATE, a);
    EXPECT_GE(fd, 0) << syscall::last_error();
    fds_.push_back(fd);
    return fd;
  }
  long set(long map, u32 key, const void* value) {
    union bpf_attr a = {};
    a.map_fd = static_cast<u32>(map), a.key = reinterpret_cast<u64>(&key),
    a.value = reinterpret_cast<u64>(value);
    return osmia_(BPF_MAP_UPDATE_ELEM, a);
  }
  long element(long map, u32 key, u32 what, long prog) {
    const u32 value[2] = {what, static_cast<u32>(prog)};
    return set(map, key, value);
  }
  u64 seen(u32 key) {
    u64 value = 0;
    union bpf_attr a = {};
    a.map_fd = static_cast<u32>(seen_), a.key = reinterpret_cast<u64>(&key),
    a.value = reinterpret_cast<u64>(&value);
    EXPECT_EQ(osmia_(BPF_MAP_LOOKUP_ELEM, a), 0);
    return value;
  }
  // map[id:N] is the N-th of `maps`.
  long xdp(const std::string& text, const std::vector<long>& maps, u32 attach = 0, u32 flags = 0) {
    auto insns = program(text);
    for (size_t i = 0; i < insns.size(); i++)
      if (isa::is_ld_imm64(insns[i]))
        insns[i].imm = static_cast<s32>(maps.at(static_cast<size_t>(insns[i].imm))), i++;
    std::string log;
    const Bpf ours = [this](int cmd, union bpf_attr& a) { return osmia_(cmd, a); };
    const long fd = load(ours, BPF_PROG_TYPE_XDP, insns, &log, flags, attach);
    if (fd >= 0) fds_.push_back(fd);
    log_ = log;
    return fd;
  }
  static std::string redirect(u32 key, u32 flags = 0) {
    return "r1 = map[id:0]\nr2 = " + std::to_string(key) + "\nr3 = " + std::to_string(flags) +
           "\ncall bpf_redirect_map\nexit";
  }
  // Adds 1 to seen[slot], notes the context's word at `offset` in seen[slot + 1], and returns `action`.
  static std::string counting(u32 slot, u32 offset, u32 action) {
    return "r6 = r1\nr7 = *(u32 *)(r1 +" + std::to_string(offset) +
           ")\n*(u32 *)(r10 -4) = " + std::to_string(slot) +
           "\nr1 = map[id:0]\nr2 = r10\nr2 += -4\ncall bpf_map_lookup_elem\nif r0 == 0 goto +2\nr1 = 1\n"
           "lock *(u64 *)(r0 +0) += r1\n*(u32 *)(r10 -4) = " +
           std::to_string(slot + 1) +
           "\nr1 = map[id:0]\nr2 = r10\nr2 += -4\ncall bpf_map_lookup_elem\nif r0 == 0 goto +1\n"
           "*(u64 *)(r0 +0) = r7\nr0 = " +
           std::to_string(action) + "\nexit";
  }
  std::vector<FrameHop> follow(long prog, size_t size = 64) {
    int err;
    const auto p = syscall::get_prog(static_cast<int>(prog), &err);
    TestRunRequest r;
    r.data_in.resize(size);
    r.has_data_in = r.follow = true;
    r.ctx_in.resize(24);
    const u32 words[6] = {0, static_cast<u32>(size), 0, 2, 0, 0};  // in by device 2
    std::memcpy(r.ctx_in.data(), words, 24);
    r.has_ctx_in = true;
    auto out = test_run_xdp(osmia_.kernel, *p, r);
    EXPECT_TRUE(out.ok()) << (out.ok() ? "" : out.error().message);
    return out.ok() ? out->hops : std::vector<FrameHop>{};
  }
  Osmia osmia_;
  long seen_ = -1;
  std::vector<long> fds_;
  std::string log_;
};

constexpr u32 kIngress = 12, kEgress = 20;

TEST_F(Frames, DevmapProgramSeesWhereTheFrameGoes) {
  const long devices = make(BPF_MAP_TYPE_DEVMAP, 4, 8, 4);
  const long egress = xdp(counting(0, kEgress, XDP_PASS), {seen_}, BPF_XDP_DEVMAP);
  ASSERT_GE(egress, 0) << log_;
  ASSERT_EQ(element(devices, 1, 3, egress), 0) << syscall::last_error();
  const auto hops = follow(xdp(redirect(1), {devices}));
  ASSERT_EQ(hops.size(), 1u);
  EXPECT_EQ(hops[0].end, End::kSent);
  EXPECT_EQ(hops[0].action, static_cast<u32>(XDP_PASS));
  EXPECT_EQ(hops[0].way.ifindex, 3u);
  EXPECT_EQ(seen(0), 1u);
  EXPECT_EQ(seen(1), 3u);
  // Only XDP_PASS lets the frame go.
  for (const u32 action : {u32{XDP_ABORTED}, u32{XDP_DROP}, u32{XDP_TX}, u32{XDP_REDIRECT}, 7u}) {
    ASSERT_EQ(element(devices, 1, 3, xdp(counting(2, kIngress, action), {seen_}, BPF_XDP_DEVMAP)), 0);
    const auto other = follow(xdp(redirect(1), {devices}));
    ASSERT_EQ(other.size(), 1u);
    EXPECT_EQ(other[0].end, End::kDropped) << action;
  }
  EXPECT_EQ(seen(2), 5u);
  EXPECT_EQ(seen(3), 2u);  // where it came in
}

TEST_F(Frames, ToAllDevicesEachItsProgram) {
  const long devices = make(BPF_MAP_TYPE_DEVMAP_HASH, 4, 8, 4);
  ASSERT_EQ(element(devices, 10, 2, xdp(counting(0, kEgress, XDP_PASS), {seen_}, BPF_XDP_DEVMAP)), 0);
  ASSERT_EQ(element(devices, 11, 3, xdp(counting(2, kEgress, XDP_DROP), {seen_}, BPF_XDP_DEVMAP)), 0);
  auto hops = follow(xdp(redirect(0, 8), {devices}));
  ASSERT_EQ(hops.size(), 2u);
  EXPECT_EQ(hops[0].end, End::kSent);
  EXPECT_EQ(hops[1].end, End::kDropped);
  EXPECT_EQ(seen(1), 2u);
  EXPECT_EQ(seen(3), 3u);
  hops = follow(xdp(redirect(0, 8 | 16), {devices}));  // not back to device 2
  ASSERT_EQ(hops.size(), 1u);
  EXPECT_EQ(hops[0].way.key, 11u);
  EXPECT_EQ(seen(0), 1u);
}

TEST_F(Frames, LongerThanTheDeviceTakes) {
  const long devices = make(BPF_MAP_TYPE_DEVMAP, 4, 8, 4);
  ASSERT_EQ(element(devices, 0, 4, xdp(counting(0, kEgress, XDP_PASS), {seen_}, BPF_XDP_DEVMAP)), 0);
  const long prog = xdp(redirect(0), {devices});
  EXPECT_EQ(follow(prog, 78)[0].end, End::kSent);
  EXPECT_EQ(follow(prog, 79)[0].end, End::kTooLong);
  EXPECT_EQ(seen(0), 1u);  // not run on what does not go out
}

TEST_F(Frames, CpumapProgramRunsThereAndMayRedirect) {
  if (host::nr_cpus() < 2) GTEST_SKIP() << "one CPU";
  const long cpus = make(BPF_MAP_TYPE_CPUMAP, 4, 8, 2), devices = make(BPF_MAP_TYPE_DEVMAP, 4, 8, 4);
  const std::string where =
      "call bpf_get_smp_processor_id\nr7 = r0\n*(u32 *)(r10 -4) = 0\nr1 = map[id:0]\nr2 = r10\nr2 += -4\n"
      "call bpf_map_lookup_elem\nif r0 == 0 goto +2\nr7 += 100\n*(u64 *)(r0 +0) = r7\n";
  ASSERT_EQ(element(devices, 1, 3, xdp(counting(2, kEgress, XDP_PASS), {seen_}, BPF_XDP_DEVMAP)), 0);
  for (const u32 cpu : {0u, 1u}) {
    ASSERT_EQ(element(cpus, cpu, 192, xdp(where + "r0 = 2\nexit", {seen_}, BPF_XDP_CPUMAP)), 0) << log_;
    const auto hops = follow(xdp(redirect(cpu), {cpus}));
    ASSERT_EQ(hops.size(), 1u);
    EXPECT_EQ(hops[0].end, End::kToStack);
    EXPECT_EQ(seen(0), 100u + cpu);
  }
  ASSERT_EQ(element(cpus, 1, 192, xdp(redirect(1), {devices}, BPF_XDP_CPUMAP)), 0);
  auto hops = follow(xdp(redirect(1), {cpus}));
  ASSERT_EQ(hops.size(), 2u);
  EXPECT_EQ(hops[0].end, End::kRedirected);
  EXPECT_EQ(hops[1].end, End::kSent);
  EXPECT_EQ(seen(3), 3u);
  ASSERT_EQ(element(cpus, 1, 192, xdp("r0 = 3\nexit", {}, BPF_XDP_CPUMAP)), 0);  // XDP_TX
  EXPECT_EQ(follow(xdp(redirect(1), {cpus}))[0].end, End::kDropped);
  // Round and round: it ends.
  ASSERT_EQ(element(cpus, 0, 192, xdp(redirect(0), {cpus}, BPF_XDP_CPUMAP)), 0);
  hops = follow(xdp(redirect(0), {cpus}));
  ASSERT_GT(hops.size(), 8u);
  EXPECT_EQ(hops.back().end, End::kDropped);
}

TEST_F(Frames, LiveFramesOfATestRun) {
  const long devices = make(BPF_MAP_TYPE_DEVMAP, 4, 8, 4);
  ASSERT_EQ(element(devices, 1, 3, xdp(counting(0, kEgress, XDP_PASS), {seen_}, BPF_XDP_DEVMAP)), 0);
  const Bpf ours = [this](int cmd, union bpf_attr& a) { return osmia_(cmd, a); };
  const long prog = xdp(redirect(1), {devices});
  Input in{.data = zeros(64), .repeat = 70, .flags = 2, .batch = 32, .want_data = false};
  const auto out = test_run(ours, prog, in);
  EXPECT_EQ(out.result, 0) << syscall::last_error();
  EXPECT_EQ(out.retval, 0u);
  EXPECT_EQ(seen(0), 70u);
  // A frame's bounds are new each time.
  const long moving =
      xdp("r6 = r1\nr2 = 4\ncall bpf_xdp_adjust_head\nif r0 == 0 goto +2\nr0 = 1\nexit\n" + redirect(1),
          {devices});
  ASSERT_GE(moving, 0) << log_;
  in.repeat = 100;
  EXPECT_EQ(test_run(ours, moving, in).result, 0);
  EXPECT_EQ(seen(0), 170u);
}

// Programs that differ in fragments do not meet in a map; who uses the map counts as the first.
TEST_F(Frames, ProgramsOfOneKindInAMap) {
  const long devices = make(BPF_MAP_TYPE_DEVMAP, 4, 8, 4);
  ASSERT_GE(xdp(redirect(1), {devices}), 0);
  const long frags = xdp("r0 = 2\nexit", {}, BPF_XDP_DEVMAP, BPF_F_XDP_HAS_FRAGS);
  EXPECT_EQ(element(devices, 1, 3, frags), -EINVAL);
  EXPECT_EQ(element(devices, 1, 3, xdp("r0 = 2\nexit", {}, BPF_XDP_CPUMAP)), -EINVAL);
  EXPECT_EQ(element(devices, 1, 3, xdp("r0 = 2\nexit", {}, BPF_XDP_DEVMAP)), 0);
  EXPECT_EQ(xdp(redirect(1), {devices}, 0, BPF_F_XDP_HAS_FRAGS), -EINVAL);
  u32 value[2] = {}, key = 1;
  union bpf_attr a = {};
  a.map_fd = static_cast<u32>(devices), a.key = reinterpret_cast<u64>(&key),
  a.value = reinterpret_cast<u64>(value);
  EXPECT_EQ(osmia_(BPF_MAP_LOOKUP_ELEM, a), 0);
  EXPECT_EQ(value[0], 3u);
  EXPECT_NE(value[1], 0u);  // the program's id
}

class LiveFrames : public TwoKernels {};
TEST_F(LiveFrames, ErrorsAsLinux) {
  std::vector<Input> in;
  const auto add = [&](size_t size, std::vector<u8> ctx, bool want_data, u32 ctx_room, u32 batch) {
    in.push_back({.data = zeros(size),
                  .ctx = std::move(ctx),
                  .ctx_out_room = ctx_room,
                  .repeat = 2,
                  .flags = 2,
                  .batch = batch,
                  .want_data = want_data});
  };
  const auto md = [](u32 data, u32 end) {
    std::vector<u8> ctx(24);
    std::memcpy(&ctx[0], &data, 4), std::memcpy(&ctx[4], &end, 4);
    return ctx;
  };
  for (const size_t size : {13u, 14u, 64u, 3408u, 3409u, 4096u, 9000u}) add(size, {}, false, 0, 0);
  for (const u32 batch : {1u, 64u, 256u, 257u}) add(64, {}, false, 0, batch);
  add(64, {}, true, 0, 0);
  add(64, md(0, 64), false, 0, 0);
  add(64, md(8, 64), false, 0, 0);
  add(64, md(0, 64), true, 0, 0);
  add(64, md(0, 64), false, 24, 0);
  add(64, md(0, 60), false, 0, 0);
  compare("live frames, dropped", BPF_PROG_TYPE_XDP, "r0 = 1\nexit", in);
}

}  // namespace
}  // namespace osmia::runtime
