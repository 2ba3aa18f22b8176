// Memory accesses: one region a file (stack, ctx, packet, map value, BTF object, buffer, arena), one door for
// instructions and one for helper arguments.
#pragma once
#include "verifier/state/ops.h"

namespace osmia::verifier {

// A pointer to a stack goes where accesses through it are not seen (an unchecked argument, memory): from here
// on any slot of its frame may be reached.
void note_escape(Env& env, const RegState& r);
// A load or store of 1, 2, 4 or 8 bytes at regno + off by the current instruction. value_regno: the register
// loaded into or stored from, -1 for none (immediate stores, atomics). Rejects, or updates the state and
// facts.
void check_mem_access(Env& env, u32 insn_idx, u32 regno, s32 off, int size, Access access, int value_regno,
                      bool strict_alignment_once, bool sign_extend);

// Memory that a helper or kfunc will access: `size` bytes at regno.
struct MemArg {
  bool raw_mode = false;    // memory may be uninitialised: it will be written (uninit argument)
  u32 raw_regno = 0;        // out: register whose stack memory is then marked written
  s32 raw_access_size = 0;  // out
};
void check_helper_mem(Env& env, u32 regno, s32 size, Access access, bool zero_size_allowed, MemArg* arg);
// The same with the size in a register (ARG_CONST_SIZE*), which is bounded and made precise.
void check_mem_size_reg(Env& env, u32 regno, u32 size_regno, Access access, bool zero_size_allowed,
                        MemArg* arg);

// regno points into a map value and [off, off+size) lies inside, away from special fields.
void check_map_value_access(Env& env, u32 regno, s32 off, s32 size, bool zero_size_allowed, Access access);
void check_packet_access(Env& env, u32 regno, s32 off, s32 size, bool zero_size_allowed);
void check_mem_region(Env& env, u32 regno, s32 off, s32 size, u32 mem_size, bool zero_size_allowed);
// A pointer used as it is: no variable offset, fixed offset 0 unless allowed ("dereference of modified %s ptr
// R%d off=%d disallowed").
void check_ptr_off_reg(Env& env, const RegState& r, u32 regno, bool fixed_off_ok);
// An object pointer of BTF type (btf, id) at offset off: what a load of `size` gives; writes facts.
void check_btf_access(Env& env, u32 regno, s32 off, int size, Access access, int value_regno);
// Rejects a write of `size` bytes to a kernel object, but where the program's attach target lists it.
void check_kernel_write(Env& env, const RegState& r, s32 off, int size);
// May this program write packets here; sets seen_direct_write.
bool may_access_packet(Env& env, const contract::HelperDef* helper, Access access);
// Names as Linux prints them ("map_value_or_null", "ptr_sk_buff", "trusted_ptr_").
std::string reg_type_name(const Env& env, RegType type);
// Trusted as Linux's is_trusted_reg: referenced, or of a kind that is never stale.
bool is_trusted_reg(const RegState& r);
bool in_rcu_section(const Env& env);  // RCU-protected pointers may be followed here
bool is_kernel_btf(const Env& env, const btf::Btf* btf);

// -- objects that programs allocate (access/objects.cpp)
inline bool is_program_object(RegType t) {
  return t.base == RegBase::kBtfId && t.has(contract::kAlloc);
}
inline bool is_non_owning(RegType t) {
  return is_program_object(t) && t.has(contract::kNonOwnRef);
}
// The special fields of this struct of a program's BTF, or null: it has none. Valid as long as env.
const btf::FieldRecord* struct_record(Env& env, const btf::Btf& btf, u32 id);
// Those of what the register points to: a map's value or a program's object, else null.
const btf::FieldRecord* record_of(Env& env, const RegState& r);
// The BTF that they are described in.
const btf::Btf& owner_btf(const RegState& r);
// An instruction's facts speak of one object type and offset; paths that differ are refused.
void note_object(Env& env, const btf::Btf* btf, u32 id, s32 off);
// A register's value is inconsistent on an impossible path: logs "REG INVARIANTS VIOLATION" and forgets the
// ranges (rejects under BPF_F_TEST_REG_INVARIANTS).
void check_bounds_sanity(Env& env, Scalar& s, const char* role);

}  // namespace osmia::verifier
