// Commands of bench-maps: filling the maps of bench/maps/maps.bpf.c as its client always has (`fill`),
// emptying the ring buffer (`drain`), two threads at once (`threads`), what an entry of a hash map costs in
// memory (`entries`).
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>

#include "worker.h"

namespace osmia::bench {
namespace {

bpf_object* object_of(const std::string& key) {
  const auto it = objects().find(key);
  return it == objects().end() ? nullptr : it->second->object;
}

struct Ring {
  volatile uint64_t* consumer = nullptr;
  const volatile uint64_t* producer = nullptr;
} g_ring;

// The same keys, values and order on every side: results can be compared.
Json fill(const std::string& key) {
  bpf_object* o = object_of(key);
  if (!o) return failure("no such object");
  const auto map = [&](const char* name) { return bpf_object__find_map_fd_by_name(o, name); };
  int error = 0;
  const auto put = [&](const char* name, const void* k, const void* v) {
    const int e = bpf_map_update_elem(map(name), k, v, 0);
    if (e && !error) error = e;
  };
  uint64_t one = 1, percpu[256] = {};
  for (uint64_t k = 0; k < 1000; k++) put("h1k", &k, &one), put("pch", &k, percpu);
  for (uint64_t k = 0; k < 100000; k++) put("h100k", &k, &one);
  for (uint64_t k = 0; k < 1024; k++) put("hupd", &k, &one), put("lru", &k, &one);
  struct {
    uint32_t length;
    uint8_t bytes[4];
  } prefix;
  srand(1);
  for (int i = 0; i < 20000; i++) {
    prefix.length = 8 + static_cast<uint32_t>(rand()) % 25;
    for (uint8_t& b : prefix.bytes) b = static_cast<uint8_t>(rand());
    put("trie", &prefix, &one);
    if (i < 100) put("trie100", &prefix, &one);
  }
  for (uint32_t i = 0; i < 10; i++) {
    const std::string name = "tail" + std::to_string(i + 1);
    const int fd = bpf_program__fd(bpf_object__find_program_by_name(o, name.c_str()));
    put("tails", &i, &fd);
  }
  if (error) return failure("an update failed: errno " + std::to_string(-error));
  const size_t page = static_cast<size_t>(getpagesize());
  void* consumer = side_mmap(page, PROT_READ | PROT_WRITE, map("rb"), 0);
  void* producer = side_mmap(page, PROT_READ, map("rb"), static_cast<off_t>(page));
  if (consumer == MAP_FAILED || producer == MAP_FAILED) return failure("the ring buffer cannot be mapped");
  g_ring = {static_cast<uint64_t*>(consumer), static_cast<uint64_t*>(producer)};
  return {{"ok", true}};
}

Json drain() {
  if (!g_ring.consumer) return failure("no ring buffer");
  const uint64_t bytes = *g_ring.producer - *g_ring.consumer;
  *g_ring.consumer = *g_ring.producer;
  return {{"ok", true}, {"bytes", bytes}};
}

// `threads KEY PROGRAM REPEAT COUNT`: COUNT threads, each on a processor of its own, start together.
Json threads(const Words& w) {
  bpf_program* p = find_program(w[1], w[2]);
  if (!p) return failure("no such program");
  const int fd = bpf_program__fd(p), repeat = atoi(w[3].c_str()), count = atoi(w[4].c_str());
  std::vector<Span> spans(static_cast<size_t>(count));
  std::vector<int> errors(spans.size());
  pthread_barrier_t start;
  pthread_barrier_init(&start, nullptr, static_cast<unsigned>(count));
  std::vector<std::thread> running;
  for (size_t i = 0; i < spans.size(); i++)
    running.emplace_back([&, i] {
      cpu_set_t set;
      CPU_ZERO(&set);
      CPU_SET(i, &set);
      pthread_setaffinity_np(pthread_self(), sizeof set, &set);
      char data[1500] = {};
      LIBBPF_OPTS(bpf_test_run_opts, t, .data_in = data, .data_size_in = sizeof data, .repeat = repeat);
      pthread_barrier_wait(&start);
      const Clock clock;
      errors[i] = bpf_prog_test_run_opts(fd, &t);
      spans[i] = clock.stop();
    });
  for (auto& t : running) t.join();
  pthread_barrier_destroy(&start);
  Json answer = {{"ok", true}, {"cpu_ns", Json::array()}, {"wall_ns", Json::array()}};
  for (size_t i = 0; i < spans.size(); i++) {
    if (errors[i]) return failure("test run: errno " + std::to_string(-errors[i]));
    answer["cpu_ns"].push_back(spans[i].cpu);
    answer["wall_ns"].push_back(spans[i].wall);
  }
  return answer;
}

// `entries KEY_SIZE VALUE_SIZE COUNT FLAGS`: bytes an entry, of a full hash map. On Osmia it is this process
// that grows; of the kernel's maps the descriptor tells (memlock).
Json entries(const Words& w) {
  const auto key_size = static_cast<uint32_t>(atoi(w[1].c_str())),
             value_size = static_cast<uint32_t>(atoi(w[2].c_str()));
  const auto count = static_cast<uint32_t>(atoi(w[3].c_str()));
  LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = static_cast<uint32_t>(atoi(w[4].c_str())));
  const long before = rss_kib();
  const int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "bench", key_size, value_size, count, &options);
  if (fd < 0) return failure("map: errno " + std::to_string(-fd));
  std::vector<char> key(key_size + sizeof(uint64_t)), value(value_size);
  int error = 0;
  for (uint64_t k = 0; k < count && !error; k++) {
    memcpy(key.data(), &k, sizeof k);
    error = bpf_map_update_elem(fd, key.data(), value.data(), 0);
  }
  const long after = rss_kib();
  long memlock = 0;
  std::ifstream info("/proc/self/fdinfo/" + std::to_string(fd));
  for (std::string word; info >> word;)
    if (word == "memlock:") info >> memlock;
  side_close(fd);
  if (error) return failure("update: errno " + std::to_string(-error));
  const double grown = static_cast<double>(after - before) * 1024 / count;
  return {
      {"ok", true}, {"rss_per_entry", grown}, {"memlock_per_entry", static_cast<double>(memlock) / count}};
}

}  // namespace

Json maps_command(const Words& w) {
  if (w[0] == "fill" && w.size() == 2) return fill(w[1]);
  if (w[0] == "drain" && w.size() == 1) return drain();
  if (w[0] == "threads" && w.size() == 5) return threads(w);
  if (w[0] == "entries" && w.size() == 5) return entries(w);
  return nullptr;
}

}  // namespace osmia::bench
