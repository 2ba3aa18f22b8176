// Objects that programs allocate (bpf_obj_new, bpf_percpu_obj_new). Each lies behind a hidden header that
// names its type, so whoever lets one go needs nothing but its address. Invariant: an object is owned by
// exactly as many holders as its reference count says (one, without a count): a program, a list or tree, a
// kptr field. The last one that lets go frees what the object itself owns, and the memory after a grace
// period, since a program may still look at it (Linux: bpf_mem_free_rcu).
#pragma once
#include <atomic>

#include "btf/special_fields.h"

namespace osmia::maps {

// What objects of one struct are like. Counted by programs and by live objects; make() gives one count.
class ObjectType {
 public:
  // size: bytes. record: its special fields, empty for none. percpu: a copy for every virtual CPU.
  static const ObjectType* make(u32 size, btf::FieldRecord record, bool percpu);
  void hold() const { users_.fetch_add(1, std::memory_order_relaxed); }
  void let_go() const {
    if (users_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }
  u64 users() const { return users_.load(std::memory_order_acquire); }

  const u32 size;    // bytes, as programs see it
  const u32 stride;  // bytes between the copies of CPUs; 0: not per CPU
  const btf::FieldRecord record;

 private:
  ObjectType(u32 n, u32 s, btf::FieldRecord r) : size(n), stride(s), record(std::move(r)) {}
  ~ObjectType() = default;
  mutable std::atomic<u64> users_{1};
};

// A zeroed object with one holder; null: too large (Linux allocates up to 4088 bytes, per CPU 512), of size
// 0, or no memory.
void* new_object(const ObjectType& type);
// A holder lets go. Null is nothing.
void drop_object(void* object);
// One holder more; null: the last one has just let go. The type must have a bpf_refcount.
void* acquire_object(void* object);
// A CPU's copy, or null: no such CPU.
void* percpu_copy(void* object, u32 cpu);
const ObjectType& object_type(const void* object);

// Lets go of what a field holds and leaves it empty: kptrs, lists, trees. base: the value or object that
// `record` describes. Other kinds of fields are left alone. May take the value's bpf_spin_lock for a moment.
void release_owned_field(const btf::FieldRecord& record, const btf::Field& field, void* base);

// Objects that nobody owns any more but that a running program could still see: frees those whose grace
// period has ended. For tests, and for hosts that want memory back; otherwise it happens while others are
// freed.
void reclaim_objects();
// Bytes of all objects, those that wait to be freed included.
u64 object_bytes();

}  // namespace osmia::maps
