// Helpers on maps that every program type has: look-up, update, delete, queues, tail calls.
// Facts of Linux 6.12's helpers as data; a row is one prototype for the program types that are granted its
// tag.
#include "helpers/code.h"
#include "helpers/helper.h"
#include "helpers/vocabulary.h"

namespace osmia::helpers {
using namespace vocabulary;
namespace {
const HelperEntry kEntries[] = {
    {{.id = 1,
      .name = "bpf_map_lookup_elem",
      .args = {map, key},
      .ret = {RetKind::kMapValue, kMaybeNull},
      .effects = kMapLookup | kPacketArgs,
      .tag = "core"},
     code::map_lookup_elem},
    {{.id = 2,
      .name = "bpf_map_update_elem",
      .args = {map, key, value, any},
      .effects = kMapStore | kMapUpdate | kPacketArgs,
      .tag = "core"},
     code::map_update_elem},
    {{.id = 3,
      .name = "bpf_map_delete_elem",
      .args = {map, key},
      .effects = kMapStore | kMapDelete | kPacketArgs,
      .tag = "core"},
     code::map_delete_elem},
    {{.id = 87,
      .name = "bpf_map_push_elem",
      .args = {map, value, any},
      .effects = kMapStore | kMapPushPop | kPacketArgs,
      .tag = "core",
      .map_types = map_types(MapType::kQueue, MapType::kStack, MapType::kBloomFilter)},
     code::map_push_elem},
    {{.id = 88,
      .name = "bpf_map_pop_elem",
      .args = {map, with(value, kUninit | kWrite)},
      .effects = kMapStore | kMapPushPop,
      .tag = "core",
      .map_types = map_types(MapType::kQueue, MapType::kStack)},
     code::map_pop_elem},
    {{.id = 89,
      .name = "bpf_map_peek_elem",
      .args = {map, with(value, kUninit | kWrite)},
      .effects = kMapPushPop | kMapPeek,
      .tag = "core",
      .map_types = map_types(MapType::kQueue, MapType::kStack, MapType::kBloomFilter)},
     code::map_peek_elem},
    {{.id = 12,
      .name = "bpf_tail_call",
      .args = {ctx, map, any},
      .ret = {RetKind::kVoid},
      .effects = kChangesPacketData | kTailCall,
      .tag = "core",
      .map_types = map_types(MapType::kProgArray)}},
    {{.id = 7, .name = "bpf_get_prandom_u32", .tag = "core"}, code::get_prandom_u32},
    {{.id = 5, .name = "bpf_ktime_get_ns", .tag = "core"}, code::ktime_get_ns},
    {{.id = 125, .name = "bpf_ktime_get_boot_ns", .tag = "core"}, code::ktime_get_boot_ns},
    {{.id = 195,
      .name = "bpf_map_lookup_percpu_elem",
      .args = {map, key, any},
      .ret = {RetKind::kMapValue, kMaybeNull},
      .effects = kMapLookup | kPacketArgs,
      .tag = "base",
      .map_types = map_types(MapType::kPercpuArray, MapType::kPercpuHash, MapType::kLruPercpuHash)},
     code::map_lookup_percpu_elem},
};
}  // namespace

std::span<const HelperEntry> def_map() {
  return kEntries;
}

}  // namespace osmia::helpers
