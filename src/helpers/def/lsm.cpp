// Security hooks: executables and integrity measurements.
// Facts of Linux 6.12's helpers as data; a row is one prototype for the program types that are granted its
// tag.
#include "helpers/helper.h"
#include "helpers/vocabulary.h"

namespace osmia::helpers {
using namespace vocabulary;
namespace {
const HelperEntry kEntries[] = {
    {{.id = 159, .name = "bpf_bprm_opts_set", .args = {btf("linux_binprm"), any}, .tag = "lsm"}},
    {{.id = 161,
      .name = "bpf_ima_inode_hash",
      .args = {btf("inode"), mem_out, size},
      .effects = kMightSleep,
      .tag = "lsm",
      .allowed_targets = "ima_hash"}},
    {{.id = 193,
      .name = "bpf_ima_file_hash",
      .args = {btf("file"), mem_out, size},
      .effects = kMightSleep,
      .tag = "lsm",
      .allowed_targets = "ima_hash"}},
};
}  // namespace

std::span<const HelperEntry> def_lsm() {
  return kEntries;
}

}  // namespace osmia::helpers
