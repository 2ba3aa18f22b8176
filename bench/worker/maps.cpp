// Placeholder of bench-maps' commands.
#include "worker.h"

namespace osmia::bench {

Json maps_command(const Words&) {
  return nullptr;
}

}  // namespace osmia::bench
