// Branches, the moves on edges, calls, returns.
#include <algorithm>

#include "jit/x86_64/emit.h"

namespace osmia::jit::x86_64 {

using namespace asmjit;

u32 Emitter::next_block(u32 b) const {
  for (b++; b < f_->blocks.size() && f_->blocks[b].begin == f_->blocks[b].end;) b++;
  return b;
}

// What the phis of `to` take from `from`.
std::vector<Move> Emitter::edge(u32 from, u32 to) {
  std::vector<Move> out;
  const Block& b = f_->blocks[to];
  if (b.begin == b.end || at(f_->order[b.begin]).op != Op::kPhi) return out;
  const auto preds = f_->preds_of(b);
  const size_t k = static_cast<size_t>(std::find(preds.begin(), preds.end(), from) - preds.begin());
  for (u32 i = b.begin; i < b.end && at(f_->order[i]).op == Op::kPhi; i++) {
    const Val phi = f_->order[i];
    const Move m = move_to(place(phi), f_->args[at(phi).extra + k]);
    if (m.from.kind == m.to.kind && ((m.to.kind == Place::kReg && m.to.reg == m.from.reg) ||
                                     (m.to.kind == Place::kSlot && m.to.slot == m.from.slot)))
      continue;
    if (m.to.kind != Place::kNone) out.push_back(m);
  }
  return out;
}

// May the moves of one edge be made before the comparison? Only if the other way, and the comparison, see
// none of the registers that they write.
bool Emitter::hoistable(const std::vector<Move>& early, u32 other_block, const Node& n) {
  u32 busy = where_->live_in_regs[other_block];
  auto reads = [&](Val v) {
    if (v == kNoVal) return;
    if (place(v).kind == Place::kReg) busy |= 1u << place(v).reg;
    if (at(v).flags & kFolded)
      for (const Val o : {at(v).a, at(v).b})
        if (o != kNoVal && place(o).kind == Place::kReg) busy |= 1u << place(o).reg;
  };
  reads(n.a);
  reads(n.b);
  if (n.a != kNoVal && at(n.a).flags & kFolded && at(n.a).op == Op::kAnd) {
    reads(at(n.a).a);
    reads(at(n.a).b);
  }
  // What the other way's phis take, also where it is in place already.
  const Block& other = f_->blocks[other_block];
  const auto preds = f_->preds_of(other);
  const size_t k = static_cast<size_t>(std::find(preds.begin(), preds.end(), block_) - preds.begin());
  for (u32 i = other.begin; i < other.end && at(f_->order[i]).op == Op::kPhi; i++)
    reads(f_->args[at(f_->order[i]).extra + k]);
  return std::all_of(early.begin(), early.end(),
                     [&](const Move& m) { return m.to.kind == Place::kReg && !(busy >> m.to.reg & 1); });
}

void Emitter::compare(const Node& n, Cc& cc, const Gp& scratch) {
  const u8 w = n.width;
  auto sized = [&](const Gp& r) { return w == 64 ? Gp(r.r64()) : Gp(r.r32()); };
  const s64 k = f_->is_const(n.b) ? (w == 64 ? at(n.b).imm : static_cast<s32>(at(n.b).imm)) : 0;
  const bool constant = f_->is_const(n.b) && fits32(k);
  if (cc == Cc::kTestNz || cc == Cc::kTestZ) {
    Operand a = operand(n.a, w, scratch);
    if (!constant && a.isMem() && place(n.b).kind != Place::kReg) {
      a_.emit(x86::Inst::kIdMov, sized(scratch), a);
      a = sized(scratch);
    }
    if (constant)
      a_.emit(x86::Inst::kIdTest, a, imm(k));
    else
      a_.emit(x86::Inst::kIdTest, a, sized(use(n.b, x86::r11)));
    return;
  }
  if (constant && k == 0) {
    if (cc == Cc::kUgt) cc = Cc::kNe;
    if (cc == Cc::kUle) cc = Cc::kEq;
    if (!(at(n.a).flags & kFolded) && place(n.a).kind != Place::kSlot &&
        (cc == Cc::kEq || cc == Cc::kNe || cc == Cc::kSlt || cc == Cc::kSge)) {
      const Gp a = sized(use(n.a, scratch));
      a_.test(a, a);
      return;
    }
  }
  Operand a = operand(n.a, w, scratch);
  if (constant) {
    a_.emit(x86::Inst::kIdCmp, a, imm(k));
    return;
  }
  if (a.isMem() && at(n.a).flags & kFolded &&
      place(n.b).kind != Place::kReg) {  // both scratch registers may be in it
    a_.emit(x86::Inst::kIdMov, sized(scratch), a);
    a = sized(scratch);
  }
  Operand b = operand(n.b, w, x86::r11);
  if (a.isMem() && b.isMem()) b = sized(use(n.b, x86::r11));
  a_.emit(x86::Inst::kIdCmp, a, b);
}

void Emitter::jump_if(Cc cc, const Label& to) {
  static constexpr InstId kJumps[] = {x86::Inst::kIdJz,  x86::Inst::kIdJnz, x86::Inst::kIdJb,
                                      x86::Inst::kIdJae, x86::Inst::kIdJbe, x86::Inst::kIdJa,
                                      x86::Inst::kIdJl,  x86::Inst::kIdJge, x86::Inst::kIdJle,
                                      x86::Inst::kIdJg,  x86::Inst::kIdJz,  x86::Inst::kIdJnz};
  a_.emit(kJumps[static_cast<u8>(cc)], to);
}

void Emitter::branch(Val v) {
  const Node& n = at(v);
  const Block& b = f_->blocks[block_];
  u32 fall = b.succ[0], taken = b.succ[1];
  const u32 next = next_block(block_);
  if (n.op == Op::kJump) {
    moves(edge(block_, fall));
    if (fall != next) a_.jmp(labels_[fall]);
    return;
  }
  if (n.op == Op::kMayGoto) {
    a_.inc(word(rounds_word_, 4));
    a_.cmp(word(rounds_word_, 4), kMayGotoLimit);
    Label stay = a_.newLabel();
    a_.jbe(stay);
    moves(edge(block_, taken));
    a_.jmp(labels_[taken]);
    a_.bind(stay);
    moves(edge(block_, fall));
    if (fall != next) a_.jmp(labels_[fall]);
    return;
  }
  Cc cc = n.cc;
  if (taken == next && fall != next) {
    std::swap(fall, taken);
    cc = opposite(cc);
  }
  std::vector<Move> on_taken = edge(block_, taken), on_fall = edge(block_, fall);
  if (!on_taken.empty() && hoistable(on_taken, fall, n)) {
    moves(std::move(on_taken));
    on_taken.clear();
  } else if (!on_fall.empty() && on_taken.empty() && fall != next && hoistable(on_fall, taken, n)) {
    moves(std::move(on_fall));
    on_fall.clear();
  }
  compare(n, cc, x86::r10);
  if (on_taken.empty()) {
    jump_if(cc, labels_[taken]);
  } else {
    Label other = a_.newLabel();
    jump_if(opposite(cc), other);
    moves(std::move(on_taken));
    a_.jmp(labels_[taken]);
    a_.bind(other);
  }
  moves(std::move(on_fall));
  if (fall != next) a_.jmp(labels_[fall]);
}

void Emitter::call_native(const void* fn) {
  load_imm(x86::rax, reinterpret_cast<u64>(fn));
  a_.call(x86::rax);
}

void Emitter::call(Val v) {
  const Node& n = at(v);
  std::vector<Move> args;
  for (u32 k = 0; k < n.nargs; k++)
    args.push_back(move_to({Place::kReg, machine().arg_regs[k], 0}, f_->args[n.extra + k]));
  moves(std::move(args));
  if (n.op == Op::kCall) {
    call_native(reinterpret_cast<const void*>(out_.program.calls[static_cast<size_t>(n.imm)].fn));
  } else {
    if (info_[static_cast<size_t>(n.imm)].tail_calls) a_.mov(x86::r9, word(counter_word_));
    a_.call(out_.entries[static_cast<size_t>(n.imm)]);
  }
  move({place(v), {Place::kReg, kRax, 0}, 0});
}

// The frame goes before the target runs.
void Emitter::tail_call(Val v) {
  const Node& n = at(v);
  const Val* args = &f_->args[n.extra];
  moves({move_to({Place::kSlot, 0, ctx_word_}, args[0]), move_to({Place::kReg, kRdi, 0}, args[1]),
         move_to({Place::kReg, kRsi, 0}, args[2])});
  a_.mov(x86::esi, x86::esi);
  a_.mov(x86::rdx, word(counter_word_));
  call_native(reinterpret_cast<const void*>(out_.options.tail_call));
  Label fails = a_.newLabel();
  a_.test(x86::rax, x86::rax);
  a_.jz(fails);
  a_.mov(x86::rdi, word(ctx_word_));
  a_.mov(x86::r9, word(counter_word_));
  epilogue();
  a_.jmp(x86::rax);
  a_.bind(fails);
  move({place(v), {Place::kConst, 0, 0}, -2});  // ENOENT
}

void Emitter::exit(Val v) {
  move(move_to({Place::kReg, kRax, 0}, at(v).a));
  epilogue();
  a_.ret();
}

}  // namespace osmia::jit::x86_64
