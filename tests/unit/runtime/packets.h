// Packets for tests: by hand, and those of the capture in examples/.
#pragma once
#include <fstream>
#include <iterator>
#include <vector>

#include "base/bits.h"

namespace osmia::runtime {

inline std::vector<u8> zeros(size_t n) {
  return std::vector<u8>(n);
}
inline std::vector<u8> counting(size_t n) {
  std::vector<u8> p(n);
  for (size_t i = 0; i < n; i++) p[i] = static_cast<u8>(i * 7 + 1);
  return p;
}
// Ethernet, IPv4, UDP with so many bytes of payload.
inline std::vector<u8> udp4(size_t payload) {
  std::vector<u8> p = {2,    0,
                       0,    0,
                       0,    1,
                       2,    0,
                       0,    0,
                       0,    2,
                       8,    0,
                       0x45, 0,
                       0,    static_cast<u8>(28 + payload),
                       0x12, 0x34,
                       0x40, 0,
                       64,   17,
                       0xab, 0xcd,
                       10,   0,
                       0,    1,
                       10,   0,
                       0,    2,
                       0x30, 0x39,
                       0,    53,
                       0,    static_cast<u8>(8 + payload),
                       0x55, 0x66};
  for (size_t i = 0; i < payload; i++) p.push_back(static_cast<u8>(i));
  return p;
}
inline std::vector<u8> udp6() {
  std::vector<u8> p(14 + 40 + 8 + 4);
  p[12] = 0x86, p[13] = 0xdd, p[14] = 0x60, p[20] = 17, p[21] = 64;
  for (int i = 0; i < 32; i++) p[22 + i] = static_cast<u8>(0x20 + i);
  return p;
}
inline std::vector<u8> tagged(u16 tci) {
  auto p = udp4(20);
  const u8 tag[] = {0x81, 0, static_cast<u8>(tci >> 8), static_cast<u8>(tci)};
  p.insert(p.begin() + 12, tag, tag + 4);
  return p;
}
// The packets of a classic little-endian pcap file.
inline std::vector<std::vector<u8>> capture(const char* path) {
  std::ifstream in(path, std::ios::binary);
  const std::vector<u8> file((std::istreambuf_iterator<char>(in)), {});
  std::vector<std::vector<u8>> out;
  for (size_t at = 24; at + 16 <= file.size();) {
    const u32 length = load_unaligned<u32>(file.data() + at + 8);
    at += 16;
    if (at + length > file.size()) break;
    out.emplace_back(file.begin() + static_cast<long>(at), file.begin() + static_cast<long>(at + length));
    at += length;
  }
  return out;
}

}  // namespace osmia::runtime
