// Prints every map's number, and the threads of a process with the path of what they run.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define PRESERVED __attribute__((preserve_access_index))

struct seq_file;
struct bpf_iter_meta {
  struct seq_file* seq;
  __u64 session_id, seq_num;
} PRESERVED;
struct bpf_map {
  __u32 id;
} PRESERVED;
struct bpf_iter__bpf_map {
  struct bpf_iter_meta* meta;
  struct bpf_map* map;
} PRESERVED;
struct path {
  void* dentry;
} PRESERVED;
struct file {
  struct path f_path;
} PRESERVED;
struct task_struct {
  int pid, tgid;
} PRESERVED;
struct bpf_iter__task_file {
  struct bpf_iter_meta* meta;
  struct task_struct* task;
  __u32 fd;
  struct file* file;
} PRESERVED;

char _license[] SEC("license") = "GPL";

static int print(struct seq_file* seq, const char* format, __u32 size, __u64 value) {
  return bpf_seq_printf(seq, format, size, &value, sizeof value);
}

SEC("iter/bpf_map")
int maps(struct bpf_iter__bpf_map* ctx) {
  static const char line[] = "map %u\n", last[] = "end %u\n";
  struct bpf_map* map = ctx->map;
  if (!map)
    print(ctx->meta->seq, last, sizeof last, ctx->meta->seq_num);
  else
    print(ctx->meta->seq, line, sizeof line, map->id);
  return 0;
}

char path[512];

SEC("iter/task_file")
int files(struct bpf_iter__task_file* ctx) {
  static const char line[] = "%s\n";
  struct file* file = ctx->file;
  if (!file) return 0;
  if (bpf_d_path(&file->f_path, path, sizeof path) < 0) return 0;
  print(ctx->meta->seq, line, sizeof line, (__u64)path);
  return 0;
}
