// fou: foo-over-UDP encapsulation. Source: net/ipv4/fou_bpf.c.
#include "kfuncs/modules.h"

namespace osmia::kfuncs::modules {
namespace {
const ModuleDeclarations kModules[] = {
    {"fou", "bpf_skb_set_fou_encap", R"(
struct bpf_fou_encap { __be16 sport; __be16 dport; };
enum bpf_fou_encap_type { FOU_BPF_ENCAP_FOU, FOU_BPF_ENCAP_GUE };
int bpf_skb_set_fou_encap(struct __sk_buff *skb_ctx, struct bpf_fou_encap *encap, int type);
int bpf_skb_get_fou_encap(struct __sk_buff *skb_ctx, struct bpf_fou_encap *encap);
)"},
};
}  // namespace

std::span<const ModuleDeclarations> def_fou() {
  return kModules;
}

}  // namespace osmia::kfuncs::modules
