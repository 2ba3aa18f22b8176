// One lock for all timers: they are set thousands of times a second at most, and it makes the life of the
// objects behind the fields simple. It is taken inside buckets' locks and never around anything but itself.
#include "maps/async.h"

#include <linux/bpf.h>
#include <time.h>

#include <condition_variable>
#include <set>
#include <thread>

#include "base/bits.h"
#include "host/run_context.h"
#include "interp/interp.h"

namespace osmia::maps::async {
namespace {

struct Timer {
  std::weak_ptr<Map> map;
  Map* raw_map;
  u8* value;
  btf::FieldKind kind;
  clockid_t clock;
  u64 callback = 0;
  std::shared_ptr<const void> program;  // owns the callback
  u64 due = 0;                          // nanoseconds of CLOCK_MONOTONIC
  u64 order = 0;                        // among equally due ones
  bool armed = false, running = false, gone = false;
  u32 refs = 1;  // the field's, and the runner's while it runs
};

struct Earlier {
  bool operator()(const Timer* a, const Timer* b) const {
    return a->due != b->due ? a->due < b->due : a->order < b->order;
  }
};

u64 now(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<u64>(t.tv_sec) * 1000000000u + static_cast<u64>(t.tv_nsec);
}

class Service {
 public:
  static Service& instance() {
    static Service* s = new Service;  // never freed: its thread lives as long as the process
    return *s;
  }

  std::mutex mutex;
  std::condition_variable wake, finished;
  std::set<Timer*, Earlier> queue;
  std::vector<std::shared_ptr<const void>> garbage;  // programs to be let go outside of all locks
  u64 orders = 0;
  bool started = false;
  std::thread::id runner;

  // All under the mutex.
  static Timer* of(void* field) { return *static_cast<Timer**>(field); }
  void disarm(Timer& t) {
    if (t.armed) queue.erase(&t);
    t.armed = false;
  }
  void unref(Timer* t) {
    if (--t->refs) return;
    drop_program(*t);
    delete t;
  }
  void drop_program(Timer& t) {
    t.callback = 0;
    if (!t.program) return;
    garbage.push_back(std::move(t.program));
    t.program = nullptr;
    if (started) wake.notify_one();
  }
  void arm(Timer& t, u64 due) {
    disarm(t);
    t.due = due;
    t.order = ++orders;
    t.armed = true;
    queue.insert(&t);
    const bool first = *queue.begin() == &t;
    if (!started) {
      started = true;
      std::thread([this] { run(); }).detach();
    } else if (first) {
      wake.notify_one();
    }
  }

