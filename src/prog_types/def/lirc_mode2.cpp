// BPF_PROG_TYPE_LIRC_MODE2: decodes the pulses of an infrared remote control. Described, but no kernel
// without CONFIG_BPF_LIRC_MODE2 (a stock one) loads it.
#include "prog_types/grants.h"
#include "prog_types/prog_type.h"

namespace osmia::prog_types {
using namespace contract;
namespace {
constexpr CtxField kFields[] = {
    {.offset = 0, .size = 4, .name = "sample"},
};
constexpr std::array kGrants = {Grant{"lirc"}, Grant{"core"}, Grant{"trace_printk", Capability::kPerfmon}};

const ProgTypeEntry kEntries[] = {{{
    .type = 20,
    .name = "lirc_mode2",
    .ctx_name = "__u32",
    .kern_ctx_name = "u32",
    .ctx_size = 4,
    .fields = kFields,
    .traits = kNotBuilt,
    .grants = kGrants,
}}};
}  // namespace

std::span<const ProgTypeEntry> def_lirc_mode2() {
  return kEntries;
}

}  // namespace osmia::prog_types
