// A live map. Programs use the plain element functions (lookup gives the address of the value inside the map,
// errors are negative errnos, nothing here blocks); bpf(2) uses the user-side ones, which copy. A type
// overrides what it has; what it leaves alone answers -ENOTSUPP (524) or -EOPNOTSUPP as Linux does.
// Invariant: the memory of a value, once handed out, stays valid as long as the map lives, even after its
// element is deleted (it may then hold another element).
#pragma once
#include <sys/types.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "btf/btf.h"
#include "maps/fn_ref.h"
#include "verifier/verify.h"

namespace osmia::maps {

inline constexpr int kNotSupp = 524;  // the kernel's ENOTSUPP, which user space sees as it is

class Map;
class PerfEvent;
class StructOpsType;  // struct_ops.h
class StructOpsTypes;
using MapPtr = std::shared_ptr<Map>;

// A program as maps see it (program arrays, device and CPU maps), and as helpers see the one that runs:
// RunContext::program is the address of one. runtime::Program derives from it.
class ProgObject : public std::enable_shared_from_this<ProgObject> {
 public:
  virtual ~ProgObject() = default;
  virtual u32 object_id() const = 0;
  virtual u32 prog_type() const = 0;
  virtual u32 attach_type() const = 0;
  virtual bool has_frags() const { return false; }
  // The kernel type that it attaches to, for programs that implement a struct's member.
  virtual const btf::Btf* attached_btf() const { return nullptr; }
  virtual u32 attached_btf_id() const { return 0; }
  // One run with this host context, also from within another run of the thread. Errors: EOPNOTSUPP if nothing
  // here can run it, with what is missing.
  virtual Result<u64> call(void* /*ctx*/) { return Error{EOPNOTSUPP, "this program cannot be run"}; }
  // What programs in one map must share (ProgOwner): the control-group storage that it uses (a map's id, 0 =
  // none), whether it makes tail calls, and what it is for: BTF and prototype (0, 0: nothing).
  virtual u32 cgroup_storage(bool /*percpu*/) const { return 0; }
  virtual bool tail_calls() const { return false; }
  virtual std::pair<u64, u32> attach_target() const { return {}; }

  // Where a tail call goes, for engines that jump there straight from the slot (contract::SlotsInline). Set
  // before the program can be put in a map; null: ask the engine.
  const void* tail_entry = nullptr;

  // The kernel types that it was verified against; null: none. Set with tail_entry.
  btf::BtfPtr kernel_types;
  // The structs of functions of its kernel, for kfuncs that call them; null: none. Set with the above.
  std::shared_ptr<StructOpsTypes> struct_ops;
};

// What the descriptor in a value means, for maps whose values are maps or programs.
class Descriptors {
 public:
  virtual ~Descriptors() = default;
  virtual Result<MapPtr> map(int fd) = 0;                                        // errors: EBADF, EINVAL
  virtual Result<std::shared_ptr<ProgObject>> prog(int fd) = 0;                  // errors: EBADF, EINVAL
  virtual std::shared_ptr<PerfEvent> perf_event(int /*fd*/) { return nullptr; }  // null: not one of ours
};

// MAP_CREATE's attributes with what they refer to.
struct MapAttr {
  u32 type = 0, key_size = 0, value_size = 0, max_entries = 0, map_flags = 0, numa_node = 0, ifindex = 0;
  u64 map_extra = 0;
  u32 btf_key_type_id = 0, btf_value_type_id = 0, btf_vmlinux_value_type_id = 0;
  u32 inner_map_fd = 0;
  Descriptors* descriptors = nullptr;              // for inner_map_fd
  std::shared_ptr<StructOpsType> struct_ops = {};  // whose value type it is
  bool sys_admin = true;
  const contract::MapDef* def = nullptr;  // filled by create_map()
};

class Map : public std::enable_shared_from_this<Map> {
 public:
  explicit Map(const MapAttr& attr);
  virtual ~Map();
  Map(const Map&) = delete;
  Map& operator=(const Map&) = delete;

  const verifier::MapInfo& info() const { return info_; }
  verifier::MapInfo& mutable_info() { return info_; }  // for whoever creates it, before it is published
  u32 type() const { return info_.type; }
  u32 key_size() const { return info_.key_size; }
  u32 value_size() const { return info_.value_size; }
  u32 max_entries() const { return info_.max_entries; }
  const btf::FieldRecord* record() const { return info_.record.get(); }

  // ---- what programs call (info().code has shortcuts to these for engines)
  virtual void* lookup(const void* /*key*/) { return nullptr; }
  virtual s64 update(const void* /*key*/, const void* /*value*/, u64 /*flags*/) { return -EOPNOTSUPP; }
  virtual s64 erase(const void* /*key*/) { return -EOPNOTSUPP; }
  virtual void* lookup_percpu(const void* /*key*/, u32 /*cpu*/) { return nullptr; }
  virtual s64 push(const void* /*value*/, u64 /*flags*/) { return -EOPNOTSUPP; }
  virtual s64 pop(void* /*value*/) { return -EOPNOTSUPP; }
  virtual s64 peek(void* /*value*/) { return -EOPNOTSUPP; }
  // Calls fn(key, value) for each element until it returns true; gives the number of calls. flags must be 0.
  using EachFn = std::function<bool(const void* key, void* value)>;
  virtual s64 for_each(const EachFn& /*fn*/, u64 /*flags*/) { return -EINVAL; }
  // Tail calls. prog_at: stays alive until the caller's RunScope ends; lookup_prog: as long as it is held.
  virtual ProgObject* prog_at(u32 /*index*/) const { return nullptr; }
  virtual std::shared_ptr<ProgObject> lookup_prog(u32 /*index*/) { return nullptr; }

