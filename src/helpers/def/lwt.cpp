// Lightweight tunnels: encapsulation and segment routing.
// Facts of Linux 6.12's helpers as data; a row is one prototype for the program types that are granted its
// tag.
#include "helpers/helper.h"
#include "helpers/vocabulary.h"

namespace osmia::helpers {
using namespace vocabulary;
namespace {
const HelperEntry kEntries[] = {
    {{.id = 73,
      .name = "bpf_lwt_push_encap",
      .args = {ctx, any, mem_in, size},
      .effects = kChangesPacketData,
      .tag = "lwt_in"}},
    {{.id = 73,
      .name = "bpf_lwt_push_encap",
      .args = {ctx, any, mem_in, size},
      .effects = kChangesPacketData,
      .tag = "lwt_xmit"}},
    {{.id = 74,
      .name = "bpf_lwt_seg6_store_bytes",
      .args = {ctx, any, mem_in, size},
      .effects = kChangesPacketData,
      .tag = "lwt_seg6"}},
    {{.id = 76,
      .name = "bpf_lwt_seg6_action",
      .args = {ctx, any, mem_in, size},
      .effects = kChangesPacketData,
      .tag = "lwt_seg6"}},
    {{.id = 75,
      .name = "bpf_lwt_seg6_adjust_srh",
      .args = {ctx, any, any},
      .effects = kChangesPacketData,
      .tag = "lwt_seg6"}},
};
}  // namespace

std::span<const HelperEntry> def_lwt() {
  return kEntries;
}

}  // namespace osmia::helpers
