// Links of fentry, fexit and fmod_ret programs. They attach where they were loaded for: any function of the
// kernel's BTF (programs run at those that this process calls, runtime/kernel_functions.h), or of another
// program (runtime/program_functions.h).
#include <fmt/format.h>

#include <cstdio>

#include "btf/btf.h"
#include "runtime/kernel_functions.h"
#include "runtime/program_functions.h"
#include "syscall/link_type.h"

namespace osmia::syscall::links {
namespace {

using runtime::AttachKind;

class TracingLink final : public runtime::Link {
 public:
  TracingLink(runtime::ProgramPtr program, runtime::TracedFunctionPtr function, u32 object, u32 type)
      : Link(BPF_LINK_TYPE_TRACING, "tracing", std::move(program)),
        function_(std::move(function)),
        object_(object),
        type_(type) {}
  ~TracingLink() override { function_->detach(kind(), this); }

  int attach(u64 cookie) { return function_->attach(kind(), {program(), cookie, this}); }

  int fill_info(bpf_link_info& info) override {
    info.tracing.attach_type = attach_type();
    info.tracing.target_obj_id = object_;
    info.tracing.target_btf_id = type_;
    return 0;
  }
  void show(std::string& out) const override {
    out += fmt::format("attach_type:\t{}\ntarget_obj_id:\t{}\ntarget_btf_id:\t{}\n", attach_type(), object_,
                       type_);
  }

 private:
  u32 attach_type() const { return program()->desc.expected_attach_type; }
  AttachKind kind() const {
    switch (attach_type()) {
      case BPF_TRACE_FEXIT: return AttachKind::kExit;
      case BPF_MODIFY_RETURN: return AttachKind::kModifyReturn;
      default: return AttachKind::kEntry;
    }
  }
  const runtime::TracedFunctionPtr function_;
  const u32 object_, type_;  // the function's: a BTF object or program, and the type there
};

// People who attach where nothing ever happens should know.
void note_if_idle(const runtime::Program& p, const std::string& function) {
  if (runtime::implemented(function)) return;
  std::fprintf(stderr, "osmia: program \"%s\" is attached to %s(), which nothing in this process calls\n",
               p.desc.name.c_str(), function.c_str());
}

Result<runtime::TracedFunctionPtr> in_kernel(const LinkRequest& r) {
  auto f = runtime::kernel_function(r.call.kernel, *r.program->attach_btf, r.program->desc.attach.btf_id);
  if (!f) return Error{EINVAL, "the program was not loaded for a function"};
  return f;
}

// A program's function can be attached to once: what the program was loaded for is then taken.
Result<runtime::TracedFunctionPtr> in_program(const LinkRequest& r) {
  const runtime::ProgramPtr& target = r.program->attach_program;
  {
    std::lock_guard lock(r.program->attach_mutex);
    if (!target || r.program->target_taken)
      return Error{EINVAL, "the program has been attached to what it was loaded for"};
  }
  const auto& functions = target->desc.func_info;
  for (u32 n = 0; n < functions.size(); n++)
    if (functions[n].type_id == r.program->desc.attach.btf_id)
      return runtime::ProgramFunctions::get(r.call.kernel, target, n);
  return Error{EINVAL, "the program was not loaded for a function"};
}

Result<runtime::LinkPtr> create(LinkRequest& r) {
  const runtime::Program& p = *r.program;
  const u32 type = p.desc.expected_attach_type;
  if (type != BPF_TRACE_FENTRY && type != BPF_TRACE_FEXIT && type != BPF_MODIFY_RETURN)
    return Error{EINVAL, "expected a fentry, fexit or fmod_ret program"};
  if (!r.opened) {
    const auto& a = r.call.attr.link_create;
    if (a.attach_type != type) return Error{EINVAL, "attach_type is not what the program was loaded for"};
    if (a.target_fd || a.target_btf_id) return Error{EINVAL, "only ext programs take another target"};
  }
  OSMIA_TRY(may_run(p));
  const u32 object = p.attach_btf ? p.attach_btf->id : p.attach_program ? p.attach_program->id : 0;
  OSMIA_ASSIGN(auto function, p.attach_btf ? in_kernel(r) : in_program(r));
  const std::string name = function->name;
  auto link = std::make_shared<TracingLink>(r.program, std::move(function), object, p.desc.attach.btf_id);
  if (const int e = link->attach(r.opened ? 0 : r.call.attr.link_create.tracing.cookie))
    return Error{-e, e == -EBUSY ? "the program is attached to " + name + " already"
                                 : "too many programs are attached to " + name};
  if (p.attach_btf) {
    if (p.attach_btf->btf.get() != r.call.kernel.catalog().host_types) note_if_idle(p, name);
  } else {
    std::lock_guard lock(p.attach_mutex);
    r.program->target_taken = true;
  }
  return runtime::LinkPtr(std::move(link));
}

const LinkType kTypes[] = {{
    .takes =
        [](const LinkRequest& r) {
          const u32 expected = r.program ? r.program->desc.expected_attach_type : 0;
          return r.prog_type() == BPF_PROG_TYPE_TRACING && expected != BPF_TRACE_RAW_TP &&
                 (expected != BPF_TRACE_ITER || r.opened);
        },
    .create = create,
}};
}  // namespace

std::span<const LinkType> def_tracing() {
  return kTypes;
}

}  // namespace osmia::syscall::links
