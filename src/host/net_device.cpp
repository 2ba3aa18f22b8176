// Asks the system each time: devices come and go. Programs ask rarely (MTU checks, route look-ups).
#include "host/net_device.h"

#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>

#include "host/network.h"

namespace osmia::host {
namespace {

constexpr u32 kLoopbackMtu = 65536, kEthHeader = 14;

bool forwards(const char* name) {
  const std::string path = std::string("/proc/sys/net/ipv4/conf/") + name + "/forwarding";
  FILE* f = std::fopen(path.c_str(), "r");
  if (!f) return false;
  const int c = std::fgetc(f);
  std::fclose(f);
  return c == '1';
}

}  // namespace

std::optional<NetDevice> net_device(u32 ifindex) {
  if (const auto given = network()) {
    const Device* d = given->device(ifindex);
    if (!d) return std::nullopt;
    return NetDevice{d->mtu, d->hard_header_len, d->forwarding};
  }
  ifreq request{};
  const std::optional<NetDevice> loopback =
      ifindex == 1 ? std::optional<NetDevice>({kLoopbackMtu, kEthHeader, false}) : std::nullopt;
  if (!if_indextoname(ifindex, request.ifr_name)) return loopback;
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return loopback;
  NetDevice device;
  const bool known = ::ioctl(fd, SIOCGIFMTU, &request) == 0;
  if (known) device.mtu = static_cast<u32>(request.ifr_mtu);
  if (known && ::ioctl(fd, SIOCGIFHWADDR, &request) == 0) {
    const u16 type = request.ifr_hwaddr.sa_family;
    device.hard_header_len = type == ARPHRD_ETHER || type == ARPHRD_LOOPBACK ? kEthHeader : 0;
  }
  ::close(fd);
  if (!known) return loopback;
  device.forwarding = forwards(request.ifr_name);
  return device;
}

}  // namespace osmia::host
