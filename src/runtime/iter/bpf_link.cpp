// iter/bpf_link: every link of the Kernel, as struct bpf_link.
#include "runtime/iter/id_walk.h"
#include "runtime/iter/kernel_view.h"

namespace osmia::runtime::iter_targets {
namespace {

Result<std::unique_ptr<IterWalk>> open(Kernel& kernel, const btf::BtfPtr& types, const IterScope&) {
  return std::unique_ptr<IterWalk>(new IdWalk<Link>(kernel.links, types, make_link_object));
}

}  // namespace

constexpr IterTarget kBpfLink{.name = "bpf_link", .open = open};

}  // namespace osmia::runtime::iter_targets
