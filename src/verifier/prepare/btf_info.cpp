// func_info and line_info: each record sound by itself, then all of them against the subprograms. The
// records' sizes and tails are bpf(2)'s business; here they are already in their kernel form.
#include "btf/btf.h"
#include "verifier/prepare/prepare.h"

namespace osmia::verifier {
namespace {

// Functions without BTF: what needs a known return type is refused in subprograms.
void check_abnormal_return(Env& env) {
  for (size_t i = 1; i < env.subprogs.size(); i++) {
    if (env.subprogs[i].has_ld_abs) env.reject(EINVAL, "LD_ABS is not allowed in subprogs without BTF");
    if (env.subprogs[i].has_tail_call) env.reject(EINVAL, "tail_call is not allowed in subprogs without BTF");
  }
}

// Linux ends some of these lines without a newline.
[[noreturn]] void reject_no_newline(Env& env, std::string line) {
  env.note_reason(line);
  env.log_text(line);
  env.reject_silently(EINVAL);
}

bool returns_scalar(const btf::Btf& btf, btf::TypeView func) {
  const auto ret = btf.skip_modifiers(btf.type(func.type()).type());
  return ret.is_any_enum() || (ret.is(btf::Kind::kInt) && ret.size() <= 8);
}

void check_line_info(Env& env) {
  const btf::Btf& btf = *env.prog.btf;
  u32 prev = 0;
  size_t sub = 0;
  for (u32 i = 0; i < env.prog.line_info.size(); i++) {
    const LineInfo& l = env.prog.line_info[i];
    if ((i && l.insn_off <= prev) || l.insn_off >= env.insns.size())
      env.reject(EINVAL, "Invalid line_info[{}].insn_off:{} (prev_offset:{} prog->len:{})", i, l.insn_off,
                 prev, env.insns.size());
    if (env.insns[l.insn_off].code == 0) env.reject(EINVAL, "Invalid insn code at line_info[{}].insn_off", i);
    if (!btf.has_string(l.line_off) || !btf.has_string(l.file_name_off))
      env.reject(EINVAL, "Invalid line_info[{}].line_off or .file_name_off", i);
    if (sub != env.subprogs.size()) {
      if (l.insn_off == env.subprogs[sub].start)
        sub++;
      else if (env.subprogs[sub].start < l.insn_off)
        env.reject(EINVAL, "missing bpf_line_info for func#{}", sub);
    }
    prev = l.insn_off;
  }
  if (sub != env.subprogs.size())
    env.reject(EINVAL, "missing bpf_line_info for {} funcs starting from func#{}", env.subprogs.size() - sub,
               sub);
}

}  // namespace

void check_func_info_early(Env& env) {
  if (env.prog.func_info.empty()) return;
  const btf::Btf& btf = *env.prog.btf;
  u32 prev = 0;
  bool first = true;
  for (const FuncInfo& f : env.prog.func_info) {
    if (first && f.insn_off)
      reject_no_newline(env, fmt::format("nonzero insn_off {} for the first func info record", f.insn_off));
    if (!first && f.insn_off <= prev)
      reject_no_newline(
          env, fmt::format("same or smaller insn offset ({}) than previous func info record ({})", f.insn_off,
                           prev));
    const auto type = btf.type(f.type_id);
    if (!type.is(btf::Kind::kFunc))
      reject_no_newline(env, fmt::format("invalid type id {} in func info", static_cast<s32>(f.type_id)));
    if (!btf.type(type.type()).is(btf::Kind::kFuncProto)) env.reject_silently(EINVAL);
    prev = f.insn_off;
    first = false;
  }
}

void check_btf_records(Env& env) {
  const auto& infos = env.prog.func_info;
  if (infos.empty()) {
    check_abnormal_return(env);
  } else {
    if (infos.size() != env.subprogs.size())
      env.reject(EINVAL, "number of funcs in func_info doesn't match number of subprogs");
    const btf::Btf& btf = *env.prog.btf;
    for (size_t i = 0; i < infos.size(); i++) {
      Subprog& s = env.subprogs[i];
      if (s.start != infos[i].insn_off)
        env.reject(EINVAL, "func_info BTF section doesn't match subprog layout in BPF program");
      const auto func = btf.type(infos[i].type_id);
      s.name = std::string(func.name());
      s.is_global = func.func_linkage() == btf::FuncLinkage::kGlobal;
      if (i && !returns_scalar(btf, func)) {
        if (s.has_ld_abs) env.reject(EINVAL, "LD_ABS is only allowed in functions that return 'int'.");
        if (s.has_tail_call) env.reject(EINVAL, "tail_call is only allowed in functions that return 'int'.");
      }
    }
  }
  if (!env.prog.line_info.empty() && env.prog.btf) check_line_info(env);
}

}  // namespace osmia::verifier
