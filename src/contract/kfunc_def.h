// KfuncDef: a kfunc as data. Its prototype is BTF (found by name), its flags are the KF_ flags
// (kfuncs-v6.3.rst 2.4).
#pragma once
#include <span>
#include <string_view>

#include "contract/helper_def.h"

namespace osmia::contract {

enum KfuncFlag : u32 {
  kKfAcquire = 1u << 0,
  kKfRelease = 1u << 1,
  kKfRetNull = 1u << 2,
  kKfTrustedArgs = 1u << 4,
  kKfSleepable = 1u << 5,
  kKfDestructive = 1u << 6,
  kKfRcu = 1u << 7,
  kKfIterNew = 1u << 8,
  kKfIterNext = 1u << 9,
  kKfIterDestroy = 1u << 10,
  kKfRcuProtected = 1u << 11,
  kKfFastcall = 1u << 12,
  kKfKptrGet = 1u << 13,
  kKfDeprecated = 1u << 14,
};

// Kfuncs whose effect on the verifier's state is not told by flags and prototype. Each names the one rule it
// follows.
enum class KfuncRole : u8 {
  kNone,
  kObjNew,  // returns a new object of the local type whose id is the constant argument
  kPercpuObjNew,
  kObjDrop,  // takes back what kObjNew gave
  kPercpuObjDrop,
  kRefcountAcquire,  // another reference to the same object
  kListPushFront,    // the node's owning reference becomes non-owning
  kListPushBack,
  kListPopFront,  // gives an owning reference to the node's object
  kListPopBack,
  kRbtreeAdd,  // calls the less() callback; the node's owning reference becomes non-owning
  kRbtreeRemove,
  kRbtreeFirst,    // gives a non-owning reference
  kCastToKernCtx,  // the context as the kernel's own struct
  kRdonlyCast,     // untrusted pointer of the type whose id is the constant argument
  kRcuReadLock,
  kRcuReadUnlock,
  kPreemptDisable,
  kPreemptEnable,
  kDynptrFromSkb,
  kDynptrFromXdp,
  kDynptrSlice,  // read-only memory of the constant size argument
  kDynptrSliceRdwr,
  kDynptrClone,
  kSessionCookie,  // returns 8 bytes of writable memory
};

struct KfuncDef {
  std::string_view name;
  u32 flags = 0;                                 // KfuncFlag
  std::span<const std::string_view> prog_types;  // ProgTypeDef names that may call it; "common" = all
  std::string_view set;                          // name of its id set, for listings
  std::string_view module = {};                  // module that has it; empty = vmlinux
  // Attach rule (attach_rules.h) that the calling program must satisfy, else as if it were not allowed; empty
  // = none.
  std::string_view targets = {};
  KfuncRole role = KfuncRole::kNone;
  CallbackShape callback = CallbackShape::kNone;  // it calls back a BPF subprogram
  bool async_callback = false;                    // … later, not before it returns
  bool throws = false;                            // bpf_throw(): ends the program
};

// Which kfunc takes back a kernel object that a map value lets go of with a kptr to it.
struct KptrDestructor {
  std::string_view type;   // struct name: "task_struct"
  std::string_view kfunc;  // "bpf_task_release_dtor"
};

}  // namespace osmia::contract
