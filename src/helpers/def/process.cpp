// The current task: ids, name, control groups it belongs to, signals.
// Facts of Linux 6.12's helpers as data; a row is one prototype for the program types that are granted its
// tag.
#include "helpers/code.h"
#include "helpers/helper.h"
#include "helpers/vocabulary.h"

namespace osmia::helpers {
using namespace vocabulary;
namespace {
const HelperEntry kEntries[] = {
    {{.id = 14, .name = "bpf_get_current_pid_tgid", .tag = "base"}, code::get_current_pid_tgid},
    {{.id = 120, .name = "bpf_get_ns_current_pid_tgid", .args = {any, any, mem_out, size}, .tag = "base"},
     code::get_ns_current_pid_tgid},
    {{.id = 80, .name = "bpf_get_current_cgroup_id", .tag = "base_bpf"}, code::get_current_cgroup_id},
    {{.id = 123, .name = "bpf_get_current_ancestor_cgroup_id", .args = {any}, .tag = "base_bpf"},
     code::get_current_ancestor_cgroup_id},
    {{.id = 35,
      .name = "bpf_get_current_task",
      .gpl_only = true,
      .capability = Capability::kBpf,
      .tag = "base_perfmon"},
     code::get_current_task},
    {{.id = 158,
      .name = "bpf_get_current_task_btf",
      .ret = {.kind = RetKind::kBtfId, .flags = kTrusted, .btf_type = "task_struct"},
      .gpl_only = true,
      .capability = Capability::kBpf,
      .tag = "base_perfmon"},
     code::get_current_task},
    {{.id = 175,
      .name = "bpf_task_pt_regs",
      .args = {btf("task_struct")},
      .ret = {.kind = RetKind::kBtfId, .btf_type = "pt_regs"},
      .gpl_only = true,
      .capability = Capability::kBpf,
      .tag = "base_perfmon"},
     code::task_pt_regs},
    {{.id = 15, .name = "bpf_get_current_uid_gid", .tag = "current_uid"}, code::get_current_uid_gid},
    {{.id = 16, .name = "bpf_get_current_comm", .args = {mem_out, size}, .tag = "current_task"},
     code::get_current_comm},
    {{.id = 37,
      .name = "bpf_current_task_under_cgroup",
      .args = {map, any},
      .tag = "current_task",
      .map_types = map_types(MapType::kCgroupArray)},
     code::current_task_under_cgroup},
    {{.id = 17, .name = "bpf_get_cgroup_classid", .tag = "current_classid"}, code::no_traffic_class},
    {{.id = 109, .name = "bpf_send_signal", .args = {any}, .tag = "tracing"}, code::send_signal},
    {{.id = 117, .name = "bpf_send_signal_thread", .args = {any}, .tag = "tracing"},
     code::send_signal_thread},
};
}  // namespace

std::span<const HelperEntry> def_process() {
  return kEntries;
}

}  // namespace osmia::helpers
