// Tracing programs on the kernel's functions for testing, as libbpf attaches them: each leaves what it saw.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

unsigned long entered, left, modified, arguments, address_fits, finished;
extern const void bpf_fentry_test2 __ksym;

SEC("fentry/bpf_fentry_test2")
int BPF_PROG(enter, int a, unsigned long b) {
  entered = a * 10 + b;
  arguments = bpf_get_func_arg_cnt(ctx);
  address_fits = bpf_get_func_ip(ctx) == (unsigned long)&bpf_fentry_test2;
  return 0;
}

SEC("fexit/bpf_fentry_test2")
int BPF_PROG(leave, int a, unsigned long b, int result) {
  left = result;
  return 0;
}

SEC("fmod_ret/bpf_modify_return_test")
int BPF_PROG(modify, int a, int* b, int result) {
  modified++;
  return 9;
}

SEC("raw_tp/bpf_test_finish")
int finish(void* ctx) {
  finished++;
  return 0;
}

char LICENSE[] SEC("license") = "GPL";
