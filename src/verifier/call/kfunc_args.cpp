// Arguments of kfuncs. What one is follows from the prototype in BTF, from suffixes of the parameter's name
// ("__sz",
// "__nullable") and from the register itself. Those about objects of programs are in kfunc_objects.cpp.
#include "btf/struct_walk.h"
#include "verifier/access/access.h"
#include "verifier/call/kfunc.h"
#include "verifier/transfer/transfer.h"

namespace osmia::verifier {

using namespace contract;

namespace {

enum class KArg : u8 {
  kNull,
  kCtx,
  kObject,
  kRefcounted,
  kDynptr,
  kIter,
  kListHead,
  kListNode,
  kRbRoot,
  kRbNode,
  kConstStr,
  kMap,
  kWorkqueue,
  kBtfId,
  kCallback,
  kMem,
  kMemSize
};

struct Pointer {
  u32 index = 0, regno = 0;
  btf::Param param;
  btf::TypeView type;    // the pointer
  btf::TypeView target;  // behind modifiers
};

bool points_to(const KfuncCall& call, const Pointer& p, std::string_view name) {
  (void)call;
  return p.target.is_struct_or_union() && p.target.name() == name;
}

bool is_size_of(Env& env, const KfuncCall& call, u32 index, std::string_view suffix) {
  const auto params = call.proto.params();
  if (index >= params.size()) return false;
  return is_scalar_type(call.btf->skip_modifiers(params[index].type)) && env.reg(index + 1).is_scalar() &&
         has_suffix(params[index].name, suffix);
}

KArg classify(Env& env, const KfuncCall& call, const Pointer& p) {
  if (call.role() == KfuncRole::kCastToKernCtx) return KArg::kCtx;
  if (is_program_context(env, *call.btf, p.type)) return KArg::kCtx;
  const RegState& r = env.reg(p.regno);
  const std::string_view name = p.param.name;
  if (has_suffix(name, "__nullable") && r.is_null()) return KArg::kNull;
  if (has_suffix(name, "__alloc")) return KArg::kObject;
  if (has_suffix(name, "__refcounted_kptr")) return KArg::kRefcounted;
  if (points_to(call, p, "bpf_dynptr")) return KArg::kDynptr;
  if (call.is_iter() ? p.index == 0 : has_suffix(name, "__iter")) return KArg::kIter;
  if (points_to(call, p, "bpf_list_head")) return KArg::kListHead;
  if (points_to(call, p, "bpf_list_node")) return KArg::kListNode;
  if (points_to(call, p, "bpf_rb_root")) return KArg::kRbRoot;
  if (points_to(call, p, "bpf_rb_node")) return KArg::kRbNode;
  if (has_suffix(name, "__str")) return KArg::kConstStr;
  if (has_suffix(name, "__map")) return KArg::kMap;
  if (points_to(call, p, "bpf_wq")) return KArg::kWorkqueue;
  if (r.is(RegBase::kBtfId) || !struct_behind(r.type.base).empty()) {
    if (!p.target.is_struct_or_union())
      env.reject(EINVAL, "kernel function {} args#{} pointer type {} {} is not supported", call.name, p.index,
                 btf_kind_str(p.target), p.target.name());
    return KArg::kBtfId;
  }
  if (call.btf->resolve_func_pointer(p.param.type)) return KArg::kCallback;
  const bool sized =
      is_size_of(env, call, p.index + 1, "__sz") || is_size_of(env, call, p.index + 1, "__szk");
  const bool plain = is_scalar_type(p.target) || is_scalar_struct(env, *call.btf, p.target, 0);
  if (!plain && !(sized && p.target.is(btf::Kind::kVoid)))
    env.reject(EINVAL, "arg#{} pointer type {} {} must point to {}scalar, or struct with scalar", p.index,
               btf_kind_str(p.target), p.target.name(), sized ? "void, " : "");
  return sized ? KArg::kMemSize : KArg::kMem;
}

void take_constant(Env& env, KfuncCall& call, u32 regno) {
  if (call.constant_found)
    env.reject(EFAULT, "verifier internal error: only one constant argument permitted");
  if (!env.reg(regno).s.is_const()) env.reject(EINVAL, "R{} must be a known constant", regno);
  call.constant_found = true;
  call.constant = env.reg(regno).s.const_value();
}

void check_scalar(Env& env, KfuncCall& call, const btf::Param& param, u32 regno) {
  if (!env.reg(regno).is_scalar()) env.reject(EINVAL, "R{} is not a scalar", regno);
  if (has_suffix(param.name, "__k")) {
    take_constant(env, call, regno);
    mark_precise(env, regno);
    return;
  }
  const bool rdonly = param.name == "rdonly_buf_size";
  if (!rdonly && param.name != "rdwr_buf_size") return;
  if (rdonly) call.r0_rdonly = true;
  if (call.r0_size) env.reject(EINVAL, "2 or more rdonly/rdwr_buf_size parameters for kfunc");
  if (!env.reg(regno).s.is_const()) env.reject(EINVAL, "R{} is not a const", regno);
  call.r0_size = env.reg(regno).s.const_value();
  if (call.r0_size > UINT32_MAX) env.reject(EINVAL, "R{} rdonly/rdwr_buf_size exceeds u32 max", regno);
  mark_precise(env, regno);
}

void check_trusted(Env& env, const KfuncCall& call, u32 regno) {
  if (!call.has(kKfTrustedArgs | kKfRelease | kKfRcu)) return;
  if (is_trusted_reg(env.reg(regno))) return;
  if (!call.has(kKfRcu)) env.reject(EINVAL, "R{} must be referenced or trusted", regno);
  if (!env.reg(regno).type.has(kRcu)) env.reject(EINVAL, "R{} must be a rcu pointer", regno);
}

bool is_nocast_alias(std::string_view a, std::string_view b) {
  constexpr std::string_view kSuffix = "___init";
  const auto is_alias = [&](std::string_view plain, std::string_view init) {
    return init.size() == plain.size() + kSuffix.size() && init.starts_with(plain) && init.ends_with(kSuffix);
  };
  return is_alias(a, b) || is_alias(b, a);
}

void check_object(Env& env, const KfuncCall& call, const Pointer& p, const btf::Btf& want_btf,
                  btf::TypeView want) {
  const RegState& r = env.reg(p.regno);
  const std::string_view behind = struct_behind(r.type.base);
  if ((!r.is(RegBase::kBtfId) || (has_unsafe_flags(r.type) && !r.type.has(kRcu))) && behind.empty())
    env.reject(EINVAL, "arg#{} is {} expected {} or socket", p.index, reg_type_str(env, r.type),
               reg_type_str(env, RegType(r.type.base, r.type.flags & (kAlloc | kTrusted | kNonOwnRef))));
  const btf::Btf* btf = r.is(RegBase::kBtfId) ? r.btf : env.cat.vmlinux.get();
  const u32 raw_id = r.is(RegBase::kBtfId) ? r.btf_id : kernel_struct(env, behind);
  if (!btf || !raw_id) env.unsupported(fmt::format("kfunc {}: an object of unknown type", call.name));
  const bool strict =
      (call.has(kKfRelease) && r.ref_obj_id) || is_nocast_alias(btf->type(raw_id).name(), want.name());
  const btf::TypeView have = btf->skip_modifiers(raw_id);
  const bool same =
      btf::struct_ids_match(*btf, have.id(), static_cast<u32>(r.off), want_btf, want.id(), strict);
  // A UAPI view ("__sk_buff") stands for the kernel's own struct.
  const bool projection = (want.name() == "__sk_buff" && have.name() == "sk_buff") ||
                          (want.name() == "xdp_md" && have.name() == "xdp_buff");
  if (!same && !projection)
    env.reject(EINVAL, "kernel function {} args#{} expected pointer to {} {} but R{} has a pointer to {} {}",
               call.name, p.index, btf_kind_str(want), want.name(), p.regno, btf_kind_str(have), have.name());
}

void check_dynptr(Env& env, KfuncCall& call, const Pointer& p) {
  u32 flags = is_exact(env.reg(p.regno), RegBase::kDynptr) ? u32{kRdOnly} : 0u;
  const bool uninit = has_suffix(p.param.name, "__uninit");
  u32 clone_ref = 0;
  if (uninit) flags |= kUninit;
  if (call.role() == KfuncRole::kDynptrFromSkb) {
    flags |= kDynptrSkb;
  } else if (call.role() == KfuncRole::kDynptrFromXdp) {
    flags |= kDynptrXdp;
  } else if (call.role() == KfuncRole::kDynptrClone && uninit) {
    OSMIA_BUG_IF(call.dynptr.kind == DynptrKind::kInvalid);
    flags |= dynptr_flag_of(call.dynptr.kind);
    clone_ref = call.dynptr.ref_obj_id;
    OSMIA_BUG_IF(is_refcounted(call.dynptr.kind) && !clone_ref);
  }
  check_dynptr_arg(env, p.regno, flags, clone_ref);
  if (!uninit) call.dynptr = dynptr_facts(env, p.regno);
}

void check_sized_memory(Env& env, KfuncCall& call, const Pointer& p) {
  const u32 size_regno = p.regno + 1;
  if (!env.reg(p.regno).is_null() || !has_suffix(p.param.name, "__opt")) {
    const bool maybe_null = env.reg(p.regno).type.maybe_null();
    const RegState saved = env.reg(p.regno);
    if (maybe_null) mark_not_null(env.mut_reg(p.regno));
    try {
      MemArg arg;
      check_mem_size_reg(env, p.regno, size_regno, Access::kRead, true, &arg);
      check_mem_size_reg(env, p.regno, size_regno, Access::kWrite, true, &arg);
    } catch (const Rejection& r) {
      if (r.unsupported) throw;
      env.reject(r.error, "arg#{} arg#{} memory, len pair leads to invalid memory access", p.index,
                 p.index + 1);
    }
    if (maybe_null) env.mut_reg(p.regno) = saved;
  }
  if (is_size_of(env, call, p.index + 1, "__szk")) take_constant(env, call, size_regno);
}

void check_memory(Env& env, const KfuncCall& call, const Pointer& p) {
  const auto size = call.btf->size_of(p.target.id());
  if (!size.ok())
    env.reject(EINVAL, "arg#{} reference type('{} {}') size cannot be determined: {}", p.index,
               btf_kind_str(p.target), p.target.name(), -size.error().code);
  check_readwrite_mem(env, p.regno, *size);
}

void check_context(Env& env, KfuncCall& call, const Pointer& p) {
  if (!is_exact(env.reg(p.regno), RegBase::kCtx))
    env.reject(EINVAL, "arg#{} expected pointer to ctx, but got {}", p.index,
               reg_type_str(env, env.reg(p.regno).type));
  if (call.role() != KfuncRole::kCastToKernCtx) return;
  call.ret_btf_id = kernel_struct(env, env.type->kern_ctx_name);
  if (!call.ret_btf_id) env.unsupported("bpf_cast_to_kern_ctx() in this program type");
}

void note_map(Env& env, KfuncCall& call, u32 regno) {
  const RegState& r = env.reg(regno);
  if (r.is(RegBase::kBtfId) && !call.map)
    return;  // the kernel's own pointer to some map; its type is checked below
  if (!r.is(RegBase::kConstMapPtr) && !r.is(RegBase::kMapValue) && !r.is(RegBase::kMapKey))
    env.reject(EINVAL, "pointer in R{} isn't map pointer", regno);
  // A work queue says which map it lives in; the map argument must be that one (inner maps: by look-up).
  if (call.map && (call.map != r.map || call.map_uid != r.map_uid))
    env.reject(EINVAL, "workqueue pointer in R1 map_uid={} doesn't match map pointer in R2 map_uid={}",
               call.map_uid, r.map_uid);
  call.map = r.map;
  call.map_uid = r.map_uid;
}

void note_reference(Env& env, KfuncCall& call, u32 regno) {
  const u32 ref = env.reg(regno).ref_obj_id;
  if (!ref) return;
  if (call.has(kKfRelease) && call.ref_obj_id)
    env.reject(EFAULT, "verifier internal error: more than one arg with ref_obj_id R{} {} {}", regno, ref,
               call.ref_obj_id);
  call.ref_obj_id = ref;
  if (call.has(kKfRelease)) call.release_regno = regno;
}

// True: the next parameter was its size and is done.
bool check_pointer(Env& env, KfuncCall& call, const Pointer& p) {
  const RegState& r = env.reg(p.regno);
  if (call.has(kKfTrustedArgs | kKfRelease | kKfRcu) && (r.is_null() || r.type.maybe_null()) &&
      !has_suffix(p.param.name, "__nullable"))
    env.reject(EACCES, "Possibly NULL pointer passed to trusted arg{}", p.index);
  note_reference(env, call, p.regno);
  const KArg kind = classify(env, call, p);
  if (kind == KArg::kNull) return false;
  if (kind == KArg::kMap) note_map(env, call, p.regno);
  if (kind == KArg::kMap || kind == KArg::kBtfId || kind == KArg::kObject) check_trusted(env, call, p.regno);
  check_arg_offset(env, p.regno, call.has(kKfRelease) && env.reg(p.regno).ref_obj_id, false);
  switch (kind) {
    case KArg::kCtx: check_context(env, call, p); break;
    case KArg::kDynptr: check_dynptr(env, call, p); break;
    case KArg::kIter: check_iter_arg(env, p.regno, call); break;
    case KArg::kConstStr:
      if (!is_exact(env.reg(p.regno), RegBase::kMapValue))
        env.reject(EINVAL, "arg#{} doesn't point to a const string", p.index);
      check_const_string(env, p.regno);
      break;
    case KArg::kMap: {
      const u32 id = kernel_struct(env, "bpf_map");
      if (!id) env.unsupported(fmt::format("kfunc {} without kernel BTF", call.name));
      check_object(env, call, p, *env.cat.vmlinux, env.cat.vmlinux->type(id));
      break;
    }
    case KArg::kBtfId: check_object(env, call, p, *call.btf, p.target); break;
    case KArg::kObject: check_object_arg(env, call, p.index); break;
    case KArg::kRefcounted: check_refcounted_arg(env, call, p.index); break;
    case KArg::kListHead: check_root_arg(env, call, p.index, btf::kFieldListHead); break;
    case KArg::kRbRoot: check_root_arg(env, call, p.index, btf::kFieldRbRoot); break;
    case KArg::kListNode: check_node_arg(env, call, p.index, btf::kFieldListNode); break;
    case KArg::kRbNode: check_node_arg(env, call, p.index, btf::kFieldRbNode); break;
    case KArg::kWorkqueue: check_workqueue_arg(env, call, p.index); break;
    case KArg::kCallback:
      if (!is_exact(env.reg(p.regno), RegBase::kFunc))
        env.reject(EINVAL, "arg{} expected pointer to func", p.index);
      // Who would call it, when and with what, is not known.
      if (call.def->callback == CallbackShape::kNone) env.unsupported(fmt::format("kfunc {}", call.name));
      call.callback = env.reg(p.regno).subprog;
      break;
    case KArg::kMem: check_memory(env, call, p); break;
    case KArg::kMemSize: check_sized_memory(env, call, p); return true;
    default: OSMIA_BUG("kfunc argument of unknown kind");
  }
  return false;
}

}  // namespace

bool is_scalar_struct(Env& env, const btf::Btf& btf, const btf::TypeView& t, int depth) {
  if (!t.is_struct_or_union()) return false;
  for (const btf::Member& m : t.members()) {
    const btf::TypeView member = btf.skip_modifiers(m.type);
    if (member.is_struct_or_union()) {
      if (depth >= 3) {
        say(env, "max struct nesting depth exceeded");
        return false;
      }
      if (!is_scalar_struct(env, btf, member, depth + 1)) return false;
    } else if (member.is(btf::Kind::kArray)) {
      if (!member.array().nelems || !is_scalar_type(btf.skip_modifiers(member.array().type))) return false;
    } else if (!is_scalar_type(member)) {
      return false;
    }
  }
  return true;
}

bool has_suffix(std::string_view name, std::string_view suffix) {
  return name.size() > suffix.size() && name.ends_with(suffix);
}

std::string_view btf_kind_str(const btf::TypeView& t) {
  return t.is(btf::Kind::kVoid) ? std::string_view("UNKNOWN") : std::string_view(btf::kind_name(t.kind()));
}

void check_kfunc_args(Env& env, KfuncCall& call) {
  const auto params = call.proto.params();
  if (params.size() > 5) env.reject(EINVAL, "Function {} has {} > {} args", call.name, params.size(), 5);
  for (u32 i = 0; i < params.size(); i++) {
    const btf::Param param = params[i];
    const btf::TypeView t = call.btf->skip_modifiers(param.type);
    // The second: what newer kernels call an argument that the verifier fills in.
    if (has_suffix(param.name, "__ign") || has_suffix(param.name, "__prog")) {
      note_escape(env, env.reg(i + 1));
      continue;
    }
    if (is_scalar_type(t)) {
      check_scalar(env, call, param, i + 1);
      continue;
    }
    if (!t.is(btf::Kind::kPtr)) env.reject(EINVAL, "Unrecognized arg#{} type {}", i, btf_kind_str(t));
    const Pointer p{i, i + 1, param, t, call.btf->skip_modifiers(t.type())};
    if (check_pointer(env, call, p)) i++;
  }
  if (call.has(kKfRelease) && !call.release_regno)
    env.reject(EINVAL, "release kernel function {} expects refcounted PTR_TO_BTF_ID", call.name);
}

}  // namespace osmia::verifier
