// A task is read once, when it is first asked for; its name is looked at again each time.
#include "host/task.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <string>

#include "host/cgroup.h"
#include "host/proc_file.h"

namespace osmia::host {
namespace {

std::atomic<u32> g_forks{0};

u32 forks() {
  static const bool once = [] {
    pthread_atfork(nullptr, nullptr, [] { g_forks.fetch_add(1, std::memory_order_relaxed); });
    return true;
  }();
  (void)once;
  return g_forks.load(std::memory_order_relaxed);
}

struct Ids {
  u32 forks = ~0u, tid = 0, tgid = 0;
};
const Ids& own_ids() {
  constinit thread_local Ids ids;
  if (const u32 now = forks(); ids.forks != now)
    ids = {now, static_cast<u32>(syscall(SYS_gettid)), static_cast<u32>(syscall(SYS_getpid))};
  return ids;
}

std::string proc(u32 tid, const char* file) {
  return read_file("/proc/" + std::to_string(tid) + "/" + file);
}

// /proc/N/stat: the name, and the numbers behind it by their number in proc(5) (3 is the state).
struct Stat {
  bool there = false;
  std::string comm;
  char state = 0;
  std::array<u64, 56> field{};
};
Stat stat_of(u32 tid) {
  Stat s;
  const std::string text = proc(tid, "stat");
  const size_t open = text.find('('), close = text.rfind(')');
  if (open == text.npos || close == text.npos || close + 2 >= text.size()) return s;
  s.there = true;
  s.comm = text.substr(open + 1, close - open - 1);
  s.state = text[close + 2];
  const char* at = text.c_str() + close + 3;
  for (size_t i = 4; i < s.field.size() && *at; i++) {
    char* end = nullptr;
    s.field[i] = *at == ' ' && at[1] == '-' ? static_cast<u64>(std::strtoll(at, &end, 10))
                                            : std::strtoull(at, &end, 10);
    if (end == at) break;
    at = end;
  }
  return s;
}

// "Uid:\t0\t0\t0\t0" in /proc/N/status.
std::string status_line(const std::string& status, const char* name) {
  const std::string key = std::string("\n") + name + ":";
  const size_t at = status.find(key);
  if (at == status.npos) return {};
  return status.substr(at + key.size(), status.find('\n', at + 1) - at - key.size());
}
std::array<u64, 4> numbers(const std::string& line, int base = 10) {
  std::array<u64, 4> out{};
  const char* at = line.c_str();
  for (u64& v : out) {
    char* end = nullptr;
    v = std::strtoull(at, &end, base);
    if (end == at) break;
    at = end;
  }
  return out;
}

u64 clock_ticks_to_ns(u64 ticks) {
  static const u64 per_second = static_cast<u64>(std::max(sysconf(_SC_CLK_TCK), 1l));
  return ticks * (1000000000u / per_second);
}
// Builds one task; parts are what its pointers lead to.
class Builder {
 public:
  Builder(const btf::BtfPtr& types, Task& task, const Stat& stat)
      : types_(types), task_(task), stat_(stat), status_("\n" + proc(task.tid(), "status")) {}

