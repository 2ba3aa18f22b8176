// Which bytes of the kernel's struct bpf_map a live map has, and where.
#pragma once
#include "btf/btf.h"
#include "rewrite/rewrite.h"

namespace osmia::runtime {

// For rewrite::Options::map_field. vmlinux may be null: nothing is known then.
rewrite::MapField map_field(const btf::Btf* vmlinux, u32 offset, u32 size);

}  // namespace osmia::runtime
