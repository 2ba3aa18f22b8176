// What a tracing, LSM or extension program attaches to: the target exists, has the right kind, may be slept
// in or modified; its prototype then types the program's context.
#include <algorithm>

#include "btf/btf.h"
#include "contract/attach_rules.h"
#include "contract/attach_type.h"
#include "verifier/prepare/prepare.h"

namespace osmia::verifier {
namespace {

using namespace contract;
using btf::Kind;

class Attach {
 public:
  explicit Attach(Env& env)
      : env_(env),
        target_(env.prog.attach),
        extension_(env.type->traits & kExtension),
        kind_(env.prog.expected_attach_type) {}

  void run() {
    if (!target_.btf_id) env_.reject(EINVAL, "Tracing programs must provide btf_id");
    if (!target_.btf)
      env_.reject(EINVAL, "FENTRY/FEXIT program can only be attached to another program annotated with BTF");
    type_ = target_.btf->type(target_.btf_id);
    if (!type_.exists()) env_.reject(EINVAL, "attach_btf_id {} is invalid", target_.btf_id);
    name_ = type_.name();
    if (name_.empty()) env_.reject(EINVAL, "attach_btf_id {} doesn't have a name", target_.btf_id);
    if (target_.program) {
      program();
      return;
    }
    if (extension_) env_.reject(EINVAL, "Cannot replace kernel functions");
    switch (kind_) {
      case kTraceRawTp: raw_tracepoint(); break;
      case kTraceIter: iterator(); break;
      case kModifyReturn:
      case kLsmMac:
      case kLsmCgroup:
      case kTraceFentry:
      case kTraceFexit: function(); break;
      default: env_.reject_silently(EINVAL);
    }
    env_.attach_btf = target_.btf.get();
    env_.attach_proto = proto_.id();
    env_.attach_name = std::string(name_);
    if (kind_ == kTraceRawTp) return;
    if (kind_ == kTraceIter) return;
    if (env_.type->name == "lsm") {
      lsm_hook();
    } else if (allowed("tracing_denied")) {
      env_.reject_silently(EINVAL);
    } else if ((kind_ == kTraceFexit || kind_ == kModifyReturn) && allowed("no_return")) {
      env_.reject(EINVAL, "Attaching fexit/fmod_ret to __noreturn functions is rejected.");
    }
  }

 private:
  // The host application's own function, and it lets programs change the result.
  bool host_allows() const {
    const auto& names = env_.cat.host_modifiable;
    return target_.btf.get() == env_.cat.host_types &&
           std::find(names.begin(), names.end(), name_) != names.end();
  }

  // A function of a loaded program: its own BTF types the arguments, if the program was verified to call it
  // as BTF says.
  void program() {
    const Program& target = *target_.program;
    size_t n = 0;
    while (n < target.func_info.size() && target.func_info[n].type_id != target_.btf_id) n++;
    if (n == target.func_info.size()) env_.reject(EINVAL, "Subprog {} doesn't exist", name_);
    if (!target_.facts || n >= target_.facts->subprogs.size())
      env_.unsupported("attaching to this BPF program");
    const SubprogFacts& function = target_.facts->subprogs[n];
    if (function.is_exception_cb)
      env_.reject(EINVAL, "{} programs cannot attach to exception callback",
                  extension_ ? "Extension" : "FENTRY/FEXIT");
    if (extension_) env_.unsupported("extensions of BPF programs (freplace)");
    const auto traces = [](const Program& p) { return p.attach.program && p.attach.program->type == p.type; };
    if (target.type == env_.prog.type && traces(target))
      env_.reject(EINVAL, "Cannot nest tracing program attach more than once");
    if (kind_ == kTraceRawTp)
      env_.reject(EINVAL, "Only FENTRY/FEXIT progs are attachable to another BPF prog");
    if (kind_ != kTraceFentry && kind_ != kTraceFexit && kind_ != kModifyReturn) env_.reject_silently(EINVAL);
    if (!type_.is(Kind::kFunc)) env_.reject(EINVAL, "attach_btf_id {} is not a function", target_.btf_id);
    proto_ = target_.btf->type(type_.type());
    if (!proto_.is(Kind::kFuncProto)) env_.reject_silently(EINVAL);
    if (!function.unreliable) check_shape();
    if (env_.prog_sleepable) env_.reject(EINVAL, "{} is not sleepable", name_);
    if (kind_ == kModifyReturn) env_.reject(EINVAL, "can't modify return codes of BPF programs");
    env_.attach_btf = target_.btf.get();
    env_.attach_proto = function.unreliable ? 0 : proto_.id();
    env_.attach_name = std::string(name_);
  }

