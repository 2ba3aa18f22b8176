// Source lines from line_info ("; x = y; @ file.c:12") and instructions, as they stand in the log.
#include <algorithm>

#include "btf/btf.h"
#include "isa/disasm.h"
#include "verifier/log/log.h"

namespace osmia::verifier {

void print_source_line(Env& env, u32 insn_idx, std::string_view prefix) {
  if (!env.log_on() || env.prog.line_info.empty() || !env.prog.btf) return;
  const auto& lines = env.prog.line_info;
  auto it = std::upper_bound(lines.begin(), lines.end(), insn_idx,
                             [](u32 idx, const LineInfo& l) { return idx < l.insn_off; });
  if (it == lines.begin()) return;
  --it;
  const s32 index = static_cast<s32>(it - lines.begin());
  if (index == env.prev_linfo) return;
  if (env.prev_linfo >= 0) {
    const LineInfo& prev = lines[env.prev_linfo];
    if (prev.file_name_off == it->file_name_off && prev.line_col >> 10 == it->line_col >> 10) return;
  }
  std::string_view text = env.prog.btf->string(it->line_off);
  text.remove_prefix(std::min(text.find_first_not_of(" \t\n\v\f\r"), text.size()));
  std::string_view file = env.prog.btf->string(it->file_name_off);
  if (auto slash = file.rfind('/'); slash != file.npos) file.remove_prefix(slash + 1);
  env.log("{}{} @ {}:{}\n", prefix, text, file, it->line_col >> 10);
  env.prev_linfo = index;
}

void print_insn(Env& env, u32 insn_idx) {
  if (!env.log_on()) return;
  isa::DisasmOptions options;
  options.show_pointers = env.allow_ptr_leaks;
  options.helper_name = [&env](s32 id) {
    const auto* h = env.cat.helper_any(static_cast<u32>(id));
    return h ? std::string(h->name) : std::string();
  };
  options.call_name = [&env](const Insn& in) -> std::string {
    if (in.src != isa::kPseudoKfuncCall) return {};
    std::shared_ptr<const btf::Btf> btf = env.cat.vmlinux;
    if (in.off > 0)
      btf = static_cast<size_t>(in.off) < env.prog.fd_array.size()
                ? env.resolver.btf_by_fd(env.prog.fd_array[in.off])
                : nullptr;
    return btf ? std::string(btf->type(static_cast<u32>(in.imm)).name()) : std::string("<error>");
  };
  // Linux prints the address that a map's or variable's ld_imm64 was resolved to; the resolved value stands
  // in Env.
  options.imm_text = [&env, insn_idx](const Insn& lo, const Insn&, u64 imm) {
    u64 value = imm;
    const InsnAux& aux = env.aux[insn_idx];
    if (lo.src == isa::kPseudoMapValue || lo.src == isa::kPseudoMapIdxValue)
      value = aux.imm64;
    else if (aux.map)
      value = reinterpret_cast<u64>(aux.map);
    return fmt::format("{:#x}", value);
  };
  env.log("{}: {}\n", insn_idx, isa::disasm(env.insns, insn_idx, options));
}

}  // namespace osmia::verifier
