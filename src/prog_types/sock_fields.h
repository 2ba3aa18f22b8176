// The fields of struct bpf_sock: what programs read of a socket, and the context of cgroup_sock programs.
#pragma once
#include <array>
#include <cstddef>

#include "contract/prog_type_def.h"

namespace osmia::prog_types {

namespace sock {
using namespace contract;
inline constexpr u16 kNarrow = kCtxRead | kCtxNarrowRead;
inline constexpr u16 kFirst = kCtxRead | kCtxNarrowRead | kCtxNarrowFirst;
inline constexpr CtxField kAll[] = {
    {.offset = 0, .size = 4, .name = "bound_dev_if"},
    {.offset = 4, .size = 4, .access = kFirst, .name = "family"},
    {.offset = 8, .size = 4, .access = kFirst, .name = "type"},
    {.offset = 12, .size = 4, .access = kFirst, .name = "protocol"},
    {.offset = 16, .size = 4, .name = "mark"},
    {.offset = 20, .size = 4, .name = "priority"},
    {.offset = 24, .size = 4, .access = kNarrow, .name = "src_ip4"},
    {.offset = 28, .size = 16, .access = kNarrow, .name = "src_ip6", .elem = 4},
    {.offset = 44, .size = 4, .access = kFirst, .name = "src_port"},
    {.offset = 48, .size = 2, .access = kNarrow | kCtxWord, .name = "dst_port"},
    {.offset = 52, .size = 4, .access = kNarrow, .name = "dst_ip4"},
    {.offset = 56, .size = 16, .access = kNarrow, .name = "dst_ip6", .elem = 4},
    {.offset = 72, .size = 4, .access = kFirst, .name = "state"},
    {.offset = 76, .size = 4, .access = kFirst, .name = "rx_queue_mapping"},
};
}  // namespace sock

struct SockFields {
  std::array<contract::CtxField, std::size(sock::kAll)> fields{};
  std::size_t count = 0;
  constexpr std::span<const contract::CtxField> span() const { return {fields.data(), count}; }
};

// full: a full socket; else one that may be a request or time-wait socket, which has no type to priority.
consteval SockFields sock_fields(bool full) {
  SockFields out;
  for (const contract::CtxField& f : sock::kAll) {
    if (!full && f.offset >= 8 && f.offset < 24) continue;
    out.fields[out.count++] = f;
  }
  return out;
}

}  // namespace osmia::prog_types
