// Runs a command, and shields it from a kernel whose bpf(2) no longer answers: loading a program waits there
// for ever, and cannot be killed. Then bpf(2) is refused to the command (EPERM), which tests know: they skip
// what compares with the running kernel.
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr int kSeconds = 10;  // a kernel that answers takes a few milliseconds

void load_a_program() {
  const struct bpf_insn insns[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 0},
                                   {.code = BPF_JMP | BPF_EXIT}};
  union bpf_attr a;
  std::memset(&a, 0, sizeof a);
  a.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
  a.insns = reinterpret_cast<__u64>(insns);
  a.insn_cnt = 2;
  a.license = reinterpret_cast<__u64>("GPL");
  syscall(__NR_bpf, BPF_PROG_LOAD, &a, sizeof a);
}

// Whatever the answer is.
bool answers() {
  const pid_t child = fork();
  if (child < 0) return false;
  if (child == 0) {
    load_a_program();
    _exit(0);
  }
  for (int i = 0; i < kSeconds * 100; i++) {
    if (waitpid(child, nullptr, WNOHANG) == child) return true;
    usleep(10'000);
  }
  return false;
}

// Not by seccomp: such a kernel may not take a filter either.
bool refuse_bpf() {
  return !setenv("LD_PRELOAD", OSMIA_NO_BPF, 1);
}

}  // namespace

int main(int argc, char** argv) {
  const bool refuse = argc > 1 && !std::strcmp(argv[1], "--refuse");
  char** command = argv + 1 + refuse;
  if (!*command) return std::fprintf(stderr, "usage: bpf_gate [--refuse] COMMAND [ARG...]\n"), 2;
  if (refuse || !answers()) {
    if (!refuse)
      std::fprintf(
          stderr,
          "notice: this machine's kernel did not answer bpf(2) for %d s; it is refused to %s, so tests "
          "that compare with it are skipped\n",
          kSeconds, *command);
    if (!refuse_bpf()) return std::perror("bpf_gate: setenv"), 2;
  }
  execvp(*command, command);
  std::perror(*command);
  return 127;
}