 private:
  void run() {
    std::unique_lock lock(mutex);
    runner = std::this_thread::get_id();
    for (;;) {
      if (!garbage.empty()) {
        auto dropped = std::move(garbage);
        garbage.clear();
        lock.unlock();
        dropped.clear();
        lock.lock();
      } else if (queue.empty()) {
        wake.wait(lock);
      } else if (const u64 due = (*queue.begin())->due, t = now(CLOCK_MONOTONIC); due > t) {
        wake.wait_for(lock, std::chrono::nanoseconds(std::min<u64>(due - t, 3600ull * 1000000000)));
      } else {
        // The virtual CPU first: whoever holds one may be waiting for a callback that runs.
        lock.unlock();
        {
          host::RunScope scope(nullptr);
          lock.lock();
          run_due(lock);
        }
      }
    }
  }
  void run_due(std::unique_lock<std::mutex>& lock) {
    if (queue.empty() || (*queue.begin())->due > now(CLOCK_MONOTONIC)) return;
    Timer& t = **queue.begin();
    disarm(t);
    MapPtr map = t.map.lock();
    std::shared_ptr<const void> program = t.program;
    const u64 callback = t.callback;
    if (!map || !program || !callback) return;
    t.running = true;
    t.refs++;
    u8* const value = t.value;
    lock.unlock();
    {
      host::run_context().program = program.get();
      u32 index = 0;
      u64 key = reinterpret_cast<u64>(value) - align_up(map->key_size(), 8);
      if (const auto& array = map->info().code.inline_lookup; array.kind == contract::LookupInline::kArray) {
        index = static_cast<u32>((reinterpret_cast<u64>(value) - array.base) / array.stride);
        key = reinterpret_cast<u64>(&index);
      }
      interp::invoke(callback, reinterpret_cast<u64>(map.get()), key, reinterpret_cast<u64>(value));
      host::run_context().program = nullptr;
    }
    lock.lock();
    t.running = false;
    finished.notify_all();
    garbage.push_back(std::move(program));
    garbage.push_back(std::move(map));
    unref(&t);
  }
};

// What a value let go of.
void release(Map&, const btf::Field&, void* field) {
  if (!__atomic_load_n(static_cast<u64*>(field), __ATOMIC_ACQUIRE)) return;
  Service& s = Service::instance();
  std::lock_guard lock(s.mutex);
  Timer* t = Service::of(field);
  if (!t) return;
  __atomic_store_n(static_cast<u64*>(field), u64{0}, __ATOMIC_RELEASE);
  s.disarm(*t);
  t->gone = true;
  s.drop_program(*t);
  s.unref(t);
}

void install() {
  static const bool once = [] {
    set_field_release(btf::kFieldTimer, release);
    set_field_release(btf::kFieldWorkqueue, release);
    return true;
  }();
  (void)once;
}

}  // namespace

s64 init(void* field, Map& map, btf::FieldKind kind, u64 flags) {
  constexpr u64 kMaxClocks = 16;
  const btf::FieldRecord* record = map.record();
  const int offset = !record ? -1 : kind == btf::kFieldTimer ? record->timer_off : record->wq_off;
  if (offset < 0) return -EINVAL;
  const auto clock = static_cast<clockid_t>(flags);
  if (kind == btf::kFieldTimer &&
      (flags >= kMaxClocks ||
       (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME && clock != CLOCK_BOOTTIME)))
    return -EINVAL;
  install();
  Service& s = Service::instance();
  std::lock_guard lock(s.mutex);
  if (Service::of(field)) return -EBUSY;
  auto* t = new Timer{map.weak_from_this(), &map, static_cast<u8*>(field) - offset, kind, clock};
  __atomic_store_n(static_cast<u64*>(field), reinterpret_cast<u64>(t), __ATOMIC_SEQ_CST);
  if (!map.held_by_user()) {
    __atomic_store_n(static_cast<u64*>(field), u64{0}, __ATOMIC_RELEASE);
    delete t;
    return -EPERM;
  }
  return 0;
}

s64 set_callback(void* field, u64 callback) {
  Service& s = Service::instance();
  std::lock_guard lock(s.mutex);
  Timer* t = Service::of(field);
  if (!t) return -EINVAL;
  if (!t->raw_map->held_by_user()) return -EPERM;
  auto program = reinterpret_cast<const rewrite::BpfCallback*>(callback)->life.lock();
  if (!program) return -ENOENT;
  if (program != t->program) {
    s.drop_program(*t);
    t->program = std::move(program);
  }
  t->callback = callback;
  return 0;
}

s64 start(void* field, u64 nanoseconds, u64 flags) {
  if (flags & ~u64{BPF_F_TIMER_ABS | BPF_F_TIMER_CPU_PIN}) return -EINVAL;
  Service& s = Service::instance();
  std::lock_guard lock(s.mutex);
  Timer* t = Service::of(field);
  if (!t || !t->program) return -EINVAL;
  const u64 base = now(CLOCK_MONOTONIC);
  u64 delay = nanoseconds;
  if (flags & BPF_F_TIMER_ABS) {
    const u64 there = now(t->kind == btf::kFieldTimer ? t->clock : CLOCK_MONOTONIC);
    delay = nanoseconds > there ? nanoseconds - there : 0;
  }
  s.arm(*t, delay > ~base ? ~u64{0} : base + delay);
  return 0;
}

s64 cancel(void* field) {
  Service& s = Service::instance();
  std::unique_lock lock(s.mutex);
  Timer* t = Service::of(field);
  if (!t) return -EINVAL;
  const bool from_callback = std::this_thread::get_id() == s.runner;
  if (t->running && from_callback) return -EDEADLK;
  const bool was = t->armed;
  s.disarm(*t);
  s.drop_program(*t);
  t->refs++;
  s.finished.wait(lock, [&] { return !t->running; });
  s.unref(t);
  return was;
}

}  // namespace osmia::maps::async
