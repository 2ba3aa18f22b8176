// Objects that map values and other objects hold. Whoever holds one, a program or a field, is one of its
// holders: an exchange moves that, and a value that goes lets its object go (maps/object.h).
#include "helpers/code.h"
#include "host/run_context.h"
#include "maps/object.h"

namespace osmia::helpers::code {

u64 kptr_xchg(u64 place, u64 object, u64, u64, u64) {
  return __atomic_exchange_n(reinterpret_cast<u64*>(place), object, __ATOMIC_ACQ_REL);
}

u64 this_cpu_object(u64 object, u64, u64, u64, u64) {
  return per_cpu_object(object, host::current_cpu(), 0, 0, 0);
}
u64 per_cpu_object(u64 object, u64 cpu, u64, u64, u64) {
  return reinterpret_cast<u64>(maps::percpu_copy(reinterpret_cast<void*>(object), static_cast<u32>(cpu)));
}

}  // namespace osmia::helpers::code
