// BPF_PROG_TYPE_STRUCT_OPS: members of a kernel struct of functions. What may be called and written is the
// struct's business: struct_ops/def/.
#include "prog_types/prog_type.h"

namespace osmia::prog_types {
using namespace contract;
namespace {
const ProgTypeEntry kEntries[] = {{{
    .type = 27,
    .name = "struct_ops",
    .ctx_model = CtxModel::kStructOps,
    .ctx_size = 96,
    .traits = kNeedsPerfmon | kNeedsAttachBtf | kMayBeSleepable | kVoidReturnOk | kGplOnlyProg,
}}};
}  // namespace

std::span<const ProgTypeEntry> def_struct_ops() {
  return kEntries;
}

}  // namespace osmia::prog_types
