// Maps of sockets: storing them and redirecting to them.
// Facts of Linux 6.12's helpers as data; a row is one prototype for the program types that are granted its
// tag.
#include "helpers/code.h"
#include "helpers/helper.h"
#include "helpers/vocabulary.h"

namespace osmia::helpers {
using namespace vocabulary;
namespace {
const HelperEntry kEntries[] = {
    {{.id = 53,
      .name = "bpf_sock_map_update",
      .args = {ctx, map, key, any},
      .effects = kPacketArgs,
      .tag = "sock_ops",
      .map_types = map_types(MapType::kSockmap)}},
    {{.id = 70,
      .name = "bpf_sock_hash_update",
      .args = {ctx, map, key, any},
      .effects = kPacketArgs,
      .tag = "sock_ops",
      .map_types = map_types(MapType::kSockhash)}},
    {{.id = 52,
      .name = "bpf_sk_redirect_map",
      .args = {ctx, map, any, any},
      .tag = "sk_skb",
      .map_types = map_types(MapType::kSockmap)},
     code::sk_redirect_map},
    {{.id = 72,
      .name = "bpf_sk_redirect_hash",
      .args = {ctx, map, key, any},
      .tag = "sk_skb",
      .map_types = map_types(MapType::kSockhash)},
     code::sk_redirect_hash},
    {{.id = 60,
      .name = "bpf_msg_redirect_map",
      .args = {ctx, map, any, any},
      .tag = "sk_msg",
      .map_types = map_types(MapType::kSockmap)},
     code::msg_redirect_map},
    {{.id = 71,
      .name = "bpf_msg_redirect_hash",
      .args = {ctx, map, key, any},
      .tag = "sk_msg",
      .map_types = map_types(MapType::kSockhash)},
     code::msg_redirect_hash},
    {{.id = 82,
      .name = "bpf_sk_select_reuseport",
      .args = {ctx, map, key, any},
      .tag = "sk_reuseport",
      .map_types = map_types(MapType::kReuseportSockarray, MapType::kSockmap, MapType::kSockhash)},
     code::sk_select_reuseport},
};
}  // namespace

std::span<const HelperEntry> def_sock_map() {
  return kEntries;
}

}  // namespace osmia::helpers
