// Text and records for people: the trace pipe and sequential files of iterators.
// Facts of Linux 6.12's helpers as data; a row is one prototype for the program types that are granted its
// tag.
#include "helpers/code.h"
#include "helpers/helper.h"
#include "helpers/vocabulary.h"

namespace osmia::helpers {
using namespace vocabulary;
namespace {
const HelperEntry kEntries[] = {
    {{.id = 6,
      .name = "bpf_trace_printk",
      .args = {mem_in, size},
      .gpl_only = true,
      .capability = Capability::kBpf,
      .tag = "trace_printk"},
     code::trace_printk},
    {{.id = 177,
      .name = "bpf_trace_vprintk",
      .args = {mem_in, size, mem_in_or_null, size0},
      .gpl_only = true,
      .capability = Capability::kBpf,
      .tag = "base_perfmon"},
     code::trace_vprintk},
    {{.id = 126,
      .name = "bpf_seq_printf",
      .args = {btf("seq_file"), mem_in, size, mem_in_or_null, size0},
      .gpl_only = true,
      .tag = "seq_file"},
     code::seq_printf},
    {{.id = 127,
      .name = "bpf_seq_write",
      .args = {btf("seq_file"), mem_in, size0},
      .gpl_only = true,
      .tag = "seq_file"},
     code::seq_write},
    {{.id = 150,
      .name = "bpf_seq_printf_btf",
      .args = {btf("seq_file"), mem_in, size0, any},
      .gpl_only = true,
      .tag = "seq_file"},
     code::seq_printf_btf},
    {{.id = 147,
      .name = "bpf_d_path",
      .args = {btf("path"), mem, size0},
      .tag = "d_path",
      .allowed_targets = "d_path"},
     code::d_path},
};
}  // namespace

std::span<const HelperEntry> def_trace_output() {
  return kEntries;
}

}  // namespace osmia::helpers
