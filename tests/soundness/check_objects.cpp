// check_objects PATH...: loads every program of the objects and runs what was accepted in the checked
// interpreter with random inputs. Exit status 1 if a run left what the verifier claimed.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "btf/btf.h"
#include "loader/object.h"
#include "session.h"

namespace {

using namespace osmia;

struct Arguments {
  std::vector<std::string> paths;
  std::string btf;
  u32 runs = 20;
  u64 seed = 1;
  bool native = false, verbose = false;
};

std::vector<std::string> objects(const std::vector<std::string>& paths) {
  std::vector<std::string> out;
  for (const auto& p : paths) {
    if (!std::filesystem::is_directory(p)) {
      out.push_back(p);
      continue;
    }
    for (const auto& e : std::filesystem::directory_iterator(p))
      if (e.path().string().ends_with(".bpf.o")) out.push_back(e.path().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments args;
  CLI::App app("Runs accepted programs in the checked interpreter.", "check_objects");
  app.add_option("PATH", args.paths, "objects, or directories of *.bpf.o")->required();
  app.add_option("--btf", args.btf, "kernel BTF (default: the machine's, if it has one)");
  app.add_option("--runs", args.runs, "runs of each program");
  app.add_option("--seed", args.seed, "seed of the inputs");
  app.add_flag("--native", args.native, "by the native profile, which merges states");
  app.add_flag("-v,--verbose", args.verbose, "a line for each program");
  CLI11_PARSE(app, argc, argv);
  setvbuf(stdout, nullptr, _IOLBF, 0);

  btf::BtfPtr vmlinux;
  const std::string btf_path = args.btf.empty() ? "/sys/kernel/btf/vmlinux" : args.btf;
  if (auto b = btf::Btf::from_file(btf_path); b.ok()) {
    vmlinux = *b;
  } else if (!args.btf.empty()) {
    fmt::print(stderr, "check_objects: error: {}\n", b.error().message);
    return 2;
  }
  soundness::Session session(vmlinux, args.seed);
  session.kernel().native_profile = args.native;
  u32 programs = 0, accepted = 0, ran = 0;
  for (const auto& path : objects(args.paths)) {
    auto object = loader::ObjectFile::open(session.kernel(), path, args.btf);
    if (!object.ok()) continue;
    loader::LoadOptions options;
    options.log_level = 0;
    (*object)->load_each_alone(options, [&](loader::LoadResult& r) {
      programs++;
      if (r.error || !r.object) return true;
      accepted++;
      runtime::ProgramPtr program = r.object->program(r.entry.name);
      if (!program) return true;
      const size_t before = session.counters().violations.size();
      const u64 insns = session.counters().insns;
      bool once = false;
      for (u32 half = 0; half < 2; half++) {
        once |= session.check(*program, (args.runs + 1) / 2);
        for (const auto& m : r.object->maps())
          if (m.map) soundness::fill_map(*m.map, session.random());
      }
      ran += once;
      auto& found = session.counters().violations;
      for (size_t i = before; i < found.size(); i++) {
        found[i] = std::filesystem::path(path).filename().string() + ": " + found[i];
        if (i < before + 2) fmt::print("VIOLATION {}\n", found[i]);
      }
      if (args.verbose)
        fmt::print("{} {}: {} instructions\n", path, r.entry.name, session.counters().insns - insns);
      return true;
    });
  }
  const auto& c = session.counters();
  fmt::print("not run:\n");
  for (const auto& [why, n] : session.skipped()) fmt::print("  {:>6}  {}\n", n, why);
  fmt::print(
      "{} programs, {} accepted, {} checked, {} runs ({} cut short), {} instructions checked, {} accesses, "
      "{} helper calls, {} jumps to a covering state, {} violations\n",
      programs, accepted, ran, c.runs, c.cut, c.insns, c.accesses, c.helper_calls, c.covered,
      c.violations.size());
  return c.violations.empty() ? 0 : 1;
}
