// What user space sees of a program's work: perf records, values of a task found by its pidfd. The client is
// user_side_client.cpp.
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct task_struct {
  int pid;
} __attribute__((preserve_access_index));

struct {
  __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
  __uint(key_size, 4);
  __uint(value_size, 4);
} events SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, __u64);
} of_tasks SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
  __uint(max_entries, 2);
  __uint(key_size, 4);
  __uint(value_size, 4);
} groups SEC(".maps");

__u32 count = 0, size = 0;
__u64 results[8];


SEC("raw_tp")
int send(void* ctx) {
  char record[64] = {};
  for (__u32 i = 0; i < 100 && i < count; i++) {
    *(__u32*)record = i;
    long e = bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, record, size & 63);
    if (e) {
      results[0]++;
      results[1] = e;
    }
  }
  return 0;
}

SEC("raw_tp")
int count_runs(void* ctx) {
  __u64* v = bpf_task_storage_get(&of_tasks, bpf_get_current_task_btf(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
  if (v) ++*v;
  return 0;
}

SEC("raw_tp")
int under(void* ctx) {
  results[2] = bpf_current_task_under_cgroup(&groups, 0);
  results[3] = bpf_current_task_under_cgroup(&groups, 1);
  return 0;
}

char _license[] SEC("license") = "GPL";
