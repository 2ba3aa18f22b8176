// The calling thread as a task: its fields, its local storage, its control groups. What differs between two processes (ids,
// addresses) is compared here, and only the answers leave the program.
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "answers.h"

struct kernfs_node {
  __u64 id;
} __attribute__((preserve_access_index));
struct cgroup;
struct cgroup_subsys_state {
  struct cgroup* cgroup;
} __attribute__((preserve_access_index));
struct cgroup {
  struct cgroup_subsys_state self;
  struct kernfs_node* kn;
  int level;
} __attribute__((preserve_access_index));
struct css_set {
  struct cgroup* dfl_cgrp;
} __attribute__((preserve_access_index));
typedef struct {
  unsigned val;
} kuid_t;
struct cred {
  kuid_t uid, euid;
} __attribute__((preserve_access_index));
struct mm_struct {
  unsigned long arg_start, arg_end;
} __attribute__((preserve_access_index));
struct signal_struct {
  int nr_threads;
} __attribute__((preserve_access_index));
struct cpumask {
  unsigned long bits[1];
};
struct task_struct {
  int pid, tgid;
  char comm[16];
  struct task_struct *group_leader, *real_parent;
  const struct cred* cred;
  struct mm_struct* mm;
  struct css_set* cgroups;
  struct signal_struct* signal;
  const struct cpumask* cpus_ptr;
  __u64 start_time;
  int static_prio;
  unsigned flags;
} __attribute__((preserve_access_index));
struct bpf_cpumask {
  int unused;
};
struct bpf_iter_task {
  __u64 opaque[3];
} __attribute__((aligned(8)));

extern struct task_struct* bpf_task_from_pid(int pid) __ksym;
extern struct task_struct* bpf_task_acquire(struct task_struct* p) __ksym;
extern void bpf_task_release(struct task_struct* p) __ksym;
extern struct cgroup* bpf_cgroup_from_id(__u64 id) __ksym;
extern struct cgroup* bpf_cgroup_ancestor(struct cgroup* cgrp, int level) __ksym;
extern struct cgroup* bpf_cgroup_acquire(struct cgroup* cgrp) __ksym;
extern void bpf_cgroup_release(struct cgroup* cgrp) __ksym;
extern long bpf_task_under_cgroup(struct task_struct* task, struct cgroup* ancestor) __ksym;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern struct bpf_cpumask* bpf_cpumask_create(void) __ksym;
extern void bpf_cpumask_release(struct bpf_cpumask* m) __ksym;
extern void bpf_cpumask_set_cpu(__u32 cpu, struct bpf_cpumask* m) __ksym;
extern void bpf_cpumask_setall(struct bpf_cpumask* m) __ksym;
extern void bpf_cpumask_clear(struct bpf_cpumask* m) __ksym;
extern _Bool bpf_cpumask_test_and_set_cpu(__u32 cpu, struct bpf_cpumask* m) __ksym;
extern _Bool bpf_cpumask_test_cpu(__u32 cpu, const struct cpumask* m) __ksym;
extern _Bool bpf_cpumask_full(const struct cpumask* m) __ksym;
extern _Bool bpf_cpumask_empty(const struct cpumask* m) __ksym;
extern _Bool bpf_cpumask_subset(const struct cpumask* a, const struct cpumask* b) __ksym;
extern __u32 bpf_cpumask_first(const struct cpumask* m) __ksym;
extern __u32 bpf_cpumask_first_zero(const struct cpumask* m) __ksym;

struct {
  __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, __u64);
} of_tasks SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_CGRP_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, __u64);
} of_cgroups SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
  __uint(max_entries, 2);
  __uint(key_size, 4);
  __uint(value_size, 4);
} groups SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
  __uint(max_entries, 2);
  __uint(key_size, 4);
  __uint(value_size, 4);
} events SEC(".maps");

SEC("raw_tp")
int fields(void* ctx) {
  struct task_struct *t = bpf_get_current_task_btf(), *old = (void*)bpf_get_current_task();
  const __u64 ids = bpf_get_current_pid_tgid();
  char comm[16] = {}, name[16] = {};
  answer(0, t->pid == (int)ids);
  answer(1, t->tgid == ids >> 32);
  answer(2, t == old);
  bpf_get_current_comm(comm, sizeof comm);
  bpf_probe_read_kernel_str(name, sizeof name, t->comm);
  answer(3, bpf_strncmp(comm, 16, "test_run_client") + (bpf_strncmp(name, 16, "test_run_client") << 8));
  answer(4, BPF_CORE_READ(old, group_leader, pid) == (int)(ids >> 32));
  answer(5, BPF_CORE_READ(t, cred, uid.val) == (__u32)bpf_get_current_uid_gid());
  answer(6, BPF_CORE_READ(t, real_parent, pid) != 0);
  answer(7, t->static_prio);
  answer(8, t->start_time != 0);
  answer(9, BPF_CORE_READ(t, signal, nr_threads));
  char argument[8] = {};
  answer(10, bpf_probe_read_user_str(argument, sizeof argument, (void*)BPF_CORE_READ(t, mm, arg_start)));
  answer(11, argument[0] == '/' || argument[0] == '.' || argument[0] == 't');
  answer(12, BPF_CORE_READ(t, mm, arg_end) > BPF_CORE_READ(t, mm, arg_start));
  answer(13, BPF_CORE_READ(old, cgroups, dfl_cgrp, kn, id) == bpf_get_current_cgroup_id());
  answer(14, bpf_get_current_ancestor_cgroup_id(BPF_CORE_READ(t, cgroups, dfl_cgrp, level)) ==
                 bpf_get_current_cgroup_id());
  answer(15, bpf_get_current_ancestor_cgroup_id(-1));
  answer(16, bpf_get_current_ancestor_cgroup_id(1000));
  answer(17, bpf_task_pt_regs(t) != 0);
  answer(18, bpf_current_task_under_cgroup(&groups, 0));
  answer(19, bpf_current_task_under_cgroup(&groups, 2));
  return 0;
}