  // Ways out by a map (devices, CPUs): where an element leads, and the program that runs there.
  struct WayOut {
    bool there = false;  // the element exists
    u32 target = 0;      // a device's index, a CPU
    std::shared_ptr<ProgObject> program;
  };
  virtual WayOut way_out(const void* /*key*/) { return {}; }
  // For maps that hold programs: may one that was just verified use the map?
  virtual bool admits(const ProgObject& /*user*/) { return true; }

  // ---- what bpf(2) calls; value buffers hold user_value_size() bytes
  virtual u32 user_value_size() const { return info_.value_size; }
  virtual int lookup_user(const void* key, void* value, u64 flags);
  virtual int update_user(const void* key, const void* value, u64 flags, Descriptors& fds);
  virtual int erase_user(const void* key) { return static_cast<int>(erase(key)); }
  virtual int next_key(const void* /*key: null = first*/, void* /*next*/) { return -EOPNOTSUPP; }
  virtual int lookup_and_delete(const void* /*key*/, void* /*value*/, u64 /*flags*/) { return -kNotSupp; }
  enum Batch : u8 { kNoBatch = 0, kLookupBatch = 1, kUpdateBatch = 2, kDeleteBatch = 4, kBucketBatch = 8 };
  virtual u8 batches() const { return kNoBatch; }
  // One bucket of a bucket-wise batch: appends whole elements (key_size + user_value_size() bytes each) to
  // `out`; erases them too if `take`. Nothing is done and -ENOSPC comes back if there are more than `room`.
  // -ENOENT: no such bucket.
  virtual int bucket_batch(u32 /*bucket*/, u32 /*room*/, bool /*take*/, u64 /*flags*/,
                           std::vector<u8>& /*out*/) {
    return -kNotSupp;
  }

  // ---- what iterators call. Elements of a hash table, a bucket at a time: appends them (-ENOENT: there is
  // no such bucket; -ENOTSUPP: no hash table). An element's memory stays good as long as the map lives;
  // holds() says whether it is still there. value: null where each CPU has its own, which copy_values()
  // copies.
  struct Element {
    u32 number;
    const void* key;
    void* value;
  };
  virtual int bucket_elements(u32 /*bucket*/, std::vector<Element>& /*out*/) { return -kNotSupp; }
  virtual bool holds(const Element&) const { return false; }
  virtual void copy_values(const Element&, void* /*to: user_value_size() bytes*/) const {}
  // How many elements there are; 0 for types that Linux does not count (all but hash tables).
  virtual s64 element_count() const { return 0; }

  // ---- memory that user space may map. Errors as Linux's mmap of a map: ENOTSUPP, EPERM, EACCES, EINVAL,
  // ENOMEM.
  virtual int mmap_fd() const { return -1; }
  virtual u64 mmap_size() const { return 0; }  // bytes
  virtual Result<void*> map_memory(void* addr, u64 len, int prot, int flags, off_t off);
  // Readable through poll(2)/epoll(7) on this descriptor; -1 = not pollable.
  virtual int poll_fd() const { return -1; }

  // MAP_FREEZE and writers: writers hold a WriteGuard; freezing while any exists is -EBUSY.
  int freeze();
  void write_begin() { writers_.fetch_add(1); }
  void write_end() { writers_.fetch_sub(1); }

  // Descriptors and pins in user hands. When the last one goes, what only user space kept alive is let go.
  void user_ref() { user_refs_.fetch_add(1); }
  void user_unref() {
    if (user_refs_.fetch_sub(1) == 1) release_user_refs();
  }
  virtual void release_user_refs() { stop_timers(); }
  u32 user_refs() const { return user_refs_.load(); }
  bool held_by_user() const { return user_refs() != 0; }

  // Inner-map template equality (Linux's map_meta_equal) and whether the type may be an inner map at all.
  virtual bool may_be_inner() const { return true; }
  virtual bool meta_equal(const verifier::MapInfo& meta) const;

  u32 btf_vmlinux_value_type_id = 0;
  u32 btf_id = 0;  // object id of info().btf
  u64 load_time_ns = 0;

 protected:
  // Calls fn with every value that there is, of all CPUs; for types whose values have special fields.
  virtual void each_value(FnRef<void(void* value)> /*fn*/) {}
  void stop_timers();  // and work queues: what would keep the map's programs alive when nobody holds the map
  void* value_lock_word(void* value) const;
  void store(void* map_mem, const void* from, u64 flags);  // honours special fields and BPF_F_LOCK
  void load(void* to, const void* map_mem, u64 flags) const;
  void set_inner(const Map& inner);

  verifier::MapInfo info_;
  std::unique_ptr<verifier::MapInfo> inner_info_;

 private:
  std::mutex freeze_mutex_;
  std::atomic<u32> writers_{0};
  std::atomic<u32> user_refs_{0};
};

class WriteGuard {
 public:
  explicit WriteGuard(Map& m) : m_(m) { m_.write_begin(); }
  ~WriteGuard() { m_.write_end(); }

 private:
  Map& m_;
};

// How a special field of one kind (timer, kptr …) is let go when its value is overwritten or deleted: fn
// takes what is in it and leaves zero. It runs under the map's locks: it must neither wait nor touch a map.
// Set once by the room that gives such fields their content; null: release_owned_field().
using FieldRelease = void (*)(Map& map, const btf::Field& field, void* address);
void set_field_release(btf::FieldKind kind, FieldRelease fn);
void release_fields(Map& map, void* value, u32 kinds = ~0u);

}  // namespace osmia::maps
