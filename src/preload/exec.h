// `osmia exec -- CMD`: runs a dynamically linked program with libosmia-preload.so before libc, so that its
// bpf(2) is ours.
#pragma once
#include <string>
#include <vector>

#include "base/result.h"

namespace osmia::preload {

struct ExecOptions {
  std::string btf_path;                    // kernel BTF that the program sees; empty = the machine's
  bool native = false;                     // accept more than Linux where that is sound (OSMIA_NATIVE=1)
  bool unprivileged_bpf_disabled = false;  // kernel.unprivileged_bpf_disabled = 2
};

// Replaces the calling process; comes back only with an error (ENOENT: no library or no such command …).
Error exec(const std::vector<std::string>& command, const ExecOptions& options);

// Where libosmia-preload.so is: $OSMIA_PRELOAD, beside the running executable, or ../lib/osmia from it.
// Empty: nowhere.
std::string library_path();

}  // namespace osmia::preload
