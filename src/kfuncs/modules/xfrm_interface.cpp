// xfrm_interface: which IPsec interface a packet goes by. Source: net/xfrm/xfrm_interface_bpf.c.
#include "kfuncs/modules.h"

namespace osmia::kfuncs::modules {
namespace {
const ModuleDeclarations kModules[] = {
    {"xfrm_interface", "bpf_skb_get_xfrm_info", R"(
struct bpf_xfrm_info { u32 if_id; int link; };
int bpf_skb_get_xfrm_info(struct __sk_buff *skb_ctx, struct bpf_xfrm_info *to);
int bpf_skb_set_xfrm_info(struct __sk_buff *skb_ctx, const struct bpf_xfrm_info *from);
)"},
};
}  // namespace

std::span<const ModuleDeclarations> def_xfrm_interface() {
  return kModules;
}

}  // namespace osmia::kfuncs::modules
