// BPF object files (clang's .bpf.o, libbpf's conventions) and what loading one makes. An ObjectFile is
// checked bytes: it can be asked, verified and loaded as often as you like. An Object is one load of it: live
// programs and maps, which go when the Object and all handles out of it are gone.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "osmia/export.h"
#include "osmia/map.h"
#include "osmia/program.h"
#include "osmia/result.h"

namespace osmia {

class OSMIA_API Object {
 public:
  std::vector<Program> programs() const;  // in the file's order
  std::vector<Map> maps() const;
  // ENOENT: the file has none of this name, or it was not loaded.
  Result<Program> program(std::string_view name) const;
  // Global data are maps too: ".bss", ".data" and ".rodata" find the object's own.
  Result<Map> map(std::string_view name) const;

  struct Impl;  // Osmia's own
  explicit Object(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

 private:
  std::shared_ptr<const Impl> impl_;
};

struct VerifyOptions {
  std::uint32_t log_level = 1;  // 0 none, 1 what explains a refusal, 2 every instruction, +4 statistics
};

class OSMIA_API ObjectFile {
 public:
  const std::string& name() const;
  std::vector<ProgramInfo> programs() const;
  // Verifies one program on its own, with fresh maps, and lets go of it again. A refusal is a Verdict, not an
  // error. Errors: ENOENT (no such program), and what keeps it from the verifier (a map that cannot be made
  // …).
  Result<Verdict> verify(std::string_view program, const VerifyOptions& options = {}) const;
  // Loads the file's programs and maps together, as libbpf's bpf_object__load. The error's line has the
  // reason; verify() tells which program and gives the log.
  Result<Object> load() const;

  struct Impl;  // Osmia's own
  explicit ObjectFile(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

 private:
  std::shared_ptr<const Impl> impl_;
};

}  // namespace osmia
