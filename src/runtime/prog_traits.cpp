// What other programs in the same map must share with this one (maps/prog_owner.h), read from what the
// verifier found.
#include "runtime/program.h"

namespace osmia::runtime {

u32 Program::cgroup_storage(bool percpu) const {
  for (const verifier::MapInfo* m : facts.used_maps)
    if (m && m->def && m->def->traits & contract::kMapCgroupStorage &&
        !(m->def->traits & contract::kMapPercpu) == !percpu)
      return m->id;
  return 0;
}

bool Program::tail_calls() const {
  for (const verifier::MapInfo* m : facts.used_maps)
    if (m && m->def && m->def->traits & contract::kMapHoldsProgs) return true;
  return false;
}

// Functions of one prototype fit one another.
std::pair<u64, u32> Program::attach_target() const {
  if (facts.attach_proto) return {reinterpret_cast<u64>(desc.attach.btf.get()), facts.attach_proto};
  if (!desc.attach.btf || !desc.attach.btf_id) return {};
  const btf::TypeView type = desc.attach.btf->type(desc.attach.btf_id);
  const bool function = type.exists() && type.is(btf::Kind::kFunc);
  return {reinterpret_cast<u64>(desc.attach.btf.get()), function ? type.type() : desc.attach.btf_id};
}

}  // namespace osmia::runtime
