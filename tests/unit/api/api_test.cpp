// The public C++ API: kernels, maps, programs, and what happens when things are wrong or go in another order.
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <thread>

#include "osmia/kernel.h"

namespace {

using namespace osmia;

struct Insn {
  std::uint8_t code, regs;
  std::int16_t off;
  std::int32_t imm;
};

Kernel make(KernelOptions o = {}) {
  o.machine_btf = false;
  auto k = Kernel::create(o);
  EXPECT_TRUE(k.ok());
  return *k;
}

template <size_t N>
ProgramSpec spec(const std::array<Insn, N>& insns, std::uint32_t type = BPF_PROG_TYPE_XDP) {
  ProgramSpec s;
  s.type = type;
  s.instructions = std::as_bytes(std::span(insns));
  s.name = "p";
  return s;
}
// XDP_DROP if the packet's first byte is 7, else XDP_PASS; the byte becomes 9.
const std::array<Insn, 12> kFilter = {{{0x61, 0x12, 0, 0},  // r2 = data
                                       {0x61, 0x13, 4, 0},  // r3 = data_end
                                       {0xbf, 0x24, 0, 0},  // r4 = r2
                                       {0x07, 0x04, 0, 1},  // r4 += 1
                                       {0xb7, 0x00, 0, 2},  // r0 = XDP_PASS
                                       {0x2d, 0x34, 5, 0},  // if r4 > r3 goto exit
                                       {0x71, 0x25, 0, 0},  // r5 = *(u8 *)r2
                                       {0x72, 0x02, 0, 9},  // *(u8 *)r2 = 9
                                       {0x55, 0x05, 1, 7},  // if r5 != 7 goto
                                       {0xb7, 0x00, 0, 1},  // r0 = XDP_DROP
                                       {0x05, 0x00, 0, 0},  // goto exit
                                       {0x95, 0x00, 0, 0}}};

TEST(Api, RunsAProgramOverBytes) {
  for (const Engine engine : {Engine::kAuto, Engine::kInterpreter}) {
    KernelOptions o;
    o.engine = engine;
    auto p = make(o).load(spec(kFilter));
    ASSERT_TRUE(p.ok()) << p.error().message;
    ASSERT_TRUE(p->runnable()) << p->reason();
    std::array<std::byte, 64> packet{};
    packet[0] = std::byte{7};
    auto r = p->run(packet, {.repeat = 3});
    ASSERT_TRUE(r.ok()) << r.error().message;
    EXPECT_EQ(r->data.size(), 64u);
    EXPECT_EQ(r->data[0], std::byte{9});
    EXPECT_EQ(r->return_value, 2u) << "the third run sees what the first left";
    EXPECT_EQ(packet[0], std::byte{7}) << "the caller's packet is not touched";
    EXPECT_EQ(p->run(packet)->return_value, 1u);
    EXPECT_FALSE(p->run(std::span(packet).first(3)).ok()) << "no Ethernet header";
  }
}

TEST(Api, RefusalsCarryTheReason) {
  const Kernel k = make();
  const std::array<Insn, 1> no_r0 = {{{0x95, 0, 0, 0}}};
  auto p = k.load(spec(no_r0));
  ASSERT_FALSE(p.ok());
  EXPECT_EQ(p.error().code, EACCES);
  EXPECT_NE(p.error().message.find("R0 !read_ok"), std::string::npos) << p.error().message;
  ProgramSpec odd = spec(no_r0);
  odd.instructions = odd.instructions.first(5);
  EXPECT_EQ(k.load(odd).error().code, EINVAL);
  EXPECT_EQ(k.open("/nonexistent.bpf.o").error().code, ENOENT);
  const std::array<std::byte, 100> junk{};
  EXPECT_FALSE(k.open(junk, "junk").ok());
  KernelOptions o;
  o.btf_path = "/nonexistent";
  EXPECT_FALSE(Kernel::create(o).ok());
}

TEST(Api, TypedMaps) {
  const Kernel k = make();
  struct Value {
    std::uint32_t a, b;
  };
  auto m = k.create_map(
      {.type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 8, .max_entries = 8, .name = "m"});
  ASSERT_TRUE(m.ok()) << m.error().message;
  for (std::uint32_t i = 0; i < 5; i++) EXPECT_TRUE(m->put(i, Value{i, i * i}).ok());
  EXPECT_EQ(m->get<Value>(std::uint32_t{3})->b, 9u);
  EXPECT_EQ(m->get<Value>(std::uint32_t{77}).error().code, ENOENT);
  EXPECT_EQ(m->put(std::uint32_t{3}, Value{}, Update::kIfAbsent).error().code, EEXIST);
  EXPECT_EQ(m->put(std::uint32_t{9}, Value{}, Update::kIfPresent).error().code, ENOENT);
  EXPECT_EQ(m->get<Value>(std::uint64_t{3}).error().code, EINVAL) << "a key of another size";
  EXPECT_EQ(m->get<std::uint32_t>(std::uint32_t{3}).error().code, EINVAL) << "a value of another size";
  EXPECT_TRUE(m->remove(std::uint32_t{0}).ok());
  EXPECT_EQ(m->remove(std::uint32_t{0}).error().code, ENOENT);
  std::uint32_t sum = 0, seen = 0;
  EXPECT_TRUE((m->for_each<std::uint32_t, Value>([&](std::uint32_t key, const Value& v) {
                sum += v.b, seen++;
                EXPECT_EQ(v.a, key);
              })).ok());
  EXPECT_EQ(seen, 4u);
  EXPECT_EQ(sum, 30u);
  seen = 0;
  EXPECT_TRUE(
      (m->for_each<std::uint32_t, Value>([&](std::uint32_t, const Value&) { return ++seen < 2; })).ok());
  EXPECT_EQ(seen, 2u);
  EXPECT_FALSE((m->for_each<std::uint64_t, Value>([](std::uint64_t, const Value&) {})).ok());
  EXPECT_FALSE(m->get_per_cpu<Value>(std::uint32_t{3}).ok());
}

TEST(Api, PerCpuMaps) {
  auto m = make().create_map(
      {.type = BPF_MAP_TYPE_PERCPU_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 2, .name = "pc"});
  ASSERT_TRUE(m.ok());
  auto all = m->get_per_cpu<std::uint32_t>(std::uint32_t{1});
  ASSERT_TRUE(all.ok()) << all.error().message;
  EXPECT_EQ(all->size() * 8, m->whole_value_size());
  std::vector<std::byte> values(m->whole_value_size());
  for (size_t i = 0; i < all->size(); i++) values[i * 8] = static_cast<std::byte>(i + 1);
  const std::uint32_t key = 1;
  ASSERT_TRUE(m->update(std::as_bytes(std::span(&key, 1)), values).ok());
  all = m->get_per_cpu<std::uint32_t>(key);
  for (size_t i = 0; i < all->size(); i++) EXPECT_EQ((*all)[i], i + 1);
}

TEST(Api, HandlesOutliveTheirKernel) {
  auto kernel = std::make_unique<Kernel>(make());
  auto m = kernel->create_map({.type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1});
  auto p = kernel->load(spec(kFilter));
  ASSERT_TRUE(m.ok() && p.ok());
  kernel.reset();
  EXPECT_TRUE(m->put(std::uint32_t{0}, std::uint32_t{5}).ok());
  EXPECT_EQ(*m->get<std::uint32_t>(std::uint32_t{0}), 5u);
  const std::array<std::byte, 32> packet{};
  EXPECT_TRUE(p->run(packet).ok());
}

TEST(Api, KernelsAreApart) {
  const Kernel a = make(), b = make();
  auto m = a.create_map({.type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1});
  ASSERT_TRUE(m.ok());
  union bpf_attr attr;
  std::memset(&attr, 0, sizeof attr);
  EXPECT_EQ(a.bpf(BPF_MAP_GET_NEXT_ID, &attr, sizeof attr), 0);
  EXPECT_EQ(attr.next_id, m->id());
  std::memset(&attr, 0, sizeof attr);
  EXPECT_EQ(b.bpf(BPF_MAP_GET_NEXT_ID, &attr, sizeof attr), -ENOENT);
  EXPECT_EQ(a.bpf(9999, &attr, sizeof attr), -EINVAL);
}

TEST(Api, DescriptorsAreReal) {
  const Kernel k = make();
  int fd;
  {
    auto m = k.create_map({.type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1});
    ASSERT_TRUE(m.ok());
    fd = m->fd();
    union bpf_attr a;
    std::memset(&a, 0, sizeof a);
    const std::uint32_t key = 0, value = 6;
    a.map_fd = static_cast<std::uint32_t>(fd), a.key = reinterpret_cast<std::uint64_t>(&key);
    a.value = reinterpret_cast<std::uint64_t>(&value);
    EXPECT_EQ(k.bpf(BPF_MAP_UPDATE_ELEM, &a, sizeof a), 0);
    EXPECT_EQ(*m->get<std::uint32_t>(key), 6u);
    EXPECT_GE(::dup(fd), 0);
  }
  EXPECT_LT(::dup(fd), 0) << "closed with the last handle";
}

TEST(Api, ProgramsRunInParallel) {
  auto p = make().load(spec(kFilter));
  ASSERT_TRUE(p.ok());
  std::array<int, 4> wrong{};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++)
    threads.emplace_back([&, t] {
      std::array<std::byte, 64> packet{};
      for (int i = 0; i < 500; i++) {
        packet[0] = static_cast<std::byte>(i % 10);
        auto r = p->run(packet);
        if (!r.ok() || r->return_value != (i % 10 == 7 ? 1u : 2u)) wrong[static_cast<size_t>(t)]++;
      }
    });
  for (auto& t : threads) t.join();
  for (const int w : wrong) EXPECT_EQ(w, 0);
}

