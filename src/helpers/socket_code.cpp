// Sockets. A process has no sockets of the kernel's: look-ups check their arguments as Linux does and find
// none; the other helpers work on the sockets that test runs make (host/socket.h).
#include "host/socket.h"

#include <linux/bpf.h>

#include "helpers/code.h"

namespace osmia::helpers::code {
namespace {

constexpr u32 kIpProtoTcp = 6;

const host::Socket* at(u64 sk) {
  return reinterpret_cast<const host::Socket*>(sk);
}

}  // namespace

// Wrong sizes, flags or namespaces give null on Linux, too.
u64 sk_lookup(u64, u64, u64, u64, u64) {
  return 0;
}
u64 sk_release(u64, u64, u64, u64, u64) {
  return 0;
}
u64 sk_fullsock(u64 sk, u64, u64, u64, u64) {
  return sk && at(sk)->full() ? sk : 0;
}
u64 tcp_sock(u64 sk, u64, u64, u64, u64) {
  return sk && at(sk)->full() && at(sk)->protocol == kIpProtoTcp ? at(sk)->tcp : 0;
}
u64 get_listener_sock(u64 sk, u64, u64, u64, u64) {
  return at(sk)->state == host::kTcpListen ? sk : 0;
}
// The kernel's own structs are not there; nor is a socket of a kind that could be cast to one.
u64 skc_cast(u64, u64, u64, u64, u64) {
  return 0;
}

}  // namespace osmia::helpers::code
