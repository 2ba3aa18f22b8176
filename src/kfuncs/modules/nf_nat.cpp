// nf_nat: addresses that a new connection is translated to. Source: net/netfilter/nf_nat_bpf.c.
#include "kfuncs/modules.h"

namespace osmia::kfuncs::modules {
namespace {
const ModuleDeclarations kModules[] = {
    {"nf_nat", "bpf_ct_set_nat_info", R"(
enum nf_nat_manip_type { NF_NAT_MANIP_SRC, NF_NAT_MANIP_DST };
int bpf_ct_set_nat_info(struct nf_conn___init *nfct, union nf_inet_addr *addr, int port,
                        enum nf_nat_manip_type manip);
)"},
};
}  // namespace

std::span<const ModuleDeclarations> def_nf_nat() {
  return kModules;
}

}  // namespace osmia::kfuncs::modules
