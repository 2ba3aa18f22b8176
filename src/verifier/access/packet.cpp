// Packet and packet meta data. The range proved by comparisons with the packet's end counts from the
// pointer's own base, after its variable part; so only the fixed offset is compared with it.
#include "verifier/access/region.h"

namespace osmia::verifier {

bool may_access_packet(Env& env, const contract::HelperDef* helper, Access access) {
  const u64 traits = env.type->traits;
  const bool can = access == Access::kWrite
                       ? traits & contract::kDirectPacketWrite
                       : traits & (contract::kDirectPacketRead | contract::kDirectPacketWrite);
  if (!can) return false;
  if (helper) return (traits & contract::kPacketArgsFree) || (helper->effects & contract::kPacketArgs);
  env.seen_direct_write = true;
  return true;
}

void check_packet_access(Env& env, u32 regno, s32 off, s32 size, bool zero_size_allowed) {
  const RegState& r = env.reg(regno);
  // A negative variable part cannot be proved to stay inside.
  if (r.s.smin < 0)
    env.reject(EACCES, "R{} min value is negative, either use unsigned index or do a if (index >=0) check.",
               regno);
  const bool size_ok = size > 0 || (size == 0 && zero_size_allowed);
  if (r.range < 0) env.reject(EINVAL, "R{} offset is outside of the packet", regno);
  if (off < 0 || !size_ok || static_cast<s64>(off) + size > r.range) {
    say(env, "invalid access to packet, off={} size={}, R{}(id={},off={},r={})", off, size, regno, r.id, off,
        r.range);
    env.reject(EACCES, "R{} offset is outside of the packet", regno);
  }
  const u32 last = static_cast<u32>(off) + static_cast<u32>(r.s.umax) + static_cast<u32>(size) - 1;
  if (last > env.max_pkt_offset) env.max_pkt_offset = last;
}

void touch_packet(Env& env, const Touch& t) {
  if (t.writes() && !may_access_packet(env, nullptr, Access::kWrite))
    env.reject(EACCES, "cannot write into packet");
  if (stores_pointer(env, t)) env.reject(EACCES, "R{} leaks addr into packet", t.value_regno);
  check_packet_access(env, t.regno, t.off, t.size, false);
  if (t.loads_reg()) mark_unknown(env, t.value_regno);
}

}  // namespace osmia::verifier
