// The optimising tier on arm64.
#include "jit/arm64/emit.h"
#include "jit/common/target.h"

namespace osmia::jit::target {

Result<std::shared_ptr<const Image>> compile_optimised(const rewrite::ExecProgram& program,
                                                       const Options& options) {
  ImageBuilder out(program, options, Tier::kOptimised);
  asmjit::a64::Assembler a;
  out.code.attach(&a);
  OSMIA_ASSIGN(const auto info, subprog_info(program));
  OSMIA_TRY(arm64::Emitter(out, info, a).program([](Function& f) {
    fold_memory(f, false);
    arm64::fuse(f);
  }));
  if (a.offset() >= arm64::kMaxCode)
    return Error{EOPNOTSUPP, "JIT: too much code for this CPU's conditional jumps"};
  return out.finish();
}

}  // namespace osmia::jit::target
