// By the context's name in the type's definition; nothing here runs anything.
#include "cli/type_view.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/bpf.h>
#include <linux/netfilter.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/bits.h"
#include "cli/stream_input.h"

namespace osmia::cli {
namespace {

constexpr u32 kEthHeader = 14;

bool is_xdp(const runtime::Program& p) {
  return p.type_def->ctx_name == "xdp_md";
}
bool is_dissector(const runtime::Program& p) {
  return p.desc.type == BPF_PROG_TYPE_FLOW_DISSECTOR;
}
bool sees_skb(const runtime::Program& p) {
  return p.type_def->ctx_name == "__sk_buff" && !is_dissector(p);
}
// These start behind the Ethernet header and give zeros in its place.
bool starts_at_network(const runtime::Program& p) {
  return sees_skb(p) && p.desc.type != BPF_PROG_TYPE_SCHED_CLS && p.desc.type != BPF_PROG_TYPE_SCHED_ACT;
}

template <class T>
void put(std::vector<u8>& bytes, size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof value);
}

using Lines = std::vector<std::pair<std::string, nlohmann::ordered_json>>;

std::string address(const void* bytes, int family) {
  char text[INET6_ADDRSTRLEN];
  return inet_ntop(family, bytes, text, sizeof text) ? text : "";
}

void flow_keys(const std::vector<u8>& bytes, Lines& out) {
  if (bytes.size() < sizeof(bpf_flow_keys)) return;
  bpf_flow_keys k;
  std::memcpy(&k, bytes.data(), sizeof k);
  const u16 protocol = k.addr_proto;
  out.emplace_back("nhoff", k.nhoff);
  out.emplace_back("thoff", k.thoff);
  out.emplace_back("addr_proto", fmt::format("{:#06x}", protocol));
  out.emplace_back("ip_proto", k.ip_proto);
  out.emplace_back("n_proto", fmt::format("{:#06x}", ntohs(k.n_proto)));
  if (protocol == 0x0800) {
    out.emplace_back("src", address(&k.ipv4_src, AF_INET));
    out.emplace_back("dst", address(&k.ipv4_dst, AF_INET));
  } else if (protocol == 0x86dd) {
    out.emplace_back("src", address(k.ipv6_src, AF_INET6));
    out.emplace_back("dst", address(k.ipv6_dst, AF_INET6));
  }
  out.emplace_back("sport", ntohs(k.sport));
  out.emplace_back("dport", ntohs(k.dport));
  if (k.is_frag) out.emplace_back("is_frag", true);
  if (k.is_first_frag) out.emplace_back("is_first_frag", true);
  if (k.is_encap) out.emplace_back("is_encap", true);
  if (k.flow_label) out.emplace_back("flow_label", ntohl(k.flow_label));
}

std::string hex(const u8* p, size_t n) {
  std::string s;
  for (size_t i = 0; i < n; i++) s += fmt::format("{}{:02x}", i ? " " : "", p[i]);
  return s;
}

// Fields whose value is not what went in.
void changed_fields(const runtime::Program& p, std::vector<u8> before, const std::vector<u8>& after,
                    Lines& out) {
  before.resize(after.size());
  for (const contract::CtxField& f : p.type_def->fields) {
    const u32 unit = f.elem ? f.elem : f.size;
    for (u32 at = f.offset; unit && unit <= 8 && at + unit <= f.offset + f.size && at + unit <= after.size();
         at += unit) {
      u64 was = 0, is = 0;
      std::memcpy(&was, &before[at], unit);
      std::memcpy(&is, &after[at], unit);
      if (was == is) continue;
      std::string name(f.name);
      if (f.elem) name += fmt::format("[{}]", (at - f.offset) / unit);
      out.emplace_back(std::move(name), is);
    }
  }
}

Lines details(const runtime::Program& p, const runtime::TestRunRequest& request,
              const runtime::TestRunResult& r, bool user_ctx) {
  Lines out;
  if (is_dissector(p)) flow_keys(r.data_out, out);
  if (user_ctx && !r.ctx_out.empty()) changed_fields(p, request.ctx_in, r.ctx_out, out);
  for (const auto& [name, value] : r.shown) out.emplace_back(std::string(name), value);
  if (!r.ctx_in_out.empty() && r.ctx_in_out != request.ctx_in)
    out.emplace_back("context", hex(r.ctx_in_out.data(), r.ctx_in_out.size()));
  return out;
}

}  // namespace

