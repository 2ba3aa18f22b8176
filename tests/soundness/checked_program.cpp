// What a run needs is resolved once; each run is a Machine of its own.
#include "checked_program.h"

#include "machine.h"
#include "runtime/engine.h"

namespace osmia::soundness {

using namespace isa;

namespace {

u64 enter_callback(const rewrite::BpfCallback* cb, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5) {
  const u64 args[5] = {a1, a2, a3, a4, a5};
  Machine* m = Machine::current();
  return m ? m->callback(*cb, args) : 0;
}

}  // namespace

CheckedProgram::CheckedProgram(const runtime::Program& program, Recording recording, Counters& counters,
                               u64 seed)
    : program_(program), recording_(std::move(recording)), counters_(counters), random_(seed) {
  set_entry(
      [](void* ctx, runtime::Executable* self) { return static_cast<CheckedProgram*>(self)->enter(ctx); });
  resolve();
}
CheckedProgram::~CheckedProgram() = default;

void CheckedProgram::resolve() {
  const auto& facts = program_.facts;
  code_.resize(program_.insns.size());
  for (u32 i = 0; i < program_.insns.size(); i++) {
    const Insn& in = program_.insns[i];
    if (is_ld_imm64(in)) {
      i++;
      continue;
    }
    if (!facts.insns[i].seen || in.code != (kJmp | kCall) || in.src == kPseudoCall) continue;
    const auto* def = facts.insns[i].helper;
    if (in.src != kHelperCall || !def) {
      missing_ = "kfuncs";
    } else if (!(def->effects & contract::kTailCall)) {
      code_[i] = runtime::helper_code(*def);
      if (!code_[i]) missing_ = "helper " + std::string(def->name);
    }
  }
  if (facts.uses_arena) missing_ = "arena";
  if (recording_.overflowed()) missing_ = "a recording: too many states";
  for (u32 s = 0; s < facts.subprogs.size(); s++) callbacks_.push_back({nullptr, s, &enter_callback, this});
}

u64 CheckedProgram::enter(void* ctx) {
  if (plain && plain_runs && *plain_runs) return plain->run(ctx);
  counters_.runs++;
  Machine m(*this, ctx);
  const u64 r0 = m.run();
  was_cut_ = m.stopped();
  if (m.was_cut()) counters_.cut++;
  return r0;
}

}  // namespace osmia::soundness
