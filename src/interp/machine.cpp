// The machine: threaded dispatch over pre-decoded operations. Every case is RFC 9669's semantics: 32-bit
// results clear the upper half, shifts wrap at the width, division by zero gives zero and modulo by zero
// leaves the dividend.
#include "interp/machine.h"

#include <atomic>
#include <cstring>

#include "base/bits.h"

// Computed goto is an extension of GCC and Clang; it is what makes the dispatch fast.
#pragma GCC diagnostic ignored "-Wpedantic"

namespace osmia::interp {
namespace {

inline constexpr u32 kMaxTailCalls = 33;
inline constexpr u32 kMayGotoLimit = 8388608;  // BPF_MAX_LOOPS: a may_goto loop ends after so many rounds

template <class T, class S>
u64 sdiv(u64 a, u64 b) {
  const T x = static_cast<T>(a), y = static_cast<T>(b);
  if (y == 0) return 0;
  if (y == -1) return static_cast<S>(0) - static_cast<S>(x);  // also the overflow: MIN / -1 = MIN
  return static_cast<S>(x / y);
}
template <class T, class S>
u64 smod(u64 a, u64 b) {
  const T x = static_cast<T>(a), y = static_cast<T>(b);
  if (y == 0) return static_cast<S>(x);
  if (y == -1) return 0;
  return static_cast<S>(x % y);
}
template <class S>
u64 udiv(S a, S b) {
  return b ? a / b : 0;
}
template <class S>
u64 umod(S a, S b) {
  return b ? a % b : a;
}

template <class T>
u64 load(u64 addr) {
  return load_unaligned<T>(reinterpret_cast<const void*>(addr));
}
template <class T>
void store(u64 addr, u64 v) {
  store_unaligned<T>(reinterpret_cast<void*>(addr), static_cast<T>(v));
}
template <class T>
u64 probe(u64 addr) {
  T v{};
  probe_read(&v, reinterpret_cast<const void*>(addr), sizeof v);
  return static_cast<u64>(static_cast<s64>(v));
}
template <class T>
T* atom(u64 addr) {
  return reinterpret_cast<T*>(addr);
}

// Host address of an arena access; 0 where no page is.
u64 arena_at(const contract::ArenaSpace* arena, u64 pointer, s16 off, u32 bytes) {
  const s64 at = static_cast<s64>(static_cast<u32>(pointer)) + off;
  return arena->present(at, bytes) ? reinterpret_cast<u64>(arena->base) + static_cast<u64>(at) : 0;
}
// Any atomic operation by its immediate; what it fetches goes to *src, a compare-and-exchange works on r0.
template <class T>
void atomic_by(T* at, s32 kind, u64* src, u64* r0) {
  const T v = static_cast<T>(*src);
  T old = 0;
  switch (kind & ~isa::kFetch) {
    case isa::kAdd: old = __atomic_fetch_add(at, v, __ATOMIC_SEQ_CST); break;
    case isa::kOr: old = __atomic_fetch_or(at, v, __ATOMIC_SEQ_CST); break;
    case isa::kAnd: old = __atomic_fetch_and(at, v, __ATOMIC_SEQ_CST); break;
    case isa::kXor: old = __atomic_fetch_xor(at, v, __ATOMIC_SEQ_CST); break;
    case isa::kXchg & ~isa::kFetch: old = __atomic_exchange_n(at, v, __ATOMIC_SEQ_CST); break;
    default:
      old = static_cast<T>(*r0);
      __atomic_compare_exchange_n(at, &old, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
      *r0 = old;
      return;
  }
  if (kind & isa::kFetch) *src = old;
}
void atomic_at(u64 at, u32 bytes, s32 kind, u64* src, u64* r0) {
  if (bytes == 8)
    atomic_by(atom<u64>(at), kind, src, r0);
  else
    atomic_by(atom<u32>(at), kind, src, r0);
}

}  // namespace

Code::Code() = default;
Code::~Code() = default;

void Machine::link(Code& code, u32 ops) {
  const void* labels[static_cast<size_t>(OpCode::kCount)];
  exec(nullptr, 0, nullptr, 0, nullptr, labels);
  for (u32 i = 0; i < ops; i++) code.ops_[i].go = labels[static_cast<size_t>(code.ops_[i].code)];
}

u64 Machine::exec(const Code* code, u32 pc, u64* r, u32 subprog, u32* tail_calls, const void** labels) {
  if (labels) {
    const void* table[] = {
#define OSMIA_X(n) &&L_##n##64K, &&L_##n##64X, &&L_##n##32K, &&L_##n##32X,
        OSMIA_INTERP_ALU(OSMIA_X) OSMIA_INTERP_JMP(OSMIA_X)
#undef OSMIA_X
#define OSMIA_X(n)                                                                                         \
  &&L_Load##n, &&L_LoadSx##n, &&L_Store##n, &&L_StoreK##n, &&L_Probe##n, &&L_ProbeSx##n, &&L_ArenaLoad##n, \
      &&L_ArenaStore##n, &&L_ArenaStoreK##n,
                OSMIA_INTERP_MEM(OSMIA_X)
#undef OSMIA_X
#define OSMIA_X(n) &&L_Atomic##n##64, &&L_Atomic##n##32,
                    OSMIA_INTERP_ATOMIC(OSMIA_X)
#undef OSMIA_X
            && L_Neg64,
        &&L_Neg32,
        &&L_MovSx64,
        &&L_MovSx32,
        &&L_Zext16,
        &&L_Zext32,
        &&L_Bswap16,
        &&L_Bswap32,
        &&L_Bswap64,
        &&L_Nop,
        &&L_ArenaAtomic,
        &&L_ArenaCast,
        &&L_LdImm64,
        &&L_Ja,
        &&L_MayGoto,
        &&L_CallHelper,
        &&L_CallSubprog,
        &&L_TailCall,
        &&L_Throw,
        &&L_Exit};
    static_assert(sizeof table / sizeof *table == static_cast<size_t>(OpCode::kCount));
    std::memcpy(labels, table, sizeof table);
    return 0;
  }

  alignas(16) u8 stack[512];
  std::memset(stack + sizeof stack - code->stack_bytes_[subprog], 0, code->stack_bytes_[subprog]);
  r[isa::kFp] = reinterpret_cast<u64>(stack + sizeof stack);
  u32 rounds = 0;
  bool entry = subprog == 0;  // an exception ends here
  const Code::Op* ops = code->ops_.get();
  const Code::Op* op = ops + pc;
#define NEXT goto*(++op)->go
#define GO(t)       \
  do {              \
    op = ops + (t); \
    goto * op->go;  \
  } while (0)
#define D r[op->dst]
#define S r[op->src]
#define K static_cast<u64>(op->imm)
  goto * op->go;

#define ALU(name, e64, e32)                                     \
  L_##name##64K : {                                             \
    const u64 a = D, b = K;                                     \
    (void)a;                                                    \
    D = (e64);                                                  \
    NEXT;                                                       \
  }                                                             \
  L_##name##64X : {                                             \
    const u64 a = D, b = S;                                     \
    (void)a;                                                    \
    D = (e64);                                                  \
    NEXT;                                                       \
  }                                                             \
  L_##name##32K : {                                             \
    const u32 a = static_cast<u32>(D), b = static_cast<u32>(K); \
    (void)a;                                                    \
    D = static_cast<u32>(e32);                                  \
    NEXT;                                                       \
  }                                                             \
  L_##name##32X : {                                             \
    const u32 a = static_cast<u32>(D), b = static_cast<u32>(S); \
    (void)a;                                                    \
    D = static_cast<u32>(e32);                                  \
    NEXT;                                                       \
  }
  ALU(Add, a + b, a + b)
  ALU(Sub, a - b, a - b)
  ALU(Mul, a * b, a * b)
  ALU(Div, udiv<u64>(a, b), udiv<u32>(a, b))
  ALU(Or, a | b, a | b)
  ALU(And, a & b, a & b)
  ALU(Lsh, a << (b & 63), a << (b & 31))
  ALU(Rsh, a >> (b & 63), a >> (b & 31))
  ALU(Mod, umod<u64>(a, b), umod<u32>(a, b))
  ALU(Xor, a ^ b, a ^ b)
  ALU(Mov, b, b)
  ALU(Arsh, static_cast<u64>(static_cast<s64>(a) >> (b & 63)),
      static_cast<u32>(static_cast<s32>(a) >> (b & 31)))
  ALU(Sdiv, (sdiv<s64, u64>(a, b)), (sdiv<s32, u32>(a, b)))
  ALU(Smod, (smod<s64, u64>(a, b)), (smod<s32, u32>(a, b)))
