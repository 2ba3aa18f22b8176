// Programs that make system calls.
// Facts of Linux 6.12's helpers as data; a row is one prototype for the program types that are granted its
// tag.
#include "helpers/code.h"
#include "helpers/helper.h"
#include "helpers/vocabulary.h"

namespace osmia::helpers {
using namespace vocabulary;
namespace {
const HelperEntry kEntries[] = {
    {{.id = 167,
      .name = "bpf_btf_find_by_name_kind",
      .args = {mem_in, size, any, any},
      .effects = kMightSleep,
      .tag = "syscall"},
     code::btf_find_by_name_kind},
    {{.id = 168, .name = "bpf_sys_close", .args = {any}, .effects = kMightSleep, .tag = "syscall"},
     code::sys_close},
    {{.id = 179,
      .name = "bpf_kallsyms_lookup_name",
      .args = {mem, size0, any, fixed_mem(8, kUninit | kWrite | kAligned)},
      .tag = "syscall"},
     code::kallsyms_lookup_name},
    {{.id = 166,
      .name = "bpf_sys_bpf",
      .args = {any, mem_in, size},
      .effects = kMightSleep,
      .tag = "syscall_perfmon"},
     code::sys_bpf},
};
}  // namespace

std::span<const HelperEntry> def_syscall() {
  return kEntries;
}

}  // namespace osmia::helpers
