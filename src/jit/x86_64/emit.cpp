// Frames, and the walk over the blocks.
#include "jit/x86_64/emit.h"

#include "base/bits.h"

namespace osmia::jit::x86_64 {

using namespace asmjit;

void Emitter::load_imm(const Gp& to, u64 v) {
  if (!v)
    a_.xor_(to.r32(), to.r32());
  else if (v <= 0xffffffff)
    a_.mov(to.r32(), static_cast<u32>(v));
  else
    a_.mov(to.r64(), v);
}

Emitter::Gp Emitter::use(Val v, const Gp& scratch) {
  const Place p = place(v);
  if (p.kind == Place::kReg) return gp(p.reg);
  const Gp to = scratch.r64();
  move({{Place::kReg, static_cast<u8>(to.id()), 0}, p, f_->is_const(v) ? at(v).imm : 0});
  return to;
}

Emitter::Gp Emitter::target(Val v, const Gp& scratch) const {
  const Place p = place(v);
  return p.kind == Place::kReg ? gp(p.reg) : Gp(scratch.r64());
}
void Emitter::done(Val v, const Gp& reg) {
  const Place p = place(v);
  if (p.kind == Place::kSlot) a_.mov(word(p.slot), reg.r64());
}

void Emitter::prologue() {
  saved_ = where_->used_regs & kCalleeSaved;
  u32 words = where_->slots;
  if (f_->has_may_goto) rounds_word_ = words++;
  if (f_->has_tail_call) {
    counter_word_ = words++;
    ctx_word_ = words++;
  }
  const u32 pushes = static_cast<u32>(__builtin_popcount(saved_));
  frame_ = words * 8 + static_cast<u32>(align_up(f_->stack_bytes, 8));
  if (f_->has_calls && (frame_ + pushes * 8 + 8) % 16) frame_ += 8;

  a_.align(AlignMode::kCode, 16);
  out_.map.push_back({static_cast<u32>(a_.offset()), kNoInsn});
  a_.bind(out_.entries[f_->subprog]);
  for (u8 r = 0; r < 16; r++)
    if (saved_ >> r & 1) a_.push(gp(r));
  if (frame_) a_.sub(x86::rsp, frame_);
  if (f_->has_may_goto) a_.mov(word(rounds_word_), 0);
  if (f_->has_tail_call) a_.mov(word(counter_word_), x86::r9);
  std::vector<Move> args;
  now_ = f_->order[f_->blocks[0].begin];
  for (u32 i = f_->blocks[0].begin; i < f_->blocks[0].end; i++) {
    const Node& n = at(f_->order[i]);
    if (n.op == Op::kArg)
      args.push_back({place(f_->order[i]), {Place::kReg, machine().arg_regs[n.imm], 0}, 0});
  }
  moves(std::move(args));
}

void Emitter::epilogue() {
  if (frame_) a_.add(x86::rsp, frame_);
  for (u8 r = 16; r-- > 0;)
    if (saved_ >> r & 1) a_.pop(gp(r));
}

void Emitter::function(Function& f, const Allocation& where) {
  f_ = &f;
  where_ = &where;
  cold_.clear();
  labels_.resize(f.blocks.size());
  for (u32 b = 0; b < f.blocks.size(); b++)
    if (f.blocks[b].begin != f.blocks[b].end) labels_[b] = a_.newLabel();
  prologue();
  u32 insn = kNoInsn;
  for (block_ = 0; block_ < f.blocks.size(); block_++) {
    const Block& b = f.blocks[block_];
    if (b.begin == b.end) continue;
    if (b.align) a_.align(AlignMode::kCode, b.align);
    a_.bind(labels_[block_]);
    for (index_ = b.begin; index_ < b.end; index_++) {
      const Val v = f.order[index_];
      if (at(v).insn != insn && at(v).op != Op::kPhi) {
        insn = at(v).insn;
        out_.map.push_back({static_cast<u32>(a_.offset()), block_ ? insn : kNoInsn});
      }
      node(v);
    }
  }
  if (!cold_.empty()) out_.map.push_back({static_cast<u32>(a_.offset()), kNoInsn});
  cold();
}

void Emitter::node(Val v) {
  const Node& n = at(v);
  now_ = v;
  switch (n.op) {
    case Op::kConst:
      if (where_->place[v].kind == Place::kReg) load_imm(gp(where_->place[v].reg), static_cast<u64>(n.imm));
      break;
    case Op::kArg:
    case Op::kFrame:
    case Op::kUndef:
    case Op::kPhi: break;
    case Op::kAdd:
    case Op::kSub:
    case Op::kMul:
    case Op::kAnd:
    case Op::kOr:
    case Op::kXor: binary(v); break;
    case Op::kShl:
    case Op::kShr:
    case Op::kSar:
    case Op::kRol: shift(v); break;
    case Op::kMulHi:
    case Op::kMulHiS: mul_high(v); break;
    case Op::kDiv:
    case Op::kMod:
    case Op::kSdiv:
    case Op::kSmod: divide(v); break;
    case Op::kNeg:
    case Op::kBswap:
    case Op::kZext:
    case Op::kSext: extend(v); break;
    case Op::kLea: lea(v); break;
    case Op::kSelect: break;
    case Op::kLoad: load(v); break;
    case Op::kStore: store(v); break;
    case Op::kUpdate: update(v); break;
    case Op::kAtomic: atomic(v); break;
    case Op::kCall:
    case Op::kCallSub: call(v); break;
    case Op::kTailCall: tail_call(v); break;
    case Op::kBarrier: a_.lfence(); break;
    case Op::kJump:
    case Op::kBranch:
    case Op::kMayGoto: branch(v); break;
    case Op::kSwitch: break;
    case Op::kExit: exit(v); break;
  }
}

// What is seldom executed lies behind the function: zero for loads that faulted, division by zero and by -1.
void Emitter::cold() {
  for (const Cold& c : cold_) {
    a_.bind(c.at);
    const Node& n = at(c.v);
    const Gp d = n.width == 64 ? Gp(c.reg.r64()) : Gp(c.reg.r32());
    const bool modulo = n.op == Op::kMod || n.op == Op::kSmod;
    const Gp x = n.width == 64 ? Gp(c.dividend.r64()) : Gp(c.dividend.r32());
    if (c.kind == Cold::kFault || (c.kind == Cold::kZero && !modulo) ||
        (c.kind == Cold::kMinusOne && modulo)) {
      a_.xor_(d.r32(), d.r32());
    } else {
      a_.mov(d, x);
      if (c.kind == Cold::kMinusOne) a_.neg(d);
    }
    a_.jmp(c.back);
  }
}

}  // namespace osmia::jit::x86_64
