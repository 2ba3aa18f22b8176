// Short names for what helper rows are made of, so that a row reads like a prototype. Included by
// helpers/def/ only.
#pragma once
#include "contract/helper_def.h"

namespace osmia::helpers::vocabulary {
using namespace contract;

inline constexpr ArgSpec any{ArgKind::kAnything};
inline constexpr ArgSpec scalar{ArgKind::kScalar};
inline constexpr ArgSpec ctx{ArgKind::kCtx};
inline constexpr ArgSpec ctx_or_null{ArgKind::kCtx, kMaybeNull};
inline constexpr ArgSpec map{ArgKind::kConstMapPtr};
inline constexpr ArgSpec key{ArgKind::kMapKey};
inline constexpr ArgSpec value{ArgKind::kMapValue};
inline constexpr ArgSpec value_or_null{ArgKind::kMapValue, kMaybeNull};

// Memory whose size is the next argument. `mem` alone is read (Linux 6.12 treats an argument without the
// write flag as read, but refuses read-only memory for it); mem_in may be read-only; mem_out need not be
// initialised and is written.
inline constexpr ArgSpec mem{ArgKind::kMem};
inline constexpr ArgSpec mem_or_null{ArgKind::kMem, kMaybeNull};
inline constexpr ArgSpec mem_in{ArgKind::kMem, kRdOnly};
inline constexpr ArgSpec mem_in_or_null{ArgKind::kMem, kRdOnly | kMaybeNull};
inline constexpr ArgSpec mem_out{ArgKind::kMem, kUninit | kWrite};
inline constexpr ArgSpec size{ArgKind::kConstSize};
inline constexpr ArgSpec size0{ArgKind::kConstSizeOrZero};
inline constexpr ArgSpec alloc_size{ArgKind::kConstAllocSizeOrZero};

inline constexpr ArgSpec spin_lock{ArgKind::kSpinLock};
inline constexpr ArgSpec timer{ArgKind::kTimer};
inline constexpr ArgSpec kptr_dest{ArgKind::kKptrXchgDest};
inline constexpr ArgSpec ringbuf_mem{ArgKind::kRingbufMem};
inline constexpr ArgSpec dynptr{ArgKind::kDynptr};
inline constexpr ArgSpec callback{ArgKind::kFunc};
inline constexpr ArgSpec stack_mem_or_null{ArgKind::kStackMem, kMaybeNull};
inline constexpr ArgSpec const_str{ArgKind::kConstStr};
inline constexpr ArgSpec percpu{ArgKind::kPercpuBtfId};
inline constexpr ArgSpec sock_common{ArgKind::kSockCommon};
inline constexpr ArgSpec socket_or_null{ArgKind::kSocket, kMaybeNull};
inline constexpr ArgSpec any_sock{ArgKind::kBtfIdSockCommon};  // a BPF socket or a kernel's sock_common
inline constexpr ArgSpec any_sock_or_null{ArgKind::kBtfIdSockCommon, kMaybeNull};

constexpr ArgSpec fixed_mem(u32 bytes, u32 flags = 0) {
  return {ArgKind::kMem, kFixedSize | flags, bytes};
}
constexpr ArgSpec btf(std::string_view type, u32 flags = 0) {
  return {ArgKind::kBtfId, flags, 0, type};
}
constexpr ArgSpec with(ArgSpec arg, u32 flags) {
  arg.flags |= flags;
  return arg;
}

// BPF_MAP_TYPE_* that some helper is restricted to.
enum class MapType : u8 {
  kProgArray = 3,
  kPerfEventArray = 4,
  kPercpuHash = 5,
  kPercpuArray = 6,
  kStackTrace = 7,
  kCgroupArray = 8,
  kLruPercpuHash = 10,
  kDevmap = 14,
  kSockmap = 15,
  kCpumap = 16,
  kXskmap = 17,
  kSockhash = 18,
  kCgroupStorage = 19,
  kReuseportSockarray = 20,
  kPercpuCgroupStorage = 21,
  kQueue = 22,
  kStack = 23,
  kSkStorage = 24,
  kDevmapHash = 25,
  kRingbuf = 27,
  kInodeStorage = 28,
  kTaskStorage = 29,
  kBloomFilter = 30,
  kUserRingbuf = 31,
  kCgrpStorage = 32,
};
template <class... T>
constexpr u64 map_types(T... t) {
  return ((1ull << static_cast<u8>(t)) | ...);
}

}  // namespace osmia::helpers::vocabulary
