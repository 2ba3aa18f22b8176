// BPF_PROG_TYPE_CGROUP_SOCK: sockets of a control group: made, bound, released. What is seen depends on the
// event.
#include "prog_types/grants.h"
#include "prog_types/prog_type.h"
#include "prog_types/sock_fields.h"

namespace osmia::prog_types {
using namespace contract;
namespace {
consteval SockFields cgroup_fields() {
  SockFields out = sock_fields(true);
  for (std::size_t i = 0; i < out.count; ++i) {
    CtxField& f = out.fields[i];
    if (f.name == "bound_dev_if" || f.name == "mark" || f.name == "priority") {
      f.access |= kCtxWrite;
      f.attach_types = at(kCgroupInetSockCreate, kCgroupInetSockRelease);
    }
    if (f.name == "src_ip4") f.attach_types = at(kCgroupInet4PostBind);
    if (f.name == "src_ip6") f.attach_types = at(kCgroupInet6PostBind);
    if (f.name == "src_port") f.attach_types = at(kCgroupInet4PostBind, kCgroupInet6PostBind);
  }
  return out;
}
constexpr SockFields kFields = cgroup_fields();
constexpr auto kGrants = join(
    kCgroupCommon, kCgroupCurrent,
    std::array{Grant{"cgroup_sock"}, Grant{"event_output"}, Grant{"sk_storage_ctx"}, Grant{"coarse_time"}},
    kBase);
constexpr u32 kAttach[] = {kCgroupInetSockCreate, kCgroupInetSockRelease, kCgroupInet4PostBind,
                           kCgroupInet6PostBind};
constexpr ReturnRange kReturns[] = {{.min = 0, .max = 1, .is64 = true}};

const ProgTypeEntry kEntries[] = {{{
    .type = 9,
    .name = "cgroup_sock",
    .ctx_name = "bpf_sock",
    .kern_ctx_name = "sock",
    .ctx_size = 80,
    .fields = kFields.span(),
    .traits = kNeedsNetAdmin,
    .grants = kGrants,
    .returns = kReturns,
    .attach_types = kAttach,
    .default_attach_type = kCgroupInetSockCreate,
}}};
}  // namespace

std::span<const ProgTypeEntry> def_cgroup_sock() {
  return kEntries;
}

}  // namespace osmia::prog_types
