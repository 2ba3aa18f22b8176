// Maps of ways out for XDP programs: devmap, devmap_hash, cpumap, xskmap. Elements follow Linux's rules (a
// device must exist, a CPU must be possible, a program must be of the right kind); where packets go then is
// for whoever runs the program (host::redirect()).
#include <linux/if_xdp.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <mutex>

#include "host/net_device.h"
#include "host/run_context.h"
#include "maps/checks.h"
#include "maps/hash_table.h"
#include "maps/map_type.h"
#include "maps/pen.h"
#include "maps/prog_owner.h"

namespace osmia::maps {
namespace {

using contract::Capability;
using contract::MapTrait;

constexpr u32 kPlainFlags = BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY;
constexpr u32 kXdpDevmap = 33, kXdpCpumap = 35;  // BPF_XDP_DEVMAP, BPF_XDP_CPUMAP

// Both values are {what, program}: the program as a descriptor going in, as an id coming out.
struct Target {
  u32 what = 0;
  s32 prog_fd = 0;
};
Target target_of(const void* value, u32 size) {
  Target t;
  std::memcpy(&t, value, size);
  return t;
}
u64 as_word(u32 what, u32 prog_id) {
  return u64{prog_id} << 32 | what;
}
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "values are words");

// The program of an element, an XDP program made for such maps. Null if none is wanted.
Result<std::shared_ptr<ProgObject>> program_of(const Target& t, Descriptors& fds, u32 attach_type,
                                               bool only_einval, ProgOwner& owner) {
  if (t.prog_fd <= 0) return std::shared_ptr<ProgObject>();
  auto p = fds.prog(t.prog_fd);
  if (!p.ok()) return only_einval ? bad("not a program") : p.error();
  if ((*p)->prog_type() != BPF_PROG_TYPE_XDP || (*p)->attach_type() != attach_type)
    return bad("expected an XDP program that was loaded for this kind of map");
  if (!owner.admit(**p, false)) return bad("program of another kind than the first of this map");
  return p;
}

// Elements by index: a word each, zero = none, which programs read in place.
class TargetArray : public Map {
 public:
  explicit TargetArray(const MapAttr& a)
      : Map(a), words_(new std::atomic<u64>[a.max_entries]()), programs_(a.max_entries) {}
  void* lookup(const void* key) override {
    const u32 i = load_unaligned<u32>(key);
    return i < max_entries() && words_[i].load(std::memory_order_acquire) ? &words_[i] : nullptr;
  }
  int lookup_user(const void* key, void* value, u64) override {
    const u32 i = load_unaligned<u32>(key);
    const u64 w = i < max_entries() ? words_[i].load(std::memory_order_acquire) : 0;
    if (!w) return -ENOENT;
    std::memcpy(value, &w, value_size());
    return 0;
  }
  s64 erase(const void* key) override {
    const u32 i = load_unaligned<u32>(key);
    if (i >= max_entries()) return -EINVAL;
    put(i, 0, nullptr);
    return 0;
  }
  int next_key(const void* key, void* next) override { return next_index(*this, key, next); }
  WayOut way_out(const void* key) override {
    const u32 i = load_unaligned<u32>(key);
    std::lock_guard lock(mutex_);
    const u64 w = i < max_entries() ? words_[i].load(std::memory_order_relaxed) : 0;
    return {w != 0, target(i, w), w ? programs_[i] : nullptr};
  }
  bool admits(const ProgObject& user) override { return owner_.admit(user, false); }

 protected:
  void put(u32 i, u64 word, std::shared_ptr<ProgObject> program) {
    Pen::Dropped dropped;
    std::lock_guard lock(mutex_);
    words_[i].store(word, std::memory_order_release);
    programs_[i].swap(program);
    dropped = pen_.put(std::move(program));
  }
  virtual u32 target(u32 /*index*/, u64 word) const { return static_cast<u32>(word); }
  ProgOwner owner_;  // of the programs in elements

