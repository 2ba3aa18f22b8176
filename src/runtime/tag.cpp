// The program tag: SHA-1 (FIPS 180-4) over the instructions with the immediates of map loads zeroed, cut to 8
// bytes.
#include <bit>
#include <cstring>

#include "runtime/program.h"

namespace osmia::runtime {
namespace {

std::array<u32, 5> sha1(std::vector<u8> m) {
  std::array<u32, 5> h = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  const u64 bits = m.size() * 8;
  m.push_back(0x80);
  while (m.size() % 64 != 56) m.push_back(0);
  for (int i = 7; i >= 0; i--) m.push_back(static_cast<u8>(bits >> (8 * i)));
  for (size_t block = 0; block < m.size(); block += 64) {
    u32 w[80];
    for (int i = 0; i < 16; i++) {
      const u8* p = &m[block + 4 * i];
      w[i] = u32{p[0]} << 24 | u32{p[1]} << 16 | u32{p[2]} << 8 | p[3];
    }
    for (int i = 16; i < 80; i++) w[i] = std::rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    auto [a, b, c, d, e] = h;
    for (int i = 0; i < 80; i++) {
      const u32 f = i < 20   ? (b & c) | (~b & d)
                    : i < 40 ? b ^ c ^ d
                    : i < 60 ? (b & c) | (b & d) | (c & d)
                             : b ^ c ^ d;
      const u32 k = i < 20 ? 0x5a827999 : i < 40 ? 0x6ed9eba1 : i < 60 ? 0x8f1bbcdc : 0xca62c1d6;
      const u32 t = std::rotl(a, 5) + f + e + k + w[i];
      e = d, d = c, c = std::rotl(b, 30), b = a, a = t;
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
  }
  return h;
}

}  // namespace

std::array<u8, 8> program_tag(std::span<const isa::Insn> insns) {
  std::vector<u8> raw(insns.size() * sizeof(isa::Insn));
  bool after_map = false;
  for (size_t i = 0; i < insns.size(); i++) {
    isa::Insn in = insns[i];
    if (!after_map && isa::is_ld_imm64(in) &&
        (in.src == isa::kPseudoMapFd || in.src == isa::kPseudoMapValue)) {
      after_map = true;
      in.imm = 0;
    } else {
      if (after_map && in.code == 0 && in.dst == 0 && in.src == 0 && in.off == 0) in.imm = 0;
      after_map = false;
    }
    std::memcpy(&raw[i * sizeof in], &in, sizeof in);
  }
  const auto h = sha1(std::move(raw));
  std::array<u8, 8> tag{};
  for (int i = 0; i < 8; i++) tag[i] = static_cast<u8>(h[i / 4] >> (24 - 8 * (i % 4)));
  return tag;
}

}  // namespace osmia::runtime
