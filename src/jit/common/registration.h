// Names for generated code, on request: /tmp/perf-PID.map for `perf`, and the GDB JIT interface. Asked for by
// the environment's OSMIA_JIT_PERF and OSMIA_JIT_GDB (any value but 0).
#pragma once
#include <memory>
#include <span>
#include <string>

#include "jit/common/unwind.h"

namespace osmia::jit {

struct NamedCode {
  std::string name;  // "bpf_prog_xdp_filter"
  u32 offset = 0, size = 0;
};

// Did anybody ask?
bool registration_wanted();

// Makes code known for as long as the object lives (a perf map cannot forget). Null if nobody asked.
class Registration;
std::shared_ptr<Registration> register_code(const void* code, size_t size, std::span<const NamedCode> names,
                                            const Unwind& unwind);

}  // namespace osmia::jit
