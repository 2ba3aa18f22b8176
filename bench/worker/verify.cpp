// Commands of bench-verify: `programs OBJECT` lists, `prog OBJECT NAME` loads one program alone through
// libbpf, `again` issues its PROG_LOAD once more and tells what the verifier's statistics say.
#include <cstdlib>
#include <cstring>

#include "worker.h"

namespace osmia::bench {
namespace {

Json programs(const std::string& path) {
  bpf_object* o = bpf_object__open_file(path.c_str(), nullptr);
  if (!o) return failure(libbpf_messages());
  Json list = Json::array();
  bpf_program* p;
  bpf_object__for_each_program(p, o) list.push_back(bpf_program__name(p));
  bpf_object__close(o);
  return {{"ok", true}, {"programs", list}};
}

long number_after(const std::string& log, const char* what) {
  const size_t at = log.rfind(what);
  return at == std::string::npos ? -1 : atol(log.c_str() + at + strlen(what));
}

Json sample() {
  if (!capture_valid()) return failure("nothing was loaded");
  const LoadSample s = capture_refused() ? *capture_refused() : capture_load_again();
  std::string last;
  if (s.result < 0) {
    size_t end = s.log.find("\nverification time");
    if (end == std::string::npos) end = s.log.find("\nprocessed ");
    const size_t start = end == std::string::npos || end == 0 ? 0 : s.log.rfind('\n', end - 1) + 1;
    last = s.log.substr(start, end == std::string::npos ? 200 : end - start);
  }
  return {{"ok", s.result >= 0},
          {"errno", s.result < 0 ? -s.result : 0},
          {"message", last},
          {"verify_usec", number_after(s.log, "verification time ")},
          {"insns", number_after(s.log, "processed ")},
          {"total_states", number_after(s.log, "total_states ")},
          {"peak_states", number_after(s.log, "peak_states ")},
          {"cpu_ns", s.span.cpu},
          {"wall_ns", s.span.wall},
          {"insn_cnt", capture_insn_count()},
          {"hash", std::to_string(capture_hash())},
          {"peak_rss_kib", peak_rss_kib(false)}};
}

Json prog(const std::string& path, const std::string& name) {
  objects().clear();
  libbpf_messages();
  capture_reset(name);
  peak_rss_kib(true);
  auto open = std::make_unique<OpenObject>();
  open->object = bpf_object__open_file(path.c_str(), nullptr);
  if (!open->object) return failure(libbpf_messages());
  bool found = false;
  bpf_program* p;
  bpf_object__for_each_program(p, open->object) {
    const bool it = name == bpf_program__name(p);
    found |= it;
    bpf_program__set_autoload(p, it);
  }
  if (!found) return failure("no such program");
  const int error = bpf_object__load(open->object);
  const std::string messages = libbpf_messages();
  if (!capture_valid()) return failure("set-up: " + messages.substr(0, 300));
  objects()["verify"] = std::move(open);
  Json answer = sample();
  if (error && answer["ok"]) return failure("set-up: " + messages.substr(0, 300));
  return answer;
}

}  // namespace

Json verify_command(const Words& w) {
  if (w[0] == "programs" && w.size() == 2) return programs(w[1]);
  if (w[0] == "prog" && w.size() == 3) return prog(w[1], w[2]);
  if (w[0] == "again" && w.size() == 1) return sample();
  return nullptr;
}

}  // namespace osmia::bench
