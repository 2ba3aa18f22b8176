// Finds the subprograms and resolves calls; looks at each instruction once.
#include "rewrite/unverified.h"

#include <set>

#include "isa/opcode_table.h"

namespace osmia::rewrite {

using namespace isa;

Result<ExecProgram> unverified(std::span<const Insn> insns, const std::function<ExecCall(s32)>& helper) {
  const s64 size = static_cast<s64>(insns.size());
  auto where = [](s64 i) { return " at instruction " + std::to_string(i); };
  if (!size) return Error{EINVAL, "expected a program, found no instructions"};
  ExecProgram out;
  out.insns.assign(insns.begin(), insns.end());
  std::set<s64> starts{0};
  for (s64 i = 0; i < size; i++) {
    Insn& in = out.insns[static_cast<size_t>(i)];
    out.original.push_back(static_cast<u32>(i));
    const OpInfo* op = lookup(in);
    if (!op || op->internal)
      return Error{EINVAL, "expected a known instruction, found code " + std::to_string(in.code) + where(i)};
    if (op->kind == OpKind::kLdAbs || op->kind == OpKind::kLdInd)
      return Error{EOPNOTSUPP, "packet loads need a packet: not supported without one" + where(i)};
    if (is_ld_imm64(in)) {
      if (i + 1 >= size)
        return Error{EINVAL, "expected the second half of a 64-bit load, found the program's end" + where(i)};
      if (in.src == kPseudoFunc)
        starts.insert(i + 1 + in.imm);
      else if (in.src)
        return Error{EOPNOTSUPP, "a 64-bit load of kind " + std::to_string(in.src) +
                                     " needs maps or kernel types" + where(i)};
      out.original.push_back(static_cast<u32>(++i));
      continue;
    }
    if (op->kind != OpKind::kCall) continue;
    if (in.is_reg_src()) return Error{EOPNOTSUPP, "calls through a register are not supported" + where(i)};
    if (in.src == kPseudoCall) {
      starts.insert(i + 1 + in.imm);
      continue;
    }
    ExecCall call;
    if (in.src == kHelperCall && helper) call = helper(in.imm);
    if (!call.fn && !call.tail_call)
      return Error{EOPNOTSUPP, std::string(in.src == kHelperCall ? "helper " : "kfunc ") +
                                   std::to_string(in.imm) + " is not available to an unverified program" +
                                   where(i)};
    out.calls.push_back(std::move(call));
    in.imm = static_cast<s32>(out.calls.size() - 1);
  }
  for (const s64 start : starts) {
    if (start < 0 || start >= size)
      return Error{EINVAL, "expected a call into the program, found instruction " + std::to_string(start) +
                               " of " + std::to_string(size)};
    if (!out.subprogs.empty()) out.subprogs.back().end = static_cast<u32>(start);
    out.subprogs.push_back({.start = static_cast<u32>(start),
                            .end = static_cast<u32>(size),
                            .stack_bytes = 512,
                            .name = "f" + std::to_string(start)});
  }
  return out;
}

}  // namespace osmia::rewrite
