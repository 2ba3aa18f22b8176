// Hooks and links: the runtime's attach points and links behind handles.
#include "osmia/hook.h"

#include <linux/bpf.h>

#include <cstring>

#include "api/impl.h"
#include "runtime/kernel_functions.h"
#include "syscall/fds.h"

namespace osmia {

struct AnyHook::Impl {
  api::KernelPtr kernel;
  runtime::TracedFunctionPtr function;
};
struct Link::Impl {
  api::KernelPtr kernel;
  runtime::LinkPtr link;
  api::OwnFd fd;
};

std::uint64_t AnyHook::call(const std::uint64_t* words, Original original, void* context) const {
  const auto run = [&](const u64* w) { return original(context, w); };
  return impl_->function->call(words, run);
}

Result<AnyHook> Kernel::find_hook(const HookSpec& spec) const {
  const runtime::Kernel& kernel = *impl_->kernel;
  const btf::Btf* types = kernel.catalog().host_types;
  const u32 type = types ? types->find_own(spec.name, btf::Kind::kFunc) : 0;
  if (!type) return Error{ENOENT, "no hook named " + spec.name};
  const auto made = impl_->hooks.find(spec.name);
  const auto same = [](const HookValue& a, const HookValue& b) {
    return a.bytes == b.bytes && a.is_signed == b.is_signed && a.is_pointer == b.is_pointer;
  };
  bool fits = made != impl_->hooks.end() && same(made->second.result, spec.result) &&
              made->second.parameters.size() == spec.parameters.size();
  for (size_t i = 0; fits && i < spec.parameters.size(); i++)
    fits = same(made->second.parameters[i].type, spec.parameters[i].type);
  if (!fits) return Error{EINVAL, "hook " + spec.name + ": it was described with another prototype"};
  for (u32 id = 0; (id = kernel.btfs.next_after(id));) {
    const auto b = kernel.btfs.find(id);
    if (!b || b->btf.get() != types) continue;
    auto function = runtime::kernel_function(kernel, *b, type);
    const u32* attached = function->attached_word();
    return AnyHook(std::make_shared<const AnyHook::Impl>(AnyHook::Impl{impl_, std::move(function)}),
                   attached);
  }
  return Error{ENOENT, "no hook named " + spec.name};
}

Result<Link> Kernel::attach(const Program& program, std::uint64_t cookie) const {
  union bpf_attr a;
  std::memset(&a, 0, sizeof a);
  auto& table = syscall::FdTable::instance();
  const syscall::Fd entry = table.get(program.fd());
  const auto* p = std::get_if<runtime::ProgramPtr>(&entry.object);
  if (!p) return Error{EINVAL, "program " + program.name() + ": not there"};
  long fd;
  if ((*p)->desc.type == BPF_PROG_TYPE_TRACING) {
    a.link_create.prog_fd = static_cast<u32>(program.fd());
    a.link_create.attach_type = (*p)->desc.expected_attach_type;
    a.link_create.tracing.cookie = cookie;
    fd = bpf(BPF_LINK_CREATE, &a, sizeof a);
  } else {
    return Error{EOPNOTSUPP, "program " + program.name() +
                                 ": only tracing programs are attached so; bpf() has "
                                 "the other links"};
  }
  if (fd < 0) return api::failed_call(fd, "program " + program.name());
  const syscall::Fd made = table.get(static_cast<int>(fd));
  table.close(static_cast<int>(fd));
  const auto* link = std::get_if<runtime::LinkPtr>(&made.object);
  if (!link) return Error{EINVAL, "program " + program.name() + ": not attached"};
  auto impl =
      std::shared_ptr<const Link::Impl>(new Link::Impl{impl_, *link, api::OwnFd(runtime::Object(*link))});
  if (impl->fd.get() < 0) return Error{-impl->fd.get(), "program " + program.name() + ": no descriptor left"};
  return Link(std::move(impl));
}

std::uint32_t Link::id() const {
  return impl_->link->id;
}
int Link::fd() const {
  return impl_->fd.get();
}

}  // namespace osmia
