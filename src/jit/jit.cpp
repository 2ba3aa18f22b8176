// Chooses the tier.
#include "jit/jit.h"

#include "jit/common/target.h"

namespace osmia::jit {

#if defined(__x86_64__)
bool available() {
  return true;
}

Result<std::shared_ptr<const Image>> compile(const rewrite::ExecProgram& program, const Options& options) {
  if (options.blind_constants) return Error{EOPNOTSUPP, "not supported yet: blinded constants"};
  for (const auto& call : program.calls) {
    if (call.tail_call && !options.tail_call) return Error{EOPNOTSUPP, "JIT: tail calls have no target here"};
    if (call.throws) return Error{EOPNOTSUPP, "JIT: not supported yet: bpf_throw"};
    if (!call.tail_call && !call.fn) return Error{EOPNOTSUPP, "JIT: " + call.name + " has no code here"};
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
