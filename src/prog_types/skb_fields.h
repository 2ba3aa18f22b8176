// The fields of struct __sk_buff, and views of them: every program type on socket buffers shows a part of the
// same struct, writes fewer fields, and reads packet pointers from data, data_end and data_meta (or cannot
// see them).
#pragma once
#include <array>
#include <cstddef>
#include <initializer_list>
#include <string_view>

#include "contract/prog_type_def.h"
#include "host/packet.h"

namespace osmia::prog_types {

inline constexpr u32 kSkbSize = 192;  // sizeof(struct __sk_buff)

#define OSMIA_SKB(member) \
  { {{offsetof(host::SkbContext, member), sizeof(host::SkbContext::member)}}, 1 }
#define OSMIA_SKB_ARRAY(member) \
  { {{offsetof(host::SkbContext, member), 4}}, 1 }
#define OSMIA_SKB_BYTE(member) \
  { {{offsetof(host::SkbContext, member), 1}}, 1 }

namespace skb {
using namespace contract;
inline constexpr u16 kNarrow = kCtxRead | kCtxNarrowRead;
inline constexpr CtxField kAll[] = {
    {0, 4, kNarrow, {RegBase::kScalar}, "len", OSMIA_SKB(len)},
    {4, 4, kNarrow, {RegBase::kScalar}, "pkt_type", OSMIA_SKB(pkt_type)},
    {8, 4, kNarrow, {RegBase::kScalar}, "mark", OSMIA_SKB(mark)},
    {12,
     4,
     kNarrow,
     {RegBase::kScalar},
     "queue_mapping",
     {.steps = {{offsetof(host::SkbContext, queue_mapping), 2}}, .count = 1, .store_limit = 0xffff}},
    {16, 4, kNarrow, {RegBase::kScalar}, "protocol", OSMIA_SKB(protocol)},
    {20, 4, kNarrow, {RegBase::kScalar}, "vlan_present", OSMIA_SKB(vlan_present)},
    {24, 4, kNarrow, {RegBase::kScalar}, "vlan_tci", OSMIA_SKB(vlan_tci)},
    {28, 4, kNarrow, {RegBase::kScalar}, "vlan_proto", OSMIA_SKB(vlan_proto)},
    {32, 4, kNarrow, {RegBase::kScalar}, "priority", OSMIA_SKB(priority)},
    {36, 4, kNarrow, {RegBase::kScalar}, "ingress_ifindex", OSMIA_SKB(ingress_ifindex)},
    {40, 4, kNarrow, {RegBase::kScalar}, "ifindex", OSMIA_SKB(ifindex)},
    {44, 4, kNarrow, {RegBase::kScalar}, "tc_index", OSMIA_SKB(tc_index)},
    {48, 20, kCtxRead | kCtxAnySize, {RegBase::kScalar}, "cb", OSMIA_SKB_ARRAY(cb), 4},
    {68, 4, kNarrow, {RegBase::kScalar}, "hash", OSMIA_SKB(hash)},
    {72, 4, kNarrow, {RegBase::kScalar}, "tc_classid", OSMIA_SKB(tc_classid)},
    {76, 4, kCtxRead, {RegBase::kPacket}, "data", OSMIA_SKB(data)},
    {80, 4, kCtxRead, {RegBase::kPacketEnd}, "data_end", OSMIA_SKB(data_end)},
    {84, 4, kNarrow, {RegBase::kScalar}, "napi_id", OSMIA_SKB(napi_id)},
    {88, 4, kNarrow, {RegBase::kScalar}, "family", OSMIA_SKB(family)},
    {92, 4, kCtxRead, {RegBase::kScalar}, "remote_ip4", OSMIA_SKB(remote_ip4)},
    {96, 4, kCtxRead, {RegBase::kScalar}, "local_ip4", OSMIA_SKB(local_ip4)},
    {100, 16, kCtxRead, {RegBase::kScalar}, "remote_ip6", OSMIA_SKB_ARRAY(remote_ip6), 4},
    {116, 16, kCtxRead, {RegBase::kScalar}, "local_ip6", OSMIA_SKB_ARRAY(local_ip6), 4},
    {132, 4, kNarrow, {RegBase::kScalar}, "remote_port", OSMIA_SKB(remote_port)},
    {136, 4, kNarrow, {RegBase::kScalar}, "local_port", OSMIA_SKB(local_port)},
    {140, 4, kCtxRead, {RegBase::kPacketMeta}, "data_meta", OSMIA_SKB(data_meta)},
    {144, 8, kCtxRead, {RegBase::kFlowKeys}, "flow_keys", OSMIA_SKB(flow_keys)},
    {152, 8, kCtxRead, {RegBase::kScalar}, "tstamp", OSMIA_SKB(tstamp)},
    {160, 4, kNarrow, {RegBase::kScalar}, "wire_len", OSMIA_SKB(wire_len)},
    {164, 4, kNarrow, {RegBase::kScalar}, "gso_segs", OSMIA_SKB(gso_segs)},
    {168, 8, kCtxRead, {RegBase::kSockCommon, kMaybeNull}, "sk", OSMIA_SKB(sk)},
    {176, 4, kNarrow, {RegBase::kScalar}, "gso_size", OSMIA_SKB(gso_size)},
    {180, 1, kCtxRead, {RegBase::kScalar}, "tstamp_type", OSMIA_SKB_BYTE(tstamp_type)},
    {184, 8, kCtxRead, {RegBase::kScalar}, "hwtstamp", OSMIA_SKB(hwtstamp)},
};
inline constexpr std::size_t kCount = std::size(kAll);

constexpr bool has(std::initializer_list<std::string_view> names, std::string_view name) {
  for (std::string_view n : names)
    if (n == name) return true;
  return false;
}
}  // namespace skb

// Address and port fields: "family" to "local_port", for types whose packets belong to a connected socket.
constexpr bool is_skb_endpoint(const contract::CtxField& f) {
  return f.offset >= 88 && f.offset < 140;
}

struct SkbView {
  std::array<contract::CtxField, skb::kCount> fields{};
  std::size_t count = 0;
  constexpr std::span<const contract::CtxField> span() const { return {fields.data(), count}; }
};

// The part of __sk_buff that a program type shows: all but `hidden`; endpoints if asked; `writable` may be
// written. flow_keys and tstamp_type are shown only to the types that name them themselves.
consteval SkbView skb_view(std::initializer_list<std::string_view> hidden, bool endpoints,
                           std::initializer_list<std::string_view> writable) {
  SkbView view;
  for (contract::CtxField f : skb::kAll) {
    if (skb::has(hidden, f.name) || f.name == "flow_keys" || f.name == "tstamp_type") continue;
    if (!endpoints && is_skb_endpoint(f)) continue;
    if (skb::has(writable, f.name)) f.access |= contract::kCtxWrite;
    view.fields[view.count++] = f;
  }
  return view;
}

}  // namespace osmia::prog_types