 private:
  std::unique_ptr<std::atomic<u64>[]> words_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<ProgObject>> programs_;
  Pen pen_;
};

class Devmap final : public TargetArray {
 public:
  using TargetArray::TargetArray;
  int update_user(const void* key, const void* value, u64 flags, Descriptors& fds) override {
    const u32 i = load_unaligned<u32>(key);
    if (flags > BPF_EXIST) return -EINVAL;
    if (i >= max_entries()) return -E2BIG;
    if (flags == BPF_NOEXIST) return -EEXIST;
    const Target t = target_of(value, value_size());
    if (!t.what) {
      if (t.prog_fd > 0) return -EINVAL;
      put(i, 0, nullptr);
      return 0;
    }
    if (!host::net_device(t.what)) return -EINVAL;
    auto program = program_of(t, fds, kXdpDevmap, true, owner_);
    if (!program.ok()) return -program.error().code;
    const u32 id = *program ? (*program)->object_id() : 0;
    put(i, as_word(t.what, id), *std::move(program));
    return 0;
  }
};

class DevmapHash final : public Map {
 public:
  explicit DevmapHash(const MapAttr& a) : Map(a) {}
  Status init() {
    HashTable::Shape shape;
    shape.key_size = 4;
    shape.value_bytes = 8;
    shape.max_entries = max_entries();
    OSMIA_TRY(table_.init(shape));
    programs_.resize(table_.elements());
    return Ok{};
  }
  void* lookup(const void* key) override {
    const u32 n = table_.find<4>(key);
    return n == HashTable::kNone ? nullptr : table_.value_of(n);
  }
  int lookup_user(const void* key, void* value, u64) override {
    return table_.with_locked(key, [&](u32 n) { load_words(value, table_.value_of(n), value_size()); })
               ? 0
               : -ENOENT;
  }
  int update_user(const void* key, const void* value, u64 flags, Descriptors& fds) override {
    const Target t = target_of(value, value_size());
    if (flags > BPF_EXIST || !t.what) return -EINVAL;
    if (flags & BPF_NOEXIST && lookup(key)) return -EEXIST;
    if (!host::net_device(t.what)) return -EINVAL;
    auto program = program_of(t, fds, kXdpDevmap, true, owner_);
    if (!program.ok()) return -program.error().code;
    const u64 word = as_word(t.what, *program ? (*program)->object_id() : 0);
    std::vector<Pen::Dropped> dropped;
    std::lock_guard lock(mutex_);
    const auto fill = [&](u32 n) {
      __atomic_store_n(reinterpret_cast<u64*>(table_.value_of(n)), word, __ATOMIC_RELEASE);
      programs_[n] = *program;
    };
    // Linux does not ask whether BPF_EXIST finds an element.
    return static_cast<int>(table_.update(key, flags & BPF_NOEXIST, false, fill, fill, [&](u32 n) {
      dropped.push_back(pen_.put(std::move(programs_[n])));
      programs_[n] = nullptr;
    }));
  }
  s64 erase(const void* key) override {
    std::vector<Pen::Dropped> dropped;
    std::lock_guard lock(mutex_);
    return table_.erase(
        key, [](u32) {},
        [&](u32 n) {
          dropped.push_back(pen_.put(std::move(programs_[n])));
          programs_[n] = nullptr;
        });
  }
  int next_key(const void* key, void* next) override { return table_.next_key(key, next); }
  WayOut way_out(const void* key) override {
    std::lock_guard lock(mutex_);
    const u32 n = table_.find<4>(key);
    if (n == HashTable::kNone) return {};
    return {true, load_unaligned<u32>(table_.value_of(n)), programs_[n]};
  }
  bool admits(const ProgObject& user) override { return owner_.admit(user, false); }

 private:
  HashTable table_;
  ProgOwner owner_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<ProgObject>> programs_;  // by element, under mutex_
  Pen pen_;
};

class Cpumap final : public TargetArray {
 public:
  using TargetArray::TargetArray;
  int update_user(const void* key, const void* value, u64 flags, Descriptors& fds) override {
    constexpr u32 kMaxQueue = 16384;
    const u32 cpu = load_unaligned<u32>(key);
    const Target t = target_of(value, value_size());  // what: the queue's length
    if (flags > BPF_EXIST) return -EINVAL;
    if (cpu >= max_entries()) return -E2BIG;
    if (flags == BPF_NOEXIST) return -EEXIST;
    if (t.what > kMaxQueue) return -EOVERFLOW;
    if (cpu >= host::nr_cpus()) return -ENODEV;
    if (!t.what) {
      put(cpu, 0, nullptr);
      return 0;
    }
    auto program = program_of(t, fds, kXdpCpumap, false, owner_);
    if (!program.ok()) return -ENOMEM;  // as Linux answers whatever keeps the entry from being made
    const u32 id = *program ? (*program)->object_id() : 0;
    put(cpu, as_word(t.what, id), *std::move(program));
    return 0;
  }

