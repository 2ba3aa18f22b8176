// osmia conformance-plugin: speaks the plug-in protocol of the public bpf_conformance suite. It runs what it
// is given unverified, so a signal or the clock may end the program; then it says so and exits with 1.
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/commands.h"
#include "helpers/helper.h"
#include "host/run_context.h"
#include "interp/interp.h"
#include "isa/decode.h"
#include "jit/jit.h"
#include "rewrite/unverified.h"

namespace osmia::cli {
namespace {

constexpr const char* kUsage =
    "usage: osmia conformance-plugin [MEMORY] [--program HEX] [--interpret|--jit]\n"
    "Runs one eBPF program without verifying it and prints r0 in hex. For tests only.\n"
    "  MEMORY          hex pairs; r1 is its address, r2 its length (default: none, both 0)\n"
    "  --program HEX   the instructions as hex pairs (default: one line on standard input)\n"
    "  --interpret     run it in the interpreter (default)\n"
    "  --jit           run it as machine code\n";
constexpr unsigned kSeconds = 30;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Hex pairs, with any blanks between the pairs.
Result<std::vector<u8>> hex_pairs(std::string_view text, const char* what) {
  std::vector<u8> out;
  for (size_t i = 0; i < text.size();) {
    if (std::strchr(" \t\r\n", text[i])) {
      i++;
      continue;
    }
    const int high = hex_digit(text[i]), low = i + 1 < text.size() ? hex_digit(text[i + 1]) : -1;
    if (high < 0 || low < 0)
      return Error{EINVAL, fmt::format("{}, byte {}: expected two hex digits, found \"{}\"", what, out.size(),
                                       text.substr(i, 2))};
    out.push_back(static_cast<u8>(high << 4 | low));
    i += 2;
  }
  return out;
}

std::string read_line() {
  std::string line;
  for (int c; (c = std::getchar()) != EOF && c != '\n';) line += static_cast<char>(c);
  return line;
}

int fail(const std::string& why) {
  fmt::print(stderr, "osmia conformance-plugin: {}\n", why);
  return 1;
}

void on_signal(int signal) {
  static constexpr char kClock[] = "osmia conformance-plugin: the program did not end within 30 seconds\n";
  static constexpr char kFault[] = "osmia conformance-plugin: the program touched memory that is not there\n";
  const bool clock = signal == SIGALRM;
  [[maybe_unused]] auto n = clock ? write(2, kClock, sizeof kClock - 1) : write(2, kFault, sizeof kFault - 1);
  _exit(1);
}

// The code of a helper by its number in Linux: the suite calls some (5 is bpf_ktime_get_ns).
rewrite::ExecCall helper_by_id(s32 id) {
  for (const auto* entry : helpers::registry())
    if (static_cast<s32>(entry->def.id) == id) return {entry->fn, std::string(entry->def.name), false};
  return {};
}

// On a stack of its own, since endless recursion of the program uses up ours.
void catch_faults() {
  static u8 stack[16384];
  stack_t alternate{};
  alternate.ss_sp = stack;
  alternate.ss_size = sizeof stack;
  sigaltstack(&alternate, nullptr);
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_ONSTACK;
  for (const int s : {SIGSEGV, SIGBUS, SIGALRM}) sigaction(s, &action, nullptr);
  alarm(kSeconds);
}

}  // namespace

int conformance_plugin(int argc, char** argv) {
  std::optional<std::string> memory_text, program_text;
  bool jit = false;
  for (int i = 1; i < argc; i++) {
    const std::string_view arg = argv[i];
    if (arg == "--help" || arg == "-h") {
      std::fputs(kUsage, stdout);
      return 0;
    } else if (arg == "--jit") {
      jit = true;
    } else if (arg == "--interpret") {
      jit = false;
    } else if (arg == "--program") {
      if (i + 1 >= argc) return fail("--program: expected hex pairs, found nothing");
      program_text = argv[++i];
    } else if (arg.starts_with("--")) {
      return fail(fmt::format("expected an option of --help, found \"{}\"", arg));
    } else if (!memory_text) {
      memory_text = arg;
    } else if (!arg.empty()) {  // the suite's runner passes its plug-in options as one argument, often an
                                // empty one
      return fail(fmt::format("expected one MEMORY argument, found a second: \"{}\"", arg));
    }
  }
  if (jit && !jit::available()) return fail("not supported yet: a JIT for this CPU");

  auto memory = hex_pairs(memory_text.value_or(""), "memory");
  if (!memory.ok()) return fail(memory.error().message);
  auto bytes = hex_pairs(program_text ? *program_text : read_line(), "program");
  if (!bytes.ok()) return fail(bytes.error().message);
  auto insns = isa::decode(*bytes);
  if (!insns.ok()) return fail(insns.error().message);
  auto program = rewrite::unverified(*insns, helper_by_id);
  if (!program.ok()) return fail(program.error().message);
  std::shared_ptr<const interp::Code> interpreted;
  std::shared_ptr<const jit::Image> compiled;
  if (jit) {
    auto image = jit::compile(*program, {});
    if (!image.ok()) return fail(image.error().message);
    compiled = std::move(*image);
  } else {
    auto code = interp::Code::compile(*program);
    if (!code.ok()) return fail(code.error().message);
    interpreted = std::move(*code);
  }

  catch_faults();
  host::RunScope scope(nullptr);
  const u64 address = memory->empty() ? 0 : reinterpret_cast<u64>(memory->data());
  const u64 r0 = compiled ? compiled->entry()(address, memory->size(), 0, 0, 0, nullptr)
                          : interpreted->run(address, memory->size());
  std::printf("%llx\n", static_cast<unsigned long long>(r0));
  return 0;
}

}  // namespace osmia::cli
