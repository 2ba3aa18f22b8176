// sched_ext_ops: CPU schedulers (kernel/sched/ext.c). Programs for it are verified, and the struct is checked
// as there; a process schedules nothing, so it is not taken on. The reference kernel's BTF does not have it:
// it counts with the BTF of a kernel that does.
#include <climits>

#include "base/bits.h"
#include "struct_ops/struct_ops.h"

namespace osmia::struct_ops {
using namespace contract;
namespace {

// The functions that serve as stubs have no part here: what may be null is told by the argument's number.
constexpr StructOpsMember atomic(std::string_view name, u16 nullable = 0) {
  return {.name = name, .may_sleep = false, .nullable_args = nullable};
}
constexpr StructOpsMember kMembers[] = {
    atomic("select_cpu"),
    atomic("enqueue"),
    atomic("dequeue"),
    atomic("dispatch", 1 << 1),
    atomic("tick"),
    atomic("runnable"),
    atomic("running"),
    atomic("stopping"),
    atomic("quiescent"),
    atomic("yield", 1 << 1),
    atomic("core_sched_before"),
    atomic("set_weight"),
    atomic("set_cpumask"),
    atomic("update_idle"),
    atomic("cpu_acquire"),
    atomic("cpu_release"),
    {.name = "init_task"},
    atomic("exit_task"),
    atomic("enable"),
    atomic("disable"),
    {.name = "cgroup_init"},
    {.name = "cgroup_exit"},
    {.name = "cgroup_prep_move"},
    atomic("cgroup_move"),
    atomic("cgroup_cancel_move"),
    atomic("cgroup_set_weight"),
    {.name = "cpu_online"},
    {.name = "cpu_offline"},
    {.name = "init"},
    {.name = "exit"},
    atomic("dump"),
    atomic("dump_cpu"),
    atomic("dump_task"),
};
constexpr WritableMember kTask[] = {{"task_struct", "scx.slice", true},
                                    {"task_struct", "scx.dsq_vtime", true},
                                    {"task_struct", "scx.disallow", true}};
constexpr WritableStruct kWritable[] = {{.name = "task_struct", .parts = kTask}};
constexpr StructOpsGrant kGrants[] = {{"task_storage"}};

int init_member(std::string_view member, const u8* from, u8* to, u32 size) {
  constexpr u64 kAllFlags = 1ull << 0 | 1ull << 1 | 1ull << 2 | 1ull << 3 | 1ull << 16;  // SCX_OPS_*
  constexpr u32 kMaxTimeoutMs = 30 * 1000, kDumpBytes = 32768;
  if (member == "dispatch_max_batch")
    return load_unaligned<u32>(from) > INT_MAX ? -E2BIG : copy_member(from, to, size);
  if (member == "flags")
    return load_unaligned<u64>(from) & ~kAllFlags ? -EINVAL : copy_member(from, to, size);
  if (member == "name") return copy_name(from, to, size);
  if (member == "timeout_ms")
    return load_unaligned<u32>(from) > kMaxTimeoutMs ? -E2BIG : copy_member(from, to, size);
  if (member == "exit_dump_len") {
    const u32 given = load_unaligned<u32>(from);
    store_unaligned<u32>(to, given ? given : kDumpBytes);
    return 1;
  }
  return member == "hotplug_seq" ? copy_member(from, to, size) : 0;
}

const StructOpsEntry kEntries[] = {
    {.def = {.name = "sched_ext_ops",
             .members = kMembers,
             .writable = kWritable,
             .grants = kGrants,
             .base = kStructOpsBase},
     .code = {.init_member = init_member,
              .admit = [](const StructOpsMap&, std::span<const StructOpsMapPtr>) { return -EOPNOTSUPP; }}},
};

}  // namespace

std::span<const StructOpsEntry> def_sched_ext_ops() {
  return kEntries;
}

}  // namespace osmia::struct_ops
