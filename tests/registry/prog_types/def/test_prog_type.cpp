// One program type, added by this file alone; it may call the helper that another file here adds.
#include "prog_types/prog_type.h"

namespace osmia::prog_types {
using namespace contract;
namespace {
constexpr CtxField kFields[] = {{.offset = 0, .size = 4, .name = "value"}};
constexpr ProgTypeDef::Grant kGrants[] = {{"registry_test"}};
const ProgTypeEntry kEntries[] = {{{.type = 1000,
                                    .name = "registry_test",
                                    .ctx_name = "registry_test_md",
                                    .ctx_size = 4,
                                    .fields = kFields,
                                    .grants = kGrants}}};
}  // namespace

std::span<const ProgTypeEntry> def_test_prog_type() {
  return kEntries;
}

}  // namespace osmia::prog_types
