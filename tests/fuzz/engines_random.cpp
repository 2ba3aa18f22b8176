// engines_random: random verified programs, the engines against each other: interpreter, direct and
// optimising tier and, with --live, a sample on the running kernel. Everything follows from the seed: a
// mismatch is reduced and printed as assembly with the command that repeats it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <map>

#include "engines.h"

namespace {

using namespace osmia;

struct Arguments {
  double seconds = 10;
  u64 seed = 1, programs = ~u64{0};
  u32 inputs = 3, live_every = 8;
  bool live = false, one = false, sabotage = false;
};

fuzz::GeneratorOptions options_for(u64 seed) {
  fuzz::Choices c(seed ^ 0xe16);
  fuzz::GeneratorOptions o;
  static constexpr u32 kTypes[] = {6, 6, 3, 17};
  o.prog_type = kTypes[c.below(4)];
  o.statements = 4 + c.below(50);
  o.deterministic = true;
  o.boldness = c.chance(20) ? 2 : 0;
  o.loops = c.chance(70);
  o.subprograms = c.chance(50);
  o.callbacks = c.chance(30);
  o.idioms = c.chance(80) ? 10 + c.below(40) : 0;
  return o;
}

const char* type_name(u32 type) {
  return type == 6 ? "xdp" : type == 3 ? "tc" : "raw_tp";
}

struct Tally {
  u64 programs = 0, accepted = 0, optimised = 0, runs = 0, live = 0, mismatches = 0;
  std::map<std::string, u64> missing;
};

class Driver {
 public:
  explicit Driver(const Arguments& args) : args_(args), engines_(args.live) {
    engines_.sabotage = args.sabotage;
  }
  const Tally& tally() const { return tally_; }
  bool live_usable() { return engines_.live_usable(); }

  // False: the engines do not agree.
  bool one(u64 seed) {
    const auto options = options_for(seed);
    const fuzz::Program program = fuzz::random_program(seed, options);
    fuzz::Choices c(seed ^ 0x1234567);
    std::vector<fuzz::Input> inputs;
    for (u32 i = 0; i < args_.inputs; i++) inputs.push_back(fuzz::random_input(c, options.prog_type));
    if (args_.one)
      fmt::print("seed {}, {}:\n{}\n", seed, type_name(options.prog_type), fuzz::listing(program));
    const bool live = args_.live && (args_.one || seed % args_.live_every == 0);
    const auto result = engines_.compare(program, options.prog_type, inputs, live);
    tally_.programs++;
    tally_.accepted += result.accepted;
    tally_.optimised += result.optimised;
    tally_.runs += result.runs;
    tally_.live += result.compared_live;
    if (!result.missing.empty()) tally_.missing[result.missing]++;
    if (!result.mismatch) return true;
    tally_.mismatches++;
    fmt::print("MISMATCH, seed {}, {}: {}\n", seed, type_name(options.prog_type),
               fuzz::describe(*result.mismatch));
    const fuzz::Program small = engines_.reduce(program, options.prog_type, *result.mismatch);
    const auto again =
        engines_.compare(small, options.prog_type, std::span(&result.mismatch->input, 1), live);
    fmt::print("{} of {} instructions are enough:\n{}", small.insns.size(), program.insns.size(),
               fuzz::listing(small));
    for (size_t f = 1; f < small.functions.size(); f++)
      fmt::print("// a function begins at {}\n", small.functions[f].start);
    if (again.mismatch) fmt::print("there {}\n", fuzz::describe(*again.mismatch));
    fmt::print("to repeat: engines_random --one --seed {}{}\n", seed, live ? " --live" : "");
    return false;
  }

 private:
  const Arguments& args_;
  fuzz::Engines engines_;
  Tally tally_;
};

}  // namespace

int main(int argc, char** argv) {
  Arguments args;
  CLI::App app("Random verified programs on every engine; all must agree.", "engines_random");
  app.add_option("--seconds", args.seconds, "how long");
  app.add_option("--programs", args.programs, "how many at most");
  app.add_option("--seed", args.seed, "first seed, programs take the following ones; 0: from the clock");
  app.add_option("--inputs", args.inputs, "runs of each accepted program");
  app.add_flag("--live", args.live, "a sample also on the running kernel (load and test run, never attach)");
  app.add_option("--live-every", args.live_every, "one program in so many")->check(CLI::Range(1, 1 << 30));
  app.add_flag("--one", args.one, "only the program of --seed, and print it");
  app.add_flag("--sabotage", args.sabotage, "one engine is wrong on purpose: shows that it is found");
  CLI11_PARSE(app, argc, argv);
  setvbuf(stdout, nullptr, _IOLBF, 0);
  if (args.one) args.programs = 1;
  if (!args.seed)
    args.seed =
        static_cast<u64>(std::chrono::system_clock::now().time_since_epoch() / std::chrono::seconds(1)) << 20;
  Driver driver(args);
  if (args.live && !driver.live_usable())
    fmt::print("engines_random: notice: the running kernel refuses bpf(2): our engines alone\n");
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  constexpr u64 kMostMismatches = 3;
  for (u64 i = 0; i < args.programs && (args.one || elapsed() < args.seconds); i++)
    if (!driver.one(args.seed + i) && driver.tally().mismatches >= kMostMismatches) break;
  const Tally& t = driver.tally();
  for (const auto& [why, n] : t.missing) fmt::print("  {:>6} not by {}\n", n, why);
  fmt::print(
      "seeds {} to {}: {} programs, {} accepted, {} of them by the optimising tier, {} runs, {} programs "
      "also on "
      "the running kernel; {} mismatches\n",
      args.seed, args.seed + t.programs - 1, t.programs, t.accepted, t.optimised, t.runs, t.live,
      t.mismatches);
  if (!t.accepted && !args.one) {
    fmt::print("engines_random: error: no program was accepted, so nothing was compared\n");
    return 1;
  }
  return t.mismatches ? 1 : 0;
}
