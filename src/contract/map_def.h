// MapDef: what the verifier and the map commands must know of a map type, as data. What a map does lives in
// maps/.
#pragma once
#include <span>
#include <string_view>

#include "base/types.h"

namespace osmia::contract {

enum MapTrait : u64 {
  kMapDirectValue = 1ull << 0,  // element 0's address may be loaded (BPF_PSEUDO_MAP_VALUE)
  kMapIsArray = 1ull << 1,      // constant keys below max_entries always hit
  kMapHoldsMaps = 1ull << 2,    // values are maps
  kMapHoldsProgs = 1ull << 3,
  kMapSleepableOk = 1ull << 4,  // may be used by sleepable programs
  kMapPercpu = 1ull << 5,
  kMapNoTracing = 1ull << 6,  // refused for kprobe-like programs when it holds locks or timers
  kMapKeyless = 1ull << 7,    // queue, stack, bloom filter, ring buffer
  kMapIsArena = 1ull << 8,
  kMapIsStructOps = 1ull << 9,
  kMapValueIsSock = 1ull << 10,  // lookup returns a socket (sockmap, sockhash)
  kMapValueIsXdpSock = 1ull << 11,
  kMapReadOnlyValue = 1ull << 12,  // lookup gives read-only memory (devmap, cpumap)
  kMapCgroupStorage = 1ull << 13,  // at most one per program and kind
  kMapAllowsFields = 1ull << 14,   // may hold special fields; which, in MapDef::fields
  kMapPreallocCheck = 1ull << 15,
  kMapMutableUserKey = 1ull << 16,
  kMapRingbuf = 1ull << 17,
  kMapNoElemUpdateUnpriv = 1ull << 18,
};

struct MapDef {
  u32 type = 0;                      // BPF_MAP_TYPE_* value
  std::string_view name;             // "hash", as bpftool prints it
  std::string_view btf_struct = {};  // kernel struct behind a map pointer ("bpf_array"); empty = "bpf_map"
  u64 traits = 0;                    // MapTrait
  u32 fields = 0;                    // btf::FieldKind bits that its value may hold
  std::span<const u32> only_helpers = {};  // helper ids; empty = any helper that allows this type
  bool unprivileged = false;               // creatable without CAP_BPF
};

}  // namespace osmia::contract
