// What the region files share: the shape of one access, and the questions that every region asks of a
// register. Invariant: `off` of a Touch includes the pointer's fixed offset; the variable part is still in
// the register.
#pragma once
#include "verifier/access/access.h"

namespace osmia::verifier {

inline constexpr s64 kMaxVarOff = 1 << 29;   // BPF_MAX_VAR_OFF
inline constexpr u64 kMaxVarSize = 1 << 29;  // BPF_MAX_VAR_SIZ

struct Touch {
  u32 insn_idx;
  u32 regno;
  s32 off;
  int size;
  Access how;
  int value_regno;  // -1: none
  bool sign_extend;
  bool reads() const { return how == Access::kRead; }
  bool writes() const { return how == Access::kWrite; }
  bool loads_reg() const { return reads() && value_regno >= 0; }
};

constexpr bool is_exactly(RegType t, RegBase b) {
  return t == RegType(b);
}
constexpr bool is_socket_like(RegType t) {
  return t.flags == 0 && (t.base == RegBase::kSocket || t.base == RegBase::kSockCommon ||
                          t.base == RegBase::kTcpSock || t.base == RegBase::kXdpSock);
}
// The loader may not learn addresses and this is one (or an uninitialised value).
inline bool is_pointer_value(const Env& env, const RegState& r) {
  return !env.allow_ptr_leaks && !r.is_scalar();
}
inline bool stores_pointer(const Env& env, const Touch& t) {
  return t.writes() && t.value_regno >= 0 && is_pointer_value(env, env.reg(t.value_regno));
}

// -- linked scalar ids
inline void clear_scalar_id(RegState& r) {
  r.id = 0;
  r.off = 0;
}
// regno is about to be copied: gives it an id unless it is a constant (or no scalar), so that copies learn
// together.
void assign_scalar_id(Env& env, u32 regno);

// -- regions, one file each
void touch_stack(Env& env, const Touch& t);
void touch_ctx(Env& env, const Touch& t);
void touch_map_value(Env& env, const Touch& t);
void touch_map_key(Env& env, const Touch& t);
void touch_mem(Env& env, const Touch& t);
void touch_buf(Env& env, const Touch& t);
void touch_tp_buffer(Env& env, const Touch& t);
void touch_flow_keys(Env& env, const Touch& t);
void touch_packet(Env& env, const Touch& t);
void touch_socket(Env& env, const Touch& t);
void touch_arena(Env& env, const Touch& t);
void touch_map_pointer(Env& env, const Touch& t);
// A kptr field of a map value that lies exactly here. False: there is none.
bool touch_kptr(Env& env, const Touch& t);
// May what the register holds be kept in this field? Else EACCES. owner: the BTF that the field is described
// in.
void check_kptr_value(Env& env, const btf::Btf& owner, const btf::Field& field, u32 regno);
const btf::Btf& kptr_btf(const btf::Btf& owner, const btf::Field& field);  // the pointee's

void check_alignment(Env& env, const RegState& r, s32 off, int size, bool strict_once);
void check_map_flags(Env& env, u32 regno, s32 off, s32 size, Access how);
// Like check_map_value_access, for an instruction: kptr fields may be touched whole.
void check_map_value_direct(Env& env, u32 regno, s32 off, s32 size);
void check_buffer(Env& env, std::string_view what, u32 regno, s32 off, s32 size);
// The buffers of iterators: how far programs reach is kept for whoever attaches them.
void check_iter_buffer(Env& env, u32 regno, s32 off, s32 size, bool read_only);

// -- the stack
void check_stack_bounds(Env& env, u32 regno, s32 off, s32 size, bool by_helper, Access how);
void check_stack_initialized(Env& env, u32 regno, s32 off, s32 size, bool zero_size_allowed, bool by_helper,
                             MemArg* arg);
void read_stack(Env& env, const Touch& t);
void write_stack(Env& env, const Touch& t);
void write_stack_fixed(Env& env, u32 frame, s32 off, int size, int value_regno, u32 insn_idx);
// An access below a subprogram's own deepest spill from outside a fastcall pattern: the patterns must stay.
void check_fastcall_contract(Env& env, u32 subprog, u32 insn_idx, s32 off);
// Slots are 8 bytes; -1 for offsets above the frame pointer.
constexpr int slot_of(s32 off) {
  return (-off - 1) / kRegSize;
}
constexpr int byte_of(s32 off) {
  return (-off - 1) % kRegSize;
}
inline void demote_to_misc(SlotType& t) {
  if (t != SlotType::kInvalid) t = SlotType::kMisc;
}

// -- BTF contexts (access/ctx_btf.cpp)
struct CtxResult {
  RegType type = {RegBase::kScalar};
  const btf::Btf* btf = nullptr;
  u32 btf_id = 0;
  bool is_retval = false;
  const contract::CtxField* field = nullptr;
};
// May [off, off+size) of this field be read or written? off lies in the field and is a multiple of size.
bool field_allows(const contract::CtxField& f, s32 off, int size, bool write);
bool btf_ctx_access(Env& env, s32 off, int size, CtxResult& out);
// What a load through a BTF type gives goes into regno: a scalar, or a pointer with flags.
void set_btf_result(Env& env, u32 regno, bool is_pointer, const btf::Btf* btf, u32 btf_id, u32 flags);

}  // namespace osmia::verifier
