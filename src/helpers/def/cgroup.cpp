// Control-group hooks: the return value so far, and sysctl values.
// Facts of Linux 6.12's helpers as data; a row is one prototype for the program types that are granted its
// tag.
#include "helpers/code.h"
#include "helpers/helper.h"
#include "helpers/vocabulary.h"

namespace osmia::helpers {
using namespace vocabulary;
namespace {
const HelperEntry kEntries[] = {
    {{.id = 186, .name = "bpf_get_retval", .tag = "retval"}, code::get_retval},
    {{.id = 187, .name = "bpf_set_retval", .args = {any}, .effects = kSetRetval, .tag = "retval"},
     code::set_retval},
    {{.id = 101, .name = "bpf_sysctl_get_name", .args = {ctx, mem, size, any}, .tag = "sysctl"},
     code::sysctl_get_name},
    {{.id = 102, .name = "bpf_sysctl_get_current_value", .args = {ctx, mem_out, size}, .tag = "sysctl"},
     code::sysctl_get_current_value},
    {{.id = 103, .name = "bpf_sysctl_get_new_value", .args = {ctx, mem_out, size}, .tag = "sysctl"},
     code::sysctl_get_new_value},
    {{.id = 104, .name = "bpf_sysctl_set_new_value", .args = {ctx, mem_in, size}, .tag = "sysctl"},
     code::sysctl_set_new_value},
};
}  // namespace

std::span<const HelperEntry> def_cgroup() {
  return kEntries;
}

}  // namespace osmia::helpers