SEC("raw_tp")
int task_storage(void* ctx) {
  struct task_struct* t = bpf_get_current_task_btf();
  __u64 initial = 40, *v;
  answer(0, bpf_task_storage_get(&of_tasks, t, 0, 0) != 0);
  v = bpf_task_storage_get(&of_tasks, t, &initial, BPF_LOCAL_STORAGE_GET_F_CREATE);
  if (v) *v += 2;
  v = bpf_task_storage_get(&of_tasks, t, &initial, BPF_LOCAL_STORAGE_GET_F_CREATE);
  answer(1, v ? *v : 0);
  answer(2, bpf_task_storage_get(&of_tasks, t, &initial, 2) != 0);
  answer(3, bpf_task_storage_delete(&of_tasks, t));
  answer(4, bpf_task_storage_delete(&of_tasks, t));
  v = bpf_task_storage_get(&of_tasks, t, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
  answer(5, v ? *v : 99);
  return 0;
}

static int exists(int pid) {
  struct task_struct* task = bpf_task_from_pid(pid);
  if (!task) return 0;
  bpf_task_release(task);
  return 1;
}

SEC("syscall")
int references(void* ctx) {
  const int tgid = bpf_get_current_pid_tgid() >> 32;
  struct task_struct* me = bpf_task_from_pid(tgid);
  __u64 initial = 5, *v;
  answer(0, me != 0);
  answer(10, exists(0));
  answer(11, exists(-1));
  if (!me) return 1;
  answer(1, me->pid == tgid);
  struct task_struct* again = bpf_task_acquire(me);
  answer(2, again == me);
  if (again) bpf_task_release(again);
  bpf_rcu_read_lock();
  struct task_struct* parent = me->real_parent;
  struct cgroup* group = me->cgroups->dfl_cgrp;
  parent = bpf_task_acquire(parent);
  answer(3, parent != 0);
  if (parent) {
    answer(4, parent->pid != tgid);
    bpf_task_release(parent);
  }
  v = bpf_cgrp_storage_get(&of_cgroups, group, &initial, BPF_LOCAL_STORAGE_GET_F_CREATE);
  answer(5, v ? *v : 0);
  group = bpf_cgroup_acquire(group);
  bpf_rcu_read_unlock();
  if (group) {
    struct cgroup* root = bpf_cgroup_ancestor(group, 0);
    answer(6, root ? root->level : 99);
    if (root) {
      answer(7, bpf_task_under_cgroup(me, root));
      bpf_cgroup_release(root);
    }
    struct cgroup* none = bpf_cgroup_ancestor(group, 1000);
    answer(8, none != 0);
    if (none) bpf_cgroup_release(none);
    struct cgroup* same = bpf_cgroup_from_id(group->kn->id);
    answer(9, same == group);
    if (same) bpf_cgroup_release(same);
    answer(12, bpf_cgrp_storage_delete(&of_cgroups, group));
    answer(13, bpf_cgrp_storage_delete(&of_cgroups, group));
    bpf_cgroup_release(group);
  }
  bpf_task_release(me);
  return 0;
}

SEC("syscall")
int masks(void* ctx) {
  struct bpf_cpumask *a = bpf_cpumask_create(), *b = bpf_cpumask_create();
  if (a && b) {
    answer(0, bpf_cpumask_empty((void*)a));
    bpf_cpumask_set_cpu(1, a);
    answer(1, bpf_cpumask_first((void*)a));
    answer(2, bpf_cpumask_first_zero((void*)a));
    answer(3, bpf_cpumask_test_and_set_cpu(0, a) | bpf_cpumask_test_and_set_cpu(0, a) << 1);
    answer(4, bpf_cpumask_test_cpu(1000000, (void*)a));
    bpf_cpumask_setall(b);
    answer(5, bpf_cpumask_full((void*)b));
    answer(6, bpf_cpumask_subset((void*)a, (void*)b) | bpf_cpumask_subset((void*)b, (void*)a) << 1);
    bpf_cpumask_clear(b);
    answer(7, bpf_cpumask_first((void*)b) == bpf_cpumask_first_zero((void*)a));
  }
  if (a) bpf_cpumask_release(a);
  if (b) bpf_cpumask_release(b);
  return 0;
}

SEC("raw_tp")
int no_events(void* ctx) {
  struct bpf_perf_event_value value = {1, 2, 3};
  answer(0, bpf_perf_event_read(&events, 0));
  answer(1, bpf_perf_event_read(&events, 2));
  answer(2, bpf_perf_event_read(&events, 1ull << 33));
  answer(3, bpf_perf_event_read_value(&events, 1, &value, sizeof value));
  answer(4, value.counter + value.enabled + value.running);
  return 0;
}

char _license[] SEC("license") = "GPL";
