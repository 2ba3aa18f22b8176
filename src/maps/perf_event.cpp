// The control page may be written by the reader: only data_tail is believed, and only as far as it makes
// sense.
#include "maps/perf_event.h"

#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <vector>

#include "base/bits.h"
#include "host/run_context.h"
#include "host/task.h"

namespace osmia::maps {
namespace {

constexpr u64 kPage = 4096;
constexpr u64 kSampleParts = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME |
                             PERF_SAMPLE_ADDR | PERF_SAMPLE_ID | PERF_SAMPLE_STREAM_ID | PERF_SAMPLE_CPU |
                             PERF_SAMPLE_PERIOD | PERF_SAMPLE_RAW;
constexpr size_t kMaxRecord = 0xfff8;  // bytes: the header counts them in 16 bits

std::atomic<u64> g_ids{0};

u64 now_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<u64>(t.tv_sec) * 1000000000u + static_cast<u64>(t.tv_nsec);
}

// A record as it grows.
struct Record {
  std::vector<u8> bytes = std::vector<u8>(sizeof(perf_event_header));
  template <class T>
  void add(T v) {
    const auto* p = reinterpret_cast<const u8*>(&v);
    bytes.insert(bytes.end(), p, p + sizeof v);
  }
  void finish(u32 type, u16 misc) {
    perf_event_header h{};
    h.type = type;
    h.misc = misc;
    h.size = static_cast<u16>(bytes.size());
    std::memcpy(bytes.data(), &h, sizeof h);
  }
};

}  // namespace

PerfEvent::PerfEvent(const perf_event_attr& attr, int cpu)
    : attr_(attr), cpu_(cpu), id_(g_ids.fetch_add(1) + 1), on_(!attr.disabled) {}

PerfEvent::~PerfEvent() {
  if (event_fd_ >= 0) close(event_fd_);
}

Result<std::shared_ptr<PerfEvent>> PerfEvent::open(const perf_event_attr& attr, int pid, int cpu) {
  if (!is_bpf_output(attr)) return Error{EOPNOTSUPP, "not supported yet: perf events other than BPF output"};
  if (pid == -1 && cpu == -1) return Error{EINVAL, "perf_event_open: expected a process or a CPU"};
  if (cpu >= 0 && static_cast<u32>(cpu) >= host::nr_cpus())
    return Error{ENODEV, "perf_event_open: no CPU " + std::to_string(cpu)};
  if (attr.sample_type & ~kSampleParts || attr.write_backward || attr.inherit)
    return Error{EOPNOTSUPP, "not supported yet: perf_event_open with this sample_type or these flags"};
  std::shared_ptr<PerfEvent> event(new PerfEvent(attr, cpu));
  event->event_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event->event_fd_ < 0) return Error{errno, "eventfd"};
  return event;
}

Result<void*> PerfEvent::map_memory(void* addr, u64 len, int prot, int flags, s64 off) {
  const u64 pages = len / kPage;
  if (off || len % kPage || pages < 2 || ((pages - 1) & (pages - 2)) || !(flags & MAP_SHARED))
    return Error{EINVAL, "a perf buffer is mapped shared: one page and a power of two of pages"};
  std::lock_guard lock(mutex_);
  if (control_ && mask_ + 1 + kPage != len) return Error{EINVAL, "this perf buffer has another size"};
  if (!control_) {
    OSMIA_ASSIGN(memory_, Region::make(len, true));
    control_ = reinterpret_cast<perf_event_mmap_page*>(memory_.data());
    data_ = memory_.data() + kPage;
    mask_ = len - kPage - 1;
    overwrite_ = !(prot & PROT_WRITE);
    control_->data_offset = kPage;
    control_->data_size = mask_ + 1;
    control_->size = offsetof(perf_event_mmap_page, __reserved);
  }
  void* p = mmap(addr, len, prot, flags, memory_.fd(), 0);
  if (p == MAP_FAILED) return Error{errno, "mmap"};
  return p;
}

