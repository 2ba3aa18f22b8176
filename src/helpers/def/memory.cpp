// Reading memory that may fault, and writing to user space.
// Facts of Linux 6.12's helpers as data; a row is one prototype for the program types that are granted its
// tag.
#include "helpers/code.h"
#include "helpers/helper.h"
#include "helpers/vocabulary.h"

namespace osmia::helpers {
using namespace vocabulary;
namespace {
const HelperEntry kEntries[] = {
    {{.id = 112,
      .name = "bpf_probe_read_user",
      .args = {mem_out, size0, any},
      .gpl_only = true,
      .capability = Capability::kBpf,
      .tag = "base_perfmon"},
     code::probe_read},
    {{.id = 113,
      .name = "bpf_probe_read_kernel",
      .args = {mem_out, size0, any},
      .effects = kReadsKernelMem,
      .gpl_only = true,
      .capability = Capability::kBpf,
      .tag = "base_perfmon"},
     code::probe_read_kernel},
    {{.id = 114,
      .name = "bpf_probe_read_user_str",
      .args = {mem_out, size0, any},
      .effects = kRetBoundedByArgSize,
      .gpl_only = true,
      .capability = Capability::kBpf,
      .tag = "base_perfmon"},
     code::probe_read_str},
    {{.id = 115,
      .name = "bpf_probe_read_kernel_str",
      .args = {mem_out, size0, any},
      .effects = kRetBoundedByArgSize | kReadsKernelMem,
      .gpl_only = true,
      .capability = Capability::kBpf,
      .tag = "base_perfmon"},
     code::probe_read_kernel_str},
    {{.id = 36,
      .name = "bpf_probe_write_user",
      .args = {any, mem_in, size},
      .effects = kWarnsOnLoad,
      .gpl_only = true,
      .capability = Capability::kSysAdmin,
      .tag = "tracing"},
     code::probe_write_user},
    {{.id = 4,
      .name = "bpf_probe_read",
      .args = {mem_out, size0, any},
      .effects = kReadsKernelMem,
      .gpl_only = true,
      .tag = "tracing"},
     code::probe_read},
    {{.id = 45,
      .name = "bpf_probe_read_str",
      .args = {mem_out, size0, any},
      .effects = kRetBoundedByArgSize | kReadsKernelMem,
      .gpl_only = true,
      .tag = "tracing"},
     code::probe_read_str},
    {{.id = 148,
      .name = "bpf_copy_from_user",
      .args = {mem_out, size0, any},
      .effects = kMightSleep,
      .tag = "tracing"},
     code::copy_from_user},
    {{.id = 191,
      .name = "bpf_copy_from_user_task",
      .args = {mem_out, size0, any, btf("task_struct"), any},
      .effects = kMightSleep,
      .gpl_only = true,
      .tag = "tracing"},
     code::copy_from_user_task},
};
}  // namespace

std::span<const HelperEntry> def_memory() {
  return kEntries;
}

}  // namespace osmia::helpers
