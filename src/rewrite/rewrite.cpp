// The pipeline: every pass over one editor, one layout at the end.
#include "rewrite/rewrite.h"

#include "base/bits.h"
#include "base/bug.h"

namespace osmia::rewrite {

std::vector<u32> frames_of(const verifier::Facts& facts, bool without_removable_spills) {
  std::vector<u32> out;
  for (const verifier::SubprogFacts& s : facts.subprogs)
    out.push_back(without_removable_spills ? s.stack_depth : s.frame_bytes);
  return out;
}

Result<ExecProgram> rewrite(const verifier::Program& program, const verifier::Facts& facts,
                            const Options& options) {
  if (facts.insns.size() != program.insns.size())
    return Error{EFAULT, "rewriting: facts do not belong to this program"};
  ExecProgram out;
  Editor editor({program.insns.begin(), program.insns.end()});
  Pass pass{program, facts, options, editor, out, frames_of(facts, options.calls_keep_registers)};
  if (options.inline_loops) inline_loops(pass);
  remove_dead_code(pass);
  reserve_context_slot(pass);
  OSMIA_TRY(convert_context(pass));
  mark_probing_loads(pass);
  convert_map_fields(pass);
  OSMIA_TRY(convert_arena(pass));
  if (options.harden) {
    insert_barriers(pass);
    mask_pointer_arithmetic(pass);
  }
  if (options.guard_divisions) guard_divisions(pass);
  if (options.expand_may_goto) expand_may_goto(pass);
  resolve_immediates(pass);
  OSMIA_TRY(resolve_calls(pass));
  if (!options.linux_view) {
    pass_object_arguments(pass);
    guard_percpu_objects(pass);
  }
  if (options.harden && !options.privileged) mask_tail_calls(pass);
  if (options.linux_view)
    inline_calls_as_linux(pass);
  else
    expand_packet_loads(pass);
  if (options.insert_zext) insert_zero_extension(pass);
  if (options.randomize_high) randomize_high_halves(pass);
  wrap_program(pass);
  OSMIA_ASSIGN(Editor::Layout layout, editor.apply());
  for (size_t s = 0; s < facts.subprogs.size(); s++) {
    const auto& sub = facts.subprogs[s];
    ExecSubprog e;
    e.start = layout.entry[sub.start];
    e.end = layout.entry[sub.end];
    if (s && e.start == e.end) continue;  // never reached
    e.stack_bytes = static_cast<u32>(align_up(pass.frame[s], 8));
    e.name = sub.name;
    e.addressed_slots = sub.addressed_slots;
    if (sub.is_exception_cb) out.exception_callback = static_cast<s32>(out.subprogs.size());
    out.subprogs.push_back(std::move(e));
  }
  out.insns = std::move(layout.insns);
  out.original = std::move(layout.original);
  return out;
}

}  // namespace osmia::rewrite
