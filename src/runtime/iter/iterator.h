// Iterators of BPF programs (SEC("iter/...")): a program that runs once for each object of a kind, and once
// at the end, and prints into the file that somebody reads. A target is one kind of objects: a file in this
// folder with one row. Source: Linux 6.12, kernel/bpf/bpf_iter.c (behaviour only).
#pragma once
#include <memory>
#include <span>
#include <string_view>

#include "maps/map.h"
#include "runtime/kernel.h"

namespace osmia::runtime {

// What a link was made for (Linux's struct bpf_iter_aux_info).
struct IterScope {
  maps::MapPtr map;
  u64 cgroup = 0;        // id, 0 = the root
  u32 cgroup_order = 0;  // enum bpf_cgroup_iter_order
  enum Tasks : u8 { kAllTasks, kThread, kProcess };
  Tasks tasks = kAllTasks;
  u32 pid = 0;                               // of the thread or process
  Object (*object_of_fd)(int fd) = nullptr;  // what a descriptor of this process is
};

// Where one open file is among its objects; Linux's struct seq_operations. index: the reader's position,
// which start() makes 1 if it is 0, and next() counts up.
class IterWalk {
 public:
  virtual ~IterWalk() = default;
  // 1: there is an object at hand; 0: there is no more; or a negative errno.
  virtual int start(u64& index) = 0;
  virtual int next(u64& index) = 0;
  // Reading pauses at an object that is not shown yet (start() comes back to it), or is over.
  virtual void stop(bool /*over*/) {}
  // The program's arguments behind the file's record, of the object at hand. They stay good until next() or
  // stop(). False: the object is skipped. A program that runs at the end gets what at_end() gives.
  virtual bool arguments(u64 (&args)[3]) = 0;
  virtual void at_end(u64 (&)[3]) const {}
  virtual bool runs_at_end() const { return true; }
  // The object at hand is the head line of one of Linux's tables, which no program sees.
  virtual bool is_head() const { return false; }
  // What the program's result (0 or 1) means: 0 goes on, -EAGAIN asks for the object again.
  virtual int shown(u64 result) { return result ? -EAGAIN : 0; }
};

struct IterTarget {
  std::string_view name;
  enum Needs : u8 { kNothing, kMap, kTasks, kCgroup };
  Needs needs = kNothing;  // of iter_info
  bool may_sleep = false;  // sleepable programs may be attached
  // May this program walk this map? null where needs is not kMap.
  Status (*check_map)(const Program&, const maps::Map&) = nullptr;
  // A walk from the beginning. Errors: EOPNOTSUPP (the types lack a struct, or the process cannot see the
  // objects), ENOMEM. Null: the target is known and cannot be walked in a process; `why` says why.
  Result<std::unique_ptr<IterWalk>> (*open)(Kernel&, const btf::BtfPtr&, const IterScope&) = nullptr;
  std::string_view why = {};
};

// By the name behind "bpf_iter_"; null: there is none.
const IterTarget* iter_target(std::string_view name);
// The target that this program was loaded for; null: it is no iterator.
const IterTarget* iter_target(const Program& program);

// The rows, one a file.
namespace iter_targets {
extern const IterTarget kBpfMap, kBpfMapElem, kBpfProg, kBpfLink, kTask, kTaskFile, kTaskVma, kCgroup, kKsym;
}

}  // namespace osmia::runtime
