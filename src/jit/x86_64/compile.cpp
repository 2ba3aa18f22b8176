// The optimising tier on x86-64: every subprogram by itself, then the thunks of its callbacks.
#include "jit/common/builder.h"
#include "jit/common/target.h"
#include "jit/x86_64/emit.h"

namespace osmia::jit::target {

using namespace asmjit;

namespace {

void callback_thunk(ImageBuilder& out, x86::Assembler& a, u32 s, bool counts) {
  a.align(AlignMode::kCode, 16);
  out.map.push_back({static_cast<u32>(a.offset()), kNoInsn});
  a.bind(out.callbacks[s]);
  a.mov(x86::rdi, x86::rsi);
  a.mov(x86::rsi, x86::rdx);
  a.mov(x86::rdx, x86::rcx);
  a.mov(x86::rcx, x86::r8);
  a.mov(x86::r8, x86::r9);
  if (!counts) {
    a.jmp(out.entries[s]);
    return;
  }
  a.push(0);  // a count of its own
  a.mov(x86::r9, x86::rsp);
  a.call(out.entries[s]);
  a.pop(x86::rcx);
  a.ret();
}

}  // namespace

Result<std::shared_ptr<const Image>> compile_optimised(const rewrite::ExecProgram& program,
                                                       const Options& options) {
  ImageBuilder out(program, options, Tier::kOptimised);
  x86::Assembler a;
  out.code.attach(&a);
  a.addEncodingOptions(EncodingOptions::kOptimizedAlign);
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
  x86_64::Emitter emitter(out, info, a);
  for (u32 s = 0; s < program.subprogs.size(); s++) {
    OSMIA_ASSIGN(Function f, build(context, s));
    layout(f);
    drop_trivial_phis(f);
    drop_dead(f);
    narrow(f);
    drop_dead(f);
    simplify_loops(f);
    fold_memory(f);
    align_loops(f);
    place_constants(f, x86_64::machine());
    const Allocation where = allocate(f, x86_64::machine());
    emitter.function(f, where);
  }
  for (u32 s = 0; s < program.subprogs.size(); s++)
    if (out.callbacks[s].isValid()) callback_thunk(out, a, s, info[s].tail_calls);
  return out.finish();
}

}  // namespace osmia::jit::target
