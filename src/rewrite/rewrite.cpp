// The pipeline: every pass over one editor, one layout at the end.
#include "rewrite/rewrite.h"

#include "base/bits.h"
#include "base/bug.h"

namespace osmia::rewrite {

Result<ExecProgram> rewrite(const verifier::Program& program, const verifier::Facts& facts,
                            const Options& options) {
  if (facts.insns.size() != program.insns.size())
    return Error{EFAULT, "rewriting: facts do not belong to this program"};
  ExecProgram out;
  Editor editor({program.insns.begin(), program.insns.end()});
  Pass pass{program, facts, options, editor, out};
  remove_dead_code(pass);
  OSMIA_TRY(convert_context(pass));
  mark_probing_loads(pass);
  convert_map_fields(pass);
  OSMIA_TRY(convert_arena(pass));
  resolve_immediates(pass);
  OSMIA_TRY(resolve_calls(pass));
  expand_packet_loads(pass);
  insert_zero_extension(pass);
  OSMIA_ASSIGN(Editor::Layout layout, editor.apply());
  for (size_t s = 0; s < facts.subprogs.size(); s++) {
    const auto& sub = facts.subprogs[s];
    ExecSubprog e;
    e.start = layout.position[sub.start];
    e.end = layout.position[sub.end];
    if (s && e.start == e.end) continue;  // never reached
    e.stack_bytes =
        static_cast<u32>(align_up(options.calls_keep_registers ? sub.stack_depth : sub.frame_bytes, 8));
    e.name = sub.name;
    if (sub.is_exception_cb) out.exception_callback = static_cast<s32>(out.subprogs.size());
    out.subprogs.push_back(std::move(e));
  }
  out.insns = std::move(layout.insns);
  out.original = std::move(layout.original);
  return out;
}

}  // namespace osmia::rewrite
