// Tasks: struct task_struct for the threads and processes of this machine, as /proc tells of them. What /proc
// does not tell is zero.
#pragma once
#include <vector>

#include "host/kernel_object.h"

namespace osmia::host {

class Task final : public KernelObject {
 public:
  using KernelObject::KernelObject;
  u32 tid() const { return static_cast<u32>(key.number); }
  u32 tgid = 0;
  KernelStruct::Place comm;
  u64 pt_regs = 0;  // address of its struct pt_regs, 0: unknown
};

// The calling thread; right after fork(), too.
u32 own_tid();
u32 own_tgid();

// The task of the calling thread; null if the types have no task_struct. Its address stays good while the
// thread lives.
Task* current_task(const btf::BtfPtr& types);
// The task of a thread (or of a process's first thread), or null: there is none.
std::shared_ptr<Task> task_of(const btf::BtfPtr& types, u32 tid);
// The number by which /proc/N/ns/NAME names a namespace ("net", "pid" …), 0 if it cannot be seen.
u64 namespace_inode(u32 tid, const char* name);
// Who has this number now: {start time, tid}, number 0 = nobody.
ObjectKey task_key(u32 tid);
// Is this still the thread that it was?
bool task_lives(const ObjectKey& key);

std::vector<u32> all_processes();          // ascending
std::vector<u32> threads_of(u32 process);  // ascending

}  // namespace osmia::host
