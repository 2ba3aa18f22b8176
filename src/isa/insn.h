// One BPF instruction slot, bit-compatible with the UAPI's struct bpf_insn (RFC 9669 section 3), and the
// encoding constants. What each opcode means is in opcode_table.h alone.
#pragma once
#include <type_traits>

#include "base/types.h"

namespace osmia::isa {

struct Insn {
  u8 code = 0;
  u8 dst : 4 = 0;
  u8 src : 4 = 0;
  s16 off = 0;
  s32 imm = 0;

  constexpr u8 cls() const { return code & 0x07; }
  constexpr u8 op() const { return code & 0xf0; }            // ALU and JMP classes
  constexpr bool is_reg_src() const { return code & 0x08; }  // BPF_X
  constexpr u8 size_bits() const { return code & 0x18; }     // load and store classes
  constexpr u8 mode() const { return code & 0xe0; }          // load and store classes
  friend constexpr bool operator==(const Insn&, const Insn&) = default;
};
static_assert(sizeof(Insn) == 8);

enum Class : u8 { kLd = 0, kLdx = 1, kSt = 2, kStx = 3, kAlu = 4, kJmp = 5, kJmp32 = 6, kAlu64 = 7 };
enum Size : u8 { kW = 0x00, kH = 0x08, kB = 0x10, kDw = 0x18 };
enum Mode : u8 {
  kImm = 0x00,
  kAbs = 0x20,
  kInd = 0x40,
  kMem = 0x60,
  kMemsx = 0x80,
  kAtomic = 0xc0,
};
// Internal modes that rewrite/ emits and users may not (validation refuses them on input).
enum InternalMode : u8 { kProbeMem = 0x20, kProbeMemsx = 0x40, kProbeMem32 = 0xa0, kProbeAtomic = 0xe0 };
enum Source : u8 { kK = 0x00, kX = 0x08 };
enum AluOp : u8 {
  kAdd = 0x00,
  kSub = 0x10,
  kMul = 0x20,
  kDiv = 0x30,
  kOr = 0x40,
  kAnd = 0x50,
  kLsh = 0x60,
  kRsh = 0x70,
  kNeg = 0x80,
  kMod = 0x90,
  kXor = 0xa0,
  kMov = 0xb0,
  kArsh = 0xc0,
  kEnd = 0xd0,
};
enum JmpOp : u8 {
  kJa = 0x00,
  kJeq = 0x10,
  kJgt = 0x20,
  kJge = 0x30,
  kJset = 0x40,
  kJne = 0x50,
  kJsgt = 0x60,
  kJsge = 0x70,
  kCall = 0x80,
  kExit = 0x90,
  kJlt = 0xa0,
  kJle = 0xb0,
  kJslt = 0xc0,
  kJsle = 0xd0,
  kJcond = 0xe0,
};
enum AtomicImm : s32 { kFetch = 0x01, kXchg = 0xe1, kCmpxchg = 0xf1 };
// src of ld_imm64
enum PseudoLd : u8 {
  kPseudoMapFd = 1,
  kPseudoMapValue = 2,
  kPseudoBtfId = 3,
  kPseudoFunc = 4,
  kPseudoMapIdx = 5,
  kPseudoMapIdxValue = 6,
};
// src of call
enum PseudoCall : u8 { kHelperCall = 0, kPseudoCall = 1, kPseudoKfuncCall = 2 };
enum MovOff : s16 { kAddrSpaceCast = 1 };  // off of an ALU64 MOV_X; imm holds (dst_as << 16) | src_as
enum JcondSrc : u8 { kMayGoto = 0 };

enum Reg : u8 { kR0, kR1, kR2, kR3, kR4, kR5, kR6, kR7, kR8, kR9, kR10, kAx };
inline constexpr u8 kFp = kR10;
inline constexpr int kMaxReg = 11;            // R0..R10, without the hidden AX
inline constexpr int kMaxInsnsUnpriv = 4096;  // BPF_MAXINSNS
inline constexpr int kComplexityLimitInsns = 1000000;

// The parts of a code byte (and of an atomic's imm) combine with |, whichever enumerations they are from.
template <class T>
concept CodePart = std::is_same_v<T, Class> || std::is_same_v<T, Size> || std::is_same_v<T, Mode> ||
    std::is_same_v<T, InternalMode> || std::is_same_v<T, Source> || std::is_same_v<T, AluOp> ||
    std::is_same_v<T, JmpOp> || std::is_same_v<T, AtomicImm>;
template <CodePart A, CodePart B>
constexpr int operator|(A a, B b) {
  return static_cast<int>(a) | static_cast<int>(b);
}

// Bytes that a load or store of this size code moves.
constexpr int size_bytes(u8 size_bits) {
  switch (size_bits) {
    case kB: return 1;
    case kH: return 2;
    case kW: return 4;
    default: return 8;
  }
}
constexpr bool is_ld_imm64(const Insn& i) {
  return i.code == (kLd | kDw | kImm);
}
constexpr bool is_pseudo_call(const Insn& i) {
  return i.code == (kJmp | kCall) && i.src == kPseudoCall;
}
constexpr bool is_kfunc_call(const Insn& i) {
  return i.code == (kJmp | kCall) && i.src == kPseudoKfuncCall;
}
constexpr bool is_pseudo_func(const Insn& i) {
  return is_ld_imm64(i) && i.src == kPseudoFunc;
}

}  // namespace osmia::isa
