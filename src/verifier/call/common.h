// What the files of call/ share: what one call's arguments told, and questions about registers that every
// kind of call asks. Invariant: nothing here knows a helper, a map type or a program type by number.
#pragma once
#include "btf/btf.h"
#include "verifier/call/call.h"
#include "verifier/call/context_type.h"
#include "verifier/log/log.h"

namespace osmia::verifier {

using contract::ArgKind;
using contract::ArgSpec;
using contract::CallbackShape;
using contract::HelperDef;

inline constexpr int kEnotsupp = 524;  // Linux's ENOTSUPP, which user space's errno.h does not name
inline constexpr s32 kMaxErrno = 4095;
inline constexpr u32 kMapFlagRdonlyProg = 1u << 7;  // BPF_F_RDONLY_PROG

// What the arguments of a helper told, for its effects and its return value.
struct CallMeta {
  const HelperDef* fn = nullptr;
  MemArg mem;  // uninitialised memory that the helper fills
  const MapInfo* map = nullptr;
  u32 map_uid = 0;
  u64 size_max = 0;  // upper bound of the last size argument
  u64 mem_size = 0;  // constant allocation size
  u32 ref_obj_id = 0;
  u32 release_regno = 0;
  u32 dynptr_id = 0;
  u32 callback = 0;  // subprogram
  const btf::Btf* ret_btf = nullptr;
  u32 ret_btf_id = 0;
  const btf::Field* kptr = nullptr;      // what a kptr exchange writes
  const btf::Btf* kptr_owner = nullptr;  // the BTF that describes that field
};

// -- privileges and regions of the current path
bool in_sleepable(const Env& env);
inline bool leaks_pointer(const Env& env, const RegState& r) {
  return !env.allow_ptr_leaks && !r.is_scalar();
}

// -- registers
inline bool is_exact(const RegState& r, RegBase b, u32 flags = 0) {
  return r.type == RegType(b, flags);
}
inline bool has_unsafe_flags(RegType t) {
  return t.flags & ~(contract::kAlloc | contract::kTrusted | contract::kNonOwnRef);
}
// The BTF struct that a register of a non-BTF type stands for ("sock" for a socket …); empty: none.
std::string_view struct_behind(RegBase base);
// The value is gone (freed, moved): an unknown number, or unreadable for those who must not see pointers.
void invalidate_reg(const Env& env, RegState& r);
// Drops a reference and every register that belongs to it. False: it is not held (or not this callback's to
// drop).
bool drop_reference(Env& env, u32 ref_obj_id);
// The same for a per-CPU object that was put into a map inside an RCU section: its pointers stay readable.
bool stash_reference(Env& env, u32 ref_obj_id);
void forget_packet_pointers(Env& env);
void forget_non_owning_refs(Env& env);
const btf::Field* map_field(const MapInfo* map, u32 kinds);
std::string_view helper_name(const Env& env, u32 id);

// -- arguments (arguments.cpp)
void check_argument(Env& env, u32 index, CallMeta& meta);
// The register's type is one that this kind of argument takes. btf_id: what kBtfId wants, in the kernel's
// BTF.
void check_arg_type(Env& env, u32 regno, const ArgSpec& arg, u32 btf_id, const CallMeta& meta);
// The register's offset is one that an argument may have.
void check_arg_offset(Env& env, u32 regno, bool release, bool dynptr);
// BTF id of a kernel struct by name, 0 if unknown.
u32 kernel_struct(const Env& env, std::string_view name);

// access/alignment.cpp
void check_alignment(Env& env, const RegState& r, s32 off, int size, bool strict_once);

// -- strings (const_str.cpp)
void check_const_string(Env& env, u32 regno);
void check_snprintf(Env& env);

// -- locks and timers (locks.cpp)
void check_spin_lock(Env& env, u32 regno, bool lock);
// What ActiveLock::ptr is while the lock in this object is held.
const void* lock_holder(const RegState& r);
// A callback is explored (or a function that it calls) that runs with its caller's lock held.
bool in_locked_callback(const Env& env);
void check_timer(Env& env, u32 regno, CallMeta& meta);

// -- maps (map_args.cpp)
void record_map(Env& env, const CallMeta& meta);
void record_tail_call_key(Env& env, const CallMeta& meta);
void check_map_compatible(Env& env, const CallMeta& meta);
// The kind of argument that a map's value argument stands for.
ArgSpec resolve_map_value_arg(Env& env, const ArgSpec& arg, const CallMeta& meta);

// -- dynptrs (dynptr.cpp)
DynptrKind dynptr_kind_of(u32 flags);
u32 dynptr_flag_of(DynptrKind kind);
constexpr bool is_refcounted(DynptrKind k) {
  return k == DynptrKind::kRingbuf;
}
void set_dynptr(RegState& r, DynptrKind kind, bool first_slot, u32 id);
// A dynptr argument: made (kUninit), only read (kRdOnly) or changed. flags: contract::RegFlag. clone_ref: the
// reference that a clone shares with its parent, 0 = none.
void check_dynptr_arg(Env& env, u32 regno, u32 flags, u32 clone_ref);
bool dynptr_is_acquired(Env& env, u32 regno);  // on the stack, holding a reference
void release_stack_dynptr(Env& env, u32 regno, std::string_view name, u32 id);
struct DynptrFacts {
  u32 id = 0, ref_obj_id = 0;
  DynptrKind kind = DynptrKind::kInvalid;
};
DynptrFacts dynptr_facts(Env& env, u32 regno);  // of an initialised one

// Where an object on the stack lies. slot: that of its lowest address.
enum class Placement : u8 { kOk, kOutside, kBad };  // kBad: the reason was logged
struct StackPlace {
  Placement placement = Placement::kBad;
  u32 frame = 0;
  int slot = -1;
};
StackPlace place_on_stack(Env& env, u32 regno, const char* what, int nr_slots);

// -- frames (frames.cpp, callback.cpp)
// A frame above st's current one, with nothing known but its frame pointer. The caller then sets its
// registers and makes it current.
Frame& add_frame(Env& env, PathState& st, u32 subprog, s32 callsite);
void pass_reg(PathState& st, u32 from_frame, u32 from, u32 to_frame, u32 to);
void push_callback(Env& env, u32 subprog, CallbackShape shape, const MapInfo* map);
void check_loop_callback(Env& env, u32 subprog);

// -- arguments by BTF (global_args.cpp, subprog.cpp)
int prepare_args(Env& env, u32 subprog);  // 0 or a positive errno; the reason is logged
// Do the current registers fit the subprogram's BTF? The same.
int check_args_by_btf(Env& env, u32 subprog);
bool is_program_context(Env& env, const btf::Btf& btf, const btf::TypeView& pointer);
// Memory of `size` bytes at regno that may be read and written (null allowed by type).
void check_readwrite_mem(Env& env, u32 regno, u32 size);

// -- ends
[[noreturn]] void reject_scalar_range(Env& env, const RegState& r, s32 min, s32 max, std::string_view where,
                                      std::string_view reg_name);

}  // namespace osmia::verifier
