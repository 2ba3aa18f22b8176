// Frames, and the walk over the blocks.
#include "jit/arm64/emit.h"

#include "base/bits.h"

namespace osmia::jit::arm64 {

using namespace asmjit;

void Emitter::load_imm(const Gp& to, u64 v) {
  load_constant(a_, to, v);
}

Emitter::Gp Emitter::use(Val v, const Gp& scratch) {
  const Place p = place(v);
  if (p.kind == Place::kReg) return gp(p.reg);
  const Gp to = scratch.x();
  move({{Place::kReg, static_cast<u8>(to.id()), 0}, p, f_->is_const(v) ? at(v).imm : 0});
  return to;
}
Emitter::Gp Emitter::use_or_zero(Val v, const Gp& scratch) {
  return f_->is_const(v) && !at(v).imm ? Gp(a64::xzr) : use(v, scratch);
}

Emitter::Gp Emitter::target(Val v, const Gp& scratch) const {
  const Place p = place(v);
  return p.kind == Place::kReg ? gp(p.reg) : Gp(scratch.x());
}
void Emitter::done(Val v, const Gp& reg) {
  const Place p = place(v);
  if (p.kind == Place::kSlot) a_.str(reg.x(), word(p.slot));
}

void Emitter::prologue() {
  saved_.clear();
  for (u8 r = 19; r < 29; r++)
    if (where_->used_regs >> r & 1) saved_.push_back(r);
  if (f_->has_calls || f_->has_tail_call) saved_.push_back(30);
  saved_words_ = static_cast<u32>(saved_.size());
  u32 words = where_->slots;
  if (f_->has_may_goto) rounds_word_ = words++;
  if (f_->has_tail_call) {
    counter_word_ = words++;
    ctx_word_ = words++;
  }
  stack_ = (saved_words_ + words) * 8 + static_cast<u32>(align_up(f_->stack_bytes, 8));
  frame_ = stack_;
  stack_ = static_cast<u32>(align_up(stack_, 16));

  out_.map.push_back({static_cast<u32>(a_.offset()), kNoInsn});
  a_.bind(out_.entries[f_->subprog]);
  if (stack_) add_constant(a_, a64::sp, a64::sp, -static_cast<s64>(stack_), a64::x16);
  for (u32 k = 0; k < saved_words_; k += 2) {
    const Mem m = a64::ptr(a64::sp, static_cast<s32>(k * 8));
    k + 1 < saved_words_ ? a_.stp(gp(saved_[k]), gp(saved_[k + 1]), m) : a_.str(gp(saved_[k]), m);
  }
  if (f_->has_may_goto) a_.str(a64::xzr, word(rounds_word_));
  if (f_->has_tail_call) a_.str(a64::x5, word(counter_word_));
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
  for (u32 k = 0; k < saved_words_; k += 2) {
    const Mem m = a64::ptr(a64::sp, static_cast<s32>(k * 8));
    k + 1 < saved_words_ ? a_.ldp(gp(saved_[k]), gp(saved_[k + 1]), m) : a_.ldr(gp(saved_[k]), m);
  }
  if (stack_) add_constant(a_, a64::sp, a64::sp, stack_, a64::x17);
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
    a_.bind(labels_[block_]);
    last_ = {};
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
    case Op::kLoad: load(v); break;
    case Op::kStore: store(v); break;
    case Op::kAtomic: atomic(v); break;
    case Op::kCall:
    case Op::kCallSub: call(v); break;
    case Op::kTailCall: tail_call(v); break;
    case Op::kBarrier:
      a_.dsb(imm(0xf));
      a_.isb(imm(0xf));
      break;
    case Op::kJump:
    case Op::kBranch:
    case Op::kMayGoto: branch(v); break;
    case Op::kExit: exit(v); break;
    case Op::kLea:
    case Op::kUpdate:
    case Op::kSelect:
    case Op::kSwitch: unknown_ = true; break;
  }
}

// What is seldom executed lies behind the function: zero for loads that faulted.
void Emitter::cold() {
  for (const Cold& c : cold_) {
    a_.bind(c.at);
    a_.mov(c.reg.x(), a64::xzr);
    a_.b(c.back);
  }
}

}  // namespace osmia::jit::arm64
