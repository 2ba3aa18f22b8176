// Links of kprobe.multi programs: probes at the entry or return of many kernel functions at once, each with a
// cookie of its own. Programs run at the functions that this process calls; their context is the registers as
// x86-64 has them.
#include <linux/bpf.h>

#include <algorithm>

#include "btf/btf.h"
#include "runtime/kernel_functions.h"
#include "runtime/symbols.h"
#include "syscall/link_type.h"

namespace osmia::syscall::links {
namespace {

using runtime::AttachKind;
constexpr u32 kMost = 1u << 20;

struct Probe {
  runtime::TracedFunctionPtr function;
  u64 cookie;
};

class KprobeMultiLink final : public runtime::Link {
 public:
  KprobeMultiLink(runtime::ProgramPtr program, std::vector<Probe> probes, u32 flags)
      : Link(BPF_LINK_TYPE_KPROBE_MULTI, "kprobe_multi", program), probes_(std::move(probes)), flags_(flags) {
    for (const Probe& p : probes_) p.function->attach(kind(), {program, p.cookie, this});
  }
  ~KprobeMultiLink() override {
    for (const Probe& p : probes_) p.function->detach(kind(), this);
  }

  int fill_info(bpf_link_info& info) override {
    auto& k = info.kprobe_multi;
    const u64 addresses = k.addrs, cookies = k.cookies;
    const u32 room = k.count, count = static_cast<u32>(probes_.size());
    if (!addresses != !room || (cookies && !room)) return -EINVAL;
    k.count = count;
    k.flags = flags_;
    k.missed = 0;
    if (!addresses) return 0;
    for (u32 i = 0; i < std::min(room, count); i++)
      if (put_user(addresses + 8 * i, probes_[i].function->address) ||
          (cookies && put_user(cookies + 8 * i, probes_[i].cookie)))
        return -EFAULT;
    return room < count ? -ENOSPC : 0;
  }

 private:
  AttachKind kind() const {
    return flags_ & BPF_F_KPROBE_MULTI_RETURN ? AttachKind::kReturnProbe : AttachKind::kProbe;
  }
  const std::vector<Probe> probes_;
  const u32 flags_;
};

// The functions that the caller names, or whose addresses it gives.
Result<std::vector<Probe>> probes_of(LinkRequest& r) {
  const auto& a = r.call.attr.link_create.kprobe_multi;
  const runtime::Kernel& kernel = r.call.kernel;
  const auto& vmlinux = kernel.vmlinux();
  if (!vmlinux) return Error{EOPNOTSUPP, "probes of kernel functions need the kernel's BTF"};
  std::vector<Probe> out;
  for (u32 i = 0; i < a.cnt; i++) {
    u64 word, cookie = 0;
    u32 type = 0;
    if (copy_from_user(&word, (a.addrs ? a.addrs : a.syms) + 8 * u64{i}, 8) ||
        (a.cookies && copy_from_user(&cookie, a.cookies + 8 * u64{i}, 8)))
      return Error{EFAULT, "symbols, addresses or cookies cannot be read"};
    std::string name;
    if (a.addrs) {
      type = runtime::kernel_function_at(kernel, word);
    } else {
      if (string_from_user(name, word, 512) < 0) return Error{EFAULT, "a symbol cannot be read"};
      type = vmlinux->btf->find(name, btf::Kind::kFunc);
    }
    auto function = type ? runtime::kernel_function(kernel, *vmlinux, type) : nullptr;
    if (!function)
      return Error{a.addrs ? EINVAL : ESRCH,
                   "no function of the kernel's BTF: " + (a.addrs ? "an address" : name)};
    out.push_back({std::move(function), cookie});
  }
  // By address, as Linux shows them.
  std::sort(out.begin(), out.end(),
            [](const Probe& x, const Probe& y) { return x.function->address < y.function->address; });
  return out;
}

bool overrides(const runtime::Program& p) {
  return std::any_of(p.facts.insns.begin(), p.facts.insns.end(), [](const auto& f) {
    return f.seen && f.helper && f.helper->effects & contract::kOverridesReturn;
  });
}

Result<runtime::LinkPtr> create(LinkRequest& r) {
  const auto& a = r.call.attr.link_create;
  const u32 expected = r.program->desc.expected_attach_type;
  if (a.flags) return Error{EINVAL, "unknown flags"};
  if (expected != BPF_TRACE_KPROBE_MULTI && expected != BPF_TRACE_KPROBE_SESSION)
    return Error{EINVAL, "the program was not loaded for many probes"};
  if (r.program->desc.prog_flags & BPF_F_SLEEPABLE) return Error{EINVAL, "such programs do not sleep"};
  const auto& k = a.kprobe_multi;
  if (k.flags & ~static_cast<u32>(BPF_F_KPROBE_MULTI_RETURN))
    return Error{EINVAL, "unknown kprobe_multi.flags"};
  if (!k.addrs == !k.syms) return Error{EINVAL, "expected either symbols or addresses"};
  if (!k.cnt) return Error{EINVAL, "expected at least one function"};
  if (k.cnt > kMost) return Error{E2BIG, "too many functions"};
  OSMIA_TRY(may_run(*r.program));
  if (expected == BPF_TRACE_KPROBE_SESSION)
    return Error{EOPNOTSUPP, "not supported yet: probe sessions (one program at entry and return)"};
  OSMIA_ASSIGN(std::vector<Probe> probes, probes_of(r));
  if (overrides(*r.program))
    for (const Probe& p : probes)
      if (!p.function->may_override)
        return Error{EINVAL, p.function->name + "() does not let probes override what it returns"};
  return runtime::LinkPtr(std::make_shared<KprobeMultiLink>(r.program, std::move(probes), k.flags));
}

const LinkType kTypes[] = {{
    .takes =
        [](const LinkRequest& r) {
          return r.prog_type() == BPF_PROG_TYPE_KPROBE &&
                 (r.attach_type == BPF_TRACE_KPROBE_MULTI || r.attach_type == BPF_TRACE_KPROBE_SESSION);
        },
    .create = create,
}};
}  // namespace

std::span<const LinkType> def_kprobe_multi() {
  return kTypes;
}

}  // namespace osmia::syscall::links
