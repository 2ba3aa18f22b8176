// Commands that load a whole object and test-run its programs: `load KEY PATH`, `input NAME FILE`,
// `run KEY PROGRAM INPUT REPEAT`, `drop KEY`. Nothing is ever attached.
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "worker.h"

namespace osmia::bench {
namespace {

std::map<std::string, std::vector<char>> g_inputs;

Json load(const std::string& key, const std::string& path) {
  objects().erase(key);
  libbpf_messages();
  auto open = std::make_unique<OpenObject>();
  open->object = bpf_object__open_file(path.c_str(), nullptr);
  if (!open->object) return failure(libbpf_messages());
  if (bpf_object__load(open->object)) return failure(libbpf_messages());
  Json programs = Json::array();
  bpf_program* p;
  bpf_object__for_each_program(p, open->object) {
    bpf_prog_info info = {};
    uint32_t size = sizeof info;
    bpf_obj_get_info_by_fd(bpf_program__fd(p), &info, &size);
    programs.push_back({{"name", bpf_program__name(p)},
                        {"insns", bpf_program__insn_cnt(p)},
                        {"xlated", info.xlated_prog_len / 8},
                        {"jited_bytes", info.jited_prog_len},
                        {"verified_insns", info.verified_insns},
                        {"id", info.id}});
  }
  objects()[key] = std::move(open);
  return {{"ok", true}, {"programs", programs}};
}

Json input(const std::string& name, const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return failure(path + ": " + strerror(errno));
  g_inputs[name].assign(std::istreambuf_iterator<char>(in), {});
  return {{"ok", true}};
}

Json run(const Words& w) {
  bpf_program* p = find_program(w[1], w[2]);
  if (!p) return failure("no such program");
  static std::vector<char> zeros(1500);
  const auto it = g_inputs.find(w[3]);
  const std::vector<char>& data = it == g_inputs.end() ? zeros : it->second;
  LIBBPF_OPTS(bpf_test_run_opts, t, .data_in = data.data(),
              .data_size_in = static_cast<uint32_t>(data.size()), .repeat = atoi(w[4].c_str()));
  const int fd = bpf_program__fd(p);
  const Clock clock;
  const int error = bpf_prog_test_run_opts(fd, &t);
  const Span span = clock.stop();
  if (error) return failure(std::string("test run: ") + strerror(-error));
  return {{"ok", true},
          {"cpu_ns", span.cpu},
          {"wall_ns", span.wall},
          {"duration", t.duration},
          {"ret", t.retval}};
}

}  // namespace

Json run_command(const Words& w) {
  if (w[0] == "load" && w.size() == 3) return load(w[1], w[2]);
  if (w[0] == "input" && w.size() == 3) return input(w[1], w[2]);
  if (w[0] == "run" && w.size() == 5) return run(w);
  if (w[0] == "drop" && w.size() == 2) return {{"ok", objects().erase(w[1]) == 1}};
  return nullptr;
}

}  // namespace osmia::bench
