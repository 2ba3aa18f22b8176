// The special fields of a map value, a global data section or an allocated object: locks, timers, work
// queues, reference counts, kptrs, list and red-black tree roots and nodes. They are found by type name and
// by tags, as Linux 6.12 does (btf_parse_fields). Invariant: a FieldRecord is sorted by offset and its fields
// do not overlap.
#pragma once
#include <memory>
#include <vector>

#include "btf/btf.h"

namespace osmia::btf {

// One bit each, so that a set of them is a u32 mask.
enum FieldKind : u32 {
  kFieldSpinLock = 1u << 0,
  kFieldTimer = 1u << 1,
  kFieldKptrUnref = 1u << 2,
  kFieldKptrRef = 1u << 3,
  kFieldKptrPercpu = 1u << 4,
  kFieldListHead = 1u << 5,
  kFieldListNode = 1u << 6,
  kFieldRbRoot = 1u << 7,
  kFieldRbNode = 1u << 8,
  kFieldRefcount = 1u << 9,
  kFieldWorkqueue = 1u << 10,
};
inline constexpr u32 kFieldKptr = kFieldKptrUnref | kFieldKptrRef | kFieldKptrPercpu;
inline constexpr u32 kFieldGraphNode = kFieldRbNode | kFieldListNode;
inline constexpr u32 kFieldGraphRoot = kFieldRbRoot | kFieldListHead;
inline constexpr u32 kFieldGraph = kFieldGraphNode | kFieldGraphRoot;
inline constexpr u32 kFieldsMax = 11;  // BTF_FIELDS_MAX: more in one record is E2BIG

// The fields that Linux 6.12 looks for in a map value, and in a type that bpf_obj_new() may allocate.
inline constexpr u32 kMapValueFields = kFieldSpinLock | kFieldTimer | kFieldKptr | kFieldListHead |
                                       kFieldRbRoot | kFieldRefcount | kFieldWorkqueue;
inline constexpr u32 kObjectFields = kFieldSpinLock | kFieldListHead | kFieldListNode | kFieldRbRoot |
                                     kFieldRbNode | kFieldRefcount | kFieldKptr;

u32 field_size(FieldKind kind);          // bytes
u32 field_align(FieldKind kind);         // bytes
const char* field_name(FieldKind kind);  // "bpf_spin_lock", "kptr", … as Linux's messages write it

struct FieldRecord;

struct Field {
  FieldKind kind{};
  u32 offset = 0;  // bytes
  u32 size = 0;    // bytes
  // kptr: what it points to. `kernel` tells a kernel object from one that the program allocates
  // (bpf_obj_new).
  BtfPtr
      kptr_btf;  // null when the pointee is of the same BTF as the field (so that a record cannot own itself)
  u32 btf_id = 0;   // pointee; for a root: the struct that its nodes live in
  u32 dtor_id = 0;  // kptr_ref to a kernel object: the destructor's FUNC id in kptr_btf
  bool kernel = false;
  // list head, rb root
  u32 node_offset = 0;  // bytes of the node within the value struct
};

struct FieldRecord {
  std::vector<Field> fields;  // ascending by offset
  u32 mask = 0;               // union of the kinds
  int spin_lock_off = -1;     // bytes, -1: none
  int timer_off = -1;
  int wq_off = -1;
  int refcount_off = -1;

  bool has(u32 kinds) const { return mask & kinds; }
  // The field of one of these kinds that starts at `offset`, or null.
  const Field* find(u32 offset, u32 kinds) const;
};

// What kernel types exist, for kptrs. Implemented by whoever knows vmlinux, the modules and their
// destructors.
class KernelTypes {
 public:
  struct Found {
    BtfPtr btf;  // null: no such type
    u32 id = 0;
  };
  virtual ~KernelTypes() = default;
  // The kernel's or a module's type of this name and kind.
  virtual Found find(std::string_view name, Kind kind) const = 0;
  // FUNC id of the destructor registered for a kernel type, 0 if it may not be a referenced kptr.
  virtual u32 destructor(const Btf& btf, u32 id) const = 0;
};

// Fields of the struct, union or datasec `type_id` whose kind is in `mask`; value_size is the map's. An empty
// record means none. Note that MAP_CREATE does not fail with this: Linux 6.12 drops a record with an error
// and goes on as if the value had no special fields (BTF_LOAD does fail, with parse_struct_metas()). Errors
// are Linux's errnos: E2BIG (more than one lock or timer, too many fields or too deep), EEXIST (overlap),
// EINVAL (bad tag, bad alignment, root without lock), ENOENT (unknown contained type, kptr without
// destructor).
Result<FieldRecord> parse_fields(const Btf& btf, u32 type_id, u32 mask, u32 value_size,
                                 const KernelTypes* kernel);

// Every struct of the program's own BTF that bpf_obj_new() can allocate with special fields, by id.
struct StructMeta {
  u32 btf_id = 0;
  FieldRecord record;
};
// What BTF_LOAD does once the types are sound: finds them all and checks that ownership (roots and local
// kptrs) has no cycle and is not too deep. Sorted by btf_id.
Result<std::vector<StructMeta>> parse_struct_metas(const Btf& btf, const KernelTypes* kernel);
// The entry of this struct, or null.
const StructMeta* find_struct_meta(const std::vector<StructMeta>& metas, u32 btf_id);

}  // namespace osmia::btf
