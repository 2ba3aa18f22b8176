// The side that is Osmia: a Kernel of its own in this process, against the machine's BTF so that CO-RE
// resolves to what the other side sees. Compiling (Kernel::prepare) is timed here, because bpf(2) does not
// tell it.
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "btf/btf.h"
#include "host/run_context.h"
#include "jit/jit.h"
#include "loader/rebound.h"
#include "rewrite/rewrite.h"
#include "runtime/catalog.h"
#include "runtime/engine.h"
#include "syscall/fds.h"
#include "worker.h"

namespace osmia::bench {
namespace {

std::unique_ptr<runtime::Kernel> g_kernel;

runtime::ProgramPtr program_of(const Words& w) {
  bpf_program* p = find_program(w[1], w[2]);
  if (!p) return nullptr;
  const auto fd = osmia::syscall::FdTable::instance().get(bpf_program__fd(p));
  const auto* program = std::get_if<runtime::ProgramPtr>(&fd.object);
  return program ? *program : nullptr;
}

jit::Entry no_tail_call(u64, u32, u32*) {
  return nullptr;
}

// Compiles the loaded program once more, with the JIT: the time of the compiler alone, without rewriting.
Json compile(const Words& w) {
  const auto loaded = program_of(w);
  if (!loaded) return failure("no such program");
  rewrite::Options options;
  options.helper_code = runtime::helper_code;
  auto rewritten = rewrite::rewrite(loaded->desc, loaded->facts, options);
  if (!rewritten.ok()) return failure(rewritten.error().message);
  jit::Options jit_options;
  jit_options.tail_call = no_tail_call;
  const Clock clock;
  const auto image = jit::compile(*rewritten, jit_options);
  const Span span = clock.stop();
  if (!image.ok()) return failure(image.error().message);
  return {{"ok", true},
          {"cpu_ns", span.cpu},
          {"insns", rewritten->insns.size()},
          {"code_bytes", (*image)->bytes().size()},
          {"tier", (*image)->tier() == jit::Tier::kOptimised ? "optimised" : "direct"}};
}

// Calls without the test run around them. Only for programs that do not look at their context.
Json call(const Words& w) {
  const auto loaded = program_of(w);
  if (!loaded || !loaded->executable) return failure("no such program");
  const auto repeat = strtoull(w[3].c_str(), nullptr, 10);
  u64 context[16] = {};
  host::RunScope scope(loaded.get(), context);
  u64 ret = 0;
  const Clock clock;
  for (u64 i = 0; i < repeat; i++) ret += loaded->executable->run(context);
  const Span span = clock.stop();
  return {{"ok", true}, {"cpu_ns", span.cpu}, {"ret", static_cast<u32>(ret)}};
}

}  // namespace

bool side_open(const Words& options, std::string& why) {
  objects();
  constexpr const char* kMachineBtf = "/sys/kernel/btf/vmlinux";
  btf::BtfPtr vmlinux;
  if (access(kMachineBtf, R_OK) == 0)
    if (auto read = btf::Btf::from_file(kMachineBtf); read.ok()) vmlinux = *read;
  g_kernel = std::make_unique<runtime::Kernel>(runtime::build_catalog(vmlinux));
  runtime::install_engine(*g_kernel);
  loader::set_default_kernel(g_kernel.get());
  for (size_t i = 0; i + 1 < options.size(); i += 2) {
    if (options[i] != "--jit") return why = "unknown option " + options[i], false;
    const auto mode = runtime::jit_mode(options[i + 1]);
    if (!mode.ok()) return why = mode.error().message, false;
    g_kernel->jit = *mode;
    if (*mode == runtime::JitMode::kOn && !jit::available()) return why = "no JIT for this CPU", false;
  }
  return true;
}

Json side_command(const Words& w) {
  if (w[0] == "compile" && w.size() == 3) return compile(w);
  if (w[0] == "call" && w.size() == 4) return call(w);
  return nullptr;
}

void* side_mmap(size_t size, int protection, int fd, off_t offset) {
  return syscall::FdTable::instance().mmap(nullptr, size, protection, MAP_SHARED, fd, offset);
}
void side_close(int fd) {
  syscall::FdTable::instance().close(fd);
}

}  // namespace osmia::bench
