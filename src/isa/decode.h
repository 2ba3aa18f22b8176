// Program bytes to instruction slots and back (RFC 9669 section 3, little-endian). Only the length can be
// wrong here: what the slots hold is judged by validate.h and the verifier.
#pragma once
#include <span>
#include <vector>

#include "base/result.h"
#include "isa/insn.h"

namespace osmia::isa {

// EINVAL if the length is not a multiple of 8 bytes. No bytes give no instructions.
Result<std::vector<Insn>> decode(std::span<const u8> bytes);
std::vector<u8> encode(std::span<const Insn> prog);

// How many slots the instruction takes: 2 for ld_imm64, else 1.
constexpr size_t slots(const Insn& insn) {
  return is_ld_imm64(insn) ? 2 : 1;
}
// The 64-bit immediate of an ld_imm64 pair.
constexpr u64 imm64(const Insn& lo, const Insn& hi) {
  return static_cast<u64>(static_cast<u32>(hi.imm)) << 32 | static_cast<u32>(lo.imm);
}

}  // namespace osmia::isa
