// ld_imm64: a constant, a map, a map's value, a kernel variable or a subprogram. prepare/ resolved the pseudo
// immediates.
#include "verifier/transfer/parts.h"

namespace osmia::verifier {
namespace {

using namespace isa;

void load_function(Env& env, const Insn& in) {
  const s64 start = s64{env.insn_idx} + in.imm + 1;
  u32 subprog = 0;
  while (subprog < env.subprogs.size() && env.subprogs[subprog].start != start) subprog++;
  OSMIA_BUG_IF(subprog == env.subprogs.size());
  if (env.prog.func_info.empty()) env.reject(EINVAL, "missing btf func_info");
  if (env.subprogs[subprog].is_global) env.reject(EINVAL, "callback function not static");
  if (subprog == 0) env.reject(EINVAL, "callback function cannot be the main program");
  RegState& r = env.mut_reg(in.dst);
  set_pointer(r, RegType(RegBase::kFunc));
  r.subprog = subprog;
}

void load_variable(Env& env, const Insn& in) {
  const InsnAux& aux = env.aux[env.insn_idx];
  RegState& r = env.mut_reg(in.dst);
  set_pointer(r, aux.ptr_type);
  switch (aux.ptr_type.base) {
    case RegBase::kMem: r.mem_size = aux.mem_size; break;
    case RegBase::kBtfId:
      r.btf = aux.btf_var_btf;
      r.btf_id = aux.btf_var_type;
      break;
    default: env.reject(EFAULT, "bpf verifier is misconfigured");
  }
}

}  // namespace

void check_ld_imm64(Env& env) {
  const Insn in = env.insn();
  if (in.size_bits() != kDw) env.reject(EINVAL, "invalid BPF_LD_IMM insn");
  if (in.off != 0) env.reject(EINVAL, "BPF_LD_IMM64 uses reserved fields");
  use_reg(env, in.dst, RegUse::kWrite);
  const InsnAux& aux = env.aux[env.insn_idx];
  switch (in.src) {
    case 0: {
      const u64 high = static_cast<u32>(env.insns[env.insn_idx + 1].imm);
      return set_known(env.mut_reg(in.dst), high << 32 | static_cast<u32>(in.imm));
    }
    case kPseudoBtfId: return load_variable(env, in);
    case kPseudoFunc: return load_function(env, in);
    case kPseudoMapValue:
    case kPseudoMapIdxValue: {
      if (aux.map->def->traits & contract::kMapIsArena) return mark_unknown(env, in.dst);  // a user address
      RegState& r = env.mut_reg(in.dst);
      set_pointer(r, RegType(RegBase::kMapValue));
      r.map = aux.map;
      r.off = aux.map_value_off;
      return;  // no id: all such values are one
    }
    case kPseudoMapFd:
    case kPseudoMapIdx: {
      RegState& r = env.mut_reg(in.dst);
      set_pointer(r, RegType(RegBase::kConstMapPtr));
      r.map = aux.map;
      return;
    }
    default: env.reject(EINVAL, "bpf verifier is misconfigured");
  }
}

}  // namespace osmia::verifier
