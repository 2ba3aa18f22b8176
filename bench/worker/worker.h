// A bench worker: one process that is one side of a comparison (the live kernel, or Osmia) behind the same
// libbpf client. The driver writes a command a line, the worker answers with one JSON object a line, so that
// the driver can interleave the sides. Invariant: only the file side_*.cpp differs between the two workers.
#pragma once
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace osmia::bench {

using Json = nlohmann::ordered_json;
using Words = std::vector<std::string>;

// ---- side_*.cpp
// Makes bpf(2) answer. Options are the command line's words ("--jit", "off"). False: `why` says what is
// missing.
bool side_open(const Words& options, std::string& why);
// What only this side can tell of the last program loaded (compile time …), and its own commands; null:
// unknown.
Json side_command(const Words& words);
void* side_mmap(size_t size, int protection, int fd, off_t offset);
void side_close(int fd);

// ---- clock.cpp
struct Span {  // nanoseconds; cpu: of the calling thread
  double cpu = 0, wall = 0;
};
class Clock {
 public:
  Clock();
  Span stop() const;

 private:
  Span start_;
};
long peak_rss_kib(bool reset);  // of this process; reset: from here on
long rss_kib();

// ---- capture.cpp: every PROG_LOAD of libbpf passes here; the last one is kept and can be issued again.
struct LoadSample {
  long result = 0;  // descriptor, or -errno
  Span span;
  std::string log;  // with statistics
};
// Forget, then keep the last PROG_LOAD of a program of this name (its descriptors must stay open). libbpf's
// own probes have other names.
void capture_reset(const std::string& name);
bool capture_valid();
const LoadSample*
capture_refused();  // how the kept program's first load failed, with statistics; null if it did not
// The kept PROG_LOAD again: same instructions, maps, BTF; log level 4 (statistics alone). The program is
// closed.
LoadSample capture_load_again();
// Instructions, and a hash over them in which map descriptors do not count.
uint32_t capture_insn_count();
uint64_t capture_hash();

// ---- objects.cpp
struct OpenObject {
  bpf_object* object = nullptr;
  ~OpenObject() { bpf_object__close(object); }
};
using Objects = std::map<std::string, std::unique_ptr<OpenObject>>;
Objects& objects();
bpf_program* find_program(const std::string& key, const std::string& name);
std::string libbpf_messages();  // since the last call

// ---- commands
Json verify_command(const Words& words);
Json run_command(const Words& words);
Json maps_command(const Words& words);

inline Json failure(std::string why) {
  return Json{{"ok", false}, {"why", std::move(why)}};
}

}  // namespace osmia::bench
