// Which Kernel libbpf talks to. libbpf's calls into libc (syscall, close, mmap …) are renamed at build time
// to osmia_rebound_*; those functions live here. bpf(2) goes to the bound Kernel, everything else to the
// machine's.
#pragma once
#include "runtime/kernel.h"

namespace osmia::loader {

// Binds the calling thread's libbpf calls to a Kernel while it lives. Nested bindings restore the outer one.
class Binding {
 public:
  explicit Binding(runtime::Kernel& kernel);
  ~Binding();
  Binding(const Binding&) = delete;
  Binding& operator=(const Binding&) = delete;

 private:
  runtime::Kernel* saved_;
};

// The Kernel of threads without a Binding (null at first: bpf(2) answers ENOSYS).
void set_default_kernel(runtime::Kernel* kernel);

}  // namespace osmia::loader
