// The tracepoints of system calls as tracefs and perf_event_open(2) have them: a name "category/event", and a
// number. Only these are a process's own; numbers are made up here, far above the machine's.
#pragma once
#include <string>
#include <string_view>

#include "base/types.h"

namespace osmia::syscall {

// Of "syscalls/sys_enter_read", "raw_syscalls/sys_exit" …; 0: not one of these.
u32 tracepoint_event(std::string_view name);
// The other way; empty: no such number.
std::string tracepoint_event_name(u32 id);
// "read", or empty for a number that is no system call known here.
std::string_view system_call_name(long number);

// attr: the caller's struct perf_event_attr. The number of one of these tracepoints, or 0.
u32 tracepoint_event_of(const void* attr);
// A descriptor that LINK_CREATE takes, or -errno.
long open_tracepoint_event(u32 id);

}  // namespace osmia::syscall