#undef ALU

#define JMP(name, cond)                                           \
  L_##name##64K : {                                               \
    const u64 a = D, b = K;                                       \
    const s64 sa = static_cast<s64>(a), sb = static_cast<s64>(b); \
    (void)sa;                                                     \
    (void)sb;                                                     \
    if (cond) {                                                   \
      GO(op->target);                                             \
    }                                                             \
    NEXT;                                                         \
  }                                                               \
  L_##name##64X : {                                               \
    const u64 a = D, b = S;                                       \
    const s64 sa = static_cast<s64>(a), sb = static_cast<s64>(b); \
    (void)sa;                                                     \
    (void)sb;                                                     \
    if (cond) {                                                   \
      GO(op->target);                                             \
    }                                                             \
    NEXT;                                                         \
  }                                                               \
  L_##name##32K : {                                               \
    const u32 a = static_cast<u32>(D), b = static_cast<u32>(K);   \
    const s32 sa = static_cast<s32>(a), sb = static_cast<s32>(b); \
    (void)sa;                                                     \
    (void)sb;                                                     \
    if (cond) {                                                   \
      GO(op->target);                                             \
    }                                                             \
    NEXT;                                                         \
  }                                                               \
  L_##name##32X : {                                               \
    const u32 a = static_cast<u32>(D), b = static_cast<u32>(S);   \
    const s32 sa = static_cast<s32>(a), sb = static_cast<s32>(b); \
    (void)sa;                                                     \
    (void)sb;                                                     \
    if (cond) {                                                   \
      GO(op->target);                                             \
    }                                                             \
    NEXT;                                                         \
  }
  JMP(Jeq, a == b)
  JMP(Jgt, a > b)
  JMP(Jge, a >= b)
  JMP(Jset, (a & b) != 0)
  JMP(Jne, a != b)
  JMP(Jsgt, sa > sb)
  JMP(Jsge, sa >= sb)
  JMP(Jlt, a < b)
  JMP(Jle, a <= b)
  JMP(Jslt, sa < sb)
  JMP(Jsle, sa <= sb)
