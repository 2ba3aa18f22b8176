// Subprograms: the entry, every call and callback target, the exception callback; and jumps that stay inside
// them.
#include <algorithm>

#include "btf/btf.h"
#include "verifier/prepare/prepare.h"

namespace osmia::verifier {
namespace {

inline constexpr size_t kMaxSubprogs = 256;
inline constexpr size_t kMaxKfuncs = 256;

void add_subprog(Env& env, s64 start) {
  if (start < 0 || start >= static_cast<s64>(env.insns.size()))
    env.reject(EINVAL, "call to invalid destination");
  if (subprog_at(env, static_cast<u32>(start)) >= 0) return;
  if (env.subprogs.size() >= kMaxSubprogs) env.reject(E2BIG, "too many subprograms");
  Subprog s;
  s.start = static_cast<u32>(start);
  auto at = std::lower_bound(env.subprogs.begin(), env.subprogs.end(), s.start,
                             [](const Subprog& a, u32 idx) { return a.start < idx; });
  env.subprogs.insert(at, s);
}

// The function that a decl tag "exception_callback:NAME" of the main program names: its first instruction, or
// 0.
u32 exception_callback_start(Env& env) {
  if (env.prog.func_info.empty() || !env.prog.btf) return 0;
  const btf::Btf& btf = *env.prog.btf;
  constexpr std::string_view kTag = "exception_callback:";
  std::string_view name;
  int found = 0;
  for (std::string_view tag : btf.decl_tags(env.prog.func_info[0].type_id, -1))
    if (tag.starts_with(kTag)) {
      name = tag.substr(kTag.size());
      found++;
    }
  if (!found) return 0;
  if (found > 1) env.reject(EEXIST, "multiple exception callback tags for main subprog");
  const u32 id = btf.find(name, btf::Kind::kFunc);
  if (!id) env.reject(ENOENT, "exception callback '{}' could not be found in BTF", name);
  if (btf.type(id).func_linkage() != btf::FuncLinkage::kGlobal)
    env.reject(EINVAL, "exception callback '{}' must have global linkage", name);
  for (const FuncInfo& f : env.prog.func_info) {
    if (f.type_id != id) continue;
    if (f.insn_off == 0) env.reject(EINVAL, "invalid exception callback insn_off in func_info: 0");
    return f.insn_off;
  }
  env.reject(EINVAL, "exception callback type id not found in func_info");
}

void check_kfunc_target(Env& env, const Insn& in) {
  if (!env.cat.vmlinux)
    env.reject(524, "calling kernel function is not supported without CONFIG_DEBUG_INFO_BTF");
  if (!env.prog.gpl_compatible)
    env.reject(EINVAL, "cannot call kernel function from non-GPL compatible program");
  // imm 0 is what a weak, missing kfunc becomes; it is refused only if it is reached.
  if (in.imm == 0 && in.off == 0) return;
  if (in.off < 0) env.reject(EINVAL, "negative offset disallowed for kernel module function call");
  std::shared_ptr<const btf::Btf> btf = env.cat.vmlinux;
  if (in.off > 0) {
    if (env.prog.fd_array.empty()) env.reject(EPROTO, "kfunc offset > 0 without fd_array is invalid");
    if (static_cast<size_t>(in.off) < env.prog.fd_array.size())
      btf = env.resolver.btf_by_fd(env.prog.fd_array[in.off]);
    else
      btf = nullptr;
    if (!btf) {
      env.log("invalid module BTF fd specified\n");
      env.reject(EBADF, "failed to find BTF for kernel function");
    }
    env.used_btfs.push_back(btf);
  }
  const auto func = btf->type(static_cast<u32>(in.imm));
  if (!func.is(btf::Kind::kFunc))
    env.reject(EINVAL, "kernel btf_id {} is not a function", static_cast<u32>(in.imm));
  if (!btf->type(func.type()).is(btf::Kind::kFuncProto))
    env.reject(EINVAL, "kernel function btf_id {} does not have a valid func_proto",
               static_cast<u32>(in.imm));
}

}  // namespace

void find_subprograms(Env& env) {
  env.subprogs.clear();
  add_subprog(env, 0);
  std::vector<u64> kfuncs;
  for (size_t i = 0; i < env.insns.size(); i++) {
    const Insn& in = env.insns[i];
    const bool target = isa::is_pseudo_func(in) || isa::is_pseudo_call(in);
    if (!target && !isa::is_kfunc_call(in)) continue;
    if (!env.bpf_capable)
      env.reject(EPERM,
                 "loading/calling other bpf or kernel functions are allowed for CAP_BPF and CAP_SYS_ADMIN");
    if (target) {
      add_subprog(env, static_cast<s64>(i) + in.imm + 1);
    } else {
      check_kfunc_target(env, in);
      const u64 key = u64{static_cast<u32>(in.imm)} << 16 | static_cast<u16>(in.off);
      if (std::find(kfuncs.begin(), kfuncs.end(), key) == kfuncs.end()) kfuncs.push_back(key);
      if (kfuncs.size() > kMaxKfuncs) env.reject(E2BIG, "too many different kernel function calls");
    }
  }
  if (const u32 start = exception_callback_start(env)) {
    add_subprog(env, start);
    env.exception_callback_subprog = subprog_at(env, start);
    Subprog& s = env.subprogs[env.exception_callback_subprog];
    s.is_callback = s.is_async_cb = s.is_exception_cb = true;
  }
  for (size_t i = 0; i < env.subprogs.size(); i++) {
    env.subprogs[i].end =
        i + 1 < env.subprogs.size() ? env.subprogs[i + 1].start : static_cast<u32>(env.insns.size());
    if (env.log_insns()) env.log("func#{} @{}\n", i, env.subprogs[i].start);
  }
}

void check_jumps(Env& env) {
  using namespace isa;
  for (Subprog& s : env.subprogs) {
    for (u32 i = s.start; i < s.end; i++) {
      const Insn& in = env.insns[i];
      if (const auto* h = helper_of(env, in); h && (h->effects & contract::kTailCall))
        s.has_tail_call = s.has_tail_call_reachable = true;
      if (in.cls() == kLd && (in.mode() == kAbs || in.mode() == kInd)) s.has_ld_abs = true;
      const bool jump = in.cls() == kJmp || in.cls() == kJmp32;
      if (jump && in.op() != kExit && in.op() != kCall) {
        const s64 target = static_cast<s64>(i) + (in.code == (kJmp32 | kJa) ? in.imm : in.off) + 1;
        if (target < s.start || target >= s.end)
          env.reject(EINVAL, "jump out of range from insn {} to {}", i, target);
      }
      if (i == s.end - 1 && in.code != (kJmp | kExit) && in.code != (kJmp32 | kJa) && in.code != (kJmp | kJa))
        env.reject(EINVAL, "last insn is not an exit or jmp");
    }
  }
}

}  // namespace osmia::verifier
