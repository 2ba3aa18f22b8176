// Reading and writing the caller's memory. The pointers come out of bpf(2)'s attributes and may be anything:
// a bad one is EFAULT, never a crash, because the machine's kernel does the copying and checks it.
#pragma once
#include <string>
#include <vector>

#include "base/types.h"

namespace osmia::syscall {

// 0 or -EFAULT. n = 0 is always fine.
int copy_from_user(void* to, u64 from, u64 n);
int copy_to_user(u64 to, const void* from, u64 n);
template <class T>
int put_user(u64 to, const T& v) {
  return copy_to_user(to, &v, sizeof v);
}

// For threads that work for another process: user pointers are that process's from now on; 0: our own again.
void set_user_process(int pid);
int user_process();

// Where user memory lies: what reaches outside [begin, end) is EFAULT from now on, for the whole process and
// every thread. Without a call it is the whole address space, and the caller's pointers reach whatever the
// process can.
void restrict_user_memory(u64 begin, u64 end);

// A NUL-terminated string of at most max-1 bytes (cut there, as strncpy_from_user). Length, or -EFAULT.
long string_from_user(std::string& to, u64 from, u64 max);

// bpf_check_uarg_tail_zero: 0; -E2BIG if actual is above a page or bytes [expected, actual) are not all zero;
// -EFAULT.
int check_tail_zero(u64 from, u64 expected, u64 actual);

}  // namespace osmia::syscall
