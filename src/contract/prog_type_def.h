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
};

enum CtxAccess : u8 { kCtxRead = 1, kCtxWrite = 2, kCtxNarrowRead = 4, kCtxNarrowWrite = 8, kCtxPrivileged = 16 /* CAP_BPF+CAP_PERFMON only */ };

struct CtxField {
  u16 offset = 0;  // in the program's context struct, bytes
  u16 size = 0;    // bytes of the whole field; arrays: the whole array
  u8 access = kCtxRead;
  RegType type = {RegBase::kScalar};  // what a read gives (packet pointers, sockets, …)
  std::string_view name;
  CtxConversion host = {};
  u16 elem = 0;    // arrays: bytes of one element (default access size); 0 = size
  std::string_view btf_type = {};     // type kBtfId: struct name
  // Field exists for these expected attach types only (bit n = attach type n); 0 = all.
  u64 attach_types = 0;
  u64 write_attach_types = 0;         // writable for these only; 0 = as `access` says
};

enum class CtxModel : u8 {
  kFields,       // a table of CtxField
  kBytes,        // any aligned read below ctx_size (kprobe's pt_regs, tracepoint's record)
  kTracingArgs,  // 8-byte arguments typed by the attach target's BTF
  kRawArgs,      // 8-byte untyped arguments
  kSyscall,      // any access; size checked when run
  kStructOps,
};

enum ProgTrait : u64 {
  kDirectPacketRead = 1ull << 0,
  kDirectPacketWrite = 1ull << 1,
  kLdAbsAllowed = 1ull << 2,
  kTracingRules = 1ull << 3,        // kprobe-like: no spin locks, timers only preallocated maps …
  kNeedsAttachBtf = 1ull << 4,
  kMayBeSleepable = 1ull << 5,
  kUnprivileged = 1ull << 6,        // loadable without CAP_BPF (socket filter, cgroup_skb)
  kNeedsNetAdmin = 1ull << 7,
  kNeedsPerfmon = 1ull << 8,
  kSeenDirectWrite = 1ull << 9,     // direct packet writes need a prologue
  kExtension = 1ull << 10,
  kVoidReturnOk = 1ull << 11,
  kPacketEndCtx = 1ull << 12,
  kGplOnlyProg = 1ull << 13,
  kZeroCtxOffsetOnly = 1ull << 14,
  kMayWriteCtxPrologue = 1ull << 15,
  kNoSpinLock = 1ull << 16,         // maps that hold a bpf_spin_lock are refused (socket filter)
  kAlwaysSleepable = 1ull << 17,    // must be loaded with BPF_F_SLEEPABLE (syscall)
  kPrivateStack = 1ull << 18,       // Linux's JIT gives deep frames a stack of their own
};

// The values that r0 may hold at exit, for one expected attach type (or all: attach_type == kAnyAttach).
inline constexpr u32 kAnyAttach = ~0u;
struct ReturnRange {
  u32 attach_type = kAnyAttach;
  s32 min = 0, max = 0;
  bool checked = true;             // false: anything goes for this attach type
  bool is64 = false;               // compared as 64 bits (LSM hooks), else as 32
};

struct NamedCode {
  s32 code;
  std::string_view name;           // "XDP_DROP"
};

struct ProgTypeDef {
  u32 type = 0;                    // BPF_PROG_TYPE_* value
  std::string_view name;           // "xdp", as libbpf_bpf_prog_type_str() prints it
  std::string_view ctx_name;       // UAPI struct, "xdp_md"; empty if none
  std::string_view kern_ctx_name;  // the kernel's own struct, "xdp_buff" (global functions' ctx arguments)
  CtxModel ctx_model = CtxModel::kFields;
  u32 ctx_size = 0;                // bytes of the program's context struct
  std::span<const CtxField> fields = {};
  u64 traits = 0;                  // ProgTrait
  // Granted helper tags; conditional ones only with a capability or for one attach type.
  struct Grant {
    std::string_view tag;
    Capability capability = Capability::kNone;
    u64 attach_types = 0;          // bit n = expected attach type n; 0 = all
  };
  std::span<const Grant> grants = {};
  std::span<const ReturnRange> returns = {};      // first match wins; empty = unchecked
  std::span<const u32> attach_types = {};         // accepted expected_attach_type values; empty = only 0 is stored, any accepted
  std::span<const NamedCode> codes = {};          // return codes for people
};

}  // namespace osmia::contract