  bool allowed(std::string_view rule) const {
    return target_allowed(rule, env_.type->name, env_.caller(name_));
  }

  void raw_tracepoint() {
    constexpr std::string_view kPrefix = "btf_trace_";
    if (!type_.is(Kind::kTypedef)) env_.reject(EINVAL, "attach_btf_id {} is not a typedef", target_.btf_id);
    if (!name_.starts_with(kPrefix))
      env_.reject(EINVAL, "attach_btf_id {} points to wrong type name {}", target_.btf_id, name_);
    name_.remove_prefix(kPrefix.size());
    env_.attach_raw_tp = true;
    // The template function names the arguments; without it the typedef's prototype has to do.
    const u32 id = target_.btf->find("__bpf_trace_" + std::string(name_), Kind::kFunc);
    if (id) {
      proto_ = target_.btf->type(target_.btf->type(id).type());
    } else {
      env_.log("Cannot find btf of tracepoint template, fall back to {}{}.\n", kPrefix, name_);
      proto_ = target_.btf->type(target_.btf->type(type_.type()).type());
    }
    if (!proto_.is(Kind::kFuncProto)) env_.reject_silently(EINVAL);
  }

  void need_function() {
    if (!type_.is(Kind::kFunc)) env_.reject(EINVAL, "attach_btf_id {} is not a function", target_.btf_id);
    proto_ = target_.btf->type(type_.type());
    if (!proto_.is(Kind::kFuncProto)) env_.reject_silently(EINVAL);
    check_shape();
  }

  // Arguments and return value fit in registers, as Linux's trampolines need.
  void check_shape() {
    const btf::Btf& b = *target_.btf;
    const auto params = proto_.params();
    if (params.size() > 12)
      env_.reject(EINVAL, "The function {} has {} arguments. Too many.", name_, params.size());
    for (u32 i = 0; i < params.size(); i++) {
      if (i == params.size() - 1 && params[i].type == 0)
        env_.reject(EINVAL, "The function {} with variable args is unsupported.", name_);
      const auto t = b.skip_modifiers(params[i].type);
      const auto size = b.size_of(params[i].type);
      if (!size.ok() || *size > 16 ||
          !(t.is(Kind::kPtr) || t.is(Kind::kInt) || t.is_any_enum() || t.is(Kind::kStruct)))
        env_.reject(EINVAL, "The function {} arg{} type {} is unsupported.", name_, i, kind_name(t));
      if (*size == 0) env_.reject(EINVAL, "The function {} has malformed void argument.", name_);
    }
  }
  static std::string_view kind_name(btf::TypeView t) { return btf::kind_name(t.kind()); }

  void iterator() {
    need_function();
    if (!name_.starts_with("bpf_iter_")) env_.reject_silently(EINVAL);
  }

  void function() {
    need_function();
    if (env_.prog_sleepable) {
      if (!allowed("sleepable")) env_.reject(EINVAL, "{} is not sleepable", name_);
    } else if (kind_ == kModifyReturn && !allowed("modify_return") && !host_allows()) {
      env_.reject(EINVAL, "{}() is not modifiable", name_);
    }
  }

  void lsm_hook() {
    if (!env_.prog.gpl_compatible) env_.reject(EINVAL, "LSM programs must have a GPL compatible license");
    if (!allowed("lsm_disabled")) {
      if (allowed("lsm_hook")) return;
      env_.reject(EINVAL, "attach_btf_id {} points to wrong type name {}", target_.btf_id, name_);
    }
    env_.reject(EINVAL, "attach_btf_id {} points to disabled hook {}", target_.btf_id, name_);
  }

  Env& env_;
  const AttachTarget& target_;
  const bool extension_;
  const u32 kind_;
  btf::TypeView type_, proto_;
  std::string_view name_;
};

}  // namespace

void check_attach_target(Env& env) {
  const u64 traits = env.type->traits;
  if (traits & kMustSleep) {
    if (!env.prog_sleepable) env.reject(EINVAL, "Syscall programs can only be sleepable");
    return;
  }
  bool may_sleep = traits & (kMayBeSleepable | kSleepsIfUprobe);
  const u32 kind = env.prog.expected_attach_type;
  if (env.type->ctx_model == CtxModel::kTracingArgs) may_sleep &= kind != kTraceRawTp && kind != kLsmCgroup;
  if (env.prog_sleepable && !may_sleep)
    env.reject(EINVAL,
               "Only fentry/fexit/fmod_ret, lsm, iter, uprobe, and struct_ops programs can be sleepable");
  if (env.type->ctx_model == CtxModel::kStructOps) return check_struct_ops(env);
  if (traits & kNeedsAttachBtf) Attach(env).run();
}

}  // namespace osmia::verifier
