// A software perf event for BPF's output (PERF_COUNT_SW_BPF_OUTPUT): what user space opens for each CPU, maps
// and waits on, and what bpf_perf_event_output writes records to. The pages are those of perf_event_open(2):
// a control page with data_head and data_tail, and behind it the data. Invariant: a record is published
// (data_head) only when it is whole, and never over bytes that the reader has not freed, unless the reader
// mapped the buffer read-only (then old records are overwritten).
#pragma once
#include <linux/perf_event.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <span>

#include "base/result.h"
#include "maps/region.h"

namespace osmia::maps {

class PerfEvent {
 public:
  // As perf_event_open(): errors EINVAL, ENODEV (no such CPU), EOPNOTSUPP (an attribute that is not here).
  static Result<std::shared_ptr<PerfEvent>> open(const perf_event_attr& attr, int pid, int cpu);
  // Is this what open() is for?
  static bool is_bpf_output(const perf_event_attr& attr) {
    return attr.type == PERF_TYPE_SOFTWARE && attr.config == PERF_COUNT_SW_BPF_OUTPUT;
  }
  ~PerfEvent();
  PerfEvent(const PerfEvent&) = delete;
  PerfEvent& operator=(const PerfEvent&) = delete;

  // One sample with these bytes, from a program on this CPU. -EOPNOTSUPP: the event is off or another CPU's;
  // -ENOSPC: not mapped, or full (counted, and told by a PERF_RECORD_LOST later).
  s64 output(u32 cpu, std::span<const u8> bytes);

  Result<void*> map_memory(void* addr, u64 len, int prot, int flags, s64 off);
  int poll_fd() const { return event_fd_; }
  // ENABLE, DISABLE, RESET, ID and PAUSE_OUTPUT of ioctl(2); 0 or -errno.
  int control(unsigned long request, void* argument);
  bool enabled() const { return on_.load(std::memory_order_relaxed); }
  u64 id() const { return id_; }

 private:
  PerfEvent(const perf_event_attr& attr, int cpu);
  bool write_record(const void* record, u64 bytes);  // under mutex_; false: no room
  void wake(u64 before);

  const perf_event_attr attr_;
  const int cpu_;  // -1: any
  const u64 id_;
  int event_fd_ = -1;
  std::atomic<bool> on_;
  std::mutex mutex_;  // of all that follows
  Region memory_;
  perf_event_mmap_page* control_ = nullptr;
  u8* data_ = nullptr;
  u64 mask_ = 0;
  u64 head_ = 0, lost_ = 0, since_wake_ = 0;
  bool overwrite_ = false, paused_ = false;
};

}  // namespace osmia::maps
