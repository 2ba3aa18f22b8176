// A loaded program: verified, compiled, ready to run. A handle as Map is: copies mean the same program.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "osmia/export.h"
#include "osmia/result.h"

namespace osmia {

// What the verifier says of a program.
struct Verdict {
  bool accepted = false;
  bool unsupported = false;       // refused because Osmia does not model something yet, not by Linux's rules
  int error = 0;                  // errno of a refusal (positive)
  std::string message;            // why, one line
  std::string log;                // as Linux prints it, if it was asked for
  std::int32_t instruction = -1;  // at which it was refused; -1: none
  std::uint32_t instructions_processed = 0, total_states = 0, peak_states = 0;
  std::uint32_t stack_bytes = 0;
  std::uint64_t verify_ns = 0;
};

struct ProgramInfo {
  std::string name, section;
  std::string type_name;                // "xdp", as libbpf calls it
  std::uint32_t type = 0;               // enum bpf_prog_type
  std::uint32_t instruction_count = 0;  // in the object file
  bool autoload = true;                 // false: ObjectFile::load() leaves it out
};

// A program that no object file holds (uapi BPF_PROG_LOAD): instructions of 8 bytes as the kernel takes them.
struct ProgramSpec {
  std::uint32_t type = 0;  // enum bpf_prog_type
  std::span<const std::byte> instructions;
  std::string license = "GPL";
  std::string name;
  std::uint32_t expected_attach_type = 0, flags = 0;
};

// One test run (uapi BPF_PROG_TEST_RUN).
struct RunOptions {
  std::span<const std::byte>
      context;  // what the program's context begins with (struct xdp_md …); may be empty
  std::uint32_t repeat = 1;
};
struct RunResult {
  std::uint32_t return_value = 0;  // XDP_DROP, …
  std::uint32_t nanoseconds = 0;   // of one repetition, on average
  std::vector<std::byte> data;     // as the program left it
  std::vector<std::byte> context;
};

class OSMIA_API Program {
 public:
  const std::string& name() const;
  std::uint32_t type() const;
  std::uint32_t id() const;
  const Verdict& verdict() const;
  // False: it was verified only, because it calls what has no code in a process; reason() names that.
  bool runnable() const;
  const std::string& reason() const;
  int fd() const;  // as Map::fd()

  // Runs it over a packet (or what its type takes as data). Any thread, many at a time. Errors: EINVAL (data
  // that this type does not take: XDP wants an Ethernet header at least), ENOTSUPP 524 (a type without test
  // runs), EOPNOTSUPP (not runnable).
  Result<RunResult> run(std::span<const std::byte> data, const RunOptions& options = {}) const;

  struct Impl;  // Osmia's own
  explicit Program(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

 private:
  std::shared_ptr<const Impl> impl_;
};

}  // namespace osmia
