// bpf(2) inside the process: the same command numbers, attributes and errnos as Linux 6.12. Source: uapi
// linux/bpf.h.
#pragma once
#include "runtime/kernel.h"

namespace osmia::syscall {

// attr: the caller's memory (any pointer is safe), size: its bytes as the caller says. Gives what the system
// call would return, errors as -errno.
long bpf(runtime::Kernel& kernel, int cmd, void* attr, unsigned size);

// Why the calling thread's last bpf() failed, one line for people; empty if the errno says it all.
const std::string& last_error();

}  // namespace osmia::syscall
