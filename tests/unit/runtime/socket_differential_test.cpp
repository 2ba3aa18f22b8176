// Sockets in test runs, look-ups and control-group storage, on Osmia and on the running kernel.
#include "packets.h"
#include "two_kernels.h"

namespace osmia::runtime {
namespace {

std::vector<Input> inputs() {
  std::vector<Input> in;
  for (const auto& p : {zeros(64), counting(80), udp4(20), udp6()}) in.push_back({.data = p});
  return in;
}

// Every field of struct bpf_sock, through the context's socket.
TEST_F(TwoKernels, FieldsOfTheSocketOfATestRun) {
  struct Field {
    const char* name;
    int offset;
    const char* type;
  };
  const Field common[] = {{"bound_dev_if", 0, "u32"}, {"family", 4, "u32"},    {"family", 4, "u8"},
                          {"src_ip4", 24, "u32"},     {"src_ip4", 25, "u8"},   {"src_ip6", 28, "u32"},
                          {"src_ip6", 40, "u32"},     {"src_port", 44, "u32"}, {"dst_port", 48, "u16"},
                          {"dst_port", 48, "u32"},    {"dst_port", 49, "u8"},  {"dst_ip4", 52, "u32"},
                          {"dst_ip6", 56, "u32"},     {"dst_ip6", 68, "u16"},  {"state", 72, "u32"},
                          {"state", 72, "u8"},        {"rx_queue", 76, "u32"}};
  const Field full[] = {
      {"type", 8, "u32"}, {"protocol", 12, "u32"}, {"mark", 16, "u32"}, {"prio", 20, "u32"}};
  const std::string begin = "r1 = *(u64 *)(r1 +168)\nif r1 == 0 goto none\n";
  const std::string whole = begin + "call bpf_sk_fullsock\nif r0 == 0 goto none\nr1 = r0\n";
  const std::string end = "exit\nnone:\nr0 = 12345\nexit\n";
  for (const u32 type : {u32{BPF_PROG_TYPE_SCHED_CLS}, u32{BPF_PROG_TYPE_CGROUP_SKB}}) {
    const auto read = [&](const std::string& before, const Field& f) {
      compare(std::string(f.name) + " at " + std::to_string(f.offset), type,
              before + "r0 = *(" + f.type + " *)(r1 +" + std::to_string(f.offset) + ")\n" + end, inputs());
    };
    for (const Field& f : common) read(begin, f);
    for (const Field& f : full) read(whole, f);
  }
}

TEST_F(TwoKernels, ASocketOfNoProtocolIsNoTcpSocket) {
  for (const char* helper : {"bpf_tcp_sock", "bpf_get_listener_sock"})
    compare(helper, BPF_PROG_TYPE_SCHED_CLS,
            std::string("r1 = *(u64 *)(r1 +168)\nif r1 == 0 goto none\ncall ") + helper +
                "\nif r0 == 0 goto none\nr0 = 1\nexit\nnone:\nr0 = 2\nexit\n",
            inputs());
}

// Tuples of every size, flags and namespaces: nothing is found.
TEST_F(TwoKernels, LookupsFindNothing) {
  for (const char* helper : {"bpf_sk_lookup_tcp", "bpf_sk_lookup_udp", "bpf_skc_lookup_tcp"})
    for (const int size : {0, 4, 12, 36, 40})
      for (const int netns : {-1, 0, 12345}) {
        std::string text;
        for (int off = 8; off <= 40; off += 8) text += "*(u64 *)(r10 -" + std::to_string(off) + ") = 0\n";
        text += "r2 = r10\nr2 += -40\nr3 = " + std::to_string(size) + "\nr4 = " + std::to_string(netns) +
                "\nr5 = 0\ncall " + helper +
                "\nif r0 == 0 goto none\nr1 = r0\ncall bpf_sk_release\nr0 = 1\nexit\nnone:\nr0 = 2\nexit\n";
        compare(std::string(helper) + " " + std::to_string(size) + " " + std::to_string(netns),
                BPF_PROG_TYPE_SCHED_CLS, text, {{.data = udp4(20)}});
      }
}

}  // namespace
}  // namespace osmia::runtime