  void fill() {
    KernelStruct& t = task_.memory;
    const u32 tid = task_.tid();
    const u64 tgid = numbers(status_line(status_, "Tgid"))[0];
    task_.tgid = tgid ? static_cast<u32>(tgid) : tid;
    t.set("pid", tid);
    t.set("tgid", task_.tgid);
    if (const auto place = t.find("comm")) {
      task_.comm = *place;
      t.set_text(*place, stat_.comm);
    }
    t.set("usage", 2);
    t.set("flags", stat_.field[9]);
    t.set("prio", stat_.field[18] + 100);
    t.set("normal_prio", stat_.field[18] + 100);
    t.set("static_prio", stat_.field[19] + 120);
    t.set("rt_priority", stat_.field[40]);
    t.set("policy", stat_.field[41]);
    t.set("exit_signal", stat_.field[38]);
    t.set("exit_code", stat_.field[52]);
    t.set("utime", clock_ticks_to_ns(stat_.field[14]));
    t.set("stime", clock_ticks_to_ns(stat_.field[15]));
    t.set("start_time", clock_ticks_to_ns(stat_.field[22]));
    t.set("start_boottime", clock_ticks_to_ns(stat_.field[22]));
    t.set("min_flt", stat_.field[10]);
    t.set("maj_flt", stat_.field[12]);
    t.set("on_cpu", stat_.state == 'R');
    t.set("__state", stat_.state == 'S' ? 1 : stat_.state == 'D' ? 2 : stat_.state == 'T' ? 4 : 0);
    t.set("wake_cpu", stat_.field[39]);
    set_login();
    add_cpus();
    add_credentials();
    add_memory();
    add_namespaces();
    add_cgroup();
    add_signal();
  }

