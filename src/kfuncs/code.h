// The code behind kfunc rows, by family. Arguments come as registers hold them: a narrower one is in the low
// bits, results and errnos are Linux 6.12's. Rows name these functions; nothing else does. A row without code
// is one that cannot run in a process.
#pragma once
#include "base/types.h"

namespace osmia::kfuncs::code {

#define OSMIA_KFUNC(name) u64 name(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)

// iterator_code.cpp
OSMIA_KFUNC(iter_num_new);
OSMIA_KFUNC(iter_num_next);
OSMIA_KFUNC(iter_num_destroy);
OSMIA_KFUNC(iter_bits_new);
OSMIA_KFUNC(iter_bits_next);
OSMIA_KFUNC(iter_bits_destroy);
// dynptr_code.cpp
OSMIA_KFUNC(dynptr_from_skb);
OSMIA_KFUNC(dynptr_from_skb_rdonly);  // for program types that may not write packets
OSMIA_KFUNC(dynptr_from_xdp);
OSMIA_KFUNC(dynptr_adjust);
OSMIA_KFUNC(dynptr_clone);
OSMIA_KFUNC(dynptr_is_null);
OSMIA_KFUNC(dynptr_is_rdonly);
OSMIA_KFUNC(dynptr_size);
OSMIA_KFUNC(dynptr_slice);
OSMIA_KFUNC(dynptr_slice_rdwr);
// arena_code.cpp
OSMIA_KFUNC(arena_alloc_pages);
OSMIA_KFUNC(arena_free_pages);
// object_code.cpp
OSMIA_KFUNC(object_acquire);  // tasks, control groups, CPU masks: the address of one, or null
OSMIA_KFUNC(object_release);
OSMIA_KFUNC(task_from_pid);
OSMIA_KFUNC(task_under_cgroup);
OSMIA_KFUNC(cgroup_ancestor);
OSMIA_KFUNC(cgroup_from_id);
// object_iterator_code.cpp
OSMIA_KFUNC(iter_task_new);
OSMIA_KFUNC(iter_css_new);
OSMIA_KFUNC(iter_css_task_new);
OSMIA_KFUNC(object_iter_next);
OSMIA_KFUNC(object_iter_destroy);
// packet_object_code.cpp
OSMIA_KFUNC(cast_skb);
OSMIA_KFUNC(cast_xdp);
// conntrack_code.cpp
OSMIA_KFUNC(ct_lookup);
OSMIA_KFUNC(sk_assign_tcp_reqsk);
// area_iterator_code.cpp
OSMIA_KFUNC(iter_task_vma_new);
OSMIA_KFUNC(iter_task_vma_next);
OSMIA_KFUNC(iter_task_vma_destroy);
// crypto_code.cpp
OSMIA_KFUNC(crypto_ctx_create);
OSMIA_KFUNC(crypto_encrypt);
OSMIA_KFUNC(crypto_decrypt);
// cpumask_code.cpp
OSMIA_KFUNC(cpumask_create);
OSMIA_KFUNC(cpumask_first);
OSMIA_KFUNC(cpumask_first_zero);
OSMIA_KFUNC(cpumask_first_and);
OSMIA_KFUNC(cpumask_any);
OSMIA_KFUNC(cpumask_any_and);
OSMIA_KFUNC(cpumask_test_cpu);
OSMIA_KFUNC(cpumask_test_and_set_cpu);
OSMIA_KFUNC(cpumask_test_and_clear_cpu);
OSMIA_KFUNC(cpumask_set_cpu);
OSMIA_KFUNC(cpumask_clear_cpu);
OSMIA_KFUNC(cpumask_setall);
OSMIA_KFUNC(cpumask_clear);
OSMIA_KFUNC(cpumask_and);
OSMIA_KFUNC(cpumask_or);
OSMIA_KFUNC(cpumask_xor);
OSMIA_KFUNC(cpumask_equal);
OSMIA_KFUNC(cpumask_intersects);
OSMIA_KFUNC(cpumask_subset);
OSMIA_KFUNC(cpumask_empty);
OSMIA_KFUNC(cpumask_full);
OSMIA_KFUNC(cpumask_copy);
OSMIA_KFUNC(cpumask_weight);
// program_object_code.cpp: offset is that of the pointer argument in its object, in bytes
OSMIA_KFUNC(obj_new);   // (a maps::ObjectType)
OSMIA_KFUNC(obj_drop);  // per-CPU ones too
OSMIA_KFUNC(refcount_acquire);
OSMIA_KFUNC(list_push_front);
OSMIA_KFUNC(list_push_back);
OSMIA_KFUNC(list_pop_front);
OSMIA_KFUNC(list_pop_back);
OSMIA_KFUNC(rbtree_add);
OSMIA_KFUNC(rbtree_remove);
OSMIA_KFUNC(rbtree_first);
// workqueue_code.cpp
OSMIA_KFUNC(wq_init);
OSMIA_KFUNC(wq_set_callback);
OSMIA_KFUNC(wq_start);
// map_code.cpp
OSMIA_KFUNC(map_sum_elem_count);
// testmod_code.cpp
OSMIA_KFUNC(testmod_seq_new);
OSMIA_KFUNC(testmod_seq_next);
OSMIA_KFUNC(testmod_seq_value);
OSMIA_KFUNC(testmod_seq_destroy);
OSMIA_KFUNC(testmod_test1);
OSMIA_KFUNC(testmod_test2);
OSMIA_KFUNC(testmod_test4);
OSMIA_KFUNC(testmod_first_argument);
OSMIA_KFUNC(testmod_acquire);
OSMIA_KFUNC(testmod_release);
OSMIA_KFUNC(testmod_get_mem);
OSMIA_KFUNC(testmod_ctx_create);
// st_ops_code.cpp
OSMIA_KFUNC(st_ops_test_prologue);
OSMIA_KFUNC(st_ops_test_epilogue);
OSMIA_KFUNC(st_ops_test_pro_epilogue);
OSMIA_KFUNC(st_ops_inc10);
// section_code.cpp
OSMIA_KFUNC(nothing);  // what needs no doing in a process: RCU and preemption sections of the calling thread
OSMIA_KFUNC(same_pointer);
OSMIA_KFUNC(copy_from_user_str);

#undef OSMIA_KFUNC

}  // namespace osmia::kfuncs::code
