// The verifier against runs: the bytes choose a program (generator.h), what is accepted runs in the checked
// interpreter and, rewritten, against the facts for code generators. A state that a run leaves is a crash.
#include <cstdio>
#include <cstdlib>

#include "harness.h"
#include "rewritten.h"
#include "session.h"
#include "syscall/bpf.h"
#include "syscall/fds.h"

namespace {

using namespace osmia;

struct World {
  World()
      : session(nullptr, 1),
        target(
            [this](int cmd, union bpf_attr& a) { return syscall::bpf(session.kernel(), cmd, &a, sizeof a); },
            [](long fd) { syscall::FdTable::instance().close(static_cast<int>(fd)); }) {
    session.kernel().jit = runtime::JitMode::kOff;  // the machine code of a JIT has its own target
  }
  soundness::Session session;
  fuzz::Target target;
};

[[noreturn]] void fail(const fuzz::Program& program, const char* what) {
  std::fprintf(stderr, "%s%s\n", fuzz::listing(program).c_str(), what);
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  static auto* const world = new World;
  fuzz::Choices c(std::span(data, size));
  fuzz::GeneratorOptions o;
  static constexpr u32 kTypes[] = {6, 3, 17};
  o.prog_type = kTypes[c.below(3)];
  o.statements = 4 + c.below(24);
  o.deterministic = true;
  o.boldness = c.below(3) * 15;
  o.max_insns = 300;
  const fuzz::Program program = fuzz::random_program(c, o);
  const long fd = world->target.load(program, o.prog_type);
  if (fd < 0) return 0;
  auto& session = world->session;
  fuzz::Choices inputs(size);
  for (int i = 0; i < 2; i++) {
    const fuzz::Input input = fuzz::random_input(inputs, o.prog_type);
    session.plain_runs = false;
    const fuzz::Outcome checked = world->target.run(fd, o.prog_type, input);
    if (!session.counters().violations.empty()) fail(program, session.counters().violations.back().c_str());
    if (session.last()->was_cut() || !session.last()->rewritten) break;
    session.last()->plain = session.last()->rewritten;
    session.plain_runs = true;
    for (int way = 0; way < 2; way++) {
      const fuzz::Outcome rewritten = world->target.run(fd, o.prog_type, input);
      if (!session.counters().violations.empty()) fail(program, session.counters().violations.back().c_str());
      const auto* run = static_cast<soundness::RewrittenProgram*>(session.last()->plain.get());
      if (!run->was_cut() && !(rewritten == checked))
        fail(program, "the rewritten program gives another result");
    }
  }
  world->target.close(fd);
  return 0;
}
