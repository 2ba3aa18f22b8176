// Kernel objects that programs hold, perf buffers, SYN cookies and ciphers, called as programs call them.
#include <gtest/gtest.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <thread>

#include "btf/show_value.h"
#include "helpers/code.h"
#include "helpers/dynptr.h"
#include "host/cgroup.h"
#include "host/effects.h"
#include "host/run_context.h"
#include "host/task.h"
#include "kfuncs/code.h"
#include "maps/map.h"
#include "maps/perf_event.h"

namespace osmia {
namespace {

const btf::BtfPtr& vmlinux() {
  static const btf::BtfPtr b = [] {
    auto read = btf::Btf::from_file("/sys/kernel/btf/vmlinux");
    return read.ok() ? *read : nullptr;
  }();
  return b;
}

struct FakeProgram final : maps::ProgObject {
  FakeProgram() { kernel_types = vmlinux(); }
  u32 object_id() const override { return 1; }
  u32 prog_type() const override { return 0; }
  u32 attach_type() const override { return 0; }
};

class Objects : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!vmlinux()) GTEST_SKIP() << "no kernel BTF on this machine";
  }
  FakeProgram program;
};

struct Running {
  explicit Running(const FakeProgram& p) : scope(static_cast<const maps::ProgObject*>(&p)) {}
  host::RunScope scope;
};

template <class T>
T field(u64 object, const host::KernelStruct& layout, const char* name) {
  const auto place = layout.find(name);
  EXPECT_TRUE(place) << name;
  T v{};
  if (place) std::memcpy(&v, reinterpret_cast<const u8*>(object) + place->offset, sizeof v);
  return v;
}

TEST_F(Objects, FieldsOfStructs) {
  auto task = host::KernelStruct::make(*vmlinux(), "task_struct");
  ASSERT_TRUE(task.ok());
  EXPECT_TRUE(task->set("pid", 7));
  EXPECT_FALSE(task->set("no_such_field", 7));
  EXPECT_TRUE(task->set_text("comm", "a name that is far too long"));
  EXPECT_STREQ(reinterpret_cast<const char*>(task->bytes() + task->find("comm")->offset), "a name that is ");
  EXPECT_TRUE(task->set("se.vruntime", 9));
  EXPECT_EQ(field<u64>(task->address(), *task, "se.vruntime"), 9u);
  EXPECT_FALSE(host::KernelStruct::make(*vmlinux(), "no_such_struct").ok());
  auto skb = host::KernelStruct::make(*vmlinux(), "sk_buff");
  ASSERT_TRUE(skb.ok());
  EXPECT_TRUE(skb->set_bits("ip_summed", 3));
  EXPECT_TRUE(skb->set_bits("csum_level", 2));
  EXPECT_TRUE(skb->set_bits("ip_summed", 1));
  const std::string text =
      btf::show_value(*vmlinux(), vmlinux()->find("sk_buff", btf::Kind::kStruct), {skb->bytes(), skb->size()},
                      btf::kShowCompact, [](u64) { return u64{0}; });
  EXPECT_NE(text.find(".ip_summed = (__u8)0x1,"), text.npos) << text;
  EXPECT_NE(text.find(".csum_level = (__u8)0x2,"), text.npos) << text;
}

TEST_F(Objects, EachThreadIsItsOwnTask) {
  Running run(program);
  const u64 mine = helpers::code::get_current_task(0, 0, 0, 0, 0);
  ASSERT_TRUE(mine);
  EXPECT_EQ(helpers::code::get_current_task(0, 0, 0, 0, 0), mine);
  const auto object = host::object_at(mine, host::ObjectKind::kTask);
  ASSERT_TRUE(object);
  EXPECT_EQ(field<u32>(mine, object->memory, "pid"), static_cast<u32>(gettid()));
  EXPECT_EQ(field<u32>(mine, object->memory, "tgid"), static_cast<u32>(getpid()));
  EXPECT_FALSE(host::object_at(mine, host::ObjectKind::kCgroup));
  EXPECT_FALSE(host::object_at(mine + 8));
  u64 other = 0;
  std::thread([&] {
    Running inner(program);
    other = helpers::code::get_current_task(0, 0, 0, 0, 0);
    EXPECT_EQ(field<u32>(other, object->memory, "pid"), static_cast<u32>(gettid()));
    EXPECT_EQ(field<u64>(other, object->memory, "group_leader"),
              field<u64>(mine, object->memory, "group_leader"));
  }).join();
  EXPECT_NE(other, mine);
}

