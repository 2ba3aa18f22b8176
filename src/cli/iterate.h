// `osmia run` of iterator programs: what reading the iterator gives.
#pragma once
#include <string>

#include "loader/object.h"

namespace osmia::cli {

bool is_iterator(const runtime::Program& program);

// Reads the iterator to its end. which: the objects, "" (all), "map=NAME" (of the object; needed if it has
// several), "pid=N", "tid=N", "order=self|pre|post|up" (control groups from the root). Errors: EINVAL with
// what was expected, and what the iterator answers; `out` then has the text before it.
Status iterate(runtime::Kernel& kernel, const runtime::ProgramPtr& program,
               const loader::LoadedObject& object, const std::string& which, std::string& out);

}  // namespace osmia::cli
