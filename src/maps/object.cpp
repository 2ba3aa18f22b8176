// Memory from the C library (its caches are per thread); what is freed waits in a list of the virtual CPU
// until a grace period has passed. Whoever frees pays for it, a batch at a time, so that a grace period's
// cost (one system call) is spread.
#include "maps/object.h"

#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/bits.h"
#include "host/grace.h"
#include "host/kernel_object.h"
#include "host/run_context.h"
#include "maps/graph.h"
#include "maps/spin_lock.h"

namespace osmia::maps {
namespace {

constexpr u32 kMaxObject = 4088, kMaxPercpuObject = 512;  // bytes
constexpr u64 kMaxBytes = 1ull << 30;                     // of all objects together: beyond it there are none
constexpr u32 kBatch = 128;
constexpr u32 kCacheLine = 64;

struct Header {  // right before the object
  const ObjectType* type;
  Header* next;  // in a list of those to be freed
};
static_assert(sizeof(Header) == 16);

Header* header_of(const void* object) {
  return static_cast<Header*>(const_cast<void*>(object)) - 1;
}
// Bytes from the block's start to the object.
u32 lead(const ObjectType& t) {
  return t.stride ? kCacheLine : u32{sizeof(Header)};
}
u64 block_bytes(const ObjectType& t) {
  return lead(t) + (t.stride ? u64{t.stride} * host::nr_cpus() : t.size);
}

std::atomic<u64> g_bytes{0};

void free_now(Header* h) {
  const ObjectType* type = h->type;
  g_bytes.fetch_sub(block_bytes(*type), std::memory_order_relaxed);
  std::free(reinterpret_cast<u8*>(h + 1) - lead(*type));
  type->let_go();
}
void free_list(Header* h) {
  while (h) {
    Header* next = h->next;
    free_now(h);
    h = next;
  }
}

struct alignas(64) Waiting {
  SpinLock lock;
  Header *fresh = nullptr, *waiting = nullptr;
  u32 count = 0;
  host::Grace grace;

