// ProgTypeDef: a program type as data: its context, what it grants, what it may return, where it attaches.
#pragma once
#include <span>
#include <string_view>

#include "contract/helper_def.h"
#include "contract/reg_type.h"

namespace osmia::contract {

// How a context access becomes host code. rewrite/ emits the steps; the first starts at the context pointer.
struct HostLoad {
  u16 offset = 0;  // bytes from the pointer that the step before it loaded
  u8 size = 0;     // 1, 2, 4, 8
};
struct CtxConversion {
  HostLoad steps[3] = {};  // followed while size != 0; a null pointer on the way gives 0
  u8 count = 0;            // 0 = the program's offset is the host's offset (no conversion)
  u8 rshift = 0;           // after the last load
  u64 mask = 0;            // after the shift; 0 = none
  bool big_endian16 = false;
  u32 store_limit = 0;  // stores of this value or more are dropped; 0 = none are
};

// How a field may be accessed. An access belongs to the field that holds its first byte; its offset is always
// a multiple of its size. A full access moves `elem` bytes (`size` if elem is 0) at a multiple of that in the
// field.
enum CtxAccess : u16 {
  kCtxRead = 1,
  kCtxWrite = 2,
  kCtxNarrowRead = 4,  // also fewer bytes (a power of two) anywhere in an element
  kCtxNarrowWrite = 8,
  kCtxPrivileged = 16,    // CAP_BPF+CAP_PERFMON only
  kCtxWide = 32,          // also 8 bytes at a multiple of 8 that lie wholly in the array (same directions)
  kCtxAnySize = 64,       // also 1, 2, 4, 8 bytes that lie wholly in the field (same directions)
  kCtxWord = 128,         // also 4 bytes at the first byte of this 2-byte field
  kCtxNarrowFirst = 256,  // narrow reads at an element's first byte only
};

struct CtxField {
  u16 offset = 0;                     // in the program's context struct, bytes
  u16 size = 0;                       // bytes of the whole field; arrays: the whole array
  u16 access = kCtxRead;              // CtxAccess
  RegType type = {RegBase::kScalar};  // what a read gives (packet pointers, sockets, …)
  std::string_view name;
  CtxConversion host = {};
  u16 elem = 0;                    // arrays: bytes of one element (default access size); 0 = size
  std::string_view btf_type = {};  // type kBtfId: struct name
  // Field exists for these expected attach types only (bit n = attach type n); 0 = all.
  u64 attach_types = 0;
  u64 write_attach_types = 0;  // writable for these only; 0 = as `access` says
  Capability read_capability = Capability::kNone, write_capability = Capability::kNone;
  u8 min_read = 0;  // narrow reads move at least so many bytes; 0 = 1
};

enum class CtxModel : u8 {
  kFields,  // a table of CtxField; models below use the table first, then their own rule for other offsets
  kBytes,   // any aligned read that begins in [ctx_first, ctx_size) (kprobe's pt_regs, tracepoint's record)
  kTracingArgs,  // 8-byte arguments typed by the attach target's BTF
  kRawArgs,      // 8-byte untyped arguments
  kSyscall,      // any access; size checked when run
  kStructOps,
};

enum ProgTrait : u64 {
  kDirectPacketRead = 1ull << 0,
  kDirectPacketWrite = 1ull << 1,
  kLdAbsAllowed = 1ull << 2,
  kTracingRules = 1ull << 3,  // kprobe-like: no spin locks, timers only preallocated maps …
  kNeedsAttachBtf = 1ull << 4,
  kMayBeSleepable = 1ull << 5,
  kUnprivileged = 1ull << 6,  // loadable without CAP_BPF (socket filter, cgroup_skb)
  kNeedsNetAdmin = 1ull << 7,
  kNeedsPerfmon = 1ull << 8,
  kSeenDirectWrite = 1ull << 9,  // direct packet writes need a prologue
  kExtension = 1ull << 10,
  kVoidReturnOk = 1ull << 11,
  kPacketEndCtx = 1ull << 12,
  kGplOnlyProg = 1ull << 13,
  kZeroCtxOffsetOnly = 1ull << 14,
  kMayWriteCtxPrologue = 1ull << 15,
  kMustSleep = 1ull << 16,       // "Syscall programs can only be sleepable"
  kSleepsIfUprobe = 1ull << 17,  // sleepable loads are accepted, attaching decides (uprobes only)
  kPacketArgsFree = 1ull << 18,  // every helper takes packet pointers as memory, not only kPacketArgs ones
  kNoSpinLock = 1ull << 19,      // maps that hold a bpf_spin_lock are refused (socket filter)
  kPrivateStack = 1ull << 20,    // the JIT gives deep frames a stack of their own (no JIT of Linux 6.12 does)
  kNotBuilt = 1ull << 21,        // the reference kernel was built without it: loading one is EINVAL, no log
};

// The values that r0 may hold at exit, for one expected attach type (or all: attach_type == kAnyAttach).
inline constexpr u32 kAnyAttach = ~0u;
struct ReturnRange {
  u32 attach_type = kAnyAttach;
  s32 min = 0, max = 0;
  bool checked = true;   // false: anything goes for this attach type
  bool is64 = false;     // compared as 64 bits, else as 32 (LSM hooks)
  bool by_hook = false;  // the range is lsm_return_range() of the hook (attach_rules.h), not min and max
};

struct NamedCode {
  s32 code;
  std::string_view name;  // "XDP_DROP"
};

// May elements of socket maps be changed with the general map helpers (no socket is locked in that context)?
struct SockmapRights {
  bool update = false, erase = false;
  u64 attach_types = 0;  // for these expected attach types only; 0 = all
};

struct ProgTypeDef {
  u32 type = 0;                    // BPF_PROG_TYPE_* value
  std::string_view name;           // "xdp", as libbpf_bpf_prog_type_str() prints it
  std::string_view ctx_name;       // UAPI struct or typedef, "xdp_md"; empty if none
  std::string_view kern_ctx_name;  // the kernel's own struct, "xdp_buff" (global functions' ctx arguments)
  CtxModel ctx_model = CtxModel::kFields;
  u32 ctx_size = 0;   // bytes of the program's context struct
  u32 ctx_first = 0;  // kBytes: first readable byte
  std::span<const CtxField> fields = {};
  u64 traits = 0;  // ProgTrait
  // Granted helper tags; conditional ones only with a capability or for one attach type.
  struct Grant {
    std::string_view tag;
    Capability capability = Capability::kNone;
    u64 attach_types = 0;  // bit n = expected attach type n; 0 = all
    // Only for attach targets that satisfy this rule (contract/attach_rules.h); empty = all.
    std::string_view targets = {};
    Sleep sleep = Sleep::kAny;
  };
  std::span<const Grant> grants = {};
  std::span<const ReturnRange> returns = {};  // first match wins; empty = unchecked
  std::span<const u32> attach_types =
      {};  // accepted expected_attach_type values; empty = only 0 is stored, any accepted
  u32 default_attach_type = 0;            // an expected_attach_type of 0 means this one
  std::span<const NamedCode> codes = {};  // return codes for people
  SockmapRights sockmap = {};
};

// A kernel object that programs see as a UAPI struct (a socket as bpf_sock …): what loads and stores through
// a pointer of this kind may touch. Offsets not covered by a field are refused.
struct ObjectLayout {
  RegBase base = RegBase::kSocket;
  std::string_view name;
  u32 size = 0;
  std::span<const CtxField> fields = {};
};

}  // namespace osmia::contract
