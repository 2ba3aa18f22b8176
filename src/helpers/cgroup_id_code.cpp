// The control group of a packet's or a socket's owner. Sockets of test runs belong to the thread that runs
// them, as on Linux, where a test run makes a socket of its own.
#include <cerrno>

#include "helpers/code.h"
#include "helpers/running.h"
#include "host/cgroup.h"
#include "host/packet.h"
#include "host/socket.h"
#include "maps/object_array.h"

namespace osmia::helpers::code {
namespace {

bool full(u64 sk) {
  return sk && reinterpret_cast<const host::Socket*>(sk)->full();
}
u64 socket_of(u64 skb) {
  return reinterpret_cast<const host::SkbContext*>(host::skb_context(skb))->sk;
}
u64 level_of_own(u64 level) {
  return get_current_ancestor_cgroup_id(level, 0, 0, 0, 0);
}

}  // namespace

u64 sk_cgroup_id(u64 sk, u64, u64, u64, u64) {
  return full(sk) ? host::own_cgroup_line().back() : 0;
}
u64 sk_ancestor_cgroup_id(u64 sk, u64 level, u64, u64, u64) {
  return full(sk) ? level_of_own(level) : 0;
}
u64 skb_cgroup_id(u64 skb, u64, u64, u64, u64) {
  return sk_cgroup_id(socket_of(skb), 0, 0, 0, 0);
}
u64 skb_ancestor_cgroup_id(u64 skb, u64 level, u64, u64, u64) {
  return sk_ancestor_cgroup_id(socket_of(skb), level, 0, 0, 0);
}
u64 skb_under_cgroup(u64 skb, u64 map, u64 index, u64, u64) {
  return full(socket_of(skb)) ? current_task_under_cgroup(map, index, 0, 0, 0) : result(-ENOENT);
}

}  // namespace osmia::helpers::code
