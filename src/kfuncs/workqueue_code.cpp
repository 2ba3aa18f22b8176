// bpf_wq: see maps/async.h.
#include "kfuncs/code.h"
#include "maps/async.h"

namespace osmia::kfuncs::code {
namespace {
void* at(u64 r) {
  return reinterpret_cast<void*>(r);
}
bool has_flags(u64 flags) {
  return static_cast<u32>(flags) != 0;
}
constexpr u64 kInvalid = static_cast<u64>(-EINVAL);
}  // namespace

u64 wq_init(u64 wq, u64 map, u64 flags, u64, u64) {
  if (has_flags(flags)) return kInvalid;
  return static_cast<u64>(
      maps::async::init(at(wq), *static_cast<maps::Map*>(at(map)), btf::kFieldWorkqueue, 0));
}
u64 wq_set_callback(u64 wq, u64 callback, u64 flags, u64, u64) {
  return has_flags(flags) ? kInvalid : static_cast<u64>(maps::async::set_callback(at(wq), callback));
}
u64 wq_start(u64 wq, u64 flags, u64, u64, u64) {
  return has_flags(flags) ? kInvalid : static_cast<u64>(maps::async::start(at(wq), 0, 0));
}

}  // namespace osmia::kfuncs::code
