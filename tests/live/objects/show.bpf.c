// bpf_snprintf_btf: values of kernel types that the program makes on its stack.
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

// Kernel types by name.
struct sockaddr_in {
  unsigned short sin_family;
} __attribute__((preserve_access_index));
struct btf_enum {
  __u32 name_off;
} __attribute__((preserve_access_index));
struct task_struct {
  int pid;
} __attribute__((preserve_access_index));
struct list_head {
  struct list_head* next;
} __attribute__((preserve_access_index));
struct ethhdr {
  unsigned char h_dest[6];
} __attribute__((preserve_access_index));
struct iphdr {
  __u8 ttl;
} __attribute__((preserve_access_index));
struct new_utsname {
  char sysname[65];
} __attribute__((preserve_access_index));
struct bpf_verifier_log {
  __u32 level;
} __attribute__((preserve_access_index));
struct page_pool_params {
  unsigned order;
} __attribute__((preserve_access_index));
struct sched_attr {
  __u32 size;
} __attribute__((preserve_access_index));
struct tcphdr {
  short source;
} __attribute__((preserve_access_index));

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 128);
  __type(key, __u32);
  __type(value, char[1024]);
} texts SEC(".maps");

static __noinline void show(__u32 at, __u32 type, void* from, __u64 flags) {
  char* to = bpf_map_lookup_elem(&texts, &at);
  if (!to) return;
  struct btf_ptr what = {.ptr = from, .type_id = type};
  long n = bpf_snprintf_btf(to, 1000, &what, sizeof what, flags);
  *(long*)(to + 1008) = n;
}

unsigned char bytes[1024] = {69, 0,  1,  2,  3,  4,  5, 6, 7, 8,  65, 66, 67, 0, 68, 9, 0, 0, 0, 1, 255, 254, 0, 0,
                             1,  0,  0,  0,  0,  0,  0, 0, 3, 0,  0,  0,  8,  1, 2,  0, 4, 0, 0, 0, 0,   0,   1, 1};

#define ALL(at, type)                                 \
  show(at, bpf_core_type_id_kernel(type), bytes, 0);  \
  show(at + 1, bpf_core_type_id_kernel(type), bytes, BTF_F_COMPACT | BTF_F_PTR_RAW); \
  show(at + 2, bpf_core_type_id_kernel(type), bytes, BTF_F_COMPACT | BTF_F_NONAME | BTF_F_ZERO | BTF_F_PTR_RAW); \
  show(at + 3, bpf_core_type_id_kernel(type), bytes, BTF_F_NONAME | BTF_F_PTR_RAW)

SEC("raw_tp")
int numbers(void* ctx) {
  ALL(0, int);
  ALL(4, char);
  ALL(8, unsigned long);
  ALL(12, long long);
  ALL(16, unsigned short);
  ALL(20, struct ethhdr);
  ALL(24, struct iphdr);
  return 0;
}
SEC("raw_tp")
int structs(void* ctx) {
  ALL(0, struct tcphdr);
  ALL(4, struct new_utsname);
  ALL(8, struct bpf_fib_lookup);
  ALL(12, struct bpf_sock_tuple);
  ALL(16, struct bpf_tunnel_key);
  ALL(20, struct sched_attr);
  ALL(24, struct btf_enum);
  return 0;
}
SEC("raw_tp")
int pointers(void* ctx) {
  show(0, bpf_core_type_id_kernel(struct list_head), bytes, BTF_F_COMPACT | BTF_F_PTR_RAW);
  show(1, bpf_core_type_id_kernel(struct list_head), bytes, BTF_F_PTR_RAW);
  show(2, bpf_core_type_id_kernel(struct sockaddr_in), bytes, 0);
  show(3, bpf_core_type_id_kernel(struct page_pool_params), bytes, BTF_F_PTR_RAW);
  show(4, bpf_core_type_id_kernel(struct bpf_prog_info), bytes, BTF_F_COMPACT);
  show(5, bpf_core_type_id_kernel(struct bpf_verifier_log), bytes, BTF_F_COMPACT | BTF_F_PTR_RAW);
  show(6, bpf_core_type_id_kernel(struct iphdr), 0, 0);
  show(7, 0, bytes, 0);
  show(8, 0x7ffffff, bytes, 0);
  show(9, bpf_core_type_id_kernel(struct iphdr), bytes, 1 << 10);
  return 0;
}

char _license[] SEC("license") = "GPL";
