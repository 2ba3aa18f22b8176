// The vocabulary of what a register can hold, shared by the definitions (what a helper takes and gives, what
// a context field is) and by the verifier's state. A RegType is a base kind plus modifier flags; it is plain
// data.
#pragma once
#include "base/types.h"

namespace osmia::contract {

enum class RegBase : u8 {
  kNotInit,
  kScalar,
  kCtx,
  kConstMapPtr,  // the map itself
  kMapValue,
  kMapKey,
  kStack,
  kPacketMeta,
  kPacket,
  kPacketEnd,
  kFlowKeys,
  kSocket,
  kSockCommon,
  kTcpSock,
  kTpBuffer,
  kXdpSock,
  kBtfId,  // pointer to a kernel object described by BTF
  kMem,    // a region of known size
  kArena,
  kBuf,     // read-only or read-write buffer of a tracing iterator
  kFunc,    // a BPF subprogram used as a callback
  kDynptr,  // const struct bpf_dynptr * argument (CONST_PTR_TO_DYNPTR)
  kCount,
};

// Modifier flags. They combine freely; which combinations make sense is the verifier's business.
enum RegFlag : u32 {
  kMaybeNull = 1u << 0,
  kRdOnly = 1u << 1,
  kRingbufMem = 1u << 2,  // memory of a ring-buffer record: may be submitted or discarded
  kUserMem = 1u << 3,     // __user pointer
  kPercpu = 1u << 4,
  kObjRelease = 1u << 5,  // argument: releases the object's reference
  kUntrusted = 1u << 6,
  kUninit = 1u << 7,  // argument: memory that the callee initialises
  kDynptrLocal = 1u << 8,
  kDynptrRingbuf = 1u << 9,
  kFixedSize = 1u << 10,  // argument: memory whose size is ArgSpec::size
  kAlloc = 1u << 11,      // object from bpf_obj_new
  kTrusted = 1u << 12,
  kRcu = 1u << 13,
  kNonOwnRef = 1u << 14,
  kDynptrSkb = 1u << 15,
  kDynptrXdp = 1u << 16,
  kAligned = 1u << 17,  // argument: memory aligned to its size
  kWrite = 1u << 18,    // argument: memory that the callee writes (and may read)
};
inline constexpr u32 kDynptrFlags = kDynptrLocal | kDynptrRingbuf | kDynptrSkb | kDynptrXdp;

struct RegType {
  RegBase base = RegBase::kNotInit;
  u32 flags = 0;

  constexpr RegType() = default;
  constexpr RegType(RegBase b, u32 f = 0) : base(b), flags(f) {}
  constexpr bool has(u32 f) const { return (flags & f) != 0; }
  constexpr bool maybe_null() const { return has(kMaybeNull); }
  constexpr RegType with(u32 f) const { return {base, flags | f}; }
  constexpr RegType without(u32 f) const { return {base, flags & ~f}; }
  friend constexpr bool operator==(RegType, RegType) = default;
};

}  // namespace osmia::contract
