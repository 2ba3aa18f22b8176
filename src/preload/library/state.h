// What the preloaded library holds in its host process: one Kernel, made at the first bpf(2), and libc's own
// functions behind the ones it takes over.
#pragma once
#include "runtime/kernel.h"

namespace osmia::preload {

// The process's Kernel; null if it could not be made (then bpf(2) answers ENOSYS, with a line on standard
// error).
runtime::Kernel* kernel();
// Was it made? Only a process that uses bpf(2) sees other symbols, and pins, than the machine's.
bool kernel_in_use();

// Threads that work for another process: commands are its, with these rights. Null: our own again.
void set_caller(const runtime::Cred* cred);
runtime::Cred own_rights();

// libc's function of this name, for a wrapper that has the same name.
void* next_symbol(const char* name);
template <class Fn>
Fn next(const char* name) {
  return reinterpret_cast<Fn>(next_symbol(name));
}

// The file that stands for `path`: the path itself, $OSMIA_BTF for the kernel's BTF, or null with *content
// set for a file whose text is made up (the sysctls that tools ask).
const char* redirect(const char* path, const char** content);
int open_content(const char* content, int flags);  // a descriptor that reads this text

// Paths in this process's BPF file system (pins.cpp): the others are the machine's. errno as open(2) and
// access(2) set it.
bool is_pin_path(const char* path);
int open_pin(const char* path, int flags);
int access_pin(const char* path);

}  // namespace osmia::preload
