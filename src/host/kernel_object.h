// The kernel's objects that a program may hold: tasks, control groups, inodes. Each is a KernelStruct that
// stands for a real thing of this machine, found by its address in one registry. Invariant: an address that a
// program got stays readable as long as the program may use it: while the program counts as a holder
// (acquire … release), and until every run has ended that began before the object was let go.
#pragma once
#include <atomic>
#include <memory>
#include <vector>

#include "host/kernel_struct.h"

namespace osmia::host {

enum class ObjectKind : u8 { kTask, kCgroup, kInode, kCpumask, kCipher, kOther };

// Which real thing it is, the same in every Kernel: {start time, thread id}, {device, inode number}.
struct ObjectKey {
  u64 space = 0, number = 0;
  bool operator==(const ObjectKey&) const = default;
};

class KernelObject {
 public:
  KernelObject(ObjectKind k, ObjectKey which, KernelStruct bytes)
      : kind(k), key(which), memory(std::move(bytes)) {}
  virtual ~KernelObject() = default;
  KernelObject(const KernelObject&) = delete;
  KernelObject& operator=(const KernelObject&) = delete;

  u64 address() const { return memory.address(); }
  // How many programs and map values hold it, after each change; called under the registry's lock.
  virtual void held_by(u32 /*holders*/) {}

  const ObjectKind kind;
  const ObjectKey key;
  KernelStruct memory;
  std::vector<KernelStruct> parts;                    // what pointers in it point to, its own
  std::vector<std::shared_ptr<KernelObject>> others;  // … and other objects

 private:
  friend class ObjectTable;
  u32 acquired_ = 0;  // by programs; under the registry's lock
};
using ObjectPtr = std::shared_ptr<KernelObject>;

// Registers a new object of these types, or gives the one that is there already (another thread was faster).
ObjectPtr publish_object(const btf::BtfPtr& types, ObjectPtr fresh);
// The object of these types that stands for this thing, or null.
ObjectPtr find_object(const btf::BtfPtr& types, ObjectKind kind, const ObjectKey& key);
// The object at an address that a program gives, or null: it is not one, or of another kind.
ObjectPtr object_at(u64 address, ObjectKind kind);
ObjectPtr object_at(u64 address);

// A program becomes a holder, and ceases to be one. False: there is no such object.
bool acquire_object(u64 address);
bool release_object(u64 address);

}  // namespace osmia::host
