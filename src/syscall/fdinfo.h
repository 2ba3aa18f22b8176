// /proc/self/fdinfo of BPF objects: what Linux writes there, for tools that read it (bpftool's memlock).
#pragma once
#include <string>

#include "maps/map.h"
#include "runtime/program.h"

namespace osmia::syscall {

// The whole text; empty if the descriptor is none of ours.
std::string fdinfo_text(int fd);
// What /proc/self/fd/N links to, "anon_inode:bpf-map"; empty if the descriptor is none of ours.
std::string fd_link(int fd);

// What Linux 6.12 accounts to a map or program, bytes: by its own structs' sizes, so that figures compare.
// Elements that exist are counted where Linux counts them.
u64 memlock(maps::Map& map);
u64 memlock(const runtime::Program& program);

}  // namespace osmia::syscall