  // Gives what may be freed now. Under the lock.
  Header* turn() {
    Header* ended = nullptr;
    if (waiting && grace.over()) {
      ended = waiting;
      waiting = nullptr;
    }
    if (!waiting && fresh) {
      waiting = fresh;
      fresh = nullptr;
      grace.begin();
      if (grace.over()) {  // nothing runs
        Header* last = waiting;
        while (last->next) last = last->next;
        last->next = ended;
        ended = waiting;
        waiting = nullptr;
      }
    }
    count = 0;
    return ended;
  }
};

constexpr u32 kLists = 64;
Waiting* lists() {
  static auto* all = new Waiting[kLists];  // never destroyed: maps of static life may be let go late
  return all;
}

void free_later(Header* h) {
  Waiting& w = lists()[host::current_cpu() % kLists];
  Header* ended = nullptr;
  w.lock.lock();
  h->next = w.fresh;
  w.fresh = h;
  if (++w.count >= kBatch) ended = w.turn();
  w.lock.unlock();
  free_list(ended);
}

// One holder less; true: it was the last.
bool last_holder(const btf::FieldRecord& record, void* object) {
  if (record.refcount_off < 0) return true;
  auto* count = reinterpret_cast<u32*>(static_cast<u8*>(object) + record.refcount_off);
  return __atomic_fetch_sub(count, 1u, __ATOMIC_ACQ_REL) == 1;
}

// A list or tree is emptied under the lock beside it: others may be using it.
struct LockedField {
  LockedField(const btf::FieldRecord& record, void* base)
      : word(record.spin_lock_off < 0
                 ? nullptr
                 : reinterpret_cast<u32*>(static_cast<u8*>(base) + record.spin_lock_off)) {
    if (word) lock_word(word);
  }
  ~LockedField() {
    if (word) unlock_word(word);
  }
  u32* word;
};

}  // namespace

const ObjectType* ObjectType::make(u32 size, btf::FieldRecord record, bool percpu) {
  const u32 stride = percpu ? static_cast<u32>(align_up(u64{size}, u64{kCacheLine})) : 0;
  return new ObjectType(size, stride, std::move(record));
}

void* new_object(const ObjectType& type) {
  if (!type.size || type.size > (type.stride ? kMaxPercpuObject : kMaxObject)) return nullptr;
  const u64 bytes = block_bytes(type);
  if (g_bytes.fetch_add(bytes, std::memory_order_relaxed) + bytes > kMaxBytes) {
    g_bytes.fetch_sub(bytes, std::memory_order_relaxed);
    return nullptr;
  }
  void* block = type.stride ? std::aligned_alloc(kCacheLine, bytes) : std::malloc(bytes);
  if (!block) {
    g_bytes.fetch_sub(bytes, std::memory_order_relaxed);
    return nullptr;
  }
  std::memset(block, 0, bytes);
  type.hold();
  auto* object = static_cast<u8*>(block) + lead(type);
  header_of(object)->type = &type;
  if (type.record.refcount_off >= 0) *reinterpret_cast<u32*>(object + type.record.refcount_off) = 1;
  return object;
}

void drop_object(void* object) {
  if (!object) return;
  Header* h = header_of(object);
  if (!last_holder(h->type->record, object)) return;
  // An object may own a chain of any length: those that go wait here, not on the stack.
  thread_local Header* dropped = nullptr;
  thread_local bool dropping = false;
  h->next = dropped;
  dropped = h;
  if (dropping) return;
  dropping = true;
  while (Header* one = dropped) {
    dropped = one->next;
    const btf::FieldRecord& record = one->type->record;
    for (const btf::Field& f : record.fields) release_owned_field(record, f, one + 1);
    free_later(one);
  }
  dropping = false;
}

void* acquire_object(void* object) {
  const int at = object_type(object).record.refcount_off;
  if (at < 0) return nullptr;
  auto* count = reinterpret_cast<u32*>(static_cast<u8*>(object) + at);
  for (u32 n = __atomic_load_n(count, __ATOMIC_RELAXED); n;)
    if (__atomic_compare_exchange_n(count, &n, n + 1, true, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
      return object;
  return nullptr;
}

void* percpu_copy(void* object, u32 cpu) {
  if (cpu >= host::nr_cpus()) return nullptr;
  return static_cast<u8*>(object) + u64{object_type(object).stride} * cpu;
}

const ObjectType& object_type(const void* object) {
  return *header_of(object)->type;
}

void release_owned_field(const btf::FieldRecord& record, const btf::Field& field, void* base) {
  void* place = static_cast<u8*>(base) + field.offset;
  switch (field.kind) {
    case btf::kFieldKptrUnref: __atomic_store_n(static_cast<u64*>(place), u64{0}, __ATOMIC_RELAXED); break;
    case btf::kFieldKptrRef:
    case btf::kFieldKptrPercpu: {
      const u64 held = __atomic_exchange_n(static_cast<u64*>(place), u64{0}, __ATOMIC_ACQ_REL);
      if (!held) break;
      if (field.kernel)
        host::release_object(held);
      else
        drop_object(reinterpret_cast<void*>(held));
      break;
    }
    case btf::kFieldListHead: {
      graph::ListNode* n;
      {
        LockedField locked(record, base);
        n = graph::list_take(static_cast<graph::ListHead*>(place));
      }
      while (n) {
        graph::ListNode* next = graph::list_next_taken(n);
        drop_object(reinterpret_cast<u8*>(n) - field.node_offset);
        n = next;
      }
      break;
    }
    case btf::kFieldRbRoot: {
      graph::TreeNode* n;
      {
        LockedField locked(record, base);
        n = graph::tree_take(static_cast<graph::TreeRoot*>(place));
      }
      while (n) {
        graph::TreeNode* next = graph::tree_next_taken(n);
        drop_object(reinterpret_cast<u8*>(n) - field.node_offset);
        n = next;
      }
      break;
    }
    default: break;
  }
}

void reclaim_objects() {
  for (u32 i = 0; i < kLists; i++) {
    Waiting& w = lists()[i];
    w.lock.lock();
    Header* ended = w.turn();
    w.lock.unlock();
    free_list(ended);
  }
}

u64 object_bytes() {
  return g_bytes.load(std::memory_order_relaxed);
}

}  // namespace osmia::maps
