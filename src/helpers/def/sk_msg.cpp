// Data of a message on its way into a socket.
// Facts of Linux 6.12's helpers as data; a row is one prototype for the program types that are granted its
// tag.
#include "helpers/code.h"
#include "helpers/helper.h"
#include "helpers/vocabulary.h"

namespace osmia::helpers {
using namespace vocabulary;
namespace {
const HelperEntry kEntries[] = {
    {{.id = 61, .name = "bpf_msg_apply_bytes", .args = {ctx, any}, .tag = "sk_msg"}, code::msg_apply_bytes},
    {{.id = 62, .name = "bpf_msg_cork_bytes", .args = {ctx, any}, .tag = "sk_msg"}, code::msg_cork_bytes},
    {{.id = 63,
      .name = "bpf_msg_pull_data",
      .args = {ctx, any, any, any},
      .effects = kChangesPacketData,
      .tag = "sk_msg"},
     code::msg_pull_data},
    {{.id = 90,
      .name = "bpf_msg_push_data",
      .args = {ctx, any, any, any},
      .effects = kChangesPacketData,
      .tag = "sk_msg"},
     code::msg_push_data},
    {{.id = 91,
      .name = "bpf_msg_pop_data",
      .args = {ctx, any, any, any},
      .effects = kChangesPacketData,
      .tag = "sk_msg"},
     code::msg_pop_data},
};
}  // namespace

std::span<const HelperEntry> def_sk_msg() {
  return kEntries;
}

}  // namespace osmia::helpers
