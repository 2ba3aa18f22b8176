// Links to raw tracepoints, of raw_tp and tp_btf programs. Any tracepoint of the kernel's BTF can be attached
// to; programs run at those that this process causes (runtime/tracepoints.h).
#include <fmt/format.h>

#include "btf/btf.h"
#include "runtime/tracepoints.h"
#include "syscall/link_type.h"

namespace osmia::syscall::links {
namespace {

class RawTracepointLink final : public runtime::Link {
 public:
  RawTracepointLink(runtime::Kernel& kernel, runtime::ProgramPtr program, std::string name, u64 cookie)
      : Link(BPF_LINK_TYPE_RAW_TRACEPOINT, "raw_tracepoint", program),
        points_(kernel.tracepoints),
        name_(std::move(name)) {
    points_->add(name_, {std::move(program), cookie, this});
  }
  ~RawTracepointLink() override { points_->remove(name_, this); }

  int fill_info(bpf_link_info& info) override {
    auto& tp = info.raw_tracepoint;
    if (!tp.tp_name != !tp.tp_name_len) return -EINVAL;
    const u64 user = tp.tp_name;
    const u32 room = tp.tp_name_len;
    tp.tp_name_len = static_cast<u32>(name_.size() + 1);
    return user ? put_name(user, room, name_) : 0;
  }
  void show(std::string& out) const override { out += fmt::format("tp_name:\t{}\n", name_); }

 private:
  const std::shared_ptr<runtime::Tracepoints> points_;
  const std::string name_;
};

// tp_btf programs were loaded for a typedef "btf_trace_" and the name.
std::string loaded_for(const runtime::Program& p) {
  const std::string_view name =
      p.desc.attach.btf ? p.desc.attach.btf->type(p.desc.attach.btf_id).name() : std::string_view();
  return std::string(name.substr(name.starts_with("btf_trace_") ? 10 : 0));
}

Result<runtime::LinkPtr> create(LinkRequest& r) {
  constexpr u64 kLongestName = 127;
  std::string name = r.prog_type() == BPF_PROG_TYPE_TRACING ? loaded_for(*r.program) : "";
  if (name.empty() && string_from_user(name, r.call.attr.raw_tracepoint.name, kLongestName + 1) < 0)
    return Error{EFAULT, "name cannot be read"};
  const auto arguments = runtime::tracepoint_arguments(r.call.kernel.catalog(), name);
  if (!arguments) return Error{ENOENT, "no tracepoint is named " + name};
  if (r.program->facts.max_ctx_offset > *arguments * 8)
    return Error{EINVAL, fmt::format("tracepoint {} has {} arguments, the program reads {} bytes of context",
                                     name, *arguments, r.program->facts.max_ctx_offset)};
  if (r.program->facts.max_tp_access > runtime::tracepoint_writable_bytes(name))
    return Error{EINVAL,
                 fmt::format("the program writes {} bytes of a buffer that tracepoint {} does not give",
                             r.program->facts.max_tp_access, name)};
  const u64 cookie = r.opened ? r.cookie : r.call.attr.link_create.tracing.cookie;
  return runtime::LinkPtr(
      std::make_shared<RawTracepointLink>(r.call.kernel, r.program, std::move(name), cookie));
}

const LinkType kTypes[] = {{
    .takes =
        [](const LinkRequest& r) {
          return r.opened ? r.prog_type() == BPF_PROG_TYPE_RAW_TRACEPOINT ||
                                r.prog_type() == BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE ||
                                (r.prog_type() == BPF_PROG_TYPE_TRACING && r.attach_type == BPF_TRACE_RAW_TP)
                          : r.prog_type() == BPF_PROG_TYPE_TRACING && r.attach_type == BPF_TRACE_RAW_TP &&
                                r.program->desc.expected_attach_type == BPF_TRACE_RAW_TP;
        },
    .create = create,
}};
}  // namespace

std::span<const LinkType> def_raw_tracepoint() {
  return kTypes;
}

}  // namespace osmia::syscall::links
