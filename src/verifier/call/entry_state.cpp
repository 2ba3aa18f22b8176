// The registers that a walk starts with: the context for the main program; for a global function or an
// exception callback, anything that its BTF arguments allow.
#include "verifier/call/common.h"

namespace osmia::verifier {

using namespace contract;

namespace {

void set_argument(Env& env, RegState& r, const SubprogArg& arg) {
  switch (arg.kind) {
    case ArgKind::kCtx: set_pointer(r, RegType(RegBase::kCtx)); break;
    case ArgKind::kAnything:
    case ArgKind::kArena: set_unknown(env, r); break;  // arena: callers may pass a number too
    case ArgKind::kDynptr: set_dynptr(r, DynptrKind::kLocal, true, env.new_id()); break;
    case ArgKind::kMem:
      set_pointer(r, RegType(RegBase::kMem, arg.flags & kMaybeNull));
      r.mem_size = arg.mem_size;
      r.id = env.new_id();
      break;
    case ArgKind::kBtfId:
      set_pointer(r, RegType(RegBase::kBtfId, arg.flags & (kMaybeNull | kUntrusted | kTrusted)));
      r.btf = env.cat.vmlinux.get();
      r.btf_id = arg.btf_id;
      r.id = env.new_id();
      break;
    default: OSMIA_BUG("global argument of unknown kind");
  }
}

}  // namespace

void prepare_entry_state(Env& env, PathState& st, u32 subprog) {
  Subprog& sub = env.subprogs[subprog];
  Frame& fr = st.frames[0].mut();
  if (subprog == 0 && !(env.type->traits & kExtension)) {
    // Only to know whether calls of the main function can be checked by its BTF.
    if (!env.prog.func_info.empty() &&
        (prepare_args(env, 0) || sub.arg_count != 1 || sub.args[0].kind != ArgKind::kCtx))
      sub.unreliable = true;
    set_pointer(fr.regs[1], RegType(RegBase::kCtx));
    return;
  }
  env.log("Validating {}() func#{}...\n", sub.name, subprog);
  if (const int err = prepare_args(env, subprog)) env.reject_silently(err);
  if (sub.is_exception_cb) {
    fr.in_exception_callback = true;
    if (sub.arg_count != 1 || sub.args[0].kind != ArgKind::kAnything)
      env.reject(EINVAL, "exception cb only supports single integer argument");
  }
  for (u32 i = 0; i < sub.arg_count; i++) set_argument(env, fr.regs[i + 1], sub.args[i]);
}

}  // namespace osmia::verifier