 private:
  KernelStruct* part(const char* name) {
    auto made = KernelStruct::make(*types_, name);
    if (!made.ok()) return nullptr;
    task_.parts.push_back(std::move(*made));
    return &task_.parts.back();
  }
  void set_login() {
    const std::string login = proc(task_.tid(), "loginuid"), session = proc(task_.tid(), "sessionid");
    task_.memory.set("loginuid", login.empty() ? ~0u : std::strtoull(login.c_str(), nullptr, 10));
    task_.memory.set("sessionid", session.empty() ? ~0u : std::strtoull(session.c_str(), nullptr, 10));
  }
  void add_cpus() {
    KernelStruct& t = task_.memory;
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(static_cast<pid_t>(task_.tid()), sizeof set, &set)) CPU_SET(0, &set);
    t.set("nr_cpus_allowed", static_cast<u64>(CPU_COUNT(&set)));
    if (const auto mask = t.find("cpus_mask")) {
      std::memcpy(t.bytes() + mask->offset, &set, std::min<size_t>(mask->size, sizeof set));
      t.set("cpus_ptr", t.address() + mask->offset);
    }
  }
  void add_credentials() {
    KernelStruct* cred = part("cred");
    if (!cred) return;
    const auto uid = numbers(status_line(status_, "Uid")), gid = numbers(status_line(status_, "Gid"));
    cred->set("usage", 2);
    const char* const users[] = {"uid", "euid", "suid", "fsuid"};
    const char* const groups[] = {"gid", "egid", "sgid", "fsgid"};
    for (u32 i = 0; i < 4; i++) {
      cred->set(users[i], uid[i]);
      cred->set(groups[i], gid[i]);
    }
    cred->set("cap_inheritable", numbers(status_line(status_, "CapInh"), 16)[0]);
    cred->set("cap_permitted", numbers(status_line(status_, "CapPrm"), 16)[0]);
    cred->set("cap_effective", numbers(status_line(status_, "CapEff"), 16)[0]);
    cred->set("cap_bset", numbers(status_line(status_, "CapBnd"), 16)[0]);
    cred->set("cap_ambient", numbers(status_line(status_, "CapAmb"), 16)[0]);
    task_.memory.set("cred", cred->address());
    task_.memory.set("real_cred", cred->address());
  }
  void add_memory() {
    if (!stat_.field[23]) return;  // a kernel thread
    KernelStruct* mm = part("mm_struct");
    if (!mm) return;
    mm->set("mm_users", numbers(status_line(status_, "Threads"))[0]);
    mm->set("mm_count", 1);
    mm->set("total_vm", stat_.field[23] / 4096);
    const std::pair<const char*, u32> addresses[] = {
        {"start_code", 26}, {"end_code", 27},  {"start_stack", 28}, {"start_data", 45}, {"end_data", 46},
        {"start_brk", 47},  {"arg_start", 48}, {"arg_end", 49},     {"env_start", 50},  {"env_end", 51}};
    for (const auto& [name, number] : addresses) mm->set(name, stat_.field[number]);
    task_.memory.set("mm", mm->address());
    task_.memory.set("active_mm", mm->address());
  }
  void add_namespaces() {
    KernelStruct* proxy = part("nsproxy");
    if (!proxy) return;
    const u64 address = proxy->address();
    const std::array<std::array<const char*, 3>, 7> kinds{{{"uts_ns", "uts_namespace", "uts"},
                                                           {"ipc_ns", "ipc_namespace", "ipc"},
                                                           {"mnt_ns", "mnt_namespace", "mnt"},
                                                           {"pid_ns_for_children", "pid_namespace", "pid"},
                                                           {"net_ns", "net", "net"},
                                                           {"time_ns", "time_namespace", "time"},
                                                           {"cgroup_ns", "cgroup_namespace", "cgroup"}}};
    const size_t at = task_.parts.size() - 1;
    for (const auto& [member, type, name] : kinds) {
      KernelStruct* ns = part(type);
      if (!ns) continue;
      ns->set("ns.inum", namespace_inode(task_.tid(), name));
      ns->set("ns.count", 1);
      if (std::strcmp(name, "uts") == 0) {
        utsname u{};
        uname(&u);
        ns->set_text("name.sysname", u.sysname);
        ns->set_text("name.nodename", u.nodename);
        ns->set_text("name.release", u.release);
        ns->set_text("name.version", u.version);
        ns->set_text("name.machine", u.machine);
        ns->set_text("name.domainname", u.domainname);
      }
      task_.parts[at].set(member, ns->address());
    }
    task_.memory.set("nsproxy", address);
  }
  void add_cgroup() {
    KernelStruct* set = part("css_set");
    if (!set) return;
    set->set("refcount", 1);
    if (auto cgroup = cgroup_of_task(types_, task_.tid())) {
      set->set("dfl_cgrp", cgroup->address());
      task_.others.push_back(std::move(cgroup));
    }
    task_.memory.set("cgroups", set->address());
  }
  void add_signal() {
    KernelStruct* signal = part("signal_struct");
    if (!signal) return;
    signal->set("nr_threads", stat_.field[20]);
    signal->set("live", stat_.field[20]);
    task_.memory.set("signal", signal->address());
    if (KernelStruct* pid = part("pid")) {
      pid->set("count", 1);
      if (const auto numbers = pid->find("numbers"); numbers && numbers->size >= 4) {
        const u32 nr = task_.tid();  // struct upid begins with the number
        std::memcpy(pid->bytes() + numbers->offset, &nr, sizeof nr);
      }
      task_.memory.set("thread_pid", pid->address());
    }
    // "number arguments… stack-pointer program-counter" of a thread that waits in the kernel.
    const std::string where = proc(task_.tid(), "syscall");
    const size_t last = where.rfind(" 0x"),
                 before = last == where.npos || !last ? where.npos : where.rfind(" 0x", last - 1);
    const bool own = task_.tgid == own_tgid();
    if (own || before != where.npos)
      if (KernelStruct* regs = part("pt_regs")) {
        // A thread of this process enters no kernel here: the frame that asks stands for it.
        regs->set("ip", own ? reinterpret_cast<u64>(__builtin_return_address(0))
                            : std::strtoull(where.c_str() + last, nullptr, 16));
        regs->set("sp", own ? reinterpret_cast<u64>(__builtin_frame_address(0))
                            : std::strtoull(where.c_str() + before, nullptr, 16));
        regs->set("cs", 0x33);
        regs->set("ss", 0x2b);
        regs->set("flags", 0x246);
        task_.pt_regs = regs->address();
      }
  }

