// The attach rules of Linux 6.12, and the one function that evaluates them.
#include "contract/attach_rules.h"

#include <algorithm>

#include "contract/catalog.h"
#include "contract/lsm_hooks.h"

namespace osmia::contract {
namespace {

constexpr u64 bit(u32 attach_type) {
  return 1ull << attach_type;
}
// BPF_* expected attach types that the rules speak of
constexpr u32 kRawTp = 23, kFentry = 24, kFexit = 25, kModifyReturn = 26, kIter = 28, kKprobeSession = 56;

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
    {.prog_type = "tracing", .attach_types = bit(kIter)},
    {.prog_type = "lsm", .targets = kSleepableLsmHooks},
    {.allow = false, .prog_type = "lsm"},
    {.targets = kDPathTargets},
};

constexpr AttachClause kImaHash[] = {{.targets = kSleepableLsmHooks}};

// A program that traces the storage helpers themselves must not call them.
constexpr AttachClause kSkStorageTracing[] = {
    {.allow = false, .target_is_program = true},
    {.attach_types = bit(kIter) | bit(kRawTp)},
    {.allow = false, .attach_types = bit(kFentry) | bit(kFexit), .target_prefix = "bpf_sk_storage"},
    {.attach_types = bit(kFentry) | bit(kFexit)},
};

// Attach points whose function entry is known: kprobes by their registers, tracing by the trampoline's stack.
constexpr AttachClause kFuncEntry[] = {
    {.prog_type = "kprobe"},
    {.prog_type = "tracing", .attach_types = bit(kFentry) | bit(kFexit) | bit(kModifyReturn)},
};

constexpr std::string_view kTcpIterator[] = {"bpf_iter_tcp"};
constexpr AttachClause kIterTcp[] = {{.attach_types = bit(kIter), .targets = kTcpIterator}};

constexpr AttachClause kLockedSockopt[] = {{.targets = kLockedSockoptLsmHooks}};
constexpr AttachClause kUnlockedSockopt[] = {{.targets = kUnlockedSockoptLsmHooks}};

// Congestion control: no socket option is set while the algorithm is being taken away.
constexpr std::string_view kTcpCaRelease[] = {"tcp_congestion_ops.release"};
constexpr AttachClause kTcpCa[] = {{.target_prefix = "tcp_congestion_ops."}};
constexpr AttachClause kTcpCaSockopt[] = {
    {.allow = false, .targets = kTcpCaRelease},
    {.target_prefix = "tcp_congestion_ops."},
};
constexpr AttachClause kSchedExt[] = {{.target_prefix = "sched_ext_ops."}};

constexpr AttachClause kOnlyIter[] = {{.attach_types = bit(kIter)}};
constexpr AttachClause kOnlyKprobeSession[] = {{.attach_types = bit(kKprobeSession)}};
// Walking the tasks of a control group takes a lock that hooks in atomic context may hold.
constexpr AttachClause kCssTaskIter[] = {
    {.prog_type = "lsm"},
    {.prog_type = "tracing", .attach_types = bit(kIter)},
    {.sleep = Sleep::kOnlySleepable},
};

constexpr AttachRule kRules[] = {
    {"d_path", kDPath},
    {"ima_hash", kImaHash},
    {"sk_storage_tracing", kSkStorageTracing},
    {"func_entry", kFuncEntry},
    {"iter_tcp", kIterTcp},
    {"locked_sockopt", kLockedSockopt},
    {"unlocked_sockopt", kUnlockedSockopt},
    {"tcp_ca", kTcpCa},
    {"tcp_ca_sockopt", kTcpCaSockopt},
    {"sched_ext", kSchedExt},
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

}  // namespace osmia::contract
