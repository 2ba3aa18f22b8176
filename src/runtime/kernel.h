// The Kernel: everything that is live. Id tables of maps, programs, BTF and links, the Catalog that programs
// are verified against, who the caller is, and the hooks by which engines and test runs join. Several Kernels
// may live in a process.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <variant>

#include "contract/catalog.h"
#include "runtime/ids.h"
#include "runtime/link.h"
#include "runtime/program.h"
#include "runtime/test_run.h"

namespace osmia::runtime {

// Who calls bpf(2). caps: bit n = contract::Capability n; kSysAdmin stands for all of them but kSysBoot, as
// on Linux.
struct Cred {
  u32 caps = ~0u;
  u32 uid = 0;
  bool capable(contract::Capability c) const { return effective() >> static_cast<u32>(c) & 1; }
  u32 effective() const {
    constexpr u32 kAdmin = 1u << static_cast<u32>(contract::Capability::kSysAdmin);
    constexpr u32 kBoot = 1u << static_cast<u32>(contract::Capability::kSysBoot);
    return (caps & kAdmin ? ~kBoot : 1u) | caps;
  }
};

using Object = std::variant<std::monostate, maps::MapPtr, ProgramPtr, BtfObjectPtr, LinkPtr>;

// Which engine programs get when they are loaded.
enum class JitMode : u8 {
  kAuto,  // machine code where the JIT can, else the interpreter
  kOff,
  kOn,  // machine code, or the program is loaded without an Executable
};
// "auto", "off" or "on"; anything else is an EINVAL that says so.
Result<JitMode> jit_mode(std::string_view text);

class Tracepoints;      // runtime/tracepoints.h
class TracedFunctions;  // runtime/traced_function.h

class Kernel {
 public:
  // catalog: shared, never changed. Its vmlinux BTF (if any) becomes BTF object 1.
  // module_names: of the catalog's module BTFs, in their order ("bpf_testmod").
  explicit Kernel(std::shared_ptr<const contract::Catalog> catalog,
                  const std::vector<std::string>& module_names = {});
  ~Kernel();

  const contract::Catalog& catalog() const { return *catalog_; }
  const BtfObjectPtr& vmlinux() const { return vmlinux_; }
  // The structs of functions that the catalog describes and its BTF has; never null.
  const std::shared_ptr<maps::StructOpsTypes>& struct_ops() const { return struct_ops_; }

  IdTable<maps::Map> maps;
  IdTable<Program> programs;
  IdTable<BtfObject> btfs;
  IdTable<Link> links;
  // With the programs at them; links share them.
  const std::shared_ptr<Tracepoints> tracepoints;
  const std::shared_ptr<TracedFunctions> functions;

  // Asked at every call. Default: all capabilities.
  std::function<Cred()> credentials = [] { return Cred{}; };
  bool unprivileged_disabled = false;          // kernel.unprivileged_bpf_disabled
  JitMode jit = JitMode::kAuto;                // of programs loaded from now on
  jit::Tier jit_tier = jit::Tier::kOptimised;  // for tests: what the JIT is asked for
  bool native_profile = false;                 // accept more than Linux where sound
  std::atomic<u32> stats_users{
      0};  // open ENABLE_STATS descriptors; programs count their runs while there are any

  // Called with an accepted program before anybody can see it: rewrites it and gives it an Executable. An
  // error is PROG_LOAD's. Null: programs are verified and cannot run.
  std::function<Status(Kernel&, Program&)> prepare;
  // Called with every verdict (also of refused programs), for reports.
  std::function<void(const verifier::Program&, const verifier::Verdict&)> on_verdict;
  std::function<bool(u64 insns_processed)> on_progress;  // false cancels the load with EAGAIN
  u64 state_memory_limit = 512ull << 20;
  // Soundness tests: who watches the verification of this program (null: nobody).
  std::function<verifier::Observer*(const verifier::Program&)> observe;

  std::map<u32, TestRunFn> test_runs;  // by program type; fill before use

  // Pinned objects by path.
  std::mutex pins_mutex;
  std::map<std::string, Object> pins;

  BtfObjectPtr add_btf(btf::BtfPtr btf, bool kernel, std::string name);

 private:
  std::shared_ptr<const contract::Catalog> catalog_;
  BtfObjectPtr vmlinux_;
  std::shared_ptr<maps::StructOpsTypes> struct_ops_;
  std::vector<BtfObjectPtr> kernel_btfs_;  // never go
};

}  // namespace osmia::runtime
