// perf_event_open(2) for the one kind of event that BPF programs write to; every other kind is the machine's.
#pragma once
#include "base/types.h"

namespace osmia::syscall {

// attr: the caller's struct perf_event_attr (any pointer is safe).
bool is_bpf_output_event(const void* attr);
// A descriptor (in the table), or -errno.
long open_perf_event(const void* attr, int pid, int cpu, int group_fd, unsigned long flags);

}  // namespace osmia::syscall
