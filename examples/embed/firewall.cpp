// Embeds Osmia: loads the firewall of examples/xdp_firewall.bpf.c, blocks one more address through its map, and
// runs packets through it.   firewall xdp_firewall.bpf.o
#include <osmia/kernel.h>

#include <array>
#include <cstdio>
#include <cstring>

struct Flow {  // struct flow of the program
  std::uint32_t saddr[4]{}, daddr[4]{};
  std::uint16_t sport = 0, dport = 0;
  std::uint8_t proto = 0, family = 0;
  std::uint16_t pad = 0;
};
struct RuleStats {
  std::uint64_t packets = 0, bytes = 0;
};

// An Ethernet frame with IPv4 and UDP: from 10.0.0.<host> to port `port`.
std::array<std::byte, 64> packet(unsigned host, unsigned port) {
  unsigned char p[64] = {};
  p[12] = 0x08, p[14] = 0x45, p[17] = 50, p[22] = 64, p[23] = 17;
  p[26] = 10, p[29] = static_cast<unsigned char>(host), p[30] = 192, p[31] = 168;
  p[36] = static_cast<unsigned char>(port >> 8), p[37] = static_cast<unsigned char>(port), p[39] = 30;
  std::array<std::byte, 64> out;
  std::memcpy(out.data(), p, sizeof p);
  return out;
}

int fail(const osmia::Error& e) {
  std::fprintf(stderr, "firewall: %s\n", e.message.c_str());
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: firewall xdp_firewall.bpf.o\n"), 2;
  auto kernel = osmia::Kernel::create();
  if (!kernel) return fail(kernel.error());
  auto file = kernel->open(argv[1]);
  if (!file) return fail(file.error());
  auto verdict = file->verify("firewall");
  if (!verdict) return fail(verdict.error());
  std::printf("verified: %s, %u instructions processed\n", verdict->accepted ? "accepted" : verdict->message.c_str(),
              verdict->instructions_processed);

  auto object = file->load();
  if (!object) return fail(object.error());
  auto firewall = object->program("firewall");
  auto blocklist = object->map("blocklist");
  auto verdicts = object->map("verdicts");
  if (!firewall) return fail(firewall.error());
  if (!blocklist) return fail(blocklist.error());
  if (!verdicts) return fail(verdicts.error());

  Flow from_host_7{.family = 4};
  from_host_7.saddr[3] = 10 | 7u << 24;  // 10.0.0.7 as it lies in the packet
  if (auto s = blocklist->put(from_host_7, RuleStats{}); !s) return fail(s.error());

  for (const auto [host, port] : {std::pair{1u, 53u}, {7u, 53u}, {1u, 5353u}}) {
    auto run = firewall->run(packet(host, port));
    if (!run) return fail(run.error());
    std::printf("10.0.0.%u -> port %u: %s\n", host, port, run->return_value == 1 ? "dropped" : "passed");
  }
  blocklist->for_each<Flow, RuleStats>([](const Flow& f, const RuleStats& s) {
    std::printf("rule for 10.0.0.%u: %llu packets\n", f.saddr[3] >> 24, static_cast<unsigned long long>(s.packets));
  });
  unsigned long long passed_udp = 0;
  if (auto cpus = verdicts->get_per_cpu<RuleStats>(std::uint32_t{1}); cpus)
    for (const RuleStats& s : *cpus) passed_udp += s.packets;
  std::printf("UDP packets passed, all CPUs: %llu\n", passed_udp);
}
