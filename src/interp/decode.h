// Pre-decoded operations. One enumerator per thing that the machine does; operands are ready to use.
#pragma once
#include "base/types.h"

namespace osmia::interp {

// X(name): every operation. K = immediate operand, X = register operand, 32 = on the low halves.
#define OSMIA_INTERP_ALU(X) \
  X(Add) X(Sub) X(Mul) X(Div) X(Or) X(And) X(Lsh) X(Rsh) X(Mod) X(Xor) X(Mov) X(Arsh) X(Sdiv) X(Smod)
#define OSMIA_INTERP_JMP(X) X(Jeq) X(Jgt) X(Jge) X(Jset) X(Jne) X(Jsgt) X(Jsge) X(Jlt) X(Jle) X(Jslt) X(Jsle)
#define OSMIA_INTERP_MEM(X) X(8) X(16) X(32) X(64)
#define OSMIA_INTERP_ATOMIC(X) \
  X(Add) X(Or) X(And) X(Xor) X(FetchAdd) X(FetchOr) X(FetchAnd) X(FetchXor) X(Xchg) X(Cmpxchg)

enum class OpCode : u16 {
#define OSMIA_X(n) k##n##64K, k##n##64X, k##n##32K, k##n##32X,
  OSMIA_INTERP_ALU(OSMIA_X) OSMIA_INTERP_JMP(OSMIA_X)
#undef OSMIA_X
#define OSMIA_X(n)                                                                                    \
  kLoad##n, kLoadSx##n, kStore##n, kStoreK##n, kProbe##n, kProbeSx##n, kArenaLoad##n, kArenaStore##n, \
      kArenaStoreK##n,
      OSMIA_INTERP_MEM(OSMIA_X)
#undef OSMIA_X
#define OSMIA_X(n) kAtomic##n##64, kAtomic##n##32,
          OSMIA_INTERP_ATOMIC(OSMIA_X)
#undef OSMIA_X
              kNeg64,
  kNeg32,
  kMovSx64,
  kMovSx32,
  kZext16,
  kZext32,
  kBswap16,
  kBswap32,
  kBswap64,
  kNop,
  kArenaAtomic,
  kArenaCast,
  kLdImm64,
  kJa,
  kMayGoto,
  kCallHelper,
  kCallSubprog,
  kTailCall,
  kThrow,
  kExit,
  kCount,
};

}  // namespace osmia::interp
