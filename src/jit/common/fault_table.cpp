// Images are published as one immutable sorted vector behind an atomic pointer. A handler announces itself in
// a counter; who replaces the vector waits until no handler is inside before freeing the old one.
#include "jit/common/fault_table.h"

#include <ucontext.h>
#include <cerrno>
#include <csignal>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <thread>

namespace osmia::jit {
namespace {

struct Range {
  u64 start = 0, end = 0;
  std::shared_ptr<const std::vector<Fault>> faults;  // by `at`
  const contract::ArenaSpace* arena = nullptr;
};
using Ranges = std::vector<Range>;

std::mutex g_mutex;
std::atomic<const Ranges*> g_ranges{nullptr};
std::atomic<u32> g_inside{0};
struct sigaction g_before[2];

struct Found {
  u64 resume = 0;
  const contract::ArenaSpace* arena = nullptr;
};

Found find(const Ranges* ranges, u64 ip) {
  if (!ranges) return {};
  auto r =
      std::upper_bound(ranges->begin(), ranges->end(), ip, [](u64 a, const Range& b) { return a < b.start; });
  if (r == ranges->begin()) return {};
  --r;
  if (ip >= r->end) return {};
  const auto& f = *r->faults;
  const u32 at = static_cast<u32>(ip - r->start);
  const auto it = std::lower_bound(f.begin(), f.end(), at, [](const Fault& a, u32 b) { return a.at < b; });
  if (it == f.end() || it->at != at) return {};
  return {r->start + it->resume, it->arena ? r->arena : nullptr};
}

// Has user space touched the arena's page since we last looked? Then it can be touched now.
bool page_came(const contract::ArenaSpace& arena, const void* address) {
  const u64 at =
      reinterpret_cast<u64>(address) - reinterpret_cast<u64>(arena.base) - static_cast<u32>(arena.user_start);
  if (at >= arena.user_end - arena.user_start) return false;
  const int before = errno;
  const bool came = arena.find_page(arena, at / contract::kArenaPage);
  errno = before;
  return came;
}

void on_fault(int signal, siginfo_t* info, void* context) {
  auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
  auto& ip = registers.gregs[REG_RIP];
#elif defined(__aarch64__)
  auto& ip = registers.pc;
#endif
  g_inside.fetch_add(1);
  const Found found = find(g_ranges.load(), static_cast<u64>(ip));
  g_inside.fetch_sub(1);
  if (found.resume) {
    if (signal == SIGSEGV && found.arena && page_came(*found.arena, info->si_addr)) return;
    ip = static_cast<std::remove_reference_t<decltype(ip)>>(found.resume);
    return;
  }
  const struct sigaction& before = g_before[signal == SIGBUS];
  if (before.sa_flags & SA_SIGINFO) {
    before.sa_sigaction(signal, info, context);
  } else if (before.sa_handler == SIG_IGN || before.sa_handler == SIG_DFL) {
    ::signal(signal, SIG_DFL);  // the instruction faults again, and the process ends as it should
  } else {
    before.sa_handler(signal);
  }
}

void install_handlers() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigaction(SIGSEGV, &action, &g_before[0]);
    sigaction(SIGBUS, &action, &g_before[1]);
  });
}

void publish(std::unique_ptr<const Ranges> next) {  // g_mutex is held
  std::unique_ptr<const Ranges> old(g_ranges.exchange(next.release()));
  while (g_inside.load()) std::this_thread::yield();
}

}  // namespace

void register_faults(const void* code, size_t size, std::vector<Fault> faults,
                     const contract::ArenaSpace* arena) {
  if (faults.empty()) return;
  install_handlers();
  std::sort(faults.begin(), faults.end(), [](const Fault& a, const Fault& b) { return a.at < b.at; });
  const u64 start = reinterpret_cast<u64>(code);
  const std::lock_guard lock(g_mutex);
  auto next = g_ranges.load() ? std::make_unique<Ranges>(*g_ranges.load()) : std::make_unique<Ranges>();
  const auto at =
      std::upper_bound(next->begin(), next->end(), start, [](u64 a, const Range& b) { return a < b.start; });
  next->insert(at,
               {start, start + size, std::make_shared<const std::vector<Fault>>(std::move(faults)), arena});
  publish(std::move(next));
}

void forget_faults(const void* code) {
  const u64 start = reinterpret_cast<u64>(code);
  const std::lock_guard lock(g_mutex);
  if (!g_ranges.load()) return;
  auto next = std::make_unique<Ranges>(*g_ranges.load());
  std::erase_if(*next, [&](const Range& r) { return r.start == start; });
  publish(std::move(next));
}

u64 resume_address(u64 ip) {
  const std::lock_guard lock(g_mutex);
  return find(g_ranges.load(), ip).resume;
}

}  // namespace osmia::jit
