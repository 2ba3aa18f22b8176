// The wire format, byte by byte, so that it does not depend on how the compiler lays out bit fields.
#include "isa/decode.h"

#include <fmt/format.h>

namespace osmia::isa {

Result<std::vector<Insn>> decode(std::span<const u8> bytes) {
  if (bytes.size() % 8 != 0)
    return Error{EINVAL,
                 fmt::format("program length: expected a multiple of 8 bytes, found {}", bytes.size())};
  std::vector<Insn> prog(bytes.size() / 8);
  for (size_t i = 0; i < prog.size(); ++i) {
    const u8* p = bytes.data() + 8 * i;
    prog[i].code = p[0];
    prog[i].dst = p[1] & 0x0f;
    prog[i].src = p[1] >> 4;
    prog[i].off = static_cast<s16>(p[2] | p[3] << 8);
    prog[i].imm = static_cast<s32>(static_cast<u32>(p[4]) | static_cast<u32>(p[5]) << 8 |
                                   static_cast<u32>(p[6]) << 16 | static_cast<u32>(p[7]) << 24);
  }
  return prog;
}

std::vector<u8> encode(std::span<const Insn> prog) {
  std::vector<u8> bytes;
  bytes.reserve(prog.size() * 8);
  for (const Insn& i : prog) {
    const u16 off = static_cast<u16>(i.off);
    const u32 imm = static_cast<u32>(i.imm);
    for (const u32 b : {u32{i.code}, u32{i.dst} | u32{i.src} << 4, u32{off} & 0xff, u32{off} >> 8, imm & 0xff,
                        imm >> 8 & 0xff, imm >> 16 & 0xff, imm >> 24})
      bytes.push_back(static_cast<u8>(b));
  }
  return bytes;
}

}  // namespace osmia::isa
