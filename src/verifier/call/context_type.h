// Is what a pointer's BTF names a program type's context? What the verifier takes for the context, and the
// runtime then hands over as such, must be the same.
#pragma once
#include "btf/btf.h"
#include "contract/prog_type_def.h"

namespace osmia::verifier {

bool is_program_context(const contract::ProgTypeDef& type, const btf::Btf& btf, const btf::TypeView& pointer);

}  // namespace osmia::verifier
