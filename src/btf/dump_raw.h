// BTF as bpftool's raw listing (`bpftool btf dump file F format raw`), to the letter: one "[id] KIND 'name'
// …" a type, its members indented. bpftool itself is the reference; the tests compare with it.
#pragma once
#include <string>

#include "btf/btf.h"

namespace osmia::btf {

// One type, with its trailing lines, without the final newline.
std::string dump_raw_type(const Btf& btf, u32 id);
// All types of this BTF itself (not of its base), each followed by a newline.
std::string dump_raw(const Btf& btf);

}  // namespace osmia::btf
