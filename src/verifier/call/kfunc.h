// A kfunc call in the making: what the kernel's BTF says of the function, and what the arguments told. Shared
// by the files that check kfunc calls. Invariant: `btf` outlives the verification (it is the kernel's or a
// held module's).
#pragma once
#include "verifier/call/common.h"

namespace osmia::verifier {

struct KfuncCall {
  const contract::KfuncDef* def = nullptr;
  const btf::Btf* btf = nullptr;
  btf::TypeView proto;
  std::string_view name;
  u32 id = 0;  // of the FUNC

  // what the arguments told
  bool constant_found = false;
  u64 constant = 0;
  u64 r0_size = 0;
  bool r0_rdonly = false;
  u32 ref_obj_id = 0, release_regno = 0;
  const MapInfo* map = nullptr;
  u32 map_uid = 0;
  u32 ret_btf_id = 0;
  DynptrFacts dynptr;  // the initialised one
  u32 iter_frame = 0;
  int iter_slot = -1;
  // of objects that programs allocate
  const btf::Field* root = nullptr;      // the list head or tree root argument
  const btf::Btf* root_btf = nullptr;    // that describes it
  const btf::Btf* object_btf = nullptr;  // the object argument's type
  u32 object_id = 0;
  bool owning_ref = false;  // what is acquired again is owned already: that cannot fail
  u32 callback = 0;         // subprogram

  bool has(u32 flag) const { return def->flags & flag; }
  contract::KfuncRole role() const { return def->role; }
  bool is_iter() const {
    return has(contract::kKfIterNew | contract::kKfIterNext | contract::kKfIterDestroy);
  }
};

inline bool is_scalar_type(const btf::TypeView& t) {
  return t.is(btf::Kind::kInt) || t.is_any_enum();
}
std::string_view btf_kind_str(const btf::TypeView& t);
bool has_suffix(std::string_view name, std::string_view suffix);

// A struct of numbers, arrays of numbers and such structs, at most four deep.
bool is_scalar_struct(Env& env, const btf::Btf& btf, const btf::TypeView& t, int depth);

void check_kfunc_args(Env& env, KfuncCall& call);

// -- objects that programs allocate (kfunc_objects.cpp): arguments by parameter index …
void check_object_arg(Env& env, KfuncCall& call, u32 index);      // to be dropped
void check_refcounted_arg(Env& env, KfuncCall& call, u32 index);  // to be acquired once more
void check_root_arg(Env& env, KfuncCall& call, u32 index, btf::FieldKind kind);
void check_node_arg(Env& env, KfuncCall& call, u32 index, btf::FieldKind kind);
void check_workqueue_arg(Env& env, KfuncCall& call, u32 index);
// … what the call does to the state, before its registers are gone …
void apply_object_effects(Env& env, const KfuncCall& call);
// … and what r0 is then. False: it is nothing of the kind.
bool set_object_result(Env& env, const KfuncCall& call);
// The element of this list or tree, as the structures give it: at its node.
void set_graph_node(RegState& r, const btf::Btf& btf, const btf::Field& root);
void make_non_owning(Env& env, RegState& r);
bool returns_null(const KfuncCall& call);
bool is_object_role(contract::KfuncRole role);
// The iterator argument of a constructor, next(), destructor or other function (iterator.cpp).
void check_iter_arg(Env& env, u32 regno, KfuncCall& call);
void fork_iter_next(Env& env, const KfuncCall& call);
const RegState& iterator_of(const PathState& st, const KfuncCall& call);

}  // namespace osmia::verifier
