// One row a map type, one column a helper.
#include "rewrite/linux_names.h"

#include <linux/bpf.h>

namespace osmia::rewrite {
namespace {

struct Row {
  u32 type;
  std::string_view lookup = {}, update = {}, erase = {}, push = {}, pop = {}, peek = {}, redirect = {},
                   for_each = {}, lookup_percpu = {};
};
constexpr Row kRows[] = {
    {.type = BPF_MAP_TYPE_HASH,
     .lookup = "__htab_map_lookup_elem",
     .update = "htab_map_update_elem",
     .erase = "htab_map_delete_elem",
     .for_each = "bpf_for_each_hash_elem"},
    {.type = BPF_MAP_TYPE_LRU_HASH,
     .lookup = "__htab_map_lookup_elem",
     .update = "htab_lru_map_update_elem",
     .erase = "htab_lru_map_delete_elem",
     .for_each = "bpf_for_each_hash_elem"},
    {.type = BPF_MAP_TYPE_PERCPU_HASH,
     .lookup = "__htab_map_lookup_elem",
     .update = "htab_percpu_map_update_elem",
     .erase = "htab_map_delete_elem",
     .for_each = "bpf_for_each_hash_elem",
     .lookup_percpu = "htab_percpu_map_lookup_percpu_elem"},
    {.type = BPF_MAP_TYPE_LRU_PERCPU_HASH,
     .lookup = "htab_lru_percpu_map_lookup_elem",
     .update = "htab_lru_percpu_map_update_elem",
     .erase = "htab_lru_map_delete_elem",
     .for_each = "bpf_for_each_hash_elem",
     .lookup_percpu = "htab_lru_percpu_map_lookup_percpu_elem"},
    {.type = BPF_MAP_TYPE_HASH_OF_MAPS, .lookup = "__htab_map_lookup_elem", .erase = "htab_map_delete_elem"},
    {.type = BPF_MAP_TYPE_ARRAY,
     .lookup = "array_map_lookup_elem",
     .update = "array_map_update_elem",
     .erase = "array_map_delete_elem",
     .for_each = "bpf_for_each_array_elem"},
    {.type = BPF_MAP_TYPE_PERCPU_ARRAY,
     .lookup = "percpu_array_map_lookup_elem",
     .update = "array_map_update_elem",
     .erase = "array_map_delete_elem",
     .for_each = "bpf_for_each_array_elem",
     .lookup_percpu = "percpu_array_map_lookup_percpu_elem"},
    {.type = BPF_MAP_TYPE_LPM_TRIE,
     .lookup = "trie_lookup_elem",
     .update = "trie_update_elem",
     .erase = "trie_delete_elem"},
    {.type = BPF_MAP_TYPE_QUEUE,
     .push = "queue_stack_map_push_elem",
     .pop = "queue_map_pop_elem",
     .peek = "queue_map_peek_elem"},
    {.type = BPF_MAP_TYPE_STACK,
     .push = "queue_stack_map_push_elem",
     .pop = "stack_map_pop_elem",
     .peek = "stack_map_peek_elem"},
    {.type = BPF_MAP_TYPE_BLOOM_FILTER, .push = "bloom_map_push_elem", .peek = "bloom_map_peek_elem"},
    {.type = BPF_MAP_TYPE_DEVMAP, .lookup = "dev_map_lookup_elem", .redirect = "dev_map_redirect"},
    {.type = BPF_MAP_TYPE_DEVMAP_HASH,
     .lookup = "dev_map_hash_lookup_elem",
     .redirect = "dev_hash_map_redirect"},
    {.type = BPF_MAP_TYPE_CPUMAP, .lookup = "cpu_map_lookup_elem", .redirect = "cpu_map_redirect"},
    {.type = BPF_MAP_TYPE_XSKMAP, .lookup = "xsk_map_lookup_elem", .redirect = "xsk_map_redirect"},
    {.type = BPF_MAP_TYPE_SOCKMAP,
     .lookup = "sock_map_lookup",
     .update = "sock_map_update_elem",
     .erase = "sock_map_delete_elem"},
    {.type = BPF_MAP_TYPE_SOCKHASH,
     .lookup = "sock_hash_lookup",
     .update = "sock_map_update_elem",
     .erase = "sock_hash_delete_elem"},
};

}  // namespace

std::string_view linux_map_function(u32 map_type, s32 helper) {
  for (const Row& r : kRows) {
    if (r.type != map_type) continue;
    switch (helper) {
      case BPF_FUNC_map_lookup_elem: return r.lookup;
      case BPF_FUNC_map_update_elem: return r.update;
      case BPF_FUNC_map_delete_elem: return r.erase;
      case BPF_FUNC_map_push_elem: return r.push;
      case BPF_FUNC_map_pop_elem: return r.pop;
      case BPF_FUNC_map_peek_elem: return r.peek;
      case BPF_FUNC_redirect_map: return r.redirect;
      case BPF_FUNC_for_each_map_elem: return r.for_each;
      case BPF_FUNC_map_lookup_percpu_elem: return r.lookup_percpu;
      default: return {};
    }
  }
  return {};
}

}  // namespace osmia::rewrite
