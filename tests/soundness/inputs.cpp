// Half of the packets are Ethernet, IP, TCP or UDP with plausible fields, so that parsers get far; the rest
// is noise.
#include "inputs.h"

#include <linux/bpf.h>

#include <cstring>

namespace osmia::soundness {
namespace {

u8 byte(Random& random) {
  return static_cast<u8>(random());
}

void put16(std::vector<u8>& p, size_t at, u32 v) {
  if (at + 1 >= p.size()) return;
  p[at] = static_cast<u8>(v >> 8);
  p[at + 1] = static_cast<u8>(v);
}

std::vector<u8> random_packet(Random& random) {
  static constexpr size_t kSizes[] = {14, 15, 34, 42, 54, 60, 64, 74, 100, 128, 256, 590, 1024, 1500};
  size_t size = kSizes[random() % std::size(kSizes)];
  if (random() % 4 == 0) size = 14 + random() % 1500;
  std::vector<u8> p(size);
  const bool zeros = random() % 4 == 0;
  for (u8& b : p) b = zeros ? 0 : byte(random);
  if (random() % 4 == 0) return p;
  size_t at = 12;
  for (u32 tags = random() % 4 ? 0 : 1 + random() % 2; tags; tags--) {
    put16(p, at, random() % 2 ? 0x8100 : 0x88a8);
    at += 4;
  }
  const bool v6 = random() % 3 == 0;
  put16(p, at, v6 ? 0x86dd : 0x0800);
  at += 2;
  static constexpr u8 kProtocols[] = {6, 17, 1, 58, 132, 4, 41, 47};
  const u8 protocol = kProtocols[random() % std::size(kProtocols)];
  if (at < size) p[at] = v6 ? 0x60 : static_cast<u8>(0x40 | (random() % 4 ? 5 : random() % 16));
  const size_t proto_at = at + (v6 ? 6 : 9), length_at = at + (v6 ? 4 : 2);
  if (proto_at < size) p[proto_at] = protocol;
  put16(p, length_at, static_cast<u32>(size > at + (v6 ? 40 : 0) ? size - at - (v6 ? 40 : 0) : 0));
  at += v6 ? 40 : 20;
  static constexpr u16 kPorts[] = {80, 443, 53, 22, 7, 8080, 5060};
  put16(p, at, random() % 2 ? kPorts[random() % std::size(kPorts)] : static_cast<u32>(random()));
  put16(p, at + 2, random() % 2 ? kPorts[random() % std::size(kPorts)] : static_cast<u32>(random()));
  if (protocol == 6 && at + 12 < size) p[at + 12] = static_cast<u8>((random() % 4 ? 5 : random() % 16) << 4);
  return p;
}

u64 random_value(Random& random) {
  switch (random() % 6) {
    case 0: return random() % 4;
    case 1: return random() % 300;
    case 2: return static_cast<u32>(random());
    case 3: return 0 - random() % 10;
    case 4: return u64{1} << random() % 64;
    default: return random();
  }
}

std::vector<u8> random_bytes(size_t n, Random& random) {
  std::vector<u8> out(n + 8);
  for (size_t i = 0; i < n; i += 8) {
    const u64 v = random_value(random);
    std::memcpy(out.data() + i, &v, 8);
  }
  out.resize(n);
  return out;
}

}  // namespace

runtime::TestRunRequest random_request(u32 type, u32 max_ctx_offset, Random& random) {
  runtime::TestRunRequest r;
  if (type == BPF_PROG_TYPE_SYSCALL || type == BPF_PROG_TYPE_RAW_TRACEPOINT ||
      type == BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE) {
    r.ctx_in = random_bytes(type == BPF_PROG_TYPE_SYSCALL ? max_ctx_offset : 96, random);
    r.has_ctx_in = true;
    if (type == BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE) {
      // An argument may be taken for the tracepoint's buffer, which is then read and written.
      alignas(8) static u8 buffer[1 << 16];
      const u64 address = reinterpret_cast<u64>(buffer);
      for (size_t i = 0; i < r.ctx_in.size(); i += 8) std::memcpy(&r.ctx_in[i], &address, 8);
    }
    return r;
  }
  r.data_in = random_packet(random);
  r.has_data_in = true;
  if (random() % 2) return r;
  if (type == BPF_PROG_TYPE_XDP) {
    xdp_md md{};
    md.data = random() % 2 ? 0 : 4 * (random() % 8);
    md.data_end = static_cast<u32>(r.data_in.size());
    if (md.data + 14 > md.data_end) md.data = 0;
    if (random() % 8 == 0) md.data_end = md.data + static_cast<u32>(random() % (md.data_end - md.data + 1));
    md.ingress_ifindex = random() % 2;
    r.ctx_in.resize(sizeof md);
    std::memcpy(r.ctx_in.data(), &md, sizeof md);
  } else {
    __sk_buff s{};
    s.mark = static_cast<u32>(random_value(random));
    s.priority = static_cast<u32>(random_value(random));
    s.ingress_ifindex = static_cast<u32>(random_value(random));
    s.ifindex = random() % 2;
    for (u32& c : s.cb) c = static_cast<u32>(random_value(random));
    s.tstamp = random_value(random);
    s.gso_segs = static_cast<u32>(random() % 65536);
    s.gso_size = static_cast<u32>(random() % 65536);
    s.hwtstamp = random_value(random);
    r.ctx_in.resize(sizeof s);
    std::memcpy(r.ctx_in.data(), &s, sizeof s);
  }
  r.has_ctx_in = true;
  return r;
}

void fill_map(maps::Map& map, Random& random) {
  const verifier::MapInfo& info = map.info();
  if (info.frozen || info.record || !info.def || !info.key_size || !info.value_size) return;
  const std::string_view kind = info.def->name;
  const bool array = kind == "array" || kind == "percpu_array";
  if (!array && kind != "hash" && kind != "lru_hash" && kind != "percpu_hash" && kind != "lpm_trie") return;
  if (info.value_size > 1u << 16) return;
  const u32 count = std::min<u32>(info.max_entries, 32);
  for (u32 i = 0; i < count; i++) {
    std::vector<u8> key = random() % 2 ? random_bytes(info.key_size, random) : std::vector<u8>(info.key_size);
    const u32 index = array ? i : static_cast<u32>(random() % 8);
    if (array || random() % 2) std::memcpy(key.data(), &index, std::min<size_t>(4, key.size()));
    if (array && random() % 4 == 0) continue;
    const std::vector<u8> value = random_bytes(info.value_size, random);
    (void)map.update(key.data(), value.data(), 0);
  }
}

}  // namespace osmia::soundness
