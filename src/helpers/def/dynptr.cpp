// Dynamic pointers over memory.
// Facts of Linux 6.12's helpers as data; a row is one prototype for the program types that are granted its
// tag.
#include "helpers/code.h"
#include "helpers/helper.h"
#include "helpers/vocabulary.h"

namespace osmia::helpers {
using namespace vocabulary;
namespace {
const HelperEntry kEntries[] = {
    {{.id = 197,
      .name = "bpf_dynptr_from_mem",
      .args = {mem_out, size0, any, with(dynptr, kDynptrLocal | kUninit | kWrite)},
      .effects = kDynptrFromMem,
      .tag = "base_bpf"},
     code::dynptr_from_mem},
    {{.id = 201,
      .name = "bpf_dynptr_read",
      .args = {mem_out, size0, with(dynptr, kRdOnly), any, any},
      .tag = "base_bpf"},
     code::dynptr_read},
    {{.id = 202,
      .name = "bpf_dynptr_write",
      .args = {with(dynptr, kRdOnly), any, mem_in, size0, any},
      .effects = kDynptrWrite,
      .tag = "base_bpf"},
     code::dynptr_write},
    {{.id = 203,
      .name = "bpf_dynptr_data",
      .args = {with(dynptr, kRdOnly), any, alloc_size},
      .ret = {RetKind::kMem, kMaybeNull},
      .effects = kDynptrData,
      .tag = "base_bpf"},
     code::dynptr_data},
};
}  // namespace

std::span<const HelperEntry> def_dynptr() {
  return kEntries;
}

}  // namespace osmia::helpers