#undef JMP

#define MEM(bits, U, I)                                                                             \
  L_Load##bits : {                                                                                  \
    D = load<U>(S + static_cast<u64>(op->off));                                                     \
    NEXT;                                                                                           \
  }                                                                                                 \
  L_LoadSx##bits : {                                                                                \
    D = static_cast<u64>(static_cast<s64>(static_cast<I>(load<U>(S + static_cast<u64>(op->off))))); \
    NEXT;                                                                                           \
  }                                                                                                 \
  L_Store##bits : {                                                                                 \
    store<U>(D + static_cast<u64>(op->off), S);                                                     \
    NEXT;                                                                                           \
  }                                                                                                 \
  L_StoreK##bits : {                                                                                \
    store<U>(D + static_cast<u64>(op->off), K);                                                     \
    NEXT;                                                                                           \
  }                                                                                                 \
  L_Probe##bits : {                                                                                 \
    D = static_cast<U>(probe<U>(S + static_cast<u64>(op->off)));                                    \
    NEXT;                                                                                           \
  }                                                                                                 \
  L_ProbeSx##bits : {                                                                               \
    D = probe<I>(S + static_cast<u64>(op->off));                                                    \
    NEXT;                                                                                           \
  }                                                                                                 \
  L_ArenaLoad##bits : {                                                                             \
    const u64 at = arena_at(code->program_->arena, S, op->off, sizeof(U));                          \
    D = at ? load<U>(at) : 0;                                                                       \
    NEXT;                                                                                           \
  }                                                                                                 \
  L_ArenaStore##bits : {                                                                            \
    if (const u64 at = arena_at(code->program_->arena, D, op->off, sizeof(U))) store<U>(at, S);     \
    NEXT;                                                                                           \
  }                                                                                                 \
  L_ArenaStoreK##bits : {                                                                           \
    if (const u64 at = arena_at(code->program_->arena, D, op->off, sizeof(U))) store<U>(at, K);     \
    NEXT;                                                                                           \
  }
  MEM(8, u8, s8)
  MEM(16, u16, s16)
  MEM(32, u32, s32)
  MEM(64, u64, s64)
