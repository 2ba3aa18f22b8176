// The BPF subsystem in this process. A Kernel holds live programs, maps and BTF, knows the types and helpers
// that programs are verified against, and answers bpf(2). Several may live side by side; they share nothing
// but the numbers of descriptors. Handles out of a Kernel keep what they need alive, also after it.
// Threads: open, verify, load and create take turns by themselves; everything else runs in parallel.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "osmia/export.h"
#include "osmia/hook.h"
#include "osmia/map.h"
#include "osmia/object.h"
#include "osmia/program.h"
#include "osmia/result.h"

namespace osmia {

enum class Engine { kAuto, kJit, kInterpreter };  // kAuto: the JIT where it can, else the interpreter

struct KernelOptions {
  // Kernel types for CO-RE and BTF programs: this file, else /sys/kernel/btf/vmlinux if machine_btf and it is
  // there, else none.
  std::string btf_path;
  bool machine_btf = true;
  Engine engine = Engine::kAuto;
  bool unprivileged = false;                   // loads are judged as those of a user without capabilities
  bool native_profile = false;                 // accept more than Linux does, where that is sound
  std::uint64_t verifier_memory = 512u << 20;  // bytes; a program that needs more is refused with ENOMEM
  std::vector<HookSpec> hooks;                 // the application's own functions to attach to: hook<…>(…)
};

class OSMIA_API Kernel {
 public:
  // Errors: a BTF file that cannot be read or is unsound.
  static Result<Kernel> create(const KernelOptions& options = {});

  // Errors: ENOENT and others of reading; ENOEXEC, EINVAL with what is wrong in the file.
  Result<ObjectFile> open(const std::string& path) const;
  Result<ObjectFile> open(std::span<const std::byte> elf, std::string name) const;  // the bytes are copied
  Result<Map> create_map(const MapSpec& spec) const;
  // Errors: the verifier's errno; the line is its reason.
  Result<Program> load(const ProgramSpec& spec) const;

  // The hook of this name in KernelOptions::hooks. Errors: ENOENT; EINVAL (another prototype).
  template <class Function>
  Result<Hook<Function>> hook(const std::string& name) const {
    auto found = find_hook(osmia::hook<Function>(name));
    if (!found.ok()) return found.error();
    return Hook<Function>(*std::move(found));
  }
  // Attaches a tracing program to what its section names; cookie: what bpf_get_attach_cookie() gives it.
  // Errors: those of BPF_LINK_CREATE.
  Result<Link> attach(const Program& program, std::uint64_t cookie = 0) const;

  // bpf(2) itself, with Linux 6.12's commands, attributes and errnos: what the system call would return,
  // errors as -errno. attr may be any pointer. Descriptors that it gives are real ones, to be closed with
  // close_fd().
  long bpf(int command, void* attr, unsigned size) const;
  void close_fd(int fd) const;
  // Why this thread's last bpf() failed, one line; empty if the errno says it all.
  static const std::string& last_bpf_error();

  // The sockets that bpf_sk_lookup_tcp() and its kin find, in place of the machine's: text as `ss -tuane`
  // prints it; of all Kernels, and given before programs run. Empty text: none. Errors: EINVAL with the line.
  static Status give_sockets(const std::string& text);
  static void use_machine_sockets();  // as at first

  struct Impl;  // Osmia's own
  explicit Kernel(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

 private:
  Result<AnyHook> find_hook(const HookSpec& spec) const;
  std::shared_ptr<Impl> impl_;
};

}  // namespace osmia
