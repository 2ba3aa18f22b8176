// One helper, added by this file alone.
#include "helpers/helper.h"

namespace osmia::helpers {
namespace {
const HelperEntry kEntries[] = {{{.id = 1000, .name = "bpf_registry_test", .tag = "registry_test"}}};
}  // namespace

std::span<const HelperEntry> def_test_helper() {
  return kEntries;
}

}  // namespace osmia::helpers
