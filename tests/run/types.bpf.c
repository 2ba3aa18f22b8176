// One program of each type that has a test run, and some that have none.
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

SEC("cgroup_skb/egress") int cgroup(struct __sk_buff *skb) { return skb->len > 100 ? 2 : 1; }
SEC("cgroup_skb/ingress") int cgroup_in(struct __sk_buff *skb) { return skb->protocol == bpf_htons(0x800); }
SEC("lwt_in") int tunnel_in(struct __sk_buff *skb) { return skb->len > 100 ? BPF_DROP : BPF_OK; }
SEC("lwt_xmit") int tunnel_xmit(struct __sk_buff *skb) { return bpf_redirect(1, 0); }
SEC("flow_dissector") int dissect(struct __sk_buff *skb) {
  struct bpf_flow_keys *keys = skb->flow_keys;
  keys->nhoff = 14;
  keys->thoff = 34;
  keys->ip_proto = 17;
  keys->addr_proto = 0x800;
  keys->ipv4_src = bpf_htonl(0x0a000001);
  keys->ipv4_dst = bpf_htonl(0x0a000002);
  keys->sport = bpf_htons(53);
  keys->dport = bpf_htons(5353);
  return BPF_OK;
}
SEC("sk_lookup") int choose(struct bpf_sk_lookup *ctx) { return ctx->local_port == 80 ? SK_PASS : SK_DROP; }
SEC("raw_tp/sys_enter") int raw(struct bpf_raw_tracepoint_args *ctx) { return ctx->args[0] + ctx->args[1]; }
SEC("fentry/bpf_fentry_test1") int BPF_PROG(fentry1, int a) { return 0; }
SEC("fmod_ret/bpf_modify_return_test") int BPF_PROG(modify, int a, int *b, int ret) { return ret; }
SEC("syscall") int sys(struct { unsigned a, b; } *ctx) { ctx->b = ctx->a + 1; return 7; }
SEC("tc") int mark(struct __sk_buff *skb) {
  skb->mark = 7;
  skb->cb[2] = 0x1234;
  return TC_ACT_OK;
}
SEC("socket") int filter(struct __sk_buff *skb) { return skb->len; }
SEC("xdp.frags") int frags(struct xdp_md *ctx) {
  unsigned char last = 0;
  long n = bpf_xdp_get_buff_len(ctx);
  if (n > 0 && n < 0x10000 && bpf_xdp_load_bytes(ctx, n - 1, &last, 1)) return XDP_ABORTED;
  return last == 0x5a ? XDP_PASS : XDP_DROP;
}
SEC("xdp") int meta(struct xdp_md *ctx) {
  if (bpf_xdp_adjust_meta(ctx, -8)) return XDP_ABORTED;
  unsigned *m = (void *)(long)ctx->data_meta;
  if ((void *)(m + 2) > (void *)(long)ctx->data) return XDP_ABORTED;
  m[0] = 0x11223344, m[1] = 0x55667788;
  return XDP_PASS;
}
SEC("kprobe/do_nanosleep") int probe(void *ctx) { return 0; }
SEC("sk_msg") int message(struct sk_msg_md *ctx) { return SK_PASS; }
SEC("netfilter") int nf(void *ctx) { return 1; }