TEST_F(Objects, AChildOfForkIsAnotherTask) {
  Running run(program);
  const u64 mine = helpers::code::get_current_task(0, 0, 0, 0, 0);
  const pid_t child = fork();
  if (!child) {
    const u64 its = helpers::code::get_current_task(0, 0, 0, 0, 0);
    _exit(its != mine && host::own_tid() == static_cast<u32>(getpid()) ? 0 : 1);
  }
  int status = 1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST_F(Objects, ReferencesAreCounted) {
  Running run(program);
  namespace k = kfuncs::code;
  const u64 task = k::task_from_pid(static_cast<u64>(getpid()), 0, 0, 0, 0);
  ASSERT_TRUE(task);
  EXPECT_EQ(k::object_acquire(task, 0, 0, 0, 0), task);
  EXPECT_TRUE(host::release_object(task));
  EXPECT_TRUE(host::release_object(task));
  EXPECT_FALSE(host::release_object(task));
  EXPECT_FALSE(k::task_from_pid(0x3fffffff, 0, 0, 0, 0));
  EXPECT_FALSE(k::object_acquire(0x1000, 0, 0, 0, 0));
  // A mask goes with its last reference; what runs meanwhile may still look at it.
  const u64 mask = k::cpumask_create(0, 0, 0, 0, 0);
  ASSERT_TRUE(mask);
  k::cpumask_set_cpu(0, mask, 0, 0, 0);
  k::object_release(mask, 0, 0, 0, 0);
  EXPECT_FALSE(host::object_at(mask));
  EXPECT_TRUE(k::cpumask_test_cpu(0, mask, 0, 0, 0));
}

TEST_F(Objects, ThreadsShareTheTable) {
  std::vector<std::thread> threads;
  for (int n = 0; n < 4; n++)
    threads.emplace_back([&] {
      for (int i = 0; i < 300; i++) {
        Running run(program);
        const u64 mask = kfuncs::code::cpumask_create(0, 0, 0, 0, 0);
        ASSERT_TRUE(mask);
        kfuncs::code::object_acquire(mask, 0, 0, 0, 0);
        kfuncs::code::object_release(mask, 0, 0, 0, 0);
        const u64 task = kfuncs::code::task_from_pid(static_cast<u64>(getpid()), 0, 0, 0, 0);
        ASSERT_TRUE(task);
        kfuncs::code::object_release(task, 0, 0, 0, 0);
        kfuncs::code::object_release(mask, 0, 0, 0, 0);
      }
    });
  for (auto& t : threads) t.join();
}

TEST_F(Objects, ControlGroupsHaveTheirAncestors) {
  Running run(program);
  const auto line = host::own_cgroup_line();
  ASSERT_FALSE(line.empty());
  const u64 own = kfuncs::code::cgroup_from_id(line.back(), 0, 0, 0, 0);
  ASSERT_TRUE(own);
  const u64 root = kfuncs::code::cgroup_ancestor(own, 0, 0, 0, 0);
  ASSERT_TRUE(root);
  EXPECT_EQ(line.size() == 1, root == own);
  EXPECT_FALSE(kfuncs::code::cgroup_ancestor(own, line.size(), 0, 0, 0));
  EXPECT_FALSE(kfuncs::code::cgroup_from_id(~u64{0}, 0, 0, 0, 0));
  u64 iterator[3] = {};
  ASSERT_EQ(kfuncs::code::iter_css_new(reinterpret_cast<u64>(iterator), own, 4, 0, 0), 0u);
  size_t levels = 0;
  while (kfuncs::code::object_iter_next(reinterpret_cast<u64>(iterator), 0, 0, 0, 0)) levels++;
  kfuncs::code::object_iter_destroy(reinterpret_cast<u64>(iterator), 0, 0, 0, 0);
  EXPECT_EQ(levels, line.size());
  kfuncs::code::object_release(root, 0, 0, 0, 0);
  kfuncs::code::object_release(own, 0, 0, 0, 0);
}

TEST_F(Objects, IteratorsOverThreadsAndAreas) {
  Running run(program);
  u64 iterator[3] = {};
  const u64 it = reinterpret_cast<u64>(iterator), task = helpers::code::get_current_task(0, 0, 0, 0, 0);
  ASSERT_EQ(kfuncs::code::iter_task_new(it, task, 2, 0, 0), 0u);
  bool found = false;
  while (const u64 t = kfuncs::code::object_iter_next(it, 0, 0, 0, 0)) found |= t == task;
  kfuncs::code::object_iter_destroy(it, 0, 0, 0, 0);
  EXPECT_TRUE(found);
  EXPECT_EQ(kfuncs::code::iter_task_new(it, 0, 2, 0, 0), static_cast<u64>(s64{-EINVAL}));
  kfuncs::code::object_iter_destroy(it, 0, 0, 0, 0);
  ASSERT_EQ(kfuncs::code::iter_task_vma_new(it, task, 0, 0, 0), 0u);
  auto layout = host::KernelStruct::make(*vmlinux(), "vm_area_struct");
  ASSERT_TRUE(layout.ok());
  const u64 here = reinterpret_cast<u64>(&iterator);
  found = false;
  u64 last = 0;
  while (const u64 area = kfuncs::code::iter_task_vma_next(it, 0, 0, 0, 0)) {
    const u64 start = field<u64>(area, *layout, "vm_start"), end = field<u64>(area, *layout, "vm_end");
    EXPECT_GE(start, last);
    last = end;
    found |= start <= here && here < end;
  }
  kfuncs::code::iter_task_vma_destroy(it, 0, 0, 0, 0);
  EXPECT_TRUE(found);
}

perf_event_attr output_attributes() {
  perf_event_attr a{};
  a.size = sizeof a;
  a.type = PERF_TYPE_SOFTWARE;
  a.config = PERF_COUNT_SW_BPF_OUTPUT;
  a.sample_type = PERF_SAMPLE_RAW;
  a.wakeup_events = 1;
  return a;
}

TEST(PerfEvents, RecordsWrapAndAreCountedWhenLost) {
  auto made = maps::PerfEvent::open(output_attributes(), -1, 0);
  ASSERT_TRUE(made.ok());
  maps::PerfEvent& e = **made;
  u8 bytes[100] = {1};
  EXPECT_EQ(e.output(0, bytes), -ENOSPC);  // not mapped
  EXPECT_FALSE(e.map_memory(nullptr, 4 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, 0).ok());
  auto mapped = e.map_memory(nullptr, 2 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
  ASSERT_TRUE(mapped.ok());
  auto* control = static_cast<perf_event_mmap_page*>(*mapped);
  const u8* data = static_cast<const u8*>(*mapped) + 4096;
  EXPECT_EQ(e.output(1, bytes), -EOPNOTSUPP);  // another CPU's
  u32 seen = 0, told = 0, lost = 0;
  for (u32 round = 0; round < 50; round++) {
    for (u32 i = 0; i < 30 + round; i++) {
      std::memcpy(bytes, &i, sizeof i);
      lost += e.output(0, std::span<const u8>(bytes, 10 + round % 60)) == -ENOSPC;
    }
    for (u64 at = control->data_tail; at < control->data_head;) {
      perf_event_header h;
      for (u32 i = 0; i < sizeof h; i++) reinterpret_cast<u8*>(&h)[i] = data[(at + i) % 4096];
      ASSERT_GE(h.size, sizeof h);
      if (h.type == PERF_RECORD_SAMPLE) seen++;
      if (h.type == PERF_RECORD_LOST) {
        u64 n;
        for (u32 i = 0; i < 8; i++) reinterpret_cast<u8*>(&n)[i] = data[(at + 16 + i) % 4096];
        told += static_cast<u32>(n);
      }
      at += h.size;
      control->data_tail = at;
    }
  }
  EXPECT_GT(lost, 0u);
  EXPECT_EQ(e.output(0, bytes), 0);  // carries the last loss
  u32 sent = 0;
  for (u32 round = 0; round < 50; round++) sent += 30 + round;
  EXPECT_EQ(seen + lost, sent);
  EXPECT_LE(told, lost);
  // A reader that lies about its position stops the writer and harms nobody.
  control->data_tail = ~u64{0} / 2;
  EXPECT_EQ(e.output(0, bytes), -ENOSPC);
  EXPECT_EQ(e.control(PERF_EVENT_IOC_DISABLE, nullptr), 0);
  EXPECT_EQ(e.output(0, bytes), -EOPNOTSUPP);
  munmap(*mapped, 2 * 4096);
}

TEST(PerfEvents, OnlyOutputEventsAreOurs) {
  perf_event_attr a = output_attributes();
  a.config = PERF_COUNT_SW_CPU_CLOCK;
  EXPECT_FALSE(maps::PerfEvent::open(a, -1, 0).ok());
  EXPECT_FALSE(maps::PerfEvent::open(output_attributes(), -1, -1).ok());
  EXPECT_EQ(maps::PerfEvent::open(output_attributes(), -1, 100000).error().code, ENODEV);
}

TEST(SynCookies, AreAcceptedOnceTheyComeBack) {
  for (const bool v6 : {false, true}) {
    u8 ip[40], tcp[24] = {};
    for (u32 i = 0; i < sizeof ip; i++) ip[i] = static_cast<u8>(i * 7);
    tcp[0] = 12, tcp[2] = 80;
    tcp[7] = 99;       // sequence
    tcp[12] = 6 << 4;  // 24 bytes
    const u8 option[] = {2, 4, 1460 >> 8, 1460 & 0xff};
    std::memcpy(tcp + 20, option, sizeof option);
    const u64 at = reinterpret_cast<u64>(ip), header = reinterpret_cast<u64>(tcp);
    namespace c = helpers::code;
    const u64 made = v6 ? c::raw_gen_syncookie_ipv6(at, header, 24, 0, 0)
                        : c::raw_gen_syncookie_ipv4(at, header, 24, 0, 0);
    EXPECT_EQ(made >> 32, v6 ? 1440u : 1460u);
    const u32 acknowledged = __builtin_bswap32(static_cast<u32>(made) + 1);
    const u32 sequence = __builtin_bswap32(100);
    std::memcpy(tcp + 4, &sequence, 4);
    std::memcpy(tcp + 8, &acknowledged, 4);
    const auto check = [&] {
      return v6 ? c::raw_check_syncookie_ipv6(at, header, 0, 0, 0)
                : c::raw_check_syncookie_ipv4(at, header, 0, 0, 0);
    };
    EXPECT_EQ(check(), 0u);
    tcp[8] ^= 0x10;  // another minute
    EXPECT_EQ(check(), static_cast<u64>(s64{-EACCES}));
    tcp[8] ^= 0x10;
    ip[14] ^= 1;  // another address
    EXPECT_EQ(check(), static_cast<u64>(s64{-EACCES}));
    EXPECT_EQ(c::raw_gen_syncookie_ipv4(at, header, 23, 0, 0), static_cast<u64>(s64{-EINVAL}));
  }
}

TEST(Permissions, NothingReachesTheProcessUnasked) {
  namespace c = helpers::code;
  u64 word = 1;
  const u64 nine = 9;
  EXPECT_EQ(c::send_signal(SIGUSR1, 0, 0, 0, 0), static_cast<u64>(s64{-EPERM}));
  EXPECT_EQ(c::probe_write_user(reinterpret_cast<u64>(&word), reinterpret_cast<u64>(&nine), 8, 0, 0),
            static_cast<u64>(s64{-EPERM}));
  EXPECT_FALSE(host::permit_list("signal,fly"));
  EXPECT_TRUE(host::permit_list("signal,write-user"));
  static volatile sig_atomic_t got = 0;
  signal(SIGUSR1, [](int) { got = got + 1; });
  EXPECT_EQ(c::send_signal_thread(SIGUSR1, 0, 0, 0, 0), 0u);
  EXPECT_EQ(got, 1);
  EXPECT_EQ(c::send_signal(65, 0, 0, 0, 0), static_cast<u64>(s64{-EINVAL}));
  EXPECT_EQ(c::probe_write_user(reinterpret_cast<u64>(&word), reinterpret_cast<u64>(&nine), 8, 0, 0), 0u);
  EXPECT_EQ(word, 9u);
  EXPECT_EQ(c::probe_write_user(16, reinterpret_cast<u64>(&nine), 8, 0, 0), static_cast<u64>(s64{-EFAULT}));
  host::permit(host::Permission::kSignals, false);
  host::permit(host::Permission::kWriteUser, false);
}

// FIPS 197, appendix B, and SP 800-38A's chaining.
TEST_F(Objects, CiphersAreAes) {
  Running run(program);
  struct {
    char type[14] = "skcipher";
    u8 reserved[2] = {};
    char algo[128] = "cbc(aes)";
    u8 key[256] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                   0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
    u32 key_len = 16, authsize = 0;
  } params;
  s32 error = 0;
  namespace k = kfuncs::code;
  const auto create = [&] {
    return k::crypto_ctx_create(reinterpret_cast<u64>(&params), sizeof params, reinterpret_cast<u64>(&error),
                                0, 0);
  };
  const u64 cbc = create();
  if (!cbc && error == -EOPNOTSUPP) GTEST_SKIP() << "no libcrypto, or kernel types without ciphers";
  ASSERT_TRUE(cbc) << error;
  u8 plain[32] = {0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96, 0xe9, 0x3d, 0x7e,
                  0x11, 0x73, 0x93, 0x17, 0x2a, 0xae, 0x2d, 0x8a, 0x57, 0x1e, 0x03,
                  0xac, 0x9c, 0x9e, 0xb7, 0x6f, 0xac, 0x45, 0xaf, 0x8e, 0x51};
  const u8 want[4] = {0x76, 0x49, 0xab, 0xac};
  u8 iv[16], secret[32] = {}, back[32] = {};
  const auto pointer = [](u8* p, u32 n) {
    return helpers::code::Dynptr{reinterpret_cast<u64>(p), n | helpers::code::kLocal << 28, 0};
  };
  auto in = pointer(plain, 32), out = pointer(secret, 32), again = pointer(back, 32), state = pointer(iv, 16);
  for (u32 i = 0; i < 16; i++) iv[i] = static_cast<u8>(i);
  const auto p = [](helpers::code::Dynptr& d) { return reinterpret_cast<u64>(&d); };
  EXPECT_EQ(k::crypto_encrypt(cbc, p(in), p(out), p(state), 0), 0u);
  EXPECT_EQ(std::memcmp(secret, want, sizeof want), 0);
  EXPECT_EQ(std::memcmp(iv, secret + 16, 16), 0);
  for (u32 i = 0; i < 16; i++) iv[i] = static_cast<u8>(i);
  EXPECT_EQ(k::crypto_decrypt(cbc, p(out), p(again), p(state), 0), 0u);
  EXPECT_EQ(std::memcmp(plain, back, 32), 0);
  EXPECT_EQ(k::crypto_encrypt(cbc, p(in), p(out), 0, 0), static_cast<u64>(s64{-EINVAL}));
  k::object_release(cbc, 0, 0, 0, 0);
  params.key_len = 17;
  EXPECT_FALSE(create());
  EXPECT_EQ(error, -EINVAL);
  params.key_len = 16;
  std::strcpy(params.algo, "rot13");
  EXPECT_FALSE(create());
  EXPECT_EQ(error, -EOPNOTSUPP);
}

}  // namespace
}  // namespace osmia
