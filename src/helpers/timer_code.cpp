// bpf_timer: see maps/async.h.
#include "helpers/code.h"
#include "maps/async.h"

namespace osmia::helpers::code {
namespace {
void* at(u64 r) {
  return reinterpret_cast<void*>(r);
}
}  // namespace

u64 timer_init(u64 timer, u64 map, u64 flags, u64, u64) {
  return static_cast<u64>(
      maps::async::init(at(timer), *reinterpret_cast<maps::Map*>(map), btf::kFieldTimer, flags));
}
u64 timer_set_callback(u64 timer, u64 callback, u64, u64, u64) {
  return static_cast<u64>(maps::async::set_callback(at(timer), callback));
}
u64 timer_start(u64 timer, u64 nanoseconds, u64 flags, u64, u64) {
  return static_cast<u64>(maps::async::start(at(timer), nanoseconds, flags));
}
u64 timer_cancel(u64 timer, u64, u64, u64, u64) {
  return static_cast<u64>(maps::async::cancel(at(timer)));
}

}  // namespace osmia::helpers::code
