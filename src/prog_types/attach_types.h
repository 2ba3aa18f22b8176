// The UAPI's expected attach types (BPF_* of enum bpf_attach_type) by number, and sets of them as bits.
#pragma once
#include "base/types.h"

namespace osmia::prog_types {

enum AttachType : u32 {
  kCgroupInetIngress,
  kCgroupInetEgress,
  kCgroupInetSockCreate,
  kCgroupSockOps,
  kSkSkbStreamParser,
  kSkSkbStreamVerdict,
  kCgroupDevice,
  kSkMsgVerdict,
  kCgroupInet4Bind,
  kCgroupInet6Bind,
  kCgroupInet4Connect,
  kCgroupInet6Connect,
  kCgroupInet4PostBind,
  kCgroupInet6PostBind,
  kCgroupUdp4Sendmsg,
  kCgroupUdp6Sendmsg,
  kLircMode2,
  kFlowDissector,
  kCgroupSysctl,
  kCgroupUdp4Recvmsg,
  kCgroupUdp6Recvmsg,
  kCgroupGetsockopt,
  kCgroupSetsockopt,
  kTraceRawTp,
  kTraceFentry,
  kTraceFexit,
  kModifyReturn,
  kLsmMac,
  kTraceIter,
  kCgroupInet4Getpeername,
  kCgroupInet6Getpeername,
  kCgroupInet4Getsockname,
  kCgroupInet6Getsockname,
  kXdpDevmap,
  kCgroupInetSockRelease,
  kXdpCpumap,
  kSkLookup,
  kXdp,
  kSkSkbVerdict,
  kSkReuseportSelect,
  kSkReuseportSelectOrMigrate,
  kPerfEvent,
  kTraceKprobeMulti,
  kLsmCgroup,
  kStructOps,
  kNetfilter,
  kTcxIngress,
  kTcxEgress,
  kTraceUprobeMulti,
  kCgroupUnixConnect,
  kCgroupUnixSendmsg,
  kCgroupUnixRecvmsg,
  kCgroupUnixGetpeername,
  kCgroupUnixGetsockname,
  kNetkitPrimary,
  kNetkitPeer,
  kTraceKprobeSession,
  kAttachTypeCount,
};
static_assert(kAttachTypeCount == 57);  // Linux 6.12

template <class... T>
constexpr u64 at(T... types) {
  return ((1ull << static_cast<u32>(types)) | ...);
}
constexpr u64 all_but(u64 types) {
  return ((1ull << kAttachTypeCount) - 1) & ~types;
}

}  // namespace osmia::prog_types
