// verifier_random: random programs through the verifier; what it accepts runs in the checked interpreter, and
// (if its result depends on the input alone) in the engine, and with --live on the running kernel too: same
// verdict, same results. Everything follows from the seeds, which are printed with each finding.
#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <map>

#include "harness.h"
#include "rewritten.h"
#include "session.h"
#include "syscall/bpf.h"
#include "syscall/fds.h"

namespace {

using namespace osmia;
using fuzz::Input;
using fuzz::Outcome;
using fuzz::Program;

struct Arguments {
  double seconds = 10;
  u64 seed = 1, programs = ~u64{0};
  u32 runs = 4;
  bool live = false, show = false, one = false, native = false;
};

struct Tally {
  u64 programs = 0, accepted = 0, compared = 0, live_accepted = 0, we_only = 0, live_only = 0;
  std::map<std::string, u64> reasons;  // of our refusals
  std::map<std::string, u64> we_accept, live_accept;
  u64 findings = 0;
};

fuzz::GeneratorOptions options_for(u64 seed, bool live) {
  fuzz::Choices c(seed ^ 0x5eed);
  fuzz::GeneratorOptions o;
  static constexpr u32 kTypes[] = {6, 6, 3, 17};
  o.prog_type = kTypes[c.below(4)];
  o.statements = 4 + c.below(40);
  o.deterministic = live || c.chance(40);
  static constexpr u32 kBold[] = {0, 0, 2, 10, 40};
  o.boldness = kBold[c.below(5)];
  o.loops = c.chance(60);
  o.subprograms = c.chance(50);
  o.callbacks = c.chance(30);
  return o;
}

// The first words of a message, without its numbers.
std::string kind_of(const std::string& message) {
  std::string out;
  for (char ch : message) {
    if (ch == '\n') break;
    if (ch >= '0' && ch <= '9') {
      if (out.empty() || out.back() != '#') out += '#';
    } else {
      out += ch;
    }
  }
  return out.substr(0, 70);
}

// The log's last line but the statistics.
std::string last_line(const std::string& log) {
  std::string last, line;
  for (char ch : log) {
    if (ch != '\n') {
      line += ch;
      continue;
    }
    if (line.rfind("processed ", 0) != 0 && !line.empty()) last = line;
    line.clear();
  }
  return last;
}

class Driver {
 public:
  explicit Driver(const Arguments& args)
      : args_(args),
        session_(nullptr, args.seed),
        ours_(
            [this](int cmd, union bpf_attr& a) { return syscall::bpf(session_.kernel(), cmd, &a, sizeof a); },
            [](long fd) { syscall::FdTable::instance().close(static_cast<int>(fd)); }),
        live_(
            [](int cmd, union bpf_attr& a) -> long {
              const long r = ::syscall(SYS_bpf, cmd, &a, sizeof a);
              return r < 0 ? -errno : r;
            },
            [](long fd) { ::close(static_cast<int>(fd)); }) {
    session_.kernel().native_profile = args.native;
    session_.kernel().on_verdict = [this](const verifier::Program&, const verifier::Verdict& v) {
      message_ = v.message;
    };
  }

  bool live_usable() { return live_.usable(); }
  Tally& tally() { return tally_; }
  const soundness::Counters& counters() { return session_.counters(); }

  void one(u64 seed) {
    const auto options = options_for(seed, args_.live);
    const Program program = fuzz::random_program(seed, options);
    tally_.programs++;
    if (args_.show) fmt::print("seed {}, type {}\n{}", seed, options.prog_type, fuzz::listing(program));
    message_.clear();
    std::string log;
    // Machine code and the interpreter in turn.
    session_.kernel().jit = seed % 4 ? runtime::JitMode::kAuto : runtime::JitMode::kOff;
    const long fd = ours_.load(program, options.prog_type, args_.show ? &log : nullptr);
    if (args_.show) fmt::print("{}-> {} {}\n", log, fd, message_);
    long live_fd = -1;
    if (args_.live) live_fd = compare_verdict(seed, program, options.prog_type, fd);
    if (fd < 0) {
      const std::string why = message_.empty() ? std::string(syscall::last_error()) : message_;
      if (message_.empty() && tally_.reasons[kind_of(why)] < 3) fmt::print("seed {}: {}\n", seed, why);
      tally_.reasons[kind_of(why)]++;
    } else {
      tally_.accepted++;
      run(seed, program, options, fd, live_fd);
      ours_.close(fd);
    }
    if (live_fd >= 0) live_.close(live_fd);
  }

 private:
  void finding(u64 seed, const Program& program, const std::string& what) {
    tally_.findings++;
    if (tally_.findings > 20) return;
    fmt::print("FINDING seed {}: {}\n", seed, what);
    if (tally_.findings <= 3 && !args_.show) fmt::print("{}", fuzz::listing(program));
  }

  long compare_verdict(u64 seed, const Program& program, u32 type, long fd) {
    std::string log;
    const long live = live_.load(program, type);
    if (live >= 0) tally_.live_accepted++;
    if (live < 0 || args_.show) {
      const long again = live_.load(program, type, &log);
      if (again >= 0) live_.close(again);
      if (args_.show) fmt::print("the kernel:\n{}-> {}\n", log, live);
    }
    if ((live >= 0) == (fd >= 0)) return live;
    auto& kinds = fd >= 0 ? tally_.we_accept : tally_.live_accept;
    (fd >= 0 ? tally_.we_only : tally_.live_only)++;
    const std::string kind = kind_of(fd >= 0 ? last_line(log) : message_);
    if (kinds[kind]++ < 3)
      fmt::print("{} seed {}: {}\n", fd >= 0 ? "only we accept" : "only the kernel accepts", seed,
                 fd >= 0 ? std::to_string(live) + " " + last_line(log) : message_);
    return live;
  }

