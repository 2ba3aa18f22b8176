// Infrared remote controls.
// Facts of Linux 6.12's helpers as data; a row is one prototype for the program types that are granted its
// tag.
#include "helpers/helper.h"
#include "helpers/vocabulary.h"

namespace osmia::helpers {
using namespace vocabulary;
namespace {
const HelperEntry kEntries[] = {
    {{.id = 77, .name = "bpf_rc_repeat", .args = {ctx}, .gpl_only = true, .tag = "lirc"}},
    {{.id = 78, .name = "bpf_rc_keydown", .args = {ctx, any, any, any}, .gpl_only = true, .tag = "lirc"}},
    {{.id = 92, .name = "bpf_rc_pointer_rel", .args = {ctx, any, any}, .gpl_only = true, .tag = "lirc"}},
};
}  // namespace

std::span<const HelperEntry> def_lirc() {
  return kEntries;
}

}  // namespace osmia::helpers
