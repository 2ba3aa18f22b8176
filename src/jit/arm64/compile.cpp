// The optimising tier on arm64: every subprogram by itself, then the thunks of its callbacks.
#include "jit/arm64/emit.h"
#include "jit/common/builder.h"
#include "jit/common/target.h"

namespace osmia::jit::target {

using namespace asmjit;

Result<std::shared_ptr<const Image>> compile_optimised(const rewrite::ExecProgram& program,
                                                       const Options& options) {
  ImageBuilder out(program, options, Tier::kOptimised);
  a64::Assembler a;
  out.code.attach(&a);
  OSMIA_ASSIGN(auto info, subprog_info(program));
  for (auto& e : out.entries) e = a.newLabel();
  const BuildContext context{program, info,
                             [](void* self, u32 s) {
                               auto& b = *static_cast<ImageBuilder*>(self);
                               if (!b.callbacks[s].isValid())
                                 b.callbacks[s] = b.code.emitters()[0]->newLabel();
                               return b.callback_address(s);
                             },
                             &out};
  arm64::Emitter emitter(out, info, a);
  for (u32 s = 0; s < program.subprogs.size(); s++) {
    OSMIA_ASSIGN(Function f, build(context, s));
    layout(f);
    drop_trivial_phis(f);
    drop_dead(f);
    narrow(f);
    drop_dead(f);
    simplify_loops(f);
    fold_memory(f, false);
    arm64::fuse(f);
    place_constants(f, arm64::machine());
    const Allocation where = allocate(f, arm64::machine());
    if (where.slots > 4000) return Error{EOPNOTSUPP, "JIT: too many words for a frame"};
    emitter.function(f, where);
    if (emitter.failed()) return Error{EOPNOTSUPP, "JIT: an operation that only the direct tier takes"};
  }
  for (u32 s = 0; s < program.subprogs.size(); s++)
    if (out.callbacks[s].isValid()) arm64::emit_callback_thunk(out, a, s, info[s].tail_calls);
  if (a.offset() >= arm64::kMaxCode)
    return Error{EOPNOTSUPP, "JIT: too much code for this CPU's conditional jumps"};
  return out.finish();
}

}  // namespace osmia::jit::target
