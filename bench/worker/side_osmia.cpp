// The side that is Osmia: a Kernel of its own in this process, against the machine's BTF so that CO-RE
// resolves to what the other side sees. Compiling (Kernel::prepare) is timed here, because bpf(2) does not
// tell it.
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "btf/btf.h"
#include "host/run_context.h"
#include "loader/rebound.h"
#include "runtime/catalog.h"
#include "runtime/engine.h"
#include "syscall/fds.h"
#include "worker.h"

namespace osmia::bench {
namespace {

std::unique_ptr<runtime::Kernel> g_kernel;
Span g_prepare;

runtime::ProgramPtr program_of(const Words& w) {
  bpf_program* p = find_program(w[1], w[2]);
  if (!p) return nullptr;
  const auto fd = osmia::syscall::FdTable::instance().get(bpf_program__fd(p));
  const auto* program = std::get_if<runtime::ProgramPtr>(&fd.object);
  return program ? *program : nullptr;
}

// Preparing the loaded program once more: rewriting and compiling.
Json prepare(const Words& w) {
  const auto loaded = program_of(w);
  if (!loaded) return failure("no such program");
  const auto before = loaded->executable;
  const Clock clock;
  const Status status = g_kernel->prepare(*g_kernel, *loaded);
  const Span span = clock.stop();
  loaded->executable = before;
  if (!status.ok()) return failure(status.error().message);
  return {{"ok", true}, {"cpu_ns", span.cpu}};
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

bool side_open(const Words&, std::string& why) {
  objects();
  constexpr const char* kMachineBtf = "/sys/kernel/btf/vmlinux";
  btf::BtfPtr vmlinux;
  if (access(kMachineBtf, R_OK) == 0)
    if (auto read = btf::Btf::from_file(kMachineBtf); read.ok()) vmlinux = *read;
  g_kernel = std::make_unique<runtime::Kernel>(runtime::build_catalog(vmlinux));
  runtime::install_engine(*g_kernel);
  loader::set_default_kernel(g_kernel.get());
  why.clear();
  return true;
}

Json side_command(const Words& w) {
  if (w[0] == "prepare" && w.size() == 3) return prepare(w);
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
