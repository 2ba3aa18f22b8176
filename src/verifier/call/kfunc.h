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

void check_kfunc_args(Env& env, KfuncCall& call);
// The iterator argument of a constructor, next(), destructor or other function (iterator.cpp).
void check_iter_arg(Env& env, u32 regno, KfuncCall& call);
void fork_iter_next(Env& env, const KfuncCall& call);
const RegState& iterator_of(const PathState& st, const KfuncCall& call);

}  // namespace osmia::verifier
