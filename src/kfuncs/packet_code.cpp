// Dynptrs over packets: the host's buffer stands behind them, whichever form of it the program holds.
#include <cerrno>

#include "helpers/code.h"
#include "helpers/dynptr.h"
#include "host/kernel_skb.h"
#include "host/packet.h"
#include "kfuncs/code.h"

namespace osmia::kfuncs::code {
namespace {

using helpers::code::Dynptr;

u64 make(u64 out, u64 data, u64 length, u32 kind, u64 flags) {
  auto* d = reinterpret_cast<Dynptr*>(out);
  *d = {};
  if (flags) return static_cast<u64>(s64{-EINVAL});
  *d = {data, static_cast<u32>(length) | kind << 28, 0};
  return 0;
}

}  // namespace

u64 dynptr_from_skb(u64 skb, u64 flags, u64 out, u64, u64) {
  const host::KernelSkb& kernel = host::kernel_skb();
  if (kernel.kernel && skb == kernel.kernel) skb = kernel.host;
  return make(out, skb, reinterpret_cast<const host::SkbContext*>(skb)->len, helpers::code::kSkb, flags);
}
u64 dynptr_from_skb_rdonly(u64 skb, u64 flags, u64 out, u64, u64) {
  const u64 r = dynptr_from_skb(skb, flags, out, 0, 0);
  if (!r) reinterpret_cast<Dynptr*>(out)->size |= helpers::code::kReadOnly;
  return r;
}
u64 dynptr_from_xdp(u64 xdp, u64 flags, u64 out, u64, u64) {
  return make(out, xdp, helpers::code::xdp_get_buff_len(xdp, 0, 0, 0, 0), helpers::code::kXdp, flags);
}

}  // namespace osmia::kfuncs::code
