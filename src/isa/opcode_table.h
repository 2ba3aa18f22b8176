// The one opcode table. Every instruction form that RFC 9669 or Linux 6.12 knows is a row here: its kind, its
// width, its piece of text, and what each field may hold. Decoding, validation, the disassembler and the
// assembler read this table and hold no opcode knowledge of their own.
// Invariant: rows of one code byte are adjacent, differ in one selector field only, and the first of them is
// the plain form, whose text is used for an instruction whose selector value no row has.
#pragma once
#include <span>
#include <string_view>

#include "isa/insn.h"

namespace osmia::isa {

enum class OpKind : u8 {
  kAlu,    // dst = dst OP (src | imm); also sdiv and smod
  kMov,    // dst = src | imm
  kMovSx,  // dst = sign extension of the low `variant` bits of src
  kNeg,
  kEndian,  // dst = low `width` bits of dst in the named byte order (class ALU)
  kBswap,   // dst = low `width` bits of dst, bytes reversed (class ALU64)
  kAddrSpaceCast,
  kMovPercpu,  // internal: dst = src + this CPU's base
  kLoad,       // dst = zero extension of *(src + off)
  kLoadSx,     // dst = sign extension of *(src + off)
  kStore,      // *(dst + off) = src
  kStoreImm,   // *(dst + off) = imm
  kAtomic,     // imm says which (AtomicImm, or an AluOp with or without kFetch)
  kLdImm64,    // two slots; src says what the immediate means (PseudoLd)
  kLdAbs,
  kLdInd,
  kJa,      // goto off
  kJaLong,  // gotol imm
  kJcc,     // if dst OP (src | imm) goto off
  kMayGoto,
  kCall,  // src says what is called (PseudoCall)
  kExit,
  kTailCall,  // internal
  kNospec,    // internal: a speculation barrier
};

// What a field of a row may hold.
enum class FieldRule : u8 {
  kAny,
  kZero,
  kReg,      // R0..R10
  kFixed,    // exactly `variant`
  kNonZero,  // off of may_goto
  kDivisor,  // an immediate that is not zero
  kShift,    // 0 .. width-1
  kSpaces,   // address spaces 1 -> 0 or 0 -> 1
};
enum class Selector : u8 { kNone, kSrc, kOff, kImm };

struct OpInfo {
  OpKind kind = OpKind::kAlu;
  u8 code = 0;
  u8 width =
      0;  // bits: of the ALU operation, of the comparison, or of the memory access; 0 where none applies
  Selector selector = Selector::kNone;
  s32 variant = 0;  // the selector field's value
  FieldRule dst = FieldRule::kZero;
  FieldRule src = FieldRule::kZero;
  FieldRule off = FieldRule::kZero;
  FieldRule imm = FieldRule::kZero;
  FieldRule next_imm = FieldRule::kZero;  // imm of the second slot of ld_imm64
  bool internal = false;                  // only rewritten programs may hold it
  bool text_only = false;                 // never valid; Linux has a text of its own for it all the same
  std::string_view text;                  // operator, comparison, access type, byte order or atomic operation

  constexpr bool reg_src() const { return code & kX; }  // ALU and JMP classes
};

// Values that no UAPI header has; see OpInfo::internal.
inline constexpr u8 kNospecMode = 0xc0;  // class ST
inline constexpr u8 kTailCallOp = 0xf0;  // class JMP
inline constexpr s16 kAddrPercpu = -1;   // off of an ALU64 MOV_X

// The row of this instruction, internal rows included; nullptr: no such instruction. O(1) by code byte.
// Only the code and the selector field are looked at: check_insn_fields() judges the other fields.
const OpInfo* lookup(const Insn& insn);
// The plain row of a code byte that a user's program may hold; nullptr: Linux calls it an unknown opcode.
const OpInfo* lookup_code(u8 code);
// The row whose text Linux prints for this instruction, valid or not; nullptr: the code byte is unknown.
const OpInfo* lookup_text(const Insn& insn);
// Every row, ordered by code byte.
std::span<const OpInfo> all_ops();

// "u8" .. "u64", or "s8" .. "s32", for an access of so many bits.
std::string_view access_text(unsigned width_bits, bool sign_extends);

}  // namespace osmia::isa
