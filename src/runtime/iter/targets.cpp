// The list of targets. Those that cannot be walked in a process are here, too: programs for them verify and
// attach, and opening the file says why not.
#include <linux/bpf.h>

#include "btf/btf.h"
#include "runtime/iter/iterator.h"

namespace osmia::runtime {
namespace {

using namespace iter_targets;

constexpr std::string_view kNoSockets = "the kernel's sockets are not the process's to see";

Status check_storage(const Program& p, const maps::Map& m) {
  if (m.type() != BPF_MAP_TYPE_SK_STORAGE)
    return Error{EINVAL, "iter/bpf_sk_storage_map walks sk_storage maps"};
  if (p.facts.max_value_access > m.value_size())
    return Error{EACCES, "the program reaches beyond the map's values"};
  return Ok{};
}
Status check_sockmap(const Program& p, const maps::Map& m) {
  if (m.type() != BPF_MAP_TYPE_SOCKMAP && m.type() != BPF_MAP_TYPE_SOCKHASH)
    return Error{EINVAL, "iter/sockmap walks sockmap and sockhash maps"};
  if (p.facts.max_key_access > m.key_size())
    return Error{EACCES, "the program reaches beyond the map's keys"};
  return Ok{};
}

constexpr IterTarget kElsewhere[] = {
    {.name = "bpf_sk_storage_map", .needs = IterTarget::kMap, .check_map = check_storage, .why = kNoSockets},
    {.name = "ipv6_route", .why = "the kernel's routes are not the process's to see"},
    {.name = "netlink", .why = kNoSockets},
    {.name = "sockmap", .needs = IterTarget::kMap, .check_map = check_sockmap, .why = kNoSockets},
    {.name = "tcp", .why = kNoSockets},
    {.name = "udp", .why = kNoSockets},
    {.name = "unix", .why = kNoSockets},
};

}  // namespace

const IterTarget* iter_target(std::string_view name) {
  for (const IterTarget* t :
       {&kBpfMap, &kBpfMapElem, &kBpfProg, &kBpfLink, &kTask, &kTaskFile, &kTaskVma, &kCgroup, &kKsym})
    if (t->name == name) return t;
  for (const IterTarget& t : kElsewhere)
    if (t.name == name) return &t;
  return nullptr;
}

const IterTarget* iter_target(const Program& p) {
  constexpr std::string_view kPrefix = "bpf_iter_";
  const auto& attach = p.desc.attach;
  if (!attach.btf || !attach.btf_id) return nullptr;
  const std::string_view name = attach.btf->type(attach.btf_id).name();
  return name.starts_with(kPrefix) ? iter_target(name.substr(kPrefix.size())) : nullptr;
}

}  // namespace osmia::runtime
