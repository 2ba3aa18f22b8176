// The attach rules of Linux 6.12, and the one function that evaluates them.
#include "contract/attach_rules.h"

#include <algorithm>

#include "contract/attach_type.h"
#include "contract/catalog.h"
#include "contract/lsm_hooks.h"

namespace osmia::contract {
namespace {

constexpr u64 bit(u32 attach_type) {
  return 1ull << attach_type;
}

// Functions that may be traced by programs that call bpf_d_path(): no lock is held there that it would take.
constexpr std::string_view kDPathTargets[] = {
    "security_file_permission",
    "security_inode_getattr",
    "security_file_open",
    "security_path_truncate",
    "vfs_truncate",
    "vfs_fallocate",
    "dentry_open",
    "vfs_getattr",
    "filp_close",
};
constexpr AttachClause kDPath[] = {
    {.prog_type = "tracing", .attach_types = bit(kTraceIter)},
    {.prog_type = "lsm", .targets = kSleepableLsmHooks},
    {.allow = false, .prog_type = "lsm"},
    {.targets = kDPathTargets},
};

constexpr AttachClause kImaHash[] = {{.targets = kSleepableLsmHooks}};

// A program that traces the storage helpers themselves must not call them.
constexpr AttachClause kSkStorageTracing[] = {
    {.allow = false, .target_is_program = true},
    {.attach_types = bit(kTraceIter) | bit(kTraceRawTp)},
    {.allow = false, .attach_types = bit(kTraceFentry) | bit(kTraceFexit), .target_prefix = "bpf_sk_storage"},
    {.attach_types = bit(kTraceFentry) | bit(kTraceFexit)},
};

// Attach points whose function entry is known: kprobes by their registers, tracing by the trampoline's stack.
constexpr AttachClause kFuncEntry[] = {
    {.prog_type = "kprobe"},
    {.prog_type = "tracing", .attach_types = bit(kTraceFentry) | bit(kTraceFexit) | bit(kModifyReturn)},
};

// Iterators whose sockets may get options.
constexpr std::string_view kSockoptIterators[] = {"bpf_iter_tcp", "bpf_iter_unix"};
constexpr AttachClause kIterSockopt[] = {{.attach_types = bit(kTraceIter), .targets = kSockoptIterators}};

constexpr AttachClause kLockedSockopt[] = {{.targets = kLockedSockoptLsmHooks}};
constexpr AttachClause kUnlockedSockopt[] = {{.targets = kUnlockedSockoptLsmHooks}};

constexpr AttachClause kOnlyIter[] = {{.attach_types = bit(kTraceIter)}};
constexpr AttachClause kOnlyKprobeSession[] = {{.attach_types = bit(kTraceKprobeSession)}};
// Walking the tasks of a control group takes a lock that hooks in atomic context may hold.
constexpr AttachClause kCssTaskIter[] = {
    {.prog_type = "lsm"},
    {.prog_type = "tracing", .attach_types = bit(kTraceIter)},
    {.sleep = Sleep::kOnlySleepable},
};

// Functions that tracing programs may sleep in or change the result of. Linux also takes every function
// marked for error injection; the reference kernel is built without it, so none is.
constexpr std::string_view kSleepableFunctions[] = {"bpf_fentry_test1"};
constexpr AttachClause kSleepable[] = {
    {.prog_type = "lsm", .targets = kSleepableLsmHooks},
    {.prog_type = "tracing", .targets = kSleepableFunctions},
};
constexpr std::string_view kModifiable[] = {
    "bpf_fentry_test1",          "bpf_modify_return_test", "bpf_modify_return_test2",
    "bpf_modify_return_test_tp", "update_socket_protocol",
};
constexpr AttachClause kMayModifyReturn[] = {
    {.allow = false, .target_is_program = true},  // "can't modify return codes of BPF programs"
    {.targets = kModifiable},
    {.target_prefix = "security_"},
};
// Functions that tracing itself calls, and functions after which nothing runs.
constexpr std::string_view kTracingInternals[] = {"migrate_disable", "migrate_enable",
                                                  "rcu_read_unlock_strict"};
constexpr AttachClause kTracingDenied[] = {{.targets = kTracingInternals}};
constexpr std::string_view kNoReturnFunctions[] = {
    "__ia32_sys_exit", "__ia32_sys_exit_group",     "__module_put_and_kthread_exit",
    "__x64_sys_exit",  "__x64_sys_exit_group",      "do_exit",
    "do_group_exit",   "kthread_complete_and_exit", "kthread_exit",
    "make_task_dead",
};
constexpr AttachClause kNoReturn[] = {{.targets = kNoReturnFunctions}};

constexpr AttachClause kLsmHook[] = {{.targets = kLsmHooks}};
constexpr AttachClause kLsmDisabled[] = {{.targets = kDisabledLsmHooks}};
// Security hooks whose pointer arguments are trusted: all but where an object is being made or freed.
constexpr AttachClause kLsmTrusted[] = {{.allow = false, .targets = kUntrustedLsmHooks}, {}};

constexpr AttachRule kRules[] = {
    {"sleepable", kSleepable},
    {"modify_return", kMayModifyReturn},
    {"tracing_denied", kTracingDenied},
    {"no_return", kNoReturn},
    {"lsm_hook", kLsmHook},
    {"lsm_disabled", kLsmDisabled},
    {"lsm_trusted", kLsmTrusted},
    {"d_path", kDPath},
    {"ima_hash", kImaHash},
    {"sk_storage_tracing", kSkStorageTracing},
    {"func_entry", kFuncEntry},
    {"iter_sockopt", kIterSockopt},
    {"locked_sockopt", kLockedSockopt},
    {"unlocked_sockopt", kUnlockedSockopt},
    {"iter", kOnlyIter},
    {"kprobe_session", kOnlyKprobeSession},
    {"css_task_iter", kCssTaskIter},
};

bool matches(const AttachClause& c, std::string_view prog_type, const Caller& by) {
  if (!c.prog_type.empty() && c.prog_type != prog_type) return false;
  if (c.attach_types && (by.expected_attach_type >= 64 || !(c.attach_types >> by.expected_attach_type & 1)))
    return false;
  if (c.sleep != Sleep::kAny && (c.sleep == Sleep::kOnlySleepable) != by.sleepable) return false;
  if (c.target_is_program && !by.target_is_program) return false;
  if (!c.target_prefix.empty() && !by.target.starts_with(c.target_prefix)) return false;
  return c.targets.empty() || std::find(c.targets.begin(), c.targets.end(), by.target) != c.targets.end();
}

}  // namespace

bool target_allowed(std::string_view rule, std::string_view prog_type, const Caller& caller) {
  for (const AttachRule& r : kRules) {
    if (r.name != rule) continue;
    for (const AttachClause& c : r.clauses)
      if (matches(c, prog_type, caller)) return c.allow;
    return false;
  }
  return false;
}

bool attach_rule_exists(std::string_view rule) {
  return std::any_of(std::begin(kRules), std::end(kRules),
                     [&](const AttachRule& r) { return r.name == rule; });
}

ReturnRange lsm_return_range(std::string_view hook) {
  constexpr s32 kMaxErrno = 4095;
  for (std::string_view h : kBoolLsmHooks)
    if (h == hook) return {.min = 0, .max = 1};
  return {.min = -kMaxErrno, .max = 0};
}

}  // namespace osmia::contract