 private:
  u32 target(u32 index, u64) const override { return index; }
};

// AF_XDP sockets by descriptor; what programs may read of one is the queue that it is bound to.
class Xskmap final : public TargetArray {
 public:
  using TargetArray::TargetArray;
  bool admits(const ProgObject&) override { return true; }
  int lookup_user(const void*, void*, u64) override { return -EOPNOTSUPP; }
  int update_user(const void* key, const void* value, u64 flags, Descriptors&) override {
    const u32 i = load_unaligned<u32>(key);
    if (flags > BPF_EXIST) return -EINVAL;
    if (i >= max_entries()) return -E2BIG;
    const int fd = load_unaligned<s32>(value);
    struct stat st;
    if (fstat(fd, &st)) return -EBADF;
    if (!S_ISSOCK(st.st_mode)) return -ENOTSOCK;
    int domain = 0;
    socklen_t n = sizeof domain;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) || domain != AF_XDP) return -EOPNOTSUPP;
    const bool exists = lookup(key);
    if (exists && flags == BPF_NOEXIST) return -EEXIST;
    if (!exists && flags == BPF_EXIST) return -ENOENT;
    sockaddr_xdp own{};
    n = sizeof own;
    getsockname(fd, reinterpret_cast<sockaddr*>(&own), &n);
    put(i, as_word(own.sxdp_queue_id, static_cast<u32>(fd) + 1), nullptr);
    return 0;
  }
};

Status check_devmap(const MapAttr& a) {
  if (!a.max_entries || a.key_size != 4 || (a.value_size != 4 && a.value_size != 8) ||
      !only_flags(a, kPlainFlags))
    return bad("devmap: max_entries > 0, key_size 4, value_size 4 or 8, no flags");
  if (a.type == BPF_MAP_TYPE_DEVMAP_HASH && a.max_entries > 1u << 31)
    return bad("devmap_hash: max_entries above 2^31");
  return Ok{};
}
Status check_cpumap(const MapAttr& a) {
  if (!a.max_entries || a.key_size != 4 || (a.value_size != 4 && a.value_size != 8) ||
      !only_flags(a, BPF_F_NUMA_NODE))
    return bad("cpumap: max_entries > 0, key_size 4, value_size 4 or 8, no flags");
  if (a.max_entries > 8192) return Error{E2BIG, "cpumap: max_entries above 8192"};
  return Ok{};
}
Status check_xskmap(const MapAttr& a) {
  if (!a.max_entries || a.key_size != 4 || a.value_size != 4 || !only_flags(a, kPlainFlags))
    return bad("xskmap: max_entries > 0, key_size 4, value_size 4, no flags");
  return Ok{};
}

// Devices: the value is the map's own index, read-only for programs, whatever the flags said.
template <class M>
Result<MapPtr> create_array(const MapAttr& given) {
  MapAttr a = given;
  if (a.type == BPF_MAP_TYPE_DEVMAP) a.map_flags |= BPF_F_RDONLY_PROG;
  if (a.max_entries > machine_memory_slots()) return Error{ENOMEM, "array larger than the machine's memory"};
  return MapPtr(std::make_shared<M>(a));
}
Result<MapPtr> create_devmap_hash(const MapAttr& given) {
  MapAttr a = given;
  a.map_flags |= BPF_F_RDONLY_PROG;
  auto map = std::make_shared<DevmapHash>(a);
  OSMIA_TRY(map->init());
  return MapPtr(std::move(map));
}

const u32 kDevmapHelpers[] = {BPF_FUNC_redirect_map, BPF_FUNC_map_lookup_elem};
const u32 kCpumapHelpers[] = {BPF_FUNC_redirect_map};

const MapTypeEntry kTypes[] = {
    {.def = {.type = BPF_MAP_TYPE_DEVMAP,
             .name = "devmap",
             .btf_struct = "bpf_dtab",
             .traits = MapTrait::kMapReadOnlyValue,
             .only_helpers = kDevmapHelpers},
     .check = check_devmap,
     .create = create_array<Devmap>,
     .check_btf = refuse_btf,
     .capability = Capability::kNetAdmin},
    {.def = {.type = BPF_MAP_TYPE_DEVMAP_HASH,
             .name = "devmap_hash",
             .btf_struct = "bpf_dtab",
             .traits = MapTrait::kMapReadOnlyValue,
             .only_helpers = kDevmapHelpers},
     .check = check_devmap,
     .create = create_devmap_hash,
     .check_btf = refuse_btf,
     .capability = Capability::kNetAdmin},
    {.def = {.type = BPF_MAP_TYPE_CPUMAP,
             .name = "cpumap",
             .btf_struct = "bpf_cpu_map",
             .only_helpers = kCpumapHelpers},
     .check = check_cpumap,
     .create = create_array<Cpumap>,
     .check_btf = refuse_btf,
     .capability = Capability::kBpf},
    {.def = {.type = BPF_MAP_TYPE_XSKMAP,
             .name = "xskmap",
             .btf_struct = "xsk_map",
             .traits = MapTrait::kMapValueIsXdpSock,
             .only_helpers = kDevmapHelpers},
     .check = check_xskmap,
     .create = create_array<Xskmap>,
     .check_btf = refuse_btf,
     .capability = Capability::kNetAdmin},
};

}  // namespace

std::span<const MapTypeEntry> def_redirect() {
  return kTypes;
}

}  // namespace osmia::maps
