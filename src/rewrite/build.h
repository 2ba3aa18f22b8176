// Short names for the instructions that passes write. Registers by number; nothing is checked.
#pragma once
#include <bit>

#include "isa/insn.h"

namespace osmia::rewrite::build {

using isa::Insn;

constexpr u8 alu_class(bool is64) {
  return is64 ? u8{isa::kAlu64} : u8{isa::kAlu};
}
constexpr u8 jmp_class(bool is64) {
  return is64 ? u8{isa::kJmp} : u8{isa::kJmp32};
}
// The size of a load or store; anything but 1, 2 and 4 bytes counts as 8.
constexpr u8 size_code(u32 bytes) {
  return bytes == 1 ? u8{isa::kB} : bytes == 2 ? u8{isa::kH} : bytes == 4 ? u8{isa::kW} : u8{isa::kDw};
}
constexpr Insn alu(bool is64, u8 op, u8 dst, s32 imm) {
  return {.code = static_cast<u8>(alu_class(is64) | op | isa::kK), .dst = dst, .imm = imm};
}
constexpr Insn alu_reg(bool is64, u8 op, u8 dst, u8 src) {
  return {.code = static_cast<u8>(alu_class(is64) | op | isa::kX), .dst = dst, .src = src};
}
constexpr Insn mov(u8 dst, s32 imm) {
  return alu(true, isa::kMov, dst, imm);
}
constexpr Insn mov32(u8 dst, s32 imm) {
  return alu(false, isa::kMov, dst, imm);
}
constexpr Insn mov_reg(u8 dst, u8 src) {
  return alu_reg(true, isa::kMov, dst, src);
}
constexpr Insn mov_sign_extend(u8 dst, u8 src, u32 bytes) {
  return {
      .code = isa::kAlu64 | isa::kMov | isa::kX, .dst = dst, .src = src, .off = static_cast<s16>(bytes * 8)};
}
constexpr Insn jump(s16 off) {
  return {.code = isa::kJmp | isa::kJa, .off = off};
}
constexpr Insn jump_if(bool is64, u8 op, u8 dst, s32 imm, s16 off) {
  return {.code = static_cast<u8>(jmp_class(is64) | op | isa::kK), .dst = dst, .off = off, .imm = imm};
}
constexpr Insn jump_if_reg(bool is64, u8 op, u8 dst, u8 src, s16 off) {
  return {.code = static_cast<u8>(jmp_class(is64) | op | isa::kX), .dst = dst, .src = src, .off = off};
}
constexpr Insn load(u8 size, u8 dst, u8 base, s32 off) {
  return {.code = static_cast<u8>(isa::kLdx | isa::kMem | size),
          .dst = dst,
          .src = base,
          .off = static_cast<s16>(off)};
}
constexpr Insn store(u8 size, u8 base, u8 src, s32 off) {
  return {.code = static_cast<u8>(isa::kStx | isa::kMem | size),
          .dst = base,
          .src = src,
          .off = static_cast<s16>(off)};
}
constexpr Insn store_imm(u8 size, u8 base, s32 imm, s32 off) {
  return {.code = static_cast<u8>(isa::kSt | isa::kMem | size),
          .dst = base,
          .off = static_cast<s16>(off),
          .imm = imm};
}
// Up to the next power of two, minus one: what an index below max_entries is masked with.
constexpr s32 index_mask(u32 max_entries) {
  return static_cast<s32>(std::bit_ceil(max_entries ? max_entries : 1u) - 1);
}
constexpr Insn exit() {
  return {.code = isa::kJmp | isa::kExit};
}

}  // namespace osmia::rewrite::build
