// Kernel objects that map values hold. Whoever holds one, a program or a value, is one of its holders: an
// exchange moves that, and a value that goes lets its object go.
#include "helpers/code.h"
#include "host/kernel_object.h"
#include "maps/map.h"

namespace osmia::helpers::code {
namespace {

void let_go(maps::Map&, const btf::Field& field, void* place) {
  const u64 object = __atomic_exchange_n(static_cast<u64*>(place), u64{0}, __ATOMIC_ACQ_REL);
  if (object && field.kernel) host::release_object(object);
}

}  // namespace

u64 kptr_xchg(u64 place, u64 object, u64, u64, u64) {
  static const bool once = [] {
    maps::set_field_release(btf::kFieldKptrRef, let_go);
    return true;
  }();
  (void)once;
  return __atomic_exchange_n(reinterpret_cast<u64*>(place), object, __ATOMIC_ACQ_REL);
}

}  // namespace osmia::helpers::code
