// Programs on sockets for tests/sockets/cli_test.py: each does one thing that the run must show.
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct {
  __uint(type, BPF_MAP_TYPE_SOCKMAP);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, __u64);
} socks SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_SOCKHASH);
  __uint(max_entries, 4);
  __type(key, __u64);
  __type(value, __u64);
} hash SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_REUSEPORT_SOCKARRAY);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, __u64);
} group SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 16);
  __type(key, __u32);
  __type(value, __s64);
} answers SEC(".maps");

static void answer(__u32 key, __s64 value) {
  bpf_map_update_elem(&answers, &key, &value, 0);
}

SEC("sk_skb/stream_parser")
int parser(struct __sk_buff *skb) {
  __u8 length = 0;
  if (bpf_skb_load_bytes(skb, 0, &length, 1)) return 0;
  return length;
}

SEC("sk_skb/stream_verdict")
int stream(struct __sk_buff *skb) {
  answer(0, bpf_ntohl(skb->remote_port));
  answer(1, skb->local_port);
  answer(2, skb->len);
  answer(3, bpf_skb_adjust_room(skb, 4, 0, 0));
  answer(4, bpf_skb_adjust_room(skb, 4, 1, 0));
  answer(5, bpf_skb_adjust_room(skb, -5000, 0, 0));
  answer(6, skb->len);
  answer(7, bpf_sk_redirect_map(skb, &socks, 9, 0));
  answer(8, bpf_sk_redirect_map(skb, &socks, 1, 2));
  return bpf_sk_redirect_map(skb, &socks, 1, 0);
}

SEC("sk_skb/stream_verdict")
int stream_hash(struct __sk_buff *skb) {
  __u64 key = 7;
  return bpf_sk_redirect_hash(skb, &hash, &key, BPF_F_INGRESS);
}

SEC("sk_msg")
int message(struct sk_msg_md *msg) {
  answer(0, msg->size);
  answer(1, (long)msg->data_end - (long)msg->data);
  answer(2, bpf_msg_push_data(msg, 2, 3, 0));
  answer(3, (long)msg->data_end - (long)msg->data);
  answer(4, bpf_msg_pull_data(msg, 0, msg->size, 0));
  answer(5, (long)msg->data_end - (long)msg->data);
  char *data = (char *)(long)msg->data, *end = (char *)(long)msg->data_end;
  if (data + 6 <= end) data[2] = 'x', data[5] = 'y';
  answer(6, bpf_msg_pop_data(msg, 0, 1, 0));
  answer(7, bpf_msg_pop_data(msg, 100000, 1, 0));
  answer(8, bpf_msg_pull_data(msg, 4, 4, 0));
  answer(9, bpf_msg_push_data(msg, 100000, 1, 0));
  answer(10, msg->size);
  bpf_msg_apply_bytes(msg, 10);
  bpf_msg_cork_bytes(msg, 20);
  return bpf_msg_redirect_map(msg, &socks, 0, 0);
}

SEC("sk_reuseport")
int select(struct sk_reuseport_md *md) {
  __u32 first = 0, second = 1, none = 3;
  __u16 port = 0;
  answer(0, bpf_skb_load_bytes(md, 2, &port, 2));
  answer(1, bpf_ntohs(port));
  answer(2, md->ip_protocol);
  answer(3, md->sk->src_port);
  answer(4, bpf_sk_select_reuseport(md, &group, &none, 0));
  answer(5, bpf_sk_select_reuseport(md, &socks, &first, 0));
  answer(6, bpf_sk_select_reuseport(md, &group, &second, 0));
  return SK_PASS;
}

SEC("tc")
int look(struct __sk_buff *skb) {
  struct bpf_sock_tuple t = {};
  t.ipv4.saddr = bpf_htonl(0x0a000009);
  t.ipv4.daddr = bpf_htonl(0x0a000001);
  t.ipv4.sport = bpf_htons(5000);
  t.ipv4.dport = bpf_htons(80);
  struct bpf_sock *sk = bpf_sk_lookup_tcp(skb, &t, sizeof t.ipv4, BPF_F_CURRENT_NETNS, 0);
  if (!sk) return 1;
  answer(0, sk->mark);
  answer(1, sk->state);
  bpf_sk_release(sk);
  return 2;
}

SEC("sk_lookup")
int choose(struct bpf_sk_lookup *ctx) {
  for (__u32 i = 0; i < 3; i++) {
    __u32 key = i;
    struct bpf_sock *sk = bpf_map_lookup_elem(&socks, &key);
    if (!sk) continue;
    answer(i, bpf_sk_assign(ctx, sk, 0));
    answer(8 + i, sk->state);
    bpf_sk_release(sk);
  }
  return SK_PASS;
}

SEC("cgroup/dev")
int device(struct bpf_cgroup_dev_ctx *ctx) {
  return ctx->major == 1 && (ctx->access_type >> 16) == BPF_DEVCG_ACC_READ;
}

SEC("cgroup/sysctl")
int sysctl(struct bpf_sysctl *ctx) {
  char name[64] = {}, value[64] = {};
  answer(0, bpf_sysctl_get_name(ctx, name, sizeof name, 0));
  answer(1, bpf_sysctl_get_name(ctx, name, sizeof name, BPF_F_SYSCTL_BASE_NAME));
  answer(2, name[0]);
  answer(3, bpf_sysctl_get_name(ctx, name, 4, 0));
  answer(4, bpf_sysctl_get_current_value(ctx, value, sizeof value) > 0);
  answer(5, bpf_sysctl_get_new_value(ctx, value, sizeof value));
  answer(6, bpf_sysctl_set_new_value(ctx, "17", 2));
  answer(7, ctx->write);
  return 1;
}

SEC("cgroup/setsockopt")
int set_option(struct bpf_sockopt *ctx) {
  int big = 65536, got = 0;
  answer(0, bpf_setsockopt(ctx->sk, 1, 8 /* SO_RCVBUF */, &big, sizeof big));
  answer(1, bpf_getsockopt(ctx->sk, 1, 8, &got, sizeof got));
  answer(2, got);
  answer(3, bpf_setsockopt(ctx->sk, 1, 3 /* SO_TYPE */, &big, sizeof big));
  answer(4, bpf_setsockopt(ctx->sk, 1, 8, &big, 2));
  answer(5, bpf_setsockopt(ctx->sk, 41, 67 /* IPV6_TCLASS */, &big, sizeof big));
  char *value = ctx->optval, *end = ctx->optval_end;
  if (value + 1 > end) return 0;
  value[0] = 9;
  ctx->optlen = 1;
  return 1;
}

SEC("cgroup/getsockopt")
int get_option(struct bpf_sockopt *ctx) {
  answer(0, ctx->retval);
  answer(1, ctx->optlen);
  answer(2, bpf_get_retval());
  bpf_set_retval(-1);
  answer(3, ctx->retval);
  return 1;
}

SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx) {
  struct {
    __u16 family, port;
    __u32 address;
    __u64 zero;
  } here = {2, 0, bpf_htonl(0x7f000001)};
  answer(0, bpf_bind(ctx, (void *)&here, sizeof here));
  here.family = 1;
  answer(1, bpf_bind(ctx, (void *)&here, sizeof here));
  answer(2, bpf_bind(ctx, (void *)&here, 1));
  ctx->user_port = bpf_htons(81);
  return 1;
}

char LICENSE[] SEC("license") = "GPL";
