// The Kernel's `prepare` hook compiles with each engine in turn; before a run the program is given the code
// of the engine that is to run.
#include "engines.h"

#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "reduce.h"
#include "runtime/catalog.h"
#include "runtime/engine.h"
#include "syscall/bpf.h"
#include "syscall/fds.h"

namespace osmia::fuzz {
namespace {

std::string bytes_differ(const char* what, const std::vector<u8>& a, const std::vector<u8>& b) {
  if (a == b) return {};
  if (a.size() != b.size()) return fmt::format("\n  {}: {} and {} bytes", what, a.size(), b.size());
  std::string out;
  u32 n = 0;
  for (size_t i = 0; i < a.size(); i++)
    if (a[i] != b[i] && n++ < 8) out += fmt::format(" [{}] {:02x} {:02x}", i, a[i], b[i]);
  return fmt::format("\n  {}: {} bytes differ:{}", what, n, out);
}

}  // namespace

std::string describe(const Mismatch& m) {
  std::string out = fmt::format("{} and {} differ: result {} and {}, retval {:#x} and {:#x}", m.first,
                                m.second, m.a.result, m.b.result, m.a.retval, m.b.retval);
  out += bytes_differ("packet", m.a.data, m.b.data);
  out += bytes_differ("context", m.a.ctx, m.b.ctx);
  out += bytes_differ("maps", m.a.maps, m.b.maps);
  return out;
}

Engines::Engines(bool live)
    : kernel_(std::make_unique<runtime::Kernel>(runtime::build_catalog(nullptr))),
      engines_{{"the interpreter", runtime::JitMode::kOff, jit::Tier::kDirect, {}, {}}},
      ours_([this](int cmd, union bpf_attr& a) { return syscall::bpf(*kernel_, cmd, &a, sizeof a); },
            [](long fd) { syscall::FdTable::instance().close(static_cast<int>(fd)); }),
      live_(
          [](int cmd, union bpf_attr& a) -> long {
            const long r = ::syscall(SYS_bpf, cmd, &a, sizeof a);
            return r < 0 ? -errno : r;
          },
          [](long fd) { ::close(static_cast<int>(fd)); }),
      use_live_(live) {
  if (jit::available()) {
    engines_.push_back({"the direct tier", runtime::JitMode::kOn, jit::Tier::kDirect, {}, {}});
    engines_.push_back({"the optimising tier", runtime::JitMode::kOn, jit::Tier::kOptimised, {}, {}});
  }
  runtime::install_engine(*kernel_);
  kernel_->prepare = [this](runtime::Kernel& kernel, runtime::Program& program) {
    return prepare(kernel, program);
  };
  ours_.map_object = [](int fd) {
    return std::get<maps::MapPtr>(syscall::FdTable::instance().get(fd).object);
  };
  ours_.wants_ctx = live_.wants_ctx = true;
}
Engines::~Engines() = default;

bool Engines::live_usable() {
  return use_live_ && live_.usable();
}

Status Engines::prepare(runtime::Kernel& kernel, runtime::Program& program) {
  for (Engine& e : engines_) {
    kernel.jit = e.mode;
    kernel.jit_tier = e.tier;
    program.not_executable.clear();
    program.executable.reset();
    const std::vector<isa::Insn> loaded = program.insns;
    if (sabotage && &e == &engines_.back())
      for (isa::Insn& in : program.insns)
        if (in.code == (isa::kAlu64 | isa::kRsh | isa::kK) && in.imm < 32) in.imm++;
    const Status made = runtime::prepare_program(kernel, program);
    std::copy(loaded.begin(), loaded.end(), program.insns.begin());  // desc refers to where they are
    OSMIA_TRY(made);
    e.code = std::move(program.executable);
    e.missing = program.not_executable;
  }
  program.not_executable.clear();
  program.executable = engines_[0].code;
  last_ = &program;
  return Ok{};
}

Engines::Result Engines::compare(const Program& program, u32 prog_type, std::span<const Input> inputs,
                                 bool live) {
  Result out;
  last_ = nullptr;
  const long fd = ours_.load(program, prog_type);
  if (fd < 0 || !last_) return out;
  out.accepted = true;
  ours_.uses_maps = live_.uses_maps = uses_maps(program);
  const long live_fd = live && live_usable() ? live_.load(program, prog_type) : -1;
  for (const Engine& e : engines_)
    if (!e.code) out.missing = fmt::format("{}: {}", e.name, e.missing);
  if (const auto& best = engines_.back().code; best && best->image())
    out.optimised = best->image()->tier() == jit::Tier::kOptimised;
  for (const Input& input : inputs) {
    std::optional<Outcome> first;
    const auto differs = [&](const char* name, Outcome got) {
      out.runs++;
      if (!first) {
        first = std::move(got);
        return false;
      }
      if (*first == got) return false;
      out.mismatch = Mismatch{engines_[0].name, name, *first, std::move(got), input};
      return true;
    };
    for (const Engine& e : engines_) {
      if (!e.code || out.mismatch) continue;
      last_->executable = e.code;
      differs(e.name, ours_.run(fd, prog_type, input));
    }
    if (live_fd >= 0 && !out.mismatch) {
      differs("the running kernel", live_.run(live_fd, prog_type, input));
      out.compared_live = true;
    }
    if (out.mismatch) break;
  }
  for (Engine& e : engines_) e.code.reset();
  if (live_fd >= 0) live_.close(live_fd);
  ours_.close(fd);
  return out;
}

Program Engines::reduce(const Program& program, u32 prog_type, const Mismatch& mismatch) {
  const bool live = mismatch.second == "the running kernel";
  return fuzz::reduce(program, [&](const Program& candidate) {
    const Result r = compare(candidate, prog_type, std::span(&mismatch.input, 1), live);
    return r.mismatch && r.mismatch->second == mismatch.second;
  });
}

}  // namespace osmia::fuzz
