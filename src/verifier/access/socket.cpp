// Kernel objects that programs see as UAPI structs (sockets): the catalog's layout of each says which parts
// may be read. They are never written.
#include "verifier/access/region.h"

namespace osmia::verifier {
namespace {

const contract::CtxField* readable_field(const Env& env, RegBase base, s32 off, int size) {
  const contract::ObjectLayout* layout = env.cat.object(base);
  if (!layout || off < 0 || off >= static_cast<s32>(layout->size) || off % size != 0) return nullptr;
  for (const contract::CtxField& f : layout->fields)
    if (off >= f.offset && off < f.offset + f.size) return field_allows(f, off, size, false) ? &f : nullptr;
  return nullptr;
}

}  // namespace

void touch_socket(Env& env, const Touch& t) {
  const RegState& r = env.reg(t.regno);
  if (t.writes()) env.reject(EACCES, "R{} cannot write into {}", t.regno, reg_type_name(env, r.type));
  if (r.s.smin < 0)
    env.reject(EACCES, "R{} min value is negative, either use unsigned index or do a if (index >=0) check.",
               t.regno);
  const contract::CtxField* field = readable_field(env, r.type.base, t.off, t.size);
  if (!field)
    env.reject(EACCES, "R{} invalid {} access off={} size={}", t.regno, reg_type_name(env, r.type), t.off,
               t.size);
  env.aux[t.insn_idx].ctx_field = field;
  if (t.value_regno >= 0) mark_unknown(env, t.value_regno);
}

}  // namespace osmia::verifier
