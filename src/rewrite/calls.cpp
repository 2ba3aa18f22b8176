// Calls of helpers and kfuncs become indexes into the program's own call table. What has no code here is
// noted; such a program is loaded (it may be verified only) and refuses to run.
#include "rewrite/rewrite.h"

namespace osmia::rewrite {

using namespace isa;

s32 call_index(ExecProgram& out, ExecCall call) {
  for (size_t i = 0; i < out.calls.size(); i++)
    if (out.calls[i].name == call.name && out.calls[i].fn == call.fn &&
        out.calls[i].map_code == call.map_code)
      return static_cast<s32>(i);
  out.calls.push_back(std::move(call));
  return static_cast<s32>(out.calls.size() - 1);
}

namespace {

void note_missing(ExecProgram& out, std::string what) {
  if (out.missing.find(what) != std::string::npos) return;
  if (!out.missing.empty()) out.missing += ", ";
  out.missing += what;
}

std::string reason(const Pass& p, std::string_view name) {
  const std::string_view why = p.options.why_absent ? p.options.why_absent(name) : std::string_view();
  return why.empty() ? std::string() : " (" + std::string(why) + ")";
}

}  // namespace

Status resolve_calls(Pass& p) {
  return for_each_live(p, [&](u32 i, const Insn& in) -> Status {
    if (in.code != (kJmp | kCall) || in.src == kPseudoCall) return Ok{};
    if (p.editor.pieces(i).size() != 1) return Ok{};  // inlined
    const verifier::InsnFacts& f = p.facts.insns[i];
    ExecCall call;
    if (in.src == kHelperCall) {
      if (!f.helper)
        return Error{EFAULT,
                     "rewriting: the call at instruction " + std::to_string(i) + " has no definition"};
      call.name = std::string(f.helper->name);
      for (call.args = 5; call.args && f.helper->args[call.args - 1].kind == contract::ArgKind::kNone;)
        call.args--;
      call.tail_call = f.helper->effects & contract::kTailCall;
      const auto& code = f.percpu_object ? p.options.object_helper_code : p.options.helper_code;
      if (!call.tail_call && code) call.fn = code(*f.helper);
      constexpr s32 kSmpProcessorId = 8;
      call.reads_cpu = call.fn && in.imm == kSmpProcessorId;
      if (call.fn && f.map && f.map->live)  // one map is known: straight to its code
        if (const auto direct = f.map->code.for_helper(static_cast<u32>(in.imm))) call.fn = direct;
      if (f.map && f.map->live) {
        constexpr s32 kLookup = 1;
        const contract::MapCode& code = f.map->code;
        if (call.tail_call ? code.slots.base != 0
                           : in.imm == kLookup && code.inline_lookup.kind != contract::LookupInline::kNone)
          call.map_code = &code;
      }
      if (!call.fn && !call.tail_call) note_missing(p.out, "helper " + call.name + reason(p, call.name));
    } else {
      if (!f.kfunc)
        return Error{EFAULT,
                     "rewriting: the kfunc call at instruction " + std::to_string(i) + " has no definition"};
      call.name = std::string(f.kfunc->name);
      call.throws = f.kfunc->throws;
      call.fn = call.throws            ? throw_exception
                : p.options.kfunc_code ? p.options.kfunc_code(*f.kfunc)
                                       : nullptr;
      if (!call.fn) note_missing(p.out, "kfunc " + call.name);
    }
    Insn out = in;
    out.src = kHelperCall;
    out.off = 0;
    out.imm = call_index(p.out, std::move(call));
    p.editor.set(i, out);
    return Ok{};
  });
}

}  // namespace osmia::rewrite
