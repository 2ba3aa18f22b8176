// The sums are those of each map type's map_mem_usage() in Linux 6.12 (behaviour only); struct sizes are
// facts of its x86-64 build.
#include "syscall/fdinfo.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/bpf.h>
#include <sys/stat.h>

#include <bit>
#include <vector>

#include "base/bits.h"
#include "host/run_context.h"
#include "syscall/fds.h"

namespace osmia::syscall {
namespace {

constexpr u64 kPage = 4096, kPointer = 8;

// Elements that there are, by walking the keys.
u64 count_elements(maps::Map& m) {
  std::vector<u8> key(m.key_size()), next(m.key_size());
  u64 n = 0;
  while (n <= m.max_entries() && m.next_key(n ? key.data() : nullptr, next.data()) == 0) {
    key.swap(next);
    n++;
  }
  return n;
}

u64 hash_bytes(maps::Map& m) {
  constexpr u64 kTable = 896, kBucket = 16, kElement = 48, kLocks = 8, kListNode = 8;
  const u32 type = m.type(), flags = m.info().map_flags;
  const bool percpu = type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
  const bool lru = type == BPF_MAP_TYPE_LRU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
  const u64 cpus = host::nr_cpus(), value = align_up(u64{m.value_size()}, 8);
  const u64 element = kElement + align_up(u64{m.key_size()}, 8) + (percpu ? kPointer : value);
  const u64 most = m.max_entries();
  u64 usage = kTable + kBucket * std::bit_ceil(most) + 4 * cpus * kLocks;
  if (!(flags & BPF_F_NO_PREALLOC)) {
    const bool extra = !percpu && !lru && type != BPF_MAP_TYPE_HASH_OF_MAPS;
    const u64 entries = most + (extra ? cpus : 0);
    usage += element * entries;
    if (percpu)
      usage += value * cpus * entries;
    else if (!lru)
      usage += kPointer * cpus;
  } else {
    const u64 entries = count_elements(m);
    usage += (element + kListNode) * entries;
    if (percpu) usage += (kListNode + kPointer + value * cpus) * entries;
  }
  return usage;
}

u64 array_bytes(const maps::Map& m) {
  constexpr u64 kArray = 264;
  const u64 entries = m.max_entries(), element = align_up(u64{m.value_size()}, 8);
  if (m.type() == BPF_MAP_TYPE_PERCPU_ARRAY) return kArray + entries * (kPointer + element * host::nr_cpus());
  if (m.info().map_flags & BPF_F_MMAPABLE) return kPage + align_up(entries * element, kPage);
  return kArray + entries * element;
}

u64 bloom_bytes(const maps::Map& m) {
  constexpr u64 kFilter = 264;
  const u64 functions = m.info().map_extra ? m.info().map_extra : 5;
  u64 bits = u64{m.max_entries()} * functions;
  const bool overflows = bits >> 32 || (bits = bits / 5 * 7) >> 32 || bits > 1u << 31;
  bits = overflows ? u64{1} << 32 : std::bit_ceil(std::max<u64>(bits, 64));
  return kFilter + bits / 8;
}

}  // namespace

u64 memlock(maps::Map& m) {
  const u64 most = m.max_entries();
  switch (m.type()) {
    case BPF_MAP_TYPE_ARRAY:
    case BPF_MAP_TYPE_PERCPU_ARRAY:
    case BPF_MAP_TYPE_PROG_ARRAY:
    case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
    case BPF_MAP_TYPE_CGROUP_ARRAY:
    case BPF_MAP_TYPE_ARRAY_OF_MAPS: return array_bytes(m);
    case BPF_MAP_TYPE_HASH:
    case BPF_MAP_TYPE_PERCPU_HASH:
    case BPF_MAP_TYPE_LRU_HASH:
    case BPF_MAP_TYPE_LRU_PERCPU_HASH:
    case BPF_MAP_TYPE_HASH_OF_MAPS: return hash_bytes(m);
    case BPF_MAP_TYPE_LPM_TRIE: return (40 + m.key_size() - 4 + m.value_size()) * count_elements(m);
    case BPF_MAP_TYPE_QUEUE:
    case BPF_MAP_TYPE_STACK: return 264 + (most + 1) * m.value_size();
    case BPF_MAP_TYPE_BLOOM_FILTER: return bloom_bytes(m);
    case BPF_MAP_TYPE_RINGBUF:
    case BPF_MAP_TYPE_USER_RINGBUF: {
      constexpr u64 kMap = 256, kMetaPages = 3;  // two of positions, one of the kernel's own
      const u64 pages = most / kPage;
      return kMap + (kMetaPages + pages) * kPage + (kMetaPages + 2 * pages) * kPointer;
    }
    case BPF_MAP_TYPE_STACK_TRACE:
      return 288 + std::bit_ceil(most) * kPointer + most * (16 + u64{m.value_size()});
    case BPF_MAP_TYPE_CPUMAP: return 256 + most * kPointer;
    case BPF_MAP_TYPE_DEVMAP:
    case BPF_MAP_TYPE_DEVMAP_HASH: {
      const u64 slots = m.type() == BPF_MAP_TYPE_DEVMAP ? most : std::bit_ceil(most);
      u64 items = 0;  // a devmap's keys are all there, its devices are not
      std::vector<u8> value(m.value_size());
      if (m.type() == BPF_MAP_TYPE_DEVMAP_HASH)
        items = count_elements(m);
      else
        for (u32 i = 0; i < most; i++) items += m.lookup_user(&i, value.data(), 0) == 0;
      return 296 + slots * kPointer + items * 64;
    }
    case BPF_MAP_TYPE_XSKMAP: return 256 + most * kPointer;
    case BPF_MAP_TYPE_SOCKMAP: return 328 + most * kPointer;
    case BPF_MAP_TYPE_SOCKHASH:
      return 336 + std::bit_ceil(most) * 16 + count_elements(m) * (40 + u64{m.key_size()});
    case BPF_MAP_TYPE_REUSEPORT_SOCKARRAY: return 248 + most * kPointer;
    case BPF_MAP_TYPE_SK_STORAGE:
    case BPF_MAP_TYPE_INODE_STORAGE:
    case BPF_MAP_TYPE_TASK_STORAGE:
    case BPF_MAP_TYPE_CGRP_STORAGE: return 432 + 16 * std::max<u64>(2, std::bit_ceil(u64{host::nr_cpus()}));
    case BPF_MAP_TYPE_CGROUP_STORAGE:
    case BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE: return 280;
    case BPF_MAP_TYPE_ARENA: return 0;  // as Linux, which does not count its pages
    default: return most * (u64{m.key_size()} + m.value_size());
  }
}

u64 memlock(const runtime::Program& p) {
  constexpr u64 kProg = 72;
  return align_up(kProg + p.dump().insns.size() * sizeof(isa::Insn), kPage);
}

static std::string hex(std::span<const u8> bytes) {
  std::string text;
  for (const u8 b : bytes) text += fmt::format("{:02x}", b);
  return text;
}

std::string fdinfo_text(int fd) {
  const Fd entry = FdTable::instance().get(fd);
  struct stat st {};
  if (std::holds_alternative<std::monostate>(entry.object) || fstat(fd, &st)) return {};
  const char* access = entry.readable ? entry.writable ? "02000002" : "02000000" : "02000001";
  std::string out = fmt::format("pos:\t0\nflags:\t{}\nmnt_id:\t0\nino:\t{}\n", access, st.st_ino);
  if (const auto* map = std::get_if<maps::MapPtr>(&entry.object)) {
    const auto& i = (*map)->info();
    return out + fmt::format(
                     "map_type:\t{}\nkey_size:\t{}\nvalue_size:\t{}\nmax_entries:\t{}\nmap_flags:\t{:#x}\n"
                     "map_extra:\t{:#x}\nmemlock:\t{}\nmap_id:\t{}\nfrozen:\t{}\n",
                     i.type, i.key_size, i.value_size, i.max_entries, i.map_flags, i.map_extra,
                     memlock(**map), i.id, i.frozen ? 1 : 0);
  }
  if (const auto* prog = std::get_if<runtime::ProgramPtr>(&entry.object)) {
    const runtime::Program& p = **prog;
    return out + fmt::format(
                     "prog_type:\t{}\nprog_jited:\t{}\nprog_tag:\t{}\nmemlock:\t{}\nprog_id:\t{}\n"
                     "run_time_ns:\t{}\nrun_cnt:\t{}\nrecursion_misses:\t{}\nverified_insns:\t{}\n",
                     p.desc.type, 1, hex(p.tag), memlock(p), p.id, p.run_ns.load(), p.run_count.load(),
                     p.recursion_misses.load(), p.verdict.stats.insns_processed);
  }
  if (const auto* btf = std::get_if<runtime::BtfObjectPtr>(&entry.object))
    return out + fmt::format("btf_id:\t{}\n", (*btf)->id);
  if (const auto* object = std::get_if<runtime::LinkPtr>(&entry.object)) {
    const runtime::Link& link = **object;
    out += fmt::format("link_type:\t{}\nlink_id:\t{}\n", link.type_name, link.id);
    if (const runtime::ProgramPtr program = link.program())
      out += fmt::format("prog_tag:\t{}\nprog_id:\t{}\n", hex(program->tag), program->id);
    link.show(out);
  }
  return out;
}

std::string fd_link(int fd) {
  const Fd entry = FdTable::instance().get(fd);
  switch (entry.object.index()) {  // as the alternatives of runtime::Object
    case 1: return "anon_inode:bpf-map";
    case 2: return "anon_inode:bpf-prog";
    case 3: return "anon_inode:btf";
    case 4: return "anon_inode:bpf_link";
    default: return {};
  }
}

}  // namespace osmia::syscall