  void run(u64 seed, const Program& program, const fuzz::GeneratorOptions& options, long fd, long live_fd) {
    fuzz::Choices c(seed ^ 0x1234567);
    for (u32 i = 0; i < args_.runs; i++) {
      const Input input = fuzz::random_input(c, options.prog_type);
      const size_t before = session_.counters().violations.size();
      session_.plain_runs = false;
      session_.counters().trace = args_.show;
      const Outcome checked = ours_.run(fd, options.prog_type, input);
      const bool cut = session_.last() && session_.last()->was_cut();
      if (session_.counters().violations.size() > before) {
        finding(seed, program, session_.counters().violations.back());
        return;
      }
      if (!options.deterministic || cut || checked.result) continue;
      tally_.compared++;
      session_.plain_runs = true;
      const Outcome plain = ours_.run(fd, options.prog_type, input);
      session_.plain_runs = false;
      if (!same(seed, program, seed % 4 ? "the JIT" : "the interpreter", checked, plain)) return;
      if (!compare_facts(seed, program, options.prog_type, fd, input, checked)) return;
      if (live_fd < 0) continue;
      const Outcome theirs = live_.run(live_fd, options.prog_type, input);
      if (!same(seed, program, "the running kernel", checked, theirs)) return;
    }
  }

  // Twice: once the ranges are checked, once what nobody reads is noise.
  bool compare_facts(u64 seed, const Program& program, u32 type, long fd, const Input& input,
                     const Outcome& checked) {
    auto* loaded = session_.last();
    if (!loaded->rewritten) return true;
    std::swap(loaded->plain, loaded->rewritten);
    session_.plain_runs = true;
    bool ok = true;
    for (int i = 0; i < 2 && ok; i++) {
      const size_t before = session_.counters().violations.size();
      const Outcome out = ours_.run(fd, type, input);
      if (session_.counters().violations.size() > before) {
        finding(seed, program, session_.counters().violations.back());
        ok = false;
      } else if (!static_cast<soundness::RewrittenProgram*>(loaded->plain.get())->was_cut()) {
        ok = same(seed, program, "the rewritten program with its facts", checked, out);
      }
    }
    session_.plain_runs = false;
    std::swap(loaded->plain, loaded->rewritten);
    return ok;
  }

  bool same(u64 seed, const Program& program, const char* who, const Outcome& a, const Outcome& b) {
    if (a == b) return true;
    finding(seed, program,
            fmt::format("checked interpreter and {} differ: result {} and {}, retval {:#x} and {:#x}, {}{}",
                        who, a.result, b.result, a.retval, b.retval, a.data == b.data ? "" : "data differ ",
                        a.maps == b.maps ? "" : "maps differ"));
    return false;
  }

  const Arguments& args_;
  soundness::Session session_;
  fuzz::Target ours_, live_;
  Tally tally_;
  std::string message_;
};

void print_kinds(const char* title, const std::map<std::string, u64>& kinds, u64 least) {
  std::multimap<u64, std::string, std::greater<>> sorted;
  for (const auto& [k, n] : kinds)
    if (n >= least) sorted.emplace(n, k);
  if (!sorted.empty()) fmt::print("{}\n", title);
  u32 shown = 0;
  for (const auto& [n, k] : sorted)
    if (shown++ < 25) fmt::print("  {:>7}  {}\n", n, k);
}

}  // namespace

int main(int argc, char** argv) {
  Arguments args;
  CLI::App app("Random programs through the verifier, the checked interpreter, the engine and the kernel.",
               "verifier_random");
  app.add_option("--seconds", args.seconds, "how long");
  app.add_option("--programs", args.programs, "how many at most");
  app.add_option("--seed", args.seed, "first seed; programs take the following ones");
  app.add_option("--runs", args.runs, "runs of each accepted program");
  app.add_flag("--live", args.live, "also on the running kernel (bpf(2): load and test run, never attach)");
  app.add_flag("--native", args.native, "by the native profile, which merges states");
  app.add_flag("--one", args.one, "only the program of --seed, and print it");
  CLI11_PARSE(app, argc, argv);
  setvbuf(stdout, nullptr, _IOLBF, 0);
  if (args.one) args.show = true, args.programs = 1;
  Driver driver(args);
  if (args.live && !driver.live_usable()) {
    fmt::print(stderr, "verifier_random: the running kernel refuses bpf(2): without --live\n");
    return 77;
  }
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  for (u64 i = 0; i < args.programs && (args.one || elapsed() < args.seconds); i++) driver.one(args.seed + i);
  const Tally& t = driver.tally();
  const auto& c = driver.counters();
  print_kinds("refused because:", t.reasons, std::max<u64>(t.programs / 200, 1));
  print_kinds("only we accept; the kernel says:", t.we_accept, 1);
  print_kinds("only the kernel accepts; we say:", t.live_accept, 1);
  fmt::print(
      "seeds {} to {}: {} programs, {} accepted ({:.1f} %), {} runs ({} cut short), {} instructions checked, "
      "{} accesses, {} helper calls, {} jumps to a covering state, {} results compared, "
      "{} instructions against the facts\n",
      args.seed, args.seed + t.programs - 1, t.programs, t.accepted,
      100.0 * static_cast<double>(t.accepted) / static_cast<double>(std::max<u64>(t.programs, 1)), c.runs,
      c.cut, c.insns, c.accesses, c.helper_calls, c.covered, t.compared, c.facts_insns);
  if (args.live)
    fmt::print("kernel: {} accepted; only we accept {}, only the kernel accepts {}\n", t.live_accepted,
               t.we_only, t.live_only);
  fmt::print("{} violations, {} findings in all\n", c.violations.size(), t.findings);
  return t.findings ? 1 : 0;
}