bool PerfEvent::write_record(const void* record, u64 bytes) {
  const u64 tail = __atomic_load_n(&control_->data_tail, __ATOMIC_ACQUIRE);
  const u64 used = head_ - tail, size = mask_ + 1;
  if (!overwrite_ && (used > size || bytes > size - used)) return false;
  if (bytes > size) return false;
  const u64 at = head_ & mask_, first = std::min(bytes, size - at);
  std::memcpy(data_ + at, record, first);
  std::memcpy(data_, static_cast<const u8*>(record) + first, bytes - first);
  head_ += bytes;
  return true;
}

void PerfEvent::wake(u64 before) {
  const u64 watermark = attr_.watermark && attr_.wakeup_watermark
                            ? std::min<u64>(attr_.wakeup_watermark, mask_ + 1)
                            : (mask_ + 1) / 2;
  bool now = before / watermark != head_ / watermark;
  if (!attr_.watermark && attr_.wakeup_events && ++since_wake_ >= attr_.wakeup_events) {
    since_wake_ = 0;
    now = true;
  }
  if (!now) return;
  const u64 one = 1;
  [[maybe_unused]] const auto n = write(event_fd_, &one, sizeof one);  // a full counter is readable already
}

s64 PerfEvent::output(u32 cpu, std::span<const u8> bytes) {
  if (!enabled() || (cpu_ >= 0 && static_cast<u32>(cpu_) != cpu)) return -EOPNOTSUPP;
  Record r;
  const u64 what = attr_.sample_type;
  if (what & PERF_SAMPLE_IDENTIFIER) r.add(id_);
  if (what & PERF_SAMPLE_IP) r.add(u64{0});
  if (what & PERF_SAMPLE_TID) r.add(host::own_tgid()), r.add(host::own_tid());
  if (what & PERF_SAMPLE_TIME) r.add(now_ns());
  if (what & PERF_SAMPLE_ADDR) r.add(u64{0});
  if (what & PERF_SAMPLE_ID) r.add(id_);
  if (what & PERF_SAMPLE_STREAM_ID) r.add(id_);
  if (what & PERF_SAMPLE_CPU) r.add(cpu), r.add(u32{0});
  if (what & PERF_SAMPLE_PERIOD) r.add(u64{1});
  if (what & PERF_SAMPLE_RAW) {
    const u32 raw = static_cast<u32>(align_up(bytes.size() + sizeof(u32), 8) - sizeof(u32));
    r.add(raw);
    r.bytes.insert(r.bytes.end(), bytes.begin(), bytes.end());
    r.bytes.resize(r.bytes.size() + raw - bytes.size());
  }
  if (r.bytes.size() > kMaxRecord) return -E2BIG;
  r.finish(PERF_RECORD_SAMPLE, 0);
  std::lock_guard lock(mutex_);
  if (!control_ || paused_) return -ENOSPC;
  const u64 before = head_;
  if (lost_) {
    Record told;
    told.add(id_);
    told.add(lost_);
    told.finish(PERF_RECORD_LOST, 0);
    told.bytes.reserve(told.bytes.size() + r.bytes.size());
    told.bytes.insert(told.bytes.end(), r.bytes.begin(), r.bytes.end());  // both or none
    r = std::move(told);
  }
  if (!write_record(r.bytes.data(), r.bytes.size())) {
    lost_++;
    return -ENOSPC;
  }
  lost_ = 0;
  __atomic_store_n(&control_->data_head, head_, __ATOMIC_RELEASE);
  wake(before);
  return 0;
}

int PerfEvent::control(unsigned long request, void* argument) {
  switch (request) {
    case PERF_EVENT_IOC_ENABLE: on_ = true; return 0;
    case PERF_EVENT_IOC_DISABLE: on_ = false; return 0;
    case PERF_EVENT_IOC_RESET: return 0;
    case PERF_EVENT_IOC_ID:
      if (!argument) return -EFAULT;
      std::memcpy(argument, &id_, sizeof id_);
      return 0;
    case PERF_EVENT_IOC_PAUSE_OUTPUT: {
      std::lock_guard lock(mutex_);
      if (!control_) return -EINVAL;
      paused_ = argument != nullptr;
      return 0;
    }
    default: return -EOPNOTSUPP;
  }
}

}  // namespace osmia::maps
