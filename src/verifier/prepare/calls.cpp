// What kind of call an instruction is, before its arguments are known.
#include <algorithm>

#include "btf/btf.h"
#include "verifier/prepare/prepare.h"

namespace osmia::verifier {

s32 subprog_at(const Env& env, u32 insn_idx) {
  auto it = std::lower_bound(env.subprogs.begin(), env.subprogs.end(), insn_idx,
                             [](const Subprog& s, u32 idx) { return s.start < idx; });
  return it != env.subprogs.end() && it->start == insn_idx ? static_cast<s32>(it - env.subprogs.begin()) : -1;
}

const contract::HelperDef* helper_of(const Env& env, const Insn& in) {
  if (in.code != (isa::kJmp | isa::kCall) || in.src != isa::kHelperCall) return nullptr;
  if (const auto* def = env.cat.helper_for(*env.type, env.caller(), static_cast<u32>(in.imm))) return def;
  return env.cat.helper_any(static_cast<u32>(in.imm));
}

const contract::KfuncDef* kfunc_of(const Env& env, const Insn& in) {
  if (!isa::is_kfunc_call(in)) return nullptr;
  std::shared_ptr<const btf::Btf> btf = env.cat.vmlinux;
  if (in.off != 0) {
    if (in.off < 0 || static_cast<size_t>(in.off) >= env.prog.fd_array.size()) return nullptr;
    btf = env.resolver.btf_by_fd(env.prog.fd_array[in.off]);
  }
  if (!btf) return nullptr;
  const auto func = btf->type(static_cast<u32>(in.imm));
  return func.is(btf::Kind::kFunc) ? env.cat.kfunc(func.name()) : nullptr;
}

namespace {
bool has_effect(const Env& env, const Insn& in, u64 effect) {
  const auto* h = helper_of(env, in);
  return h && (h->effects & effect);
}
}  // namespace

bool calls_sync_callback(const Env& env, const Insn& in) {
  if (has_effect(env, in, contract::kSyncCallback)) return true;
  const auto* k = kfunc_of(env, in);
  return k && k->callback != contract::CallbackShape::kNone && !k->async_callback;
}

bool calls_async_callback(const Env& env, const Insn& in) {
  if (has_effect(env, in, contract::kAsyncCallback)) return true;
  const auto* k = kfunc_of(env, in);
  return k && k->callback != contract::CallbackShape::kNone && k->async_callback;
}

bool is_throw(const Env& env, const Insn& in) {
  if (in.off != 0) return false;
  const auto* k = kfunc_of(env, in);
  return k && k->throws;
}

}  // namespace osmia::verifier
