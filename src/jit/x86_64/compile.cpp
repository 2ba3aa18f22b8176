// The optimising tier on x86-64.
#include "jit/common/target.h"
#include "jit/x86_64/emit.h"

namespace osmia::jit::target {

Result<std::shared_ptr<const Image>> compile_optimised(const rewrite::ExecProgram& program,
                                                       const Options& options) {
  ImageBuilder out(program, options, Tier::kOptimised);
  asmjit::x86::Assembler a;
  out.code.attach(&a);
  a.addEncodingOptions(asmjit::EncodingOptions::kOptimizedAlign);
  OSMIA_ASSIGN(const auto info, subprog_info(program));
  OSMIA_TRY(x86_64::Emitter(out, info, a).program([](Function& f) { fold_memory(f); }));
  return out.finish();
}

}  // namespace osmia::jit::target