  const btf::BtfPtr& types_;
  Task& task_;
  const Stat& stat_;
  const std::string status_;
};

ObjectKey key_of(u32 tid, const Stat& s) {
  return s.there ? ObjectKey{s.field[22] + 1, tid} : ObjectKey{};
}

// depth: how far up from the one that was asked for; ends a chain that changes while it is read.
std::shared_ptr<Task> task_at(const btf::BtfPtr& types, u32 tid, u32 depth) {
  const Stat stat = stat_of(tid);
  if (!stat.there || !types || depth > 64) return nullptr;
  const ObjectKey key = key_of(tid, stat);
  if (const ObjectPtr there = find_object(types, ObjectKind::kTask, key)) {
    auto task = std::static_pointer_cast<Task>(there);
    if (task->comm.size) task->memory.set_text(task->comm, stat.comm);
    return task;
  }
  auto memory = KernelStruct::make(*types, "task_struct");
  if (!memory.ok()) return nullptr;
  auto task = std::make_shared<Task>(ObjectKind::kTask, key, std::move(*memory));
  task->parts.reserve(24);  // their addresses are what counts, and those do not move; this saves copies
  Builder(types, *task, stat).fill();
  KernelStruct& t = task->memory;
  u64 leader = t.address(), parent = t.address();
  if (task->tgid != tid)
    if (auto other = task_at(types, task->tgid, depth + 1)) {
      leader = other->address();
      task->others.push_back(std::move(other));
    }
  if (const u32 above = static_cast<u32>(stat.field[4]); above && above != tid)
    if (auto other = task_at(types, above, depth + 1)) {
      parent = other->address();
      task->others.push_back(std::move(other));
    }
  t.set("group_leader", leader);
  t.set("real_parent", parent);
  t.set("parent", parent);
  return std::static_pointer_cast<Task>(publish_object(types, std::move(task)));
}

std::vector<u32> numbered(const std::string& folder) {
  std::vector<u32> out;
  DIR* d = opendir(folder.c_str());
  if (!d) return out;
  while (const dirent* e = readdir(d))
    if (e->d_name[0] >= '1' && e->d_name[0] <= '9')
      out.push_back(static_cast<u32>(std::strtoul(e->d_name, nullptr, 10)));
  closedir(d);
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

u32 own_tid() {
  return own_ids().tid;
}
u32 own_tgid() {
  return own_ids().tgid;
}

Task* current_task(const btf::BtfPtr& types) {
  struct Mine {
    std::weak_ptr<const btf::Btf> types;
    u32 tid = 0;
    std::shared_ptr<Task> task;
  };
  thread_local Mine mine;
  if (!types) return nullptr;
  const bool same = !mine.types.owner_before(types) && !types.owner_before(mine.types);
  if (!same || mine.tid != own_tid() || !mine.task) {
    mine.task = task_of(types, own_tid());
    mine.types = types;
    mine.tid = own_tid();
    return mine.task.get();
  }
  char name[17] = {};
  prctl(PR_GET_NAME, name);
  if (mine.task->comm.size) mine.task->memory.set_text(mine.task->comm, name);
  return mine.task.get();
}

std::shared_ptr<Task> task_of(const btf::BtfPtr& types, u32 tid) {
  return tid ? task_at(types, tid, 0) : nullptr;
}

ObjectKey task_key(u32 tid) {
  return key_of(tid, stat_of(tid));
}
bool task_lives(const ObjectKey& key) {
  return task_key(static_cast<u32>(key.number)) == key;
}

u64 namespace_inode(u32 tid, const char* name) {
  char to[64];
  const std::string path = "/proc/" + std::to_string(tid) + "/ns/" + name;
  const ssize_t n = readlink(path.c_str(), to, sizeof to - 1);
  if (n <= 0) return 0;
  to[n] = 0;
  const char* open = std::strchr(to, '[');
  return open ? std::strtoull(open + 1, nullptr, 10) : 0;
}

std::vector<u32> all_processes() {
  return numbered("/proc");
}
std::vector<u32> threads_of(u32 process) {
  return numbered("/proc/" + std::to_string(process) + "/task");
}

}  // namespace osmia::host
