// What a function's BTF says of its arguments: contexts, numbers, memory of known size, dynptrs, and what
// decl tags (arg:ctx, arg:nonnull …) ask for. Done once per subprogram. Invariant: args_cached is set only
// when every argument was understood.
#include "verifier/call/common.h"

namespace osmia::verifier {

using namespace contract;

namespace {

enum Tag : u32 { kTagCtx = 1, kTagNonnull = 2, kTagTrusted = 4, kTagNullable = 8, kTagArena = 16 };
// Attach types of tracing programs (UAPI).
constexpr u32 kAttachRawTp = 23, kAttachFentry = 24, kAttachFexit = 25, kAttachModifyReturn = 26,
              kAttachIter = 28;

std::string_view kind_str(const btf::TypeView& t) {
  return t.is(btf::Kind::kVoid) ? std::string_view("UNKNOWN") : std::string_view(btf::kind_name(t.kind()));
}

bool is_struct(const btf::TypeView& t) {
  return t.is_struct_or_union();
}
bool is_u64(const btf::TypeView& t) {
  return t.is(btf::Kind::kInt) && t.size() == 8;
}

template <class... A>
int fail(Env& env, int error, fmt::format_string<A...> f, A&&... args) {
  say(env, f, std::forward<A>(args)...);
  return error;
}

// The type behind a pointer; typedefs are kept when they are what the name of a context may be.
btf::TypeView pointee(const btf::Btf& btf, const btf::TypeView& pointer) {
  return btf.skip_modifiers(pointer.type());
}
bool points_to_typedef(const btf::Btf& btf, const btf::TypeView& pointer, std::string_view name) {
  const btf::TypeView t = btf.skip_qualifiers(pointer.type());
  return t.is(btf::Kind::kTypedef) && t.name() == name;
}

// The program type whose rules hold: an extension's is that of its target.
const ProgTypeDef& type_of_rules(const Env& env) {
  if ((env.type->traits & kExtension) && env.prog.attach.program)
    if (const ProgTypeDef* t = env.cat.prog_type(env.prog.attach.program->type)) return *t;
  return *env.type;
}

// The struct that the kernel names as this program type's context ("" = none).
std::string_view context_struct(const ProgTypeDef& type) {
  return type.ctx_name == "bpf_user_pt_regs_t" ? std::string_view("pt_regs") : type.ctx_name;
}

bool is_projection(std::string_view uapi, std::string_view kernel) {
  return (uapi == "__sk_buff" && kernel == "sk_buff") || (uapi == "xdp_md" && kernel == "xdp_buff");
}

// Is what arg:ctx stands before a type that this program type may call its context? 0 or an errno.
int validate_context_tag(Env& env, const btf::Btf& btf, const btf::TypeView& pointer, u32 arg) {
  const ProgTypeDef& type = type_of_rules(env);
  const std::string_view n = type.name;
  const u32 attach = env.prog.expected_attach_type;
  if ((n == "kprobe" || n == "perf_event") && points_to_typedef(btf, pointer, "bpf_user_pt_regs_t")) return 0;
  const btf::TypeView t = pointee(btf, pointer);
  if (t.is(btf::Kind::kVoid)) return 0;
  if (t.name().empty()) return fail(env, EINVAL, "arg#{} type doesn't have a name", arg);
  const bool any_struct = t.is_struct_or_union();
  if ((n == "kprobe" || n == "perf_event") && any_struct && t.name() == "pt_regs") return 0;
  if ((n == "raw_tracepoint" || n == "raw_tracepoint_writable" || n == "lsm" || n == "struct_ops") &&
      is_u64(t))
    return 0;
  if (n == "tracing") {
    if (attach == kAttachRawTp && any_struct && t.name() == "bpf_raw_tracepoint_args") return 0;
    if (attach == kAttachIter && any_struct && t.name().starts_with("bpf_iter__")) return 0;
    if (attach >= kAttachRawTp && attach <= kAttachModifyReturn && is_u64(t)) return 0;
  }
  if (n == "tracepoint" || n == "syscall" || n == "ext") return 0;
  const std::string_view want = context_struct(type);
  if (want.empty()) return fail(env, EINVAL, "arg#{} should be void pointer", arg);
  if (!any_struct || t.name() != want) return fail(env, EINVAL, "arg#{} should be `struct {} *`", arg, want);
  return 0;
}

// A dynptr, declared or only forward-declared.
bool is_dynptr_pointer(const btf::Btf& btf, const btf::TypeView& pointer) {
  const btf::TypeView t = pointee(btf, pointer);
  return (is_struct(t) || (t.is(btf::Kind::kFwd) && !t.kind_flag())) && t.name() == "bpf_dynptr";
}

// "task_struct___local" means task_struct: CO-RE flavours.
std::string_view essential_name(std::string_view name) {
  for (size_t i = 1; i + 4 < name.size(); i++)
    if (name.substr(i, 3) == "___" && name[i - 1] != '_' && name[i + 3] != '_') return name.substr(0, i);
  return name;
}

// The one kernel type of that name and kind. 0 or an errno.
int find_kernel_type(Env& env, const btf::TypeView& local, u32 arg, u32* id) {
  u32 count = 0;
  if (env.cat.vmlinux) {
    for (u32 candidate : env.cat.vmlinux->find_all_own(essential_name(local.name()))) {
      if (env.cat.vmlinux->type(candidate).kind() != local.kind()) continue;
      if (count++ == 0) *id = candidate;
    }
  }
  if (count == 1) return 0;
  return fail(env, count == 0 ? ENOENT : ESRCH, "arg#{} reference type('{} {}') {}", arg, kind_str(local),
              local.name(), count == 0 ? "has no matches" : "is ambiguous");
}

int read_tags(Env& env, const btf::Btf& btf, u32 func_id, u32 arg, bool is_global, u32* tags) {
  for (std::string_view tag : btf.decl_tags(func_id, static_cast<int>(arg))) {
    if (!tag.starts_with("arg:")) continue;
    tag.remove_prefix(4);
    if (!is_global) return fail(env, EOPNOTSUPP, "arg#{} type tag is not supported in static functions", arg);
    if (tag == "ctx")
      *tags |= kTagCtx;
    else if (tag == "trusted")
      *tags |= kTagTrusted;
    else if (tag == "nonnull")
      *tags |= kTagNonnull;
    else if (tag == "nullable")
      *tags |= kTagNullable;
    else if (tag == "arena")
      *tags |= kTagArena;
    else
      return fail(env, EOPNOTSUPP, "arg#{} has unsupported set of tags", arg);
  }
  return 0;
}

int bad_combination(Env& env, u32 arg) {
  return fail(env, EINVAL, "arg#{} has invalid combination of tags", arg);
}

// A pointer to data that is the function's own business: memory of its type's size.
int memory_argument(Env& env, const btf::Btf& btf, const btf::TypeView& pointer, u32 arg, u32 tags,
                    SubprogArg* out) {
  if (tags & kTagNullable) return bad_combination(env, arg);
  const btf::TypeView t = pointee(btf, pointer);
  const auto size = btf.size_of(t.id());
  if (!size.ok())
    return fail(env, EINVAL, "arg#{} reference type('{} {}') size cannot be determined: {}", arg, kind_str(t),
                t.name(), -size.error().code);
  out->kind = ArgKind::kMem;
  out->flags = tags & kTagNonnull ? 0u : u32{kMaybeNull};
  out->mem_size = *size;
  return 0;
}

// -1: not decided here (a pointer argument of a static function).
int pointer_argument(Env& env, const btf::Btf& btf, const btf::TypeView& t, u32 arg, u32 tags, bool is_global,
                     SubprogArg* out) {
  if ((tags & kTagCtx) || is_program_context(env, btf, t)) {
    if (tags & ~kTagCtx) return bad_combination(env, arg);
    if ((tags & kTagCtx) && validate_context_tag(env, btf, t, arg)) return EINVAL;
    out->kind = ArgKind::kCtx;
    return 0;
  }
  if (is_dynptr_pointer(btf, t)) {
    if (tags) return bad_combination(env, arg);
    out->kind = ArgKind::kDynptr;
    out->flags = kRdOnly;
    return 0;
  }
  if (tags & kTagTrusted) {
    if (tags & kTagNonnull) return bad_combination(env, arg);
    if (const int err = find_kernel_type(env, pointee(btf, t), arg, &out->btf_id)) return err;
    out->kind = ArgKind::kBtfId;
    out->flags = kTrusted | (tags & kTagNullable ? u32{kMaybeNull} : 0u);
    return 0;
  }
  if (tags & kTagArena) {
    if (tags & ~kTagArena)
      return fail(env, EINVAL, "arg#{} arena cannot be combined with any other tags", arg);
    out->kind = ArgKind::kArena;
    return 0;
  }
  return is_global ? memory_argument(env, btf, t, arg, tags, out) : -1;
}

int one_argument(Env& env, const btf::Btf& btf, const btf::TypeView& func, const btf::Param& param, u32 arg,
                 bool is_global, SubprogArg* out) {
  u32 tags = 0;
  if (const int err = read_tags(env, btf, func.id(), arg, is_global, &tags)) return err;
  const btf::TypeView t = btf.skip_modifiers(param.type);
  *out = SubprogArg{};
  if (t.is(btf::Kind::kPtr)) {
    const int done = pointer_argument(env, btf, t, arg, tags, is_global, out);
    if (done >= 0) return done;
  }
  if (tags) return fail(env, EINVAL, "arg#{} has pointer tag, but is not a pointer type", arg);
  if (t.is(btf::Kind::kInt) || t.is_any_enum()) {
    out->kind = ArgKind::kAnything;
    return 0;
  }
  if (!is_global) return EINVAL;
  return fail(env, EINVAL, "Arg#{} type {} in {}() is not supported yet.", arg, kind_str(t), func.name());
}

}  // namespace

bool is_program_context(Env& env, const btf::Btf& btf, const btf::TypeView& pointer) {
  return is_program_context(type_of_rules(env), btf, pointer);
}

bool is_program_context(const ProgTypeDef& type, const btf::Btf& btf, const btf::TypeView& pointer) {
  if (type.name == "kprobe" && points_to_typedef(btf, pointer, "bpf_user_pt_regs_t")) return true;
  const btf::TypeView t = pointee(btf, pointer);
  if (!is_struct(t) || t.name().empty()) return false;
  const std::string_view want = context_struct(type);
  if (want.empty()) return false;
  // The typedef's own name counts too, also as a struct's (programs that must work on old kernels declare it
  // so).
  return t.name() == want || t.name() == type.ctx_name || is_projection(want, t.name());
}

int prepare_args(Env& env, u32 subprog) {
  Subprog& sub = env.subprogs[subprog];
  if (sub.args_cached) return 0;
  if (env.prog.func_info.size() <= subprog || !env.prog.btf) return fail(env, EFAULT, "Verifier bug");
  const btf::Btf& btf = *env.prog.btf;
  const btf::TypeView func = btf.type(env.prog.func_info[subprog].type_id);
  if (!func.is(btf::Kind::kFunc))
    return fail(env, EFAULT, "BTF of func#{} doesn't point to KIND_FUNC", subprog);
  const bool is_global = func.func_linkage() == btf::FuncLinkage::kGlobal;
  if (sub.unreliable) return fail(env, EFAULT, "Verifier bug in function {}()", func.name());
  const btf::TypeView proto = btf.type(func.type());
  if (!proto.is(btf::Kind::kFuncProto))
    return fail(env, EFAULT, "Invalid type of function {}()", func.name());
  const auto params = proto.params();
  if (params.size() > 5) {
    if (!is_global) return EINVAL;
    return fail(env, EINVAL, "Global function {}() with {} > {} args. Buggy compiler.", func.name(),
                params.size(), 5);
  }
  const btf::TypeView ret = btf.skip_modifiers(proto.type());
  if (!ret.is(btf::Kind::kInt) && !ret.is_any_enum()) {
    if (!is_global) return EINVAL;
    return fail(env, EINVAL, "Global function {}() doesn't return scalar. Only those are supported.",
                func.name());
  }
  for (u32 i = 0; i < params.size(); i++)
    if (const int err = one_argument(env, btf, func, params[i], i, is_global, &sub.args[i])) return err;
  sub.arg_count = static_cast<u8>(params.size());
  sub.args_cached = true;
  return 0;
}

}  // namespace osmia::verifier
