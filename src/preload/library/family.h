// A process and those that it forks share one Kernel, as processes share Linux's: the one that made it keeps
// it, and what its children ask of bpf(2) goes to it through a socket that each of them got at its fork. One
// thread serves one child: its descriptors are a table of their own, its memory is read and written where it
// is (process_vm_readv). When the first process ends, its children's bpf(2) answers -ENODEV.
#pragma once
#include "base/types.h"

namespace osmia::preload {

// This process has made the Kernel: forks are looked after from now on.
void found_family();

// In a child: bpf(2), there. False: this process has (or will have) the Kernel itself.
bool in_child();
s64 bpf_of_child(int cmd, void* attr, unsigned size);  // -errno

}  // namespace osmia::preload
