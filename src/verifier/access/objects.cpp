// Objects that programs allocate, and what lies in them and in map values: which special fields a register's
// memory has. Invariant: a struct's fields are those that loading its BTF found, so verifier, maps and
// engines agree on them.
#include "contract/kernel_types.h"
#include "verifier/access/access.h"

namespace osmia::verifier {

const btf::FieldRecord* struct_record(Env& env, const btf::Btf& btf, u32 id) {
  auto it = env.struct_metas.find(&btf);
  if (it == env.struct_metas.end()) {
    const contract::CatalogTypes types(env.cat);
    auto metas = btf::parse_struct_metas(btf, &types);
    // Such a BTF cannot be loaded.
    if (!metas.ok()) env.unsupported("objects of a BTF with unsound special fields");
    it = env.struct_metas.emplace(&btf, *std::move(metas)).first;
  }
  const btf::StructMeta* meta = btf::find_struct_meta(it->second, id);
  return meta ? &meta->record : nullptr;
}

const btf::FieldRecord* record_of(Env& env, const RegState& r) {
  if (r.type == RegType(RegBase::kMapValue)) return r.map->record.get();
  return is_program_object(r.type) ? struct_record(env, *r.btf, r.btf_id) : nullptr;
}

const btf::Btf& owner_btf(const RegState& r) {
  return r.is(RegBase::kMapValue) ? *r.map->btf : *r.btf;
}

void note_object(Env& env, const btf::Btf* btf, u32 id, s32 off) {
  InsnAux& aux = env.aux[env.insn_idx];
  if (aux.object_set && (aux.object_btf != btf || aux.object_btf_id != id || aux.object_off != off))
    env.unsupported("one call for objects of different types");
  aux.object_set = true;
  aux.object_btf = btf;
  aux.object_btf_id = id;
  aux.object_off = off;
}

}  // namespace osmia::verifier
