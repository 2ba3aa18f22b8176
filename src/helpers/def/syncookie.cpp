// TCP SYN cookies.
// Facts of Linux 6.12's helpers as data; a row is one prototype for the program types that are granted its
// tag.
#include "helpers/code.h"
#include "helpers/helper.h"
#include "helpers/vocabulary.h"

namespace osmia::helpers {
using namespace vocabulary;
namespace {
const HelperEntry kEntries[] = {
    {{.id = 100,
      .name = "bpf_tcp_check_syncookie",
      .args = {any_sock, mem_in, size, mem_in, size},
      .effects = kPacketArgs,
      .gpl_only = true,
      .tag = "syncookie"},
     code::tcp_check_syncookie},
    {{.id = 110,
      .name = "bpf_tcp_gen_syncookie",
      .args = {any_sock, mem_in, size, mem_in, size},
      .effects = kPacketArgs,
      .gpl_only = true,
      .tag = "syncookie"},
     code::tcp_gen_syncookie},
    {{.id = 204,
      .name = "bpf_tcp_raw_gen_syncookie_ipv4",
      .args = {fixed_mem(20), mem, size0},
      .effects = kPacketArgs,
      .gpl_only = true,
      .tag = "syncookie"},
     code::raw_gen_syncookie_ipv4},
    {{.id = 205,
      .name = "bpf_tcp_raw_gen_syncookie_ipv6",
      .args = {fixed_mem(40), mem, size0},
      .effects = kPacketArgs,
      .gpl_only = true,
      .tag = "syncookie"},
     code::raw_gen_syncookie_ipv6},
    {{.id = 206,
      .name = "bpf_tcp_raw_check_syncookie_ipv4",
      .args = {fixed_mem(20), fixed_mem(20)},
      .effects = kPacketArgs,
      .gpl_only = true,
      .tag = "syncookie"},
     code::raw_check_syncookie_ipv4},
    {{.id = 207,
      .name = "bpf_tcp_raw_check_syncookie_ipv6",
      .args = {fixed_mem(40), fixed_mem(20)},
      .effects = kPacketArgs,
      .gpl_only = true,
      .tag = "syncookie"},
     code::raw_check_syncookie_ipv6},
};
}  // namespace

std::span<const HelperEntry> def_syncookie() {
  return kEntries;
}

}  // namespace osmia::helpers
