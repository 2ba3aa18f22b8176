// Alignment of one access. Packets start two bytes off a word (NET_IP_ALIGN), so strict mode counts from
// there. The stack is always strict: spill tracking relies on it.
#include "verifier/access/region.h"
#include "verifier/domain/print.h"

namespace osmia::verifier {
namespace {

constexpr s32 kIpAlign = 2;

std::string_view region_name(RegType t) {
  if (t.flags) return "";
  switch (t.base) {
    case RegBase::kFlowKeys: return "flow keys ";
    case RegBase::kMapKey: return "key ";
    case RegBase::kMapValue: return "value ";
    case RegBase::kCtx: return "context ";
    case RegBase::kStack: return "stack ";
    case RegBase::kSocket: return "sock ";
    case RegBase::kSockCommon: return "sock_common ";
    case RegBase::kTcpSock: return "tcp_sock ";
    case RegBase::kXdpSock: return "xdp_sock ";
    default: return "";
  }
}

bool aligned(const RegState& r, s64 fixed, int size) {
  return tnum_is_aligned(tnum_add(r.s.var_off, tnum_const(static_cast<u64>(fixed))), static_cast<u64>(size));
}

}  // namespace

void check_alignment(Env& env, const RegState& r, s32 off, int size, bool strict_once) {
  if (is_exactly(r.type, RegBase::kArena)) return;
  const bool strict = env.strict_alignment || strict_once || is_exactly(r.type, RegBase::kStack);
  if (!strict || size == 1) return;
  if (is_exactly(r.type, RegBase::kPacket) || is_exactly(r.type, RegBase::kPacketMeta)) {
    if (!aligned(r, s64{kIpAlign} + r.off + off, size))
      env.reject(EACCES, "misaligned packet access off {}+{}+{}+{} size {}", kIpAlign, tnum_strn(r.s.var_off),
                 r.off, off, size);
    return;
  }
  if (!aligned(r, s64{r.off} + off, size))
    env.reject(EACCES, "misaligned {}access off {}+{}+{} size {}", region_name(r.type),
               tnum_strn(r.s.var_off), r.off, off, size);
}

}  // namespace osmia::verifier
