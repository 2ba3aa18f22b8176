// What every command needs: a Kernel over the right BTF and Catalog, and one way to complain.
#pragma once
#include <memory>
#include <string>

#include "base/result.h"
#include "runtime/kernel.h"

namespace osmia::cli {

inline constexpr int kOk = 0, kNegative = 1, kUsage = 2;  // exit statuses

struct SessionOptions {
  std::string btf_path;  // kernel BTF in place of the machine's; empty = /sys/kernel/btf/vmlinux if there
  bool unprivileged = false;  // verify as a loader without capabilities would be
  std::string jit;            // auto, on or off; empty = as the environment says, else auto
  bool native = false;        // the profile for embedding: may accept more than Linux
};

struct Session {
  std::unique_ptr<runtime::Kernel> kernel;
};

// Errors: a BTF file that cannot be read or is unsound.
Result<Session> open_session(const SessionOptions& options);

// "osmia COMMAND: error: …" on standard error; gives `status`.
int complain(const char* command, const std::string& message, int status = kUsage);

}  // namespace osmia::cli
