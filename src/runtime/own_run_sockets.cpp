// Streams and messages of sockets in socket maps, and the choice among sockets that share a port. Each
// repetition sees the data as it was given.
#include <linux/bpf.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "base/bits.h"
#include "host/message.h"
#include "host/run_context.h"
#include "host/sockets.h"
#include "runtime/own_run.h"
#include "runtime/test_run_code.h"

namespace osmia::runtime {
namespace {

constexpr u32 kMostData = 1u << 20, kRoom = 16384, kEstablished = 1, kStream = 1;

Error invalid(const std::string& what) {
  return {EINVAL, what};
}

// Bytes [first, last) of a context that is `size` long may be given; all else is zero.
Result<std::vector<u8>> given_context(const TestRunRequest& r, u32 size, size_t first, size_t last) {
  OSMIA_ASSIGN(ContextBytes ctx, context_in(r, size));
  ctx.bytes.resize(size);
  for (size_t i = 0; i < size; i++)
    if (ctx.bytes[i] && (i < first || i >= last))
      return invalid("context: expected zero at byte " + std::to_string(i));
  return std::move(ctx.bytes);
}
Status check_request(Program& p, const TestRunRequest& r) {
  if (r.flags || r.cpu || r.batch_size)
    return invalid("flags, cpu or batch_size: not possible for this type");
  if (r.data_in.size() > kMostData) return Error{E2BIG, "data_in: expected at most 1 MiB"};
  return check_executable(p);
}

// The established connection that stream and message belong to.
template <class Context>
void connect(host::Socket& s, const Context& c, u32 dst_port, u32 src_port) {
  s.family = c.family;
  s.type = kStream;
  s.protocol = host::kProtocolTcp;
  s.state = kEstablished;
  s.src_ip4 = c.local_ip4;
  s.dst_ip4 = c.remote_ip4;
  std::memcpy(s.src_ip6, c.local_ip6, sizeof s.src_ip6);
  std::memcpy(s.dst_ip6, c.remote_ip6, sizeof s.dst_ip6);
  s.dst_port = static_cast<u16>(dst_port);
  s.src_port = src_port;
  s.tcp = reinterpret_cast<u64>(&s.tcp_fields);
}

// `run` once for each repetition; the duration becomes the average.
template <class Run>
void repeat(Program& p, const TestRunRequest& r, TestRunResult& out, const Run& run) {
  host::RunScope scope(static_cast<const maps::ProgObject*>(&p));
  u64 total = 0;
  for (u32 i = 0, n = std::max(r.repeat, 1u); i < n; i++) {
    run();
    total += out.duration_ns;
    out.duration_ns = static_cast<u32>(total / (i + 1));
  }
}

}  // namespace

Result<TestRunResult> own_run_sk_skb(Kernel&, Program& p, const TestRunRequest& r) {
  OSMIA_TRY(check_request(p, r));
  constexpr size_t kFirst = offsetof(__sk_buff, family), kLast = offsetof(__sk_buff, local_port) + 4;
  OSMIA_ASSIGN(const std::vector<u8> ctx, given_context(r, sizeof(__sk_buff), kFirst, kLast));
  __sk_buff given{};
  std::memcpy(&given, ctx.data(), sizeof given);
  host::Socket socket;
  connect(socket, given, given.remote_port >> 16, given.local_port);
  std::vector<u8> buffer(2 * kRoom + r.data_in.size());
  TestRunResult out;
  host::SkbContext s;
  repeat(p, r, out, [&] {
    s = {};
    std::copy(r.data_in.begin(), r.data_in.end(), buffer.begin() + kRoom);
    s.head = reinterpret_cast<u64>(buffer.data());
    s.tail_limit = s.head + buffer.size();
    s.data = s.network_header = s.head + kRoom;
    s.len = static_cast<u32>(r.data_in.size());
    s.data_end = s.data + s.len;
    s.family = static_cast<u16>(given.family);
    s.protocol = given.family == host::kFamilyInet6 ? 0xdd86 : 0x0008;
    s.remote_ip4 = given.remote_ip4;
    s.local_ip4 = given.local_ip4;
    std::memcpy(s.remote_ip6, given.remote_ip6, sizeof s.remote_ip6);
    std::memcpy(s.local_ip6, given.local_ip6, sizeof s.local_ip6);
    s.remote_port = given.remote_port;
    s.local_port = static_cast<u16>(given.local_port);
    s.ifindex = 1;
    s.sk = reinterpret_cast<u64>(&socket);
    timed_runs(p, &s, 1, out);
  });
  const auto* data = reinterpret_cast<const u8*>(s.data);
  out.data_out.assign(data, data + s.len);
  return out;
}

Result<TestRunResult> own_run_sk_msg(Kernel&, Program& p, const TestRunRequest& r) {
  OSMIA_TRY(check_request(p, r));
  constexpr size_t kFirst = offsetof(sk_msg_md, family), kLast = offsetof(sk_msg_md, size);
  OSMIA_ASSIGN(const std::vector<u8> ctx, given_context(r, sizeof(sk_msg_md), kFirst, kLast));
  host::Socket socket;
  TestRunResult out;
  host::MessageContext m;
  repeat(p, r, out, [&] {
    m = {};
    std::memcpy(reinterpret_cast<u8*>(&m) + kFirst, ctx.data() + kFirst, kLast - kFirst);
    connect(socket, m, m.remote_port >> 16, m.local_port);
    m.buffer = r.data_in;
    m.buffer.reserve(m.buffer.size() + 1);  // an address even if there is no byte
    m.size = static_cast<u32>(m.buffer.size());
    if (m.size) m.parts.push_back(m.size);
    m.data = reinterpret_cast<u64>(m.buffer.data());
    m.data_end = m.data + m.size;
    m.sk = reinterpret_cast<u64>(&socket);
    timed_runs(p, &m, 1, out);
  });
  out.data_out = std::move(m.buffer);
  if (m.apply_bytes) out.shown.emplace_back("apply_bytes", m.apply_bytes);
  if (m.cork_bytes) out.shown.emplace_back("cork_bytes", m.cork_bytes);
  return out;
}

namespace {

// The group is that of the first socket of the program's maps; without one, of a socket nobody shares.
host::Socket* group_of(Program& p) {
  std::lock_guard lock(p.maps_mutex);
  for (const u32 type : {BPF_MAP_TYPE_REUSEPORT_SOCKARRAY, BPF_MAP_TYPE_SOCKMAP})
    for (const maps::MapPtr& m : p.maps)
      for (u32 key = 0; m->type() == type && key < m->max_entries(); key++)
        if (void* found = m->lookup(&key)) return static_cast<host::Socket*>(found);
  return nullptr;
}

}  // namespace

Result<TestRunResult> own_run_sk_reuseport(Kernel&, Program& p, const TestRunRequest& r) {
  OSMIA_TRY(check_request(p, r));
  constexpr size_t kFirst = offsetof(sk_reuseport_md, eth_protocol),
                   kLast = offsetof(sk_reuseport_md, hash) + 4;
  OSMIA_ASSIGN(const std::vector<u8> ctx, given_context(r, sizeof(sk_reuseport_md), kFirst, kLast));
  sk_reuseport_md given{};
  std::memcpy(&given, ctx.data(), sizeof given);
  TestRunResult out;
  host::Socket nobody;
  nobody.protocol = given.ip_protocol;
  nobody.family = host::kFamilyInet;
  std::vector<u8> bytes = r.data_in;
  bytes.reserve(bytes.size() + 1);
  repeat(p, r, out, [&] {
    host::Socket* group = group_of(p);
    host::SkbContext packet;
    packet.head = packet.data = packet.network_header = reinterpret_cast<u64>(bytes.data());
    packet.len = static_cast<u32>(bytes.size());
    packet.data_end = packet.tail_limit = packet.data + packet.len;
    packet.protocol = static_cast<u16>(given.eth_protocol);
    host::ReuseportContext c;
    c.data = packet.data;
    c.data_end = packet.data_end;
    c.len = packet.len;
    c.eth_protocol = given.eth_protocol;
    c.ip_protocol = given.ip_protocol;
    c.bind_inany = given.bind_inany;
    c.hash = given.hash;
    c.sk = reinterpret_cast<u64>(group ? group : &nobody);
    c.packet = &packet;
    timed_runs(p, &c, 1, out);
    host::release_socket(group);
  });
  return out;
}

std::map<u32, TestRunFn> own_run_table() {
  std::map<u32, TestRunFn> table = own_hook_runs();
  table[BPF_PROG_TYPE_SK_SKB] = own_run_sk_skb;
  table[BPF_PROG_TYPE_SK_MSG] = own_run_sk_msg;
  table[BPF_PROG_TYPE_SK_REUSEPORT] = own_run_sk_reuseport;
  return table;
}

}  // namespace osmia::runtime
