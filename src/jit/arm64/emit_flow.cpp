// Branches, the moves on edges, calls, returns.
#include <algorithm>

#include "jit/arm64/emit.h"

namespace osmia::jit::arm64 {

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

void Emitter::compare_and_jump(const Node& n, Cc cc, const Label& to) {
  static constexpr arm::CondCode kConditions[] = {arm::CondCode::kEQ, arm::CondCode::kNE, arm::CondCode::kLO,
                                                  arm::CondCode::kHS, arm::CondCode::kLS, arm::CondCode::kHI,
                                                  arm::CondCode::kLT, arm::CondCode::kGE, arm::CondCode::kLE,
                                                  arm::CondCode::kGT, arm::CondCode::kEQ, arm::CondCode::kNE};
  const u8 w = n.width;
  const bool test = cc == Cc::kTestNz || cc == Cc::kTestZ, constant = f_->is_const(n.b);
  const u64 k = !constant ? 0 : w == 64 ? static_cast<u64>(at(n.b).imm) : static_cast<u32>(at(n.b).imm);
  const u64 minus = w == 64 ? 0 - k : static_cast<u32>(0 - k);
  const Gp a = sized(use(n.a, a64::x16), w);
  if (constant && !k && !test) {
    if (cc == Cc::kUgt) cc = Cc::kNe;
    if (cc == Cc::kUle) cc = Cc::kEq;
    if (cc == Cc::kEq || cc == Cc::kNe) {
      cc == Cc::kEq ? a_.cbz(a, to) : a_.cbnz(a, to);
      return;
    }
  }
  const bool near = out_.program.insns.size() < 500;  // tbz reaches 32 KiB
  if (near && test && constant && k && !(k & (k - 1))) {
    const Imm bit(__builtin_ctzll(k));
    cc == Cc::kTestZ ? a_.tbz(a, bit, to) : a_.tbnz(a, bit, to);
    return;
  }
  if (near && constant && !k && (cc == Cc::kSlt || cc == Cc::kSge)) {
    cc == Cc::kSge ? a_.tbz(a, imm(w - 1), to) : a_.tbnz(a, imm(w - 1), to);
    return;
  }
  if (test && constant && fits_logical(k, w))
    a_.tst(a, imm(k));
  else if (test)
    a_.tst(a, sized(use(n.b, a64::x17), w));
  else if (constant && fits_add(k))
    a_.cmp(a, imm(k));
  else if (constant && fits_add(minus))
    a_.cmn(a, imm(minus));
  else
    a_.cmp(a, sized(use(n.b, a64::x17), w));
  a_.b(kConditions[static_cast<u8>(cc)], to);
}

void Emitter::branch(Val v) {
  const Node& n = at(v);
  const Block& b = f_->blocks[block_];
  u32 fall = b.succ[0], taken = b.succ[1];
  const u32 next = next_block(block_);
  if (n.op == Op::kJump) {
    moves(edge(block_, fall));
    if (fall != next) a_.b(labels_[fall]);
    return;
  }
  if (n.op == Op::kMayGoto) {
    static_assert(!(kMayGotoLimit & 0xfff) && kMayGotoLimit < 0x1000000);
    a_.ldr(a64::w16, word(rounds_word_));
    a_.add(a64::w16, a64::w16, imm(1));
    a_.str(a64::w16, word(rounds_word_));
    a_.cmp(a64::w16, imm(kMayGotoLimit));
    Label stay = a_.newLabel();
    a_.b_ls(stay);
    moves(edge(block_, taken));
    a_.b(labels_[taken]);
    a_.bind(stay);
    moves(edge(block_, fall));
    if (fall != next) a_.b(labels_[fall]);
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
  if (on_taken.empty()) {
    compare_and_jump(n, cc, labels_[taken]);
  } else {
    Label other = a_.newLabel();
    compare_and_jump(n, opposite(cc), other);
    moves(std::move(on_taken));
    a_.b(labels_[taken]);
    a_.bind(other);
  }
  moves(std::move(on_fall));
  if (fall != next) a_.b(labels_[fall]);
}

void Emitter::call_native(const void* fn) {
  load_imm(a64::x16, reinterpret_cast<u64>(fn));
  a_.blr(a64::x16);
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
    if (info_[static_cast<size_t>(n.imm)].tail_calls) a_.ldr(a64::x5, word(counter_word_));
    a_.bl(out_.entries[static_cast<size_t>(n.imm)]);
  }
  move({place(v), {Place::kReg, 0, 0}, 0});
}

// The frame goes before the target runs.
void Emitter::tail_call(Val v) {
  const Node& n = at(v);
  const Val* args = &f_->args[n.extra];
  moves({move_to({Place::kSlot, 0, ctx_word_}, args[0]), move_to({Place::kReg, 0, 0}, args[1]),
         move_to({Place::kReg, 1, 0}, args[2])});
  a_.mov(a64::w1, a64::w1);
  a_.ldr(a64::x2, word(counter_word_));
  call_native(reinterpret_cast<const void*>(out_.options.tail_call));
  Label fails = a_.newLabel();
  a_.cbz(a64::x0, fails);
  a_.mov(a64::x16, a64::x0);
  a_.ldr(a64::x0, word(ctx_word_));
  a_.ldr(a64::x5, word(counter_word_));
  epilogue();
  a_.br(a64::x16);
  a_.bind(fails);
  move({place(v), {Place::kConst, 0, 0}, -2});  // ENOENT
}

void Emitter::exit(Val v) {
  move(move_to({Place::kReg, 0, 0}, at(v).a));
  epilogue();
  a_.ret(a64::x30);
}

}  // namespace osmia::jit::arm64
