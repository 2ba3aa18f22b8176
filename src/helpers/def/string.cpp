// Strings and numbers: comparison, parsing, formatting into memory.
// Facts of Linux 6.12's helpers as data; a row is one prototype for the program types that are granted its
// tag.
#include "helpers/code.h"
#include "helpers/helper.h"
#include "helpers/vocabulary.h"

namespace osmia::helpers {
using namespace vocabulary;
namespace {
const HelperEntry kEntries[] = {
    {{.id = 182, .name = "bpf_strncmp", .args = {mem_in, size, const_str}, .tag = "base"}, code::strncmp},
    {{.id = 105,
      .name = "bpf_strtol",
      .args = {mem_in, size, any, fixed_mem(8, kUninit | kWrite | kAligned)},
      .tag = "base"},
     code::strtol},
    {{.id = 106,
      .name = "bpf_strtoul",
      .args = {mem_in, size, any, fixed_mem(8, kUninit | kWrite | kAligned)},
      .tag = "base"},
     code::strtoul},
    {{.id = 165,
      .name = "bpf_snprintf",
      .args = {mem_or_null, size0, const_str, mem_in_or_null, size0},
      .effects = kSnprintfFormat,
      .gpl_only = true,
      .capability = Capability::kBpf,
      .tag = "base_perfmon"},
     code::snprintf},
    {{.id = 149,
      .name = "bpf_snprintf_btf",
      .args = {mem, size, mem_in, size, any},
      .capability = Capability::kBpf,
      .tag = "base_perfmon"},
     code::snprintf_btf},
};
}  // namespace

std::span<const HelperEntry> def_string() {
  return kEntries;
}

}  // namespace osmia::helpers