Result<runtime::TestRunRequest> request_for(const runtime::Program& p, RunInput in) {
  constexpr u32 kSkbIngress = 36, kSkbIfindex = 40, kXdpSize = 24, kXdpDataEnd = 4, kXdpIngress = 12,
                kHookState = 48;
  runtime::TestRunRequest r;
  r.data_in = std::move(in.data);
  r.has_data_in = in.has_data;
  r.wants_data_out = in.has_data;
  if (in.has_data) r.data_out_capacity = 1u << 20;
  r.ctx_in = std::move(in.ctx);
  r.has_ctx_in = in.has_ctx;
  r.follow = is_xdp(p);
  r.repeat = in.repeat == 1 ? 0 : in.repeat;  // some types take no number, and none counts as one
  if (in.has_ctx) {
    const bool gives_back = is_xdp(p) || p.type_def->ctx_name == "__sk_buff" ||
                            p.desc.type == BPF_PROG_TYPE_SK_LOOKUP ||
                            p.desc.type == BPF_PROG_TYPE_CGROUP_SOCK_ADDR;
    r.wants_ctx_out = gives_back;
    if (gives_back) r.ctx_out_capacity = p.type_def->ctx_size;
    return r;
  }
  if (in.ifindex && !is_xdp(p) && !sees_skb(p))
    return Error{EINVAL, fmt::format("--ifindex: programs of type {} see no device", p.type_def->name)};
  if (is_xdp(p) && in.has_data) {  // the context tells where the packet begins behind its metadata
    r.ctx_in.resize(kXdpSize);
    put(r.ctx_in, kXdpDataEnd, static_cast<u32>(r.data_in.size()));
    put(r.ctx_in, kXdpIngress, in.ifindex);
    r.has_ctx_in = r.wants_ctx_out = true;
    r.ctx_out_capacity = kXdpSize;
  } else if (in.ifindex) {
    r.ctx_in.resize(p.type_def->ctx_size);
    put(r.ctx_in, kSkbIngress, in.ifindex);
    put(r.ctx_in, kSkbIfindex, in.ifindex);
    r.has_ctx_in = true;
  } else if (p.desc.type == BPF_PROG_TYPE_NETFILTER && r.data_in.size() >= kEthHeader) {
    // A frame that comes in: without a context the bytes would be an IP packet that goes out.
    const u16 protocol = __builtin_bswap16(load_unaligned<u16>(r.data_in.data() + 12));
    if (protocol != 0x0800 && protocol != 0x86dd) return r;
    r.ctx_in.resize(kHookState);
    r.ctx_in[0] = NF_INET_PRE_ROUTING;
    r.ctx_in[1] = protocol == 0x0800 ? NFPROTO_IPV4 : NFPROTO_IPV6;
    r.has_ctx_in = true;
  }
  return r;
}

RunView view_of(const runtime::Program& p, const runtime::TestRunRequest& request,
                const runtime::TestRunResult& r) {
  RunView v;
  if (sees_socket_data(p)) {
    v.changed =
        request.has_data_in && p.desc.type != BPF_PROG_TYPE_SK_REUSEPORT && r.data_out != request.data_in;
    return v;
  }
  if (!request.has_data_in || !(is_xdp(p) || sees_skb(p)) || r.data_out.empty()) return v;
  v.has_packet = true;
  v.packet = r.data_out;
  if (is_xdp(p) && r.ctx_out.size() >= 4) {
    std::memcpy(&v.metadata, r.ctx_out.data(), 4);
    v.metadata = static_cast<u32>(std::min<size_t>(v.metadata, v.packet.size()));
    v.packet.erase(v.packet.begin(), v.packet.begin() + v.metadata);
  }
  if (starts_at_network(p) && v.packet.size() >= kEthHeader && request.data_in.size() >= kEthHeader)
    std::copy_n(request.data_in.begin(), kEthHeader, v.packet.begin());
  u32 given = 0;  // metadata that came with the packet
  if (is_xdp(p) && request.ctx_in.size() >= 4) std::memcpy(&given, request.ctx_in.data(), 4);
  const size_t skip = std::min<size_t>(given, request.data_in.size());
  v.changed = !std::equal(v.packet.begin(), v.packet.end(),
                          request.data_in.begin() + static_cast<std::ptrdiff_t>(skip), request.data_in.end());
  return v;
}

std::string details_text(const runtime::Program& p, const runtime::TestRunRequest& request,
                         const runtime::TestRunResult& r, bool user_ctx) {
  std::string out;
  for (const auto& [name, value] : details(p, request, r, user_ctx))
    out +=
        fmt::format("  {:<20} {:>10}\n", name, value.is_string() ? value.get<std::string>() : value.dump());
  return out;
}
nlohmann::ordered_json details_json(const runtime::Program& p, const runtime::TestRunRequest& request,
                                    const runtime::TestRunResult& r, bool user_ctx) {
  nlohmann::ordered_json out = nlohmann::ordered_json::object();
  for (const auto& [name, value] : details(p, request, r, user_ctx)) out[name] = value;
  return out;
}

}  // namespace osmia::cli
