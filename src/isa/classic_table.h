// The classic instructions: what each code is. Shared by check, conversion and text.
#pragma once
#include "isa/classic.h"

namespace osmia::isa::classic {

enum class Kind : u8 {
  kNone,
  kAlu,      // A = A op (k | X)
  kNeg,      // A = -A
  kLoadAbs,  // A = packet[k]
  kLoadInd,  // A = packet[X + k]
  kLoadLen,
  kLoadImm,
  kLoadMem,
  kLoadMsh,  // X = 4 * (packet[k] & 15)
  kStore,
  kJump,
  kBranch,
  kReturn,
  kTax,
  kTxa,
};

struct Op {
  Kind kind = Kind::kNone;
  bool to_x = false;    // loads and stores: X, else A
  bool by_x = false;    // ALU and branches: the operand is X; returns: A
  u8 size = 0;          // packet loads, bytes
  bool seccomp = true;  // seccomp's filters may hold it
};

Op op_of(u16 code);

inline constexpr u8 alu_op(u16 code) {
  return static_cast<u8>(code & 0xf0);
}

// Negative offsets of socket filters.
inline constexpr u32 kAdOff = static_cast<u32>(-0x1000);  // SKF_AD_OFF
enum Ancillary : u32 {                                    // SKF_AD_*
  kProtocol = 0,
  kPktType = 4,
  kIfindex = 8,
  kNlattr = 12,
  kNlattrNest = 16,
  kMark = 20,
  kQueue = 24,
  kHatype = 28,
  kRxHash = 32,
  kCpu = 36,
  kAluXorX = 40,
  kVlanTag = 44,
  kVlanTagPresent = 48,
  kPayOffset = 52,
  kRandom = 56,
  kVlanTpid = 60,
};
// Name of the ancillary value at this offset, "proto"; null: there is none.
const char* ancillary_name(u32 k);

}  // namespace osmia::isa::classic
