// What the kernel relocates when this is loaded by a light skeleton: a field, a missing field, a type, an enum.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

struct task_struct {
  int pid;
  long tgid;
  int not_there;
} __attribute__((preserve_access_index));

enum some_enum { ONE = 1, TWO = 22 };

struct answers {
  __u32 tgid_offset, tgid_size, missing, type_size, enum_value, seen;
};
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct answers);
} out SEC(".maps");

SEC("xdp") int relocated(struct xdp_md* ctx) {
  __u32 key = 0;
  struct answers* a = bpf_map_lookup_elem(&out, &key);
  if (!a) return XDP_ABORTED;
  a->tgid_offset = bpf_core_field_offset(struct task_struct, tgid);
  a->tgid_size = bpf_core_field_size(struct task_struct, tgid);
  a->missing = bpf_core_field_exists(struct task_struct, not_there);
  a->type_size = bpf_core_type_size(struct task_struct);
  a->enum_value = bpf_core_enum_value(enum some_enum, TWO);
  a->seen++;
  if (a->missing) return bpf_core_field_offset(struct task_struct, not_there);  // dead here, so it may be poisoned
  return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
