// BPF_PROG_TYPE_EXT: replaces a global function of another program, and has the context and helpers of that
// program's type.
#include "prog_types/prog_type.h"

namespace osmia::prog_types {
using namespace contract;
namespace {
constexpr u32 kAttach[] = {0};

const ProgTypeEntry kEntries[] = {{{
    .type = 28,
    .name = "ext",
    .ctx_model = CtxModel::kTracingArgs,
    .ctx_size = 0,
    .traits = kExtension | kNeedsAttachBtf | kNeedsNetAdmin | kNeedsPerfmon,
    .attach_types = kAttach,
}}};
}  // namespace

std::span<const ProgTypeEntry> def_ext() {
  return kEntries;
}

}  // namespace osmia::prog_types
