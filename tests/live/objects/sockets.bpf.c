// Sockets of test runs: who they belong to, what may be assigned to a packet, cookies, and areas of memory.
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "answers.h"

#define bpf_htonl_(x) __builtin_bswap32(x)

struct vm_area_struct {
  unsigned long vm_start, vm_end, vm_flags;
} __attribute__((preserve_access_index));
struct mm_struct {
  unsigned long arg_start, start_stack;
} __attribute__((preserve_access_index));
struct task_struct {
  int pid;
  struct mm_struct* mm;
} __attribute__((preserve_access_index));

struct {
  __uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
  __uint(max_entries, 2);
  __uint(key_size, 4);
  __uint(value_size, 4);
} groups SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_SOCKMAP);
  __uint(max_entries, 2);
  __type(key, __u32);
  __type(value, __u64);
} socks SEC(".maps");

SEC("tc")
int of_packets(struct __sk_buff* skb) {
  struct bpf_xfrm_state state = {1};
  answer(0, bpf_skb_cgroup_id(skb) == bpf_get_current_cgroup_id());
  answer(1, bpf_skb_ancestor_cgroup_id(skb, 0) == bpf_get_current_ancestor_cgroup_id(0));
  answer(2, bpf_skb_ancestor_cgroup_id(skb, 77));
  answer(3, bpf_skb_under_cgroup(skb, &groups, 0));
  answer(4, bpf_skb_under_cgroup(skb, &groups, 9));
  answer(5, bpf_skb_get_xfrm_state(skb, 0, &state, sizeof state, 0));
  answer(6, state.reqid);
  answer(7, bpf_get_socket_cookie(skb) != 0);
  answer(8, bpf_get_socket_cookie(skb) == bpf_get_socket_cookie(skb));
  answer(9, bpf_get_socket_uid(skb));
  struct bpf_sock* sk = skb->sk;
  if (sk) {
    answer(10, bpf_sk_assign(skb, sk, 0));
    answer(11, bpf_sk_assign(skb, sk, 1));
    answer(12, bpf_get_listener_sock(sk) != 0);
  }
  __u32 iph[10] = {0x45}, th[5] = {0};
  if (sk) {
    answer(13, bpf_tcp_check_syncookie(sk, iph, sizeof iph, (void*)th, sizeof th));
    answer(14, bpf_tcp_gen_syncookie(sk, iph, sizeof iph, (void*)th, sizeof th));
  }
  answer(15, bpf_tcp_raw_gen_syncookie_ipv4((void*)iph, (void*)th, sizeof th));
  answer(16, bpf_tcp_raw_check_syncookie_ipv4((void*)iph, (void*)th));
  th[3] = 5 << 4;
  answer(17, bpf_tcp_raw_gen_syncookie_ipv4((void*)iph, (void*)th, sizeof th) >> 32);
  answer(18, bpf_tcp_raw_gen_syncookie_ipv6((void*)iph, (void*)th, sizeof th) >> 32);
  th[2] = bpf_htonl_(bpf_tcp_raw_gen_syncookie_ipv4((void*)iph, (void*)th, sizeof th) + 1);
  th[1] = bpf_htonl_(1);
  answer(19, bpf_tcp_raw_check_syncookie_ipv4((void*)iph, (void*)th));
  th[0] ^= 1;
  answer(20, bpf_tcp_raw_check_syncookie_ipv4((void*)iph, (void*)th));
  return 0;
}

SEC("cgroup_skb/egress")
int of_groups(struct __sk_buff* skb) {
  struct bpf_sock* sk = skb->sk;
  answer(0, bpf_skb_cgroup_id(skb) == bpf_get_current_cgroup_id());
  if (sk) {
    answer(1, bpf_sk_cgroup_id(sk) == bpf_get_current_cgroup_id());
    answer(2, bpf_sk_ancestor_cgroup_id(sk, 0) == bpf_get_current_ancestor_cgroup_id(0));
    answer(3, bpf_sk_ancestor_cgroup_id(sk, -1));
  }
  return 1;
}

SEC("sk_lookup")
int chosen(struct bpf_sk_lookup* ctx) {
  __u32 key = 0;
  answer(0, bpf_sk_assign(ctx, 0, 0));
  answer(1, bpf_sk_assign(ctx, 0, 8));
  answer(2, bpf_sk_assign(ctx, 0, BPF_SK_LOOKUP_F_REPLACE | BPF_SK_LOOKUP_F_NO_REUSEPORT));
  struct bpf_sock* sk = bpf_map_lookup_elem(&socks, &key);
  answer(3, sk != 0);
  if (sk) bpf_sk_release(sk);
  answer(4, ctx->sk != 0);
  return SK_PASS;
}

struct found {
  int calls, inside;
  unsigned long flags;
  unsigned long at;
};
static long look(struct task_struct* task, struct vm_area_struct* area, struct found* f) {
  f->calls++;
  f->inside = area->vm_start <= f->at && f->at < area->vm_end;
  f->flags = area->vm_flags & 15;
  return 0;
}

SEC("raw_tp")
int areas(void* ctx) {
  struct task_struct* task = bpf_get_current_task_btf();
  struct found f = {.at = BPF_CORE_READ(task, mm, start_stack)};
  answer(0, bpf_find_vma(task, f.at, look, &f, 0));
  answer(1, f.calls);
  answer(2, f.inside);
  answer(3, f.flags);
  answer(4, bpf_find_vma(task, 0, look, &f, 0));
  answer(5, bpf_find_vma(task, f.at, look, &f, 1));
  answer(6, f.calls);
  answer(7, bpf_get_attach_cookie(ctx));
  return 0;
}

SEC("syscall")
int other_memory(void* ctx) {
  struct task_struct* task = bpf_get_current_task_btf();
  char text[16] = {}, same[16] = {};
  void* at = (void*)BPF_CORE_READ(task, mm, arg_start);
  answer(0, bpf_copy_from_user(text, sizeof text, at));
  answer(1, bpf_copy_from_user_task(same, sizeof same, at, task, 0));
  answer(2, bpf_strncmp(text, sizeof text, "xxxxxxxxxxxxxxx") == bpf_strncmp(same, sizeof same, "xxxxxxxxxxxxxxx"));
  answer(3, bpf_copy_from_user_task(same, sizeof same, (void*)16, task, 0));
  answer(4, same[0]);
  answer(5, bpf_copy_from_user_task(same, sizeof same, at, task, 1));
  answer(6, bpf_copy_from_user_task(same, 0, (void*)16, task, 0));
  return 0;
}

char _license[] SEC("license") = "GPL";
