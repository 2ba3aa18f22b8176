// `osmia verify`: every program of every object on its own, and why not.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/filter.h"
#include "cli/session.h"
#include "loader/object.h"

namespace osmia::cli {
namespace {

struct Arguments {
  std::vector<std::string> files;
  std::string prog, format = "text";
  SessionOptions session;
  u32 prog_flags = 0, log_level = 0;
};

struct Counts {
  u32 accepted = 0, rejected = 0, errors = 0;
};

const char* verdict_name(const loader::LoadResult& r) {
  if (r.error == 0) return "accept";
  return r.reached_verifier && !r.verdict.unsupported ? "reject" : "error";
}

// The last source line ("; x = y; @ file.c:12") that the log names: where it was refused.
std::string source_line(const std::string& log) {
  size_t end = log.size();
  while (end > 0) {
    const size_t start = log.rfind('\n', end - 1);
    const std::string_view line(log.data() + (start == std::string::npos ? 0 : start + 1),
                                end - (start == std::string::npos ? 0 : start + 1));
    if (line.starts_with("; ") && line.find(" @ ") != line.npos) return std::string(line.substr(2));
    if (start == std::string::npos) break;
    end = start;
  }
  return {};
}

std::string reason(const loader::LoadResult& r) {
  return !r.verdict.message.empty() ? r.verdict.message : r.message;
}

void print_text(const loader::LoadResult& r) {
  const auto& s = r.verdict.stats;
  const char* word = r.error == 0 ? "PASS" : "FAIL";
  fmt::print("{}  {:<32} {:>8} insns {:>6} states {:>4} B stack {:>8} us\n", word, r.entry.name,
             s.insns_processed, s.total_states, s.stack_bytes, s.verify_ns / 1000);
  if (r.error == 0) return;
  const bool ours = !r.reached_verifier || r.verdict.unsupported;
  fmt::print("      {}{}\n", ours ? "error: " : "", reason(r).empty() ? strerror(r.error) : reason(r));
  if (const std::string at = source_line(r.log); !at.empty()) fmt::print("      at: {}\n", at);
}

void print_json(const std::string& object, const loader::LoadResult& r) {
  const auto& s = r.verdict.stats;
  const nlohmann::ordered_json j = {{"object", object},
                                    {"program", r.entry.name},
                                    {"section", r.entry.section},
                                    {"prog_type", r.entry.type_name},
                                    {"verdict", verdict_name(r)},
                                    {"errno", r.error},
                                    {"message", r.error ? reason(r) : ""},
                                    {"insns_processed", s.insns_processed},
                                    {"total_states", s.total_states},
                                    {"peak_states", s.peak_states},
                                    {"stack_bytes", s.stack_bytes},
                                    {"verify_usec", s.verify_ns / 1000}};
  fmt::print("{}\n", j.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

std::string csv_field(const std::string& s) {
  if (s.find_first_of(",\"\n") == std::string::npos) return s;
  std::string out = "\"";
  for (char c : s) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

void print_csv(const std::string& object, const loader::LoadResult& r) {
  const auto& s = r.verdict.stats;
  fmt::print("{},{},{},{},{},{},{},{},{},{},{},{}\n", csv_field(object), csv_field(r.entry.name),
             csv_field(r.entry.section), r.entry.type_name, verdict_name(r), r.error,
             csv_field(r.error ? reason(r) : ""), s.insns_processed, s.total_states, s.peak_states,
             s.stack_bytes, s.verify_ns / 1000);
}

void print_kernel_log(const std::string& object, const loader::LoadResult& r) {
  fmt::print("-- {}: {}: {}\n{}", object, r.entry.name, verdict_name(r), r.log);
  if (!r.log.empty() && r.log.back() != '\n') fmt::print("\n");
  if (!r.reached_verifier && r.error) fmt::print("{}\n", reason(r));
}

// A line that is rewritten while a long verification runs, on terminals only.
class Progress {
 public:
  explicit Progress(runtime::Kernel& kernel) {
    if (!isatty(STDERR_FILENO)) return;
    kernel.on_progress = [this](u64 insns) {
      const auto now = std::chrono::steady_clock::now();
      if (now - start_ > std::chrono::seconds(1)) {
        fmt::print(stderr, "\r{}: {} instructions processed (limit 1000000) ", name_, insns);
        fflush(stderr);
        shown_ = true;
      }
      return true;
    };
  }
  void begin(const std::string& name) {
    name_ = name;
    start_ = std::chrono::steady_clock::now();
  }
  void end() {
    if (shown_) fmt::print(stderr, "\r\033[K");
    shown_ = false;
  }

 private:
  std::string name_;
  std::chrono::steady_clock::time_point start_;
  bool shown_ = false;
};

Status verify_file(const Arguments& args, Session& session, const std::string& path, Counts& counts,
                   Progress& progress) {
  OSMIA_ASSIGN(auto object, loader::ObjectFile::open(*session.kernel, path));
  loader::LoadOptions options;
  // The source line of a refusal stands in the log, so text wants one too.
  options.log_level = args.log_level ? args.log_level : 1;
  options.extra_flags = args.prog_flags;
  bool found = false;
  for (const auto& entry : object->programs()) {
    if (!args.prog.empty() && entry.name != args.prog) continue;
    found = true;
    progress.begin(entry.name);
    const loader::LoadResult r = object->load_alone(entry.name, options);
    progress.end();
    if (r.error == 0)
      counts.accepted++;
    else if (r.reached_verifier && !r.verdict.unsupported)
      counts.rejected++;
    else
      counts.errors++;
    if (args.format == "json")
      print_json(object->name(), r);
    else if (args.format == "csv")
      print_csv(object->name(), r);
    else if (args.format == "kernel-log")
      print_kernel_log(object->name(), r);
    else
      print_text(r);
    fflush(stdout);
  }
  if (!found) {
    if (args.prog.empty()) return Error{ENOENT, path + ": there is no BPF program in it"};
    return Error{ENOENT, path + ": there is no program named '" + args.prog + "'"};
  }
  return Ok{};
}

}  // namespace

int verify(int argc, char** argv) {
  Arguments args;
  CLI::App app("Says for every program whether Linux 6.12 would take it, and why not.", "osmia verify");
  app.add_option("FILE", args.files, "BPF objects (.bpf.o)");
  FilterSource filter;
  add_filter_options(app, filter, true);
  app.add_option("--prog", args.prog, "only the program of this name");
  app.add_option("--prog-flags", args.prog_flags, "added to each program's load flags (BPF_F_*)");
  app.add_option("--log-level", args.log_level, "1 states at branches, 2 every instruction, 4 statistics");
  app.add_option("--format", args.format, "text, json, csv or kernel-log")
      ->check(CLI::IsMember({"text", "json", "csv", "kernel-log"}));
  app.add_option("--btf", args.session.btf_path, "kernel BTF to verify against (default: the machine's)");
  app.add_flag("--unprivileged", args.session.unprivileged, "verify as for a loader without capabilities");
  app.add_flag("--native", args.session.native, "the profile for embedding: may accept more than Linux does");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kOk : kUsage;
  }
  if (filter.given() == !args.files.empty())
    return complain("verify", filter.given() ? "give FILE, --filter or --classic, not two of them"
                                             : "expected FILE, --filter or --classic (osmia verify --help)");
  if (filter.given()) return verify_filter(args.session, filter, args.format, args.log_level);
  auto session = open_session(args.session);
  if (!session.ok()) return complain("verify", session.error().message);
  if (args.format == "csv")
    fmt::print(
        "object,program,section,prog_type,verdict,errno,message,insns_processed,total_states,peak_states,"
        "stack_bytes,verify_usec\n");
  Counts counts;
  Progress progress(*session->kernel);
  for (const auto& file : args.files) {
    if (args.format == "text" && args.files.size() > 1) fmt::print("{}\n", file);
    if (auto s = verify_file(args, *session, file, counts, progress); !s.ok()) {
      complain("verify", s.error().message);
      counts.errors++;
    }
  }
  if (args.format == "text" && counts.accepted + counts.rejected + counts.errors > 1)
    fmt::print("{} accepted, {} rejected, {} not answered\n", counts.accepted, counts.rejected,
               counts.errors);
  return counts.errors ? kUsage : counts.rejected ? kNegative : kOk;
}

}  // namespace osmia::cli