#undef MEM

#define ADDR (D + static_cast<u64>(op->off))
#define ATOMIC(name, fn)                                            \
  L_Atomic##name##64 : {                                            \
    fn(atom<u64>(ADDR), S, __ATOMIC_RELAXED);                       \
    NEXT;                                                           \
  }                                                                 \
  L_Atomic##name##32 : {                                            \
    fn(atom<u32>(ADDR), static_cast<u32>(S), __ATOMIC_RELAXED);     \
    NEXT;                                                           \
  }                                                                 \
  L_AtomicFetch##name##64 : {                                       \
    S = fn(atom<u64>(ADDR), S, __ATOMIC_SEQ_CST);                   \
    NEXT;                                                           \
  }                                                                 \
  L_AtomicFetch##name##32 : {                                       \
    S = fn(atom<u32>(ADDR), static_cast<u32>(S), __ATOMIC_SEQ_CST); \
    NEXT;                                                           \
  }
  ATOMIC(Add, __atomic_fetch_add)
  ATOMIC(Or, __atomic_fetch_or)
  ATOMIC(And, __atomic_fetch_and)
  ATOMIC(Xor, __atomic_fetch_xor)
#undef ATOMIC
L_AtomicXchg64 : {
  S = __atomic_exchange_n(atom<u64>(ADDR), S, __ATOMIC_SEQ_CST);
  NEXT;
}
L_AtomicXchg32 : {
  S = __atomic_exchange_n(atom<u32>(ADDR), static_cast<u32>(S), __ATOMIC_SEQ_CST);
  NEXT;
}
L_AtomicCmpxchg64 : {
  u64 old = r[0];
  __atomic_compare_exchange_n(atom<u64>(ADDR), &old, S, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  r[0] = old;
  NEXT;
}
L_AtomicCmpxchg32 : {
  u32 old = static_cast<u32>(r[0]);
  __atomic_compare_exchange_n(atom<u32>(ADDR), &old, static_cast<u32>(S), false, __ATOMIC_SEQ_CST,
                              __ATOMIC_SEQ_CST);
  r[0] = old;
  NEXT;
}
#undef ADDR

L_Neg64 : {
  D = 0 - D;
  NEXT;
}
L_Neg32 : {
  D = static_cast<u32>(0 - static_cast<u32>(D));
  NEXT;
}
L_MovSx64 : {
  D = static_cast<u64>(sign_extend(S, static_cast<unsigned>(op->off)));
  NEXT;
}
L_MovSx32 : {
  D = static_cast<u32>(sign_extend(S, static_cast<unsigned>(op->off)));
  NEXT;
}
L_Zext16 : {
  D = static_cast<u16>(D);
  NEXT;
}
L_Zext32 : {
  D = static_cast<u32>(D);
  NEXT;
}
L_Bswap16 : {
  D = __builtin_bswap16(static_cast<u16>(D));
  NEXT;
}
L_Bswap32 : {
  D = __builtin_bswap32(static_cast<u32>(D));
  NEXT;
}
L_Bswap64 : {
  D = __builtin_bswap64(D);
  NEXT;
}
L_Nop : { NEXT; }
L_ArenaAtomic : {
  const u32 bytes = static_cast<u32>(op->target);
  if (const u64 at = arena_at(code->program_->arena, D, op->off, bytes))
    atomic_at(at, bytes, static_cast<s32>(op->imm), &S, r);
  NEXT;
}
L_ArenaCast : {
  D = code->program_->arena->user_address(S);
  NEXT;
}
L_LdImm64 : {
  D = K;
  NEXT;
}
L_Ja : { GO(op->target); }
L_MayGoto : {
  if (++rounds > kMayGotoLimit) {
    GO(op->target);
  }
  NEXT;
}
L_CallHelper : {
  r[0] = code->program_->calls[static_cast<size_t>(op->imm)].fn(r[1], r[2], r[3], r[4], r[5]);
  if (code->throws_ && rewrite::t_thrown.set) goto unwind;
  NEXT;
}
L_CallSubprog : {
  const u32 callee = static_cast<u32>(op->target);
  u64 inner[12];
  std::memcpy(inner + 1, r + 1, 5 * sizeof(u64));
  r[0] = exec(code, code->subprog_op_[callee], inner, callee, tail_calls, nullptr);
  if (code->throws_ && rewrite::t_thrown.set) goto unwind;
  NEXT;
}
L_TailCall : {
  // r1 ctx, r2 prog array, r3 index. On failure the program goes on behind the call.
  const TailTarget target = code->tail_call_ ? code->tail_call_(r[2], static_cast<u32>(r[3])) : TailTarget{};
  if ((!target.code && !target.native) || *tail_calls >= kMaxTailCalls) {
    r[0] = static_cast<u64>(-ENOENT);
    NEXT;
  }
  ++*tail_calls;
  if (target.native) return target.native(r[1], 0, 0, 0, 0, tail_calls);
  const Code* next = target.code;
  rounds = 0;
  entry = true;
  code = next;
  ops = code->ops_.get();
  std::memset(stack + sizeof stack - code->stack_bytes_[0], 0, code->stack_bytes_[0]);
  GO(code->subprog_op_[0]);
}
L_Throw:
  rewrite::t_thrown = {1, r[1]};
unwind : {
  if (!entry) return 1;
  rewrite::t_thrown.set = 0;
  const s32 callback = code->program_->exception_callback;
  if (callback < 0) return rewrite::t_thrown.cookie;
  u64 inner[12] = {0, rewrite::t_thrown.cookie};
  const u32 callee = static_cast<u32>(callback);
  return exec(code, code->subprog_op_[callee], inner, callee, tail_calls, nullptr);
}
L_Exit : { return r[0]; }
#undef NEXT
#undef GO
#undef D
#undef S
#undef K
}

u64 Machine::callback_entry(const rewrite::BpfCallback* cb, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5) {
  const u64 args[5] = {a1, a2, a3, a4, a5};
  return static_cast<const Code*>(cb->owner)->call(cb->subprog, args);
}

u64 Code::run(u64 r1, u64 r2) const {
  u64 r[12] = {0, r1, r2};
  u32 tail_calls = 0;
  return Machine::exec(this, subprog_op_[0], r, 0, &tail_calls, nullptr);
}

u64 Code::run_tail(u64 r1, u32* tail_calls) const {
  u64 r[12] = {0, r1};
  return Machine::exec(this, subprog_op_[0], r, 0, tail_calls, nullptr);
}

u64 Code::call(u32 subprog, const u64 args[5]) const {
  u64 r[12] = {0, args[0], args[1], args[2], args[3], args[4]};
  u32 tail_calls = 0;
  return Machine::exec(this, subprog_op_[subprog], r, subprog, &tail_calls, nullptr);
}

const rewrite::BpfCallback& Code::callback(u32 subprog) const {
  return callbacks_[subprog];
}

}  // namespace osmia::interp
