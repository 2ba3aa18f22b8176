// What programs at the tracepoints of system calls see of the process that makes them.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

typedef unsigned long long u64;

long number;  // the call to count
struct {
  u64 entered, left, argument, result, one_entered, one_argument, all_left, all_result, cookie;
} seen;

SEC("raw_tp/sys_enter")
int raw_enter(u64 *ctx) {
  if (ctx[1] != (u64)number) return 0;
  seen.entered++;
  bpf_probe_read_kernel(&seen.argument, sizeof seen.argument, (void *)(ctx[0] + 112));  // pt_regs::di
  return 0;
}
SEC("raw_tp/sys_exit")
int raw_exit(u64 *ctx) {
  u64 call;
  bpf_probe_read_kernel(&call, sizeof call, (void *)(ctx[0] + 120));  // pt_regs::orig_ax
  if (call != (u64)number) return 0;
  seen.left++;
  seen.result = ctx[1];
  return 0;
}
SEC("tp/syscalls/sys_enter_getpgid")
int one_enter(u64 *ctx) {
  seen.one_entered++;
  seen.one_argument = ctx[2];
  seen.cookie = bpf_get_attach_cookie(ctx);
  return 0;
}
SEC("tp/raw_syscalls/sys_exit")
int all_exit(u64 *ctx) {
  if (ctx[1] != (u64)number) return 0;
  seen.all_left++;
  seen.all_result = ctx[2];
  return 0;
}
char _license[] SEC("license") = "GPL";
