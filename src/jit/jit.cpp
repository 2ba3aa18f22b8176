// Chooses the tier.
#include "jit/jit.h"

#include <algorithm>

#include "jit/common/target.h"

namespace osmia::jit {

#if defined(__x86_64__) || defined(__aarch64__)
bool available() {
  return true;
}

Result<std::shared_ptr<const Image>> compile(const rewrite::ExecProgram& program, const Options& options) {
  if (options.blind_constants) return Error{EOPNOTSUPP, "not supported yet: blinded constants"};
  for (const auto& call : program.calls) {
    if (call.tail_call && !options.tail_call) return Error{EOPNOTSUPP, "JIT: tail calls have no target here"};
    if (!call.tail_call && !call.fn) return Error{EOPNOTSUPP, "JIT: " + call.name + " has no code here"};
  }
  const bool throws =
      std::any_of(program.calls.begin(), program.calls.end(), [](const auto& c) { return c.throws; });
  if (throws &&
      program.calls.back().fn != rewrite::catch_exception) {  // where exceptions end, code calls that
    rewrite::ExecProgram more = program;
    more.calls.push_back({.fn = rewrite::catch_exception, .name = "(catch)", .args = 0});
    return compile(more, options);
  }
  if (options.tier == Tier::kOptimised) {
    auto image = target::compile_optimised(program, options);
    if (image.ok() || image.error().code != EOPNOTSUPP) return image;
  }
  return target::compile_direct(program, options);
}
#else
bool available() {
  return false;
}

Result<std::shared_ptr<const Image>> compile(const rewrite::ExecProgram&, const Options&) {
  return Error{EOPNOTSUPP, "not supported yet: a JIT for this CPU"};
}
#endif

}  // namespace osmia::jit