TEST(Api, ObjectFiles) {
  const std::string path = OSMIA_BINARY_DIR "/examples/xdp_firewall.bpf.o";
  if (access(path.c_str(), R_OK)) GTEST_SKIP() << "the examples are not built";
  const Kernel k = make();
  auto file = k.open(path);
  ASSERT_TRUE(file.ok()) << file.error().message;
  ASSERT_EQ(file->programs().size(), 1u);
  EXPECT_EQ(file->programs()[0].type_name, "xdp");
  auto v = file->verify("firewall", {.log_level = 2});
  ASSERT_TRUE(v.ok()) << v.error().message;
  EXPECT_TRUE(v->accepted) << v->message;
  EXPECT_GT(v->instructions_processed, 100u);
  EXPECT_NE(v->log.find("processed "), std::string::npos);
  EXPECT_EQ(file->verify("nothing").error().code, ENOENT);
  auto object = file->load();
  ASSERT_TRUE(object.ok()) << object.error().message;
  EXPECT_TRUE(object->program("firewall").ok());
  EXPECT_EQ(object->program("nothing").error().code, ENOENT);
  auto bss = object->map(".bss");
  ASSERT_TRUE(bss.ok()) << bss.error().message;
  const std::array<std::byte, 60> packet{};
  ASSERT_TRUE(object->program("firewall")->run(packet).ok());
  std::vector<std::byte> value(bss->value_size());
  const std::uint32_t zero = 0;
  ASSERT_TRUE(bss->lookup(std::as_bytes(std::span(&zero, 1)), value).ok());
  std::uint64_t seen;
  std::memcpy(&seen, value.data(), sizeof seen);
  EXPECT_EQ(seen, 1u) << "packets_seen";

  auto bad = k.open(OSMIA_BINARY_DIR "/examples/broken/array_index.bpf.o");
  ASSERT_TRUE(bad.ok()) << bad.error().message;
  auto refused = bad->verify(bad->programs().at(0).name);
  ASSERT_TRUE(refused.ok()) << refused.error().message;
  EXPECT_FALSE(refused->accepted);
  EXPECT_FALSE(refused->message.empty());
  EXPECT_FALSE(bad->load().ok());
}

TEST(Api, GivenSocketsAreReadOrRefused) {
  EXPECT_TRUE(Kernel::give_sockets("tcp LISTEN 0 128 10.0.0.1:80 0.0.0.0:*\n").ok());
  const auto bad = Kernel::give_sockets("tcp LISTEN 0 128 10.0.0.1 0.0.0.0:*\n");
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().code, EINVAL);
  EXPECT_NE(bad.error().message.find("line 1"), std::string::npos) << bad.error().message;
  Kernel::use_machine_sockets();
}

}  // namespace
