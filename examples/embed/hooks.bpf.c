// Programs at a hook of the application (hooks.cpp): one counts, one refuses what is too large, one sees what
// became of it.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct app_request {
  unsigned int user;
  unsigned long bytes;
} __attribute__((preserve_access_index));

unsigned long calls, bytes, refused, cookie;
unsigned long limit = 1000;

SEC("fentry/app_handle")
int BPF_PROG(count, struct app_request* request, int priority) {
  calls++;
  bytes += request->bytes;
  cookie = bpf_get_attach_cookie(ctx);
  return 0;
}

SEC("fmod_ret/app_handle")
int BPF_PROG(refuse_large, struct app_request* request, int priority, int result) {
  return request->bytes > limit && priority < 10 ? -1 : 0;
}

SEC("fexit/app_handle")
int BPF_PROG(see, struct app_request* request, int priority, int result) {
  if (result < 0) refused++;
  return 0;
}

char LICENSE[] SEC("license") = "GPL";
