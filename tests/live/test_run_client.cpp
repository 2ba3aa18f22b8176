// A libbpf program like any other: loads each program of the objects it is given, alone, gives it packets by
// BPF_PROG_TEST_RUN, and prints what came back and what the maps hold then. Run once as it is (the live
// kernel) and once under `osmia exec`, the two outputs must be equal: scripts/live-differential compares
// them. usage: test_run_client PCAP OBJECT… libpcap has a bpf_insn of its own: the classic one.
#define bpf_insn classic_bpf_insn
#include <pcap/pcap.h>
#undef bpf_insn

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace {

using Bytes = std::vector<unsigned char>;

unsigned long long fnv(const unsigned char* p, size_t n) {
  unsigned long long h = 0xcbf29ce484222325ull;
  for (size_t i = 0; i < n; i++) h = (h ^ p[i]) * 0x100000001b3ull;
  return h;
}

std::vector<Bytes> packets_of(const char* path) {
  char error[PCAP_ERRBUF_SIZE];
  pcap_t* pcap = pcap_open_offline(path, error);
  std::vector<Bytes> out;
  if (!pcap) {
    fprintf(stderr, "test_run_client: %s\n", error);
    return out;
  }
  pcap_pkthdr* header = nullptr;
  const unsigned char* data = nullptr;
  while (pcap_next_ex(pcap, &header, &data) == 1)
    if (header->caplen >= 14) out.emplace_back(data, data + header->caplen);
  pcap_close(pcap);
  return out;
}

bool takes_packets(enum bpf_prog_type type) {
  switch (type) {
    case BPF_PROG_TYPE_XDP:
    case BPF_PROG_TYPE_SCHED_CLS:
    case BPF_PROG_TYPE_SCHED_ACT:
    case BPF_PROG_TYPE_SOCKET_FILTER:
    case BPF_PROG_TYPE_CGROUP_SKB:
    case BPF_PROG_TYPE_LWT_IN:
    case BPF_PROG_TYPE_LWT_OUT:
    case BPF_PROG_TYPE_LWT_XMIT: return true;
    default: return false;
  }
}

void run(const char* name, int fd, enum bpf_prog_type type, const std::vector<Bytes>& packets) {
  unsigned char out[8192];
  if (!takes_packets(type)) {
    unsigned char ctx[64] = {};
    LIBBPF_OPTS(bpf_test_run_opts, t);
    if (type == BPF_PROG_TYPE_RAW_TRACEPOINT || type == BPF_PROG_TYPE_SYSCALL) {
      t.ctx_in = ctx;
      t.ctx_size_in = sizeof ctx;
    }
    bpf_sk_lookup connection{};
    if (type == BPF_PROG_TYPE_SK_LOOKUP) {
      connection.family = 2;
      connection.protocol = 6;
      connection.remote_ip4 = connection.local_ip4 = 0x0100007f;
      connection.remote_port = 0x3412;
      connection.local_port = 7007;
      t.ctx_in = &connection;
      t.ctx_size_in = sizeof connection;
    }
    const int e = bpf_prog_test_run_opts(fd, &t);
    printf("%s: run %d retval %u ctx %llx\n", name, e, e ? 0 : t.retval, fnv(ctx, sizeof ctx));
    return;
  }
  for (size_t i = 0; i < packets.size(); i++) {
    LIBBPF_OPTS(bpf_test_run_opts, t);
    t.data_in = packets[i].data();
    t.data_size_in = static_cast<unsigned>(packets[i].size());
    t.data_out = out;
    t.data_size_out = sizeof out;
    unsigned char ctx[256] = {};
    if (type != BPF_PROG_TYPE_XDP && type != BPF_PROG_TYPE_FLOW_DISSECTOR) {
      t.ctx_out = ctx;
      t.ctx_size_out = sizeof ctx;
    }
    const int e = bpf_prog_test_run_opts(fd, &t);
    if (e)
      printf("%s: packet %zu: error %d\n", name, i, e);
    else
      printf("%s: packet %zu: retval %u, %u bytes %llx, ctx %u %llx\n", name, i, t.retval, t.data_size_out,
             fnv(out, t.data_size_out), t.ctx_size_out, fnv(ctx, t.ctx_size_out));
  }
}

// Values of the plain map types, sorted; of a per-CPU map, the sum over the CPUs, 8 bytes at a time.
void dump(const bpf_map* map, int cpus) {
  const auto type = bpf_map__type(map);
  const bool per_cpu = type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_PERCPU_HASH ||
                       type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
  if (!per_cpu && type != BPF_MAP_TYPE_ARRAY && type != BPF_MAP_TYPE_HASH && type != BPF_MAP_TYPE_LRU_HASH &&
      type != BPF_MAP_TYPE_LPM_TRIE)
    return;
  const size_t ks = bpf_map__key_size(map), vs = (bpf_map__value_size(map) + 7) / 8 * 8;
  Bytes key(ks), next(ks), value(vs * (per_cpu ? static_cast<size_t>(cpus) : 1));
  std::vector<std::string> lines;
  const int fd = bpf_map__fd(map);
  const void* at = nullptr;
  while (lines.size() < 4096 && bpf_map_get_next_key(fd, at, next.data()) == 0) {
    key = next;
    at = key.data();
    std::fill(value.begin(), value.end(), 0);
    if (bpf_map_lookup_elem(fd, key.data(), value.data())) continue;
    for (size_t cpu = 1; per_cpu && cpu < static_cast<size_t>(cpus); cpu++)
      for (size_t i = 0; i + 8 <= vs; i += 8) {
        unsigned long long a, b;
        memcpy(&a, &value[i], 8);
        memcpy(&b, &value[cpu * vs + i], 8);
        a += b;
        memcpy(&value[i], &a, 8);
      }
    char line[64];
    snprintf(line, sizeof line, "%llx=%llx", fnv(key.data(), ks), fnv(value.data(), vs));
    lines.push_back(line);
  }
  std::sort(lines.begin(), lines.end());
  std::string all;
  for (const auto& line : lines) all += line + " ";
  printf("  map %s: %zu elements, %llx\n", bpf_map__name(map), lines.size(),
         fnv(reinterpret_cast<const unsigned char*>(all.data()), all.size()));
}

int quiet(enum libbpf_print_level, const char*, va_list) {
  return 0;
}

void object(const char* path, const std::vector<Bytes>& packets, int cpus) {
  const char* base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
  std::vector<std::string> names;
  if (bpf_object* all = bpf_object__open_file(path, nullptr)) {
    bpf_program* p = nullptr;
    bpf_object__for_each_program(p, all) names.push_back(bpf_program__name(p));
    bpf_object__close(all);
  }
  for (const auto& name : names) {
    bpf_object* o = bpf_object__open_file(path, nullptr);
    bpf_program *p = nullptr, *chosen = nullptr;
    bpf_object__for_each_program(p, o) {
      const bool it = name == bpf_program__name(p);
      bpf_program__set_autoload(p, it);
      if (it) chosen = p;
    }
    const int e = bpf_object__load(o);
    printf("%s/%s: load %d\n", base, name.c_str(), e ? -1 : 0);
    if (!e) {
      run(name.c_str(), bpf_program__fd(chosen), bpf_program__type(chosen), packets);
      bpf_map* map = nullptr;
      bpf_object__for_each_map(map, o) dump(map, cpus);
    }
    fflush(stdout);
    bpf_object__close(o);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: test_run_client PCAP OBJECT...\n");
    return 2;
  }
  libbpf_set_print(quiet);
  auto packets = packets_of(argv[1]);
  if (packets.size() > 64) packets.resize(64);
  if (packets.empty()) return 2;
  const int cpus = libbpf_num_possible_cpus();
  for (int i = 2; i < argc; i++) object(argv[i], packets, cpus);
}
