// When is a ring buffer's descriptor ready? A plain libbpf program: produces records by test runs, consumes
// them through the mapped pages, and prints what epoll and poll say at each step. On the live kernel and
// under `osmia exec` the output must be the same (ring_test.py).
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

namespace {

int ring, output, epoll_fd;
unsigned long* consumer;
const unsigned long* producer;

// XDP: bpf_ringbuf_output(ring, packet's first 8 bytes on the stack, 8, flags = fifth byte of the packet)
int load_output() {
  const auto insn = [](unsigned char code, int dst, int src, short off, int imm) {
    bpf_insn i{};
    i.code = code, i.dst_reg = static_cast<unsigned char>(dst) & 15,
    i.src_reg = static_cast<unsigned char>(src) & 15, i.off = off, i.imm = imm;
    return i;
  };
  const bpf_insn program[] = {
      insn(0x61, 2, 1, 0, 0),                        // r2 = data
      insn(0x61, 3, 1, 4, 0),                        // r3 = data_end
      insn(0xbf, 5, 2, 0, 0),                        // r5 = r2 + 14
      insn(0x07, 5, 0, 0, 14),                       //
      insn(0xb7, 0, 0, 0, 99),                       //
      insn(0x2d, 5, 3, 10, 0),                       // if r5 > r3 goto out
      insn(0x71, 4, 2, 0, 0),                        // r4 = flags
      insn(0x7a, 10, 0, -8, 0x1234),                 // *(u64 *)(r10 - 8) = 0x1234
      insn(0x18, 1, BPF_PSEUDO_MAP_FD, 0, ring),     // r1 = ring ll
      insn(0, 0, 0, 0, 0),                           //
      insn(0xbf, 2, 10, 0, 0),                       // r2 = r10 - 8
      insn(0x07, 2, 0, 0, -8),                       //
      insn(0xb7, 3, 0, 0, 8),                        // r3 = 8
      insn(0x85, 0, 0, 0, BPF_FUNC_ringbuf_output),  //
      insn(0x57, 0, 0, 0, 0xffff),                   //
      insn(0xbf, 0, 0, 0, 0),                        //
      insn(0x95, 0, 0, 0, 0),                        // out: exit
  };
  return bpf_prog_load(BPF_PROG_TYPE_XDP, "output", "GPL", program, sizeof program / sizeof *program,
                       nullptr);
}

void produce(unsigned char flags) {
  unsigned char packet[64] = {flags};
  LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = packet, .data_size_in = sizeof packet);
  const int r = bpf_prog_test_run_opts(output, &run);
  printf("produce %u: %d, retval %u\n", flags, r, run.retval);
  usleep(2000);  // wake-ups come from an interrupt
}
void consume(unsigned records) {
  __atomic_store_n(consumer, *consumer + 16 * records, __ATOMIC_RELEASE);
  printf("consume %u: %lu left\n", records, (__atomic_load_n(producer, __ATOMIC_ACQUIRE) - *consumer) / 16);
}
void ask_epoll(const char* when) {
  epoll_event e{};
  const int n = epoll_wait(epoll_fd, &e, 1, 0);
  printf("%s: epoll %d%s\n", when, n,
         n > 0 && e.events & EPOLLIN    ? " in"
         : n > 0 && e.events & EPOLLOUT ? " out"
                                        : "");
}
void ask_poll(const char* when) {
  pollfd p{ring, POLLIN | POLLOUT, 0};
  const int n = poll(&p, 1, 0);
  printf("%s: poll %d%s\n", when, p.revents & POLLIN ? n : 0, p.revents & POLLIN ? " in" : "");
}
bool watch(int op, unsigned events) {
  epoll_event e{};
  e.events = events;
  return epoll_ctl(epoll_fd, op, ring, &e) == 0;
}

}  // namespace

int main() {
  ring = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ring", 0, 0, 4096, nullptr);
  if (ring < 0) return perror("ring_client: map"), 77;
  output = load_output();
  if (output < 0) return perror("ring_client: program"), 77;
  consumer = static_cast<unsigned long*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring, 0));
  producer = static_cast<unsigned long*>(mmap(nullptr, 4096 + 2 * 4096, PROT_READ, MAP_SHARED, ring, 4096));
  epoll_fd = epoll_create1(0);
  if (consumer == MAP_FAILED || producer == MAP_FAILED || epoll_fd < 0 || !watch(EPOLL_CTL_ADD, EPOLLIN))
    return perror("ring_client"), 1;

  ask_epoll("empty");
  ask_poll("empty");
  produce(0);
  ask_epoll("one record");
  ask_epoll("still there");  // the level, not the edge
  ask_poll("still there");
  consume(1);
  ask_poll("consumed");
  ask_epoll("consumed");
  produce(0);
  produce(0);
  ask_epoll("two records");
  consume(1);
  ask_epoll("one of two left");
  consume(1);
  ask_epoll("none left");
  produce(BPF_RB_NO_WAKEUP);
  ask_epoll("nobody was woken");
  ask_poll("nobody was woken");
  consume(1);
  ask_epoll("none left");
  produce(BPF_RB_NO_WAKEUP);
  produce(BPF_RB_FORCE_WAKEUP);
  ask_epoll("forced");
  consume(2);
  ask_epoll("none left");
  ask_poll("none left");

  watch(EPOLL_CTL_MOD, EPOLLIN | EPOLLET);
  ask_epoll("edge: empty");
  produce(0);
  ask_epoll("edge: a record");
  ask_epoll("edge: the same one");
  consume(1);
  produce(0);
  ask_epoll("edge: another");
  watch(EPOLL_CTL_DEL, 0);
  watch(EPOLL_CTL_ADD, EPOLLIN);
  ask_epoll("added with a record in it");
  consume(1);
  ask_epoll("and consumed");
  return 0;
}
