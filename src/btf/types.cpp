// Names of the BTF kinds, spelled as Linux's log and bpftool spell them.
#include "btf/types.h"

namespace osmia::btf {

const char* kind_name(Kind kind) {
  static const char* const kNames[kKindCount] = {"UNKNOWN", "INT",      "PTR",      "ARRAY",      "STRUCT",
                                                 "UNION",   "ENUM",     "FWD",      "TYPEDEF",    "VOLATILE",
                                                 "CONST",   "RESTRICT", "FUNC",     "FUNC_PROTO", "VAR",
                                                 "DATASEC", "FLOAT",    "DECL_TAG", "TYPE_TAG",   "ENUM64"};
  return static_cast<u32>(kind) < kKindCount ? kNames[static_cast<u32>(kind)] : "UNKNOWN";
}

}  // namespace osmia::btf
