// One kfunc, added by this file alone.
#include "kfuncs/kfunc.h"

namespace osmia::kfuncs {
namespace {
constexpr std::string_view kTypes[] = {"registry_test"};
const KfuncEntry kEntries[] = {
    {{.name = "registry_test_kfunc", .prog_types = kTypes, .set = "registry_test"}}};
}  // namespace

std::span<const KfuncEntry> def_test_kfunc() {
  return kEntries;
}

}  // namespace osmia::kfuncs
