// iter/bpf_prog: every program of the Kernel, as struct bpf_prog.
#include "runtime/iter/id_walk.h"
#include "runtime/iter/kernel_view.h"

namespace osmia::runtime::iter_targets {
namespace {

Result<std::unique_ptr<IterWalk>> open(Kernel& kernel, const btf::BtfPtr& types, const IterScope&) {
  return std::unique_ptr<IterWalk>(new IdWalk<Program>(kernel.programs, types, make_program_object));
}

}  // namespace

constexpr IterTarget kBpfProg{.name = "bpf_prog", .open = open};

}  // namespace osmia::runtime::iter_targets
