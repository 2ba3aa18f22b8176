// What a tracing program knows of its attach point: arguments, return value, address, cookie.
// Facts of Linux 6.12's helpers as data; a row is one prototype for the program types that are granted its
// tag.
#include "helpers/code.h"
#include "helpers/helper.h"
#include "helpers/vocabulary.h"

namespace osmia::helpers {
using namespace vocabulary;
namespace {
const HelperEntry kEntries[] = {
    {{.id = 183,
      .name = "bpf_get_func_arg",
      .args = {ctx, any, fixed_mem(8, kUninit | kWrite | kAligned)},
      .effects = kGetFuncArgs,
      .tag = "trampoline"},
     code::get_func_arg},
    {{.id = 184,
      .name = "bpf_get_func_ret",
      .args = {ctx, fixed_mem(8, kUninit | kWrite | kAligned)},
      .effects = kGetFuncArgs,
      .tag = "trampoline"},
     code::get_func_ret},
    {{.id = 185, .name = "bpf_get_func_arg_cnt", .args = {ctx}, .effects = kGetFuncArgs, .tag = "trampoline"},
     code::get_func_arg_cnt},
    {{.id = 173,
      .name = "bpf_get_func_ip",
      .args = {ctx},
      .effects = kNeedsFuncEntry,
      .gpl_only = true,
      .tag = "tracing"},
     code::get_func_ip_tracing},
    {{.id = 173,
      .name = "bpf_get_func_ip",
      .args = {ctx},
      .effects = kNeedsFuncEntry,
      .gpl_only = true,
      .tag = "kprobe_ip"},
     code::get_func_ip_probe},
    {{.id = 173, .name = "bpf_get_func_ip", .args = {ctx}, .effects = kNeedsFuncEntry, .tag = "kprobe_multi"},
     code::get_func_ip_probe},
    {{.id = 174, .name = "bpf_get_attach_cookie", .args = {ctx}, .tag = "kprobe_multi"},
     code::get_attach_cookie},
    {{.id = 173, .name = "bpf_get_func_ip", .args = {ctx}, .effects = kNeedsFuncEntry, .tag = "uprobe_multi"},
     code::get_func_ip_probe},
    {{.id = 174, .name = "bpf_get_attach_cookie", .args = {ctx}, .tag = "uprobe_multi"},
     code::get_attach_cookie},
    {{.id = 174, .name = "bpf_get_attach_cookie", .args = {ctx}, .tag = "trace_cookie"},
     code::get_attach_cookie},
    {{.id = 174, .name = "bpf_get_attach_cookie", .args = {ctx}, .tag = "perf_event"},
     code::get_attach_cookie},
    {{.id = 174, .name = "bpf_get_attach_cookie", .args = {ctx}, .tag = "tracing_cookie"},
     code::get_attach_cookie},
    {{.id = 174, .name = "bpf_get_attach_cookie", .args = {ctx}, .tag = "lsm_cookie"},
     code::get_attach_cookie},
    {{.id = 58,
      .name = "bpf_override_return",
      .args = {ctx, any},
      .effects = kOverridesReturn,
      .gpl_only = true,
      .tag = "kprobe_override"},
     code::override_return},
};
}  // namespace

std::span<const HelperEntry> def_attach_point() {
  return kEntries;
}

}  // namespace osmia::helpers
