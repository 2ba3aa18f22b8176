// HelperDef: everything that the verifier may know of a helper, as data. The verifier knows argument kinds,
// return kinds and effects; it never knows a helper by number. Source: the UAPI's description of each helper
// and design Q&A, "Does BPF have a stable ABI?".
#pragma once
#include <span>
#include <string_view>

#include "contract/reg_type.h"

namespace osmia::contract {

enum class ArgKind : u8 {
  kNone,      // not an argument
  kAnything,  // any initialised value (no pointer leak for the unprivileged)
  kConstMapPtr,
  kMapKey,     // memory of the map's key_size, map = the kConstMapPtr argument before it
  kMapValue,   // memory of the map's value_size
  kMem,        // memory; size = the next argument, or ArgSpec::size with kFixedSize
  kConstSize,  // bounded scalar, at least 1, size of the memory argument before it
  kConstSizeOrZero,
  kConstAllocSizeOrZero,  // constant; size of the memory that the helper returns
  kCtx,
  kSpinLock,  // a map value's bpf_spin_lock field
  kSockCommon,
  kSocket,
  kBtfId,       // ArgSpec::btf_type
  kRingbufMem,  // record from a ring buffer (kRingbufMem memory)
  kBtfIdSockCommon,
  kPercpuBtfId,
  kFunc,      // callback, shape given by HelperDef::callback
  kStackMem,  // pointer to the stack
  kConstStr,  // NUL-terminated string in a read-only map value
  kTimer,     // a map value's bpf_timer field
  kKptrXchgDest,
  kDynptr,
  kArena,
  kScalar,  // an initialised scalar; a pointer is refused even for the privileged
};

struct ArgSpec {
  ArgKind kind = ArgKind::kNone;
  u32 flags =
      0;  // RegFlag: kMaybeNull, kUninit, kWrite, kRdOnly, kObjRelease, kFixedSize, kAligned, dynptr kinds
  u32 size = 0;                    // bytes, with kFixedSize
  std::string_view btf_type = {};  // struct name, for kBtfId
};

enum class RetKind : u8 {
  kInteger,
  kVoid,
  kMapValue,  // of the kConstMapPtr argument's map
  kSocket,
  kTcpSock,
  kSockCommon,
  kMem,         // size = the kConstAllocSizeOrZero argument, or RetSpec::size
  kMemOrBtfId,  // by the kPercpuBtfId argument's type
  kBtfId,       // RetSpec::btf_type
};

struct RetSpec {
  RetKind kind = RetKind::kInteger;
  u32 flags = 0;  // RegFlag: kMaybeNull, kRingbufMem, kTrusted, kRdOnly …
  u32 size = 0;
  std::string_view btf_type = {};
};

// What a helper does to the world that the verifier models. A bit each; combinations are allowed.
enum Effect : u64 {
  kChangesPacketData = 1ull << 0,  // invalidates packet pointers
  kAcquiresRef = 1ull << 1,        // the returned object must be released
  kReleasesRef = 1ull << 2,        // releases the object of its kObjRelease argument
  kPacketArgs = 1ull << 3,         // takes packet pointers as memory (pkt_access)
  kMightSleep = 1ull << 4,
  kTailCall = 1ull << 5,
  kSpinLock = 1ull << 6,
  kSpinUnlock = 1ull << 7,
  kMapLookup = 1ull << 8,  // a map element lookup: inner maps, constant key of arrays, null by bounds
  kMapStore = 1ull << 9,   // writes the map: forbidden on read-only maps, tracked for constant keys
  kRetBoundedByArgSize = 1ull << 10,  // r0 <= size argument (signed), as the stack and string readers return
  kRetIsCpuId = 1ull << 11,           // r0 < number of possible CPUs
  kSyncCallback = 1ull << 12,         // calls its kFunc argument before it returns
  kAsyncCallback = 1ull << 13,        // its kFunc argument runs later (timer)
  kRetFromCallbackFlags = 1ull << 14,
  kDynptrFromMem = 1ull << 15,  // makes a dynptr from a map value or memory argument
  kDynptrData = 1ull << 16,     // returns a slice of its dynptr argument
  kDynptrWrite = 1ull << 17,    // writes through its dynptr argument
  kDynptrRef = 1ull << 18,      // keeps an acquired reference in a dynptr (ringbuf_reserve_dynptr)
  kKptrXchg = 1ull << 19,
  kAliasesArg = 1ull << 20,      // r0 is the socket of its first argument under another type (tcp_sock …)
  kSnprintfFormat = 1ull << 21,  // argument 3 is a constant format for the data in argument 4
  kGetFuncArgs = 1ull << 22,     // inlined for tracing attach points
  kMapPushPop = 1ull << 23,
  kGetLocalStorage = 1ull << 24,  // cgroup local storage: argument 2 must be 0
  kUserRingbufDrain = 1ull << 25,
  kSetRetval = 1ull << 26,
  kNoSpeculation = 1ull << 27,
  kFastcall = 1ull << 28,      // bpf_fastcall: clobbers only r0 and its arguments
  kTimerSetsMap = 1ull << 29,  // timer_init: the map argument must be the one the timer lives in
  kPerCpuPtr = 1ull << 30,
  kReadsKernelMem = 1ull << 31,
  kRetZeroOrNeg = 1ull << 32,  // r0 in [-MAX_ERRNO, 0]
  kWarnsOnLoad = 1ull << 33,   // a warning when the program is loaded (probe_write_user)
  kStackIdMap = 1ull << 34,
  kNeedsDst = 1ull << 35,        // sets Facts::dst_needed: the packet's route must be kept
  kNeedsFuncEntry = 1ull << 36,  // target_allowed("func_entry", …) or -ENOTSUPP: for tracing programs "func
                                 // %s#%d supported only for fentry/fexit/fmod_ret programs", for others "func
                                 // %s#%d not supported for program type %d"
  kOverridesReturn =
      1ull << 37,           // changes the probed function's return value: a fact for attaching, no check
  kMapPeek = 1ull << 38,    // with a bloom filter the value argument is read: it must be initialised
  kMapUpdate = 1ull << 39,  // update or delete of an element: on a socket map allowed only as
  kMapDelete = 1ull << 40,  // ProgTypeDef::sockmap says, else "cannot update sockmap in this context"
};

// The frame that a callback starts with (r1..r5).
enum class CallbackShape : u8 {
  kNone,
  kForEachMapElem,  // (map, key, value, ctx)
  kLoop,            // (index, ctx)
  kTimer,           // (map, key, value)
  kFindVma,         // (task, vma, ctx)
  kUserRingbuf,     // (dynptr, ctx)
  kRbtreeAdd,       // kfunc: less(a, b)
  kWq,              // kfunc: (map, key, value)
};

// Programs that a rule or a grant speaks of: all, sleepable ones only, or the others only.
enum class Sleep : u8 { kAny, kOnlySleepable, kNotSleepable };

// What a load needs beyond the program type's own capability.
enum class Capability : u8 { kNone, kBpf, kPerfmon, kNetAdmin, kSysAdmin, kSysBoot };

struct HelperDef {
  u32 id = 0;             // BPF_FUNC_* value
  std::string_view name;  // "bpf_map_lookup_elem"
  ArgSpec args[5] = {};
  RetSpec ret = {};
  u64 effects = 0;  // Effect
  CallbackShape callback = CallbackShape::kNone;
  bool gpl_only = false;
  Capability capability = Capability::kNone;
  // A program type grants tags; a helper with one of them is allowed. Several definitions may share an id
  // (another context, another prototype); the first whose tag is granted is taken.
  std::string_view tag;
  u64 map_types = 0;  // bit n = may be called with map type n; 0 = not restricted from this side
  // Name of an attach rule (contract/attach_rules.h) that the program's attach target must satisfy, else
  // -EINVAL "helper call is not allowed in probe"; empty = any target.
  std::string_view allowed_targets = {};
};

}  // namespace osmia::contract
