// The walk, branches and moves of every CPU's emitter.
#include "jit/common/emitter_base.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "jit/common/builder.h"
#include "jit/common/code_map.h"

namespace osmia::jit {

Status EmitterBase::program(void (*fold)(Function&)) {
  const rewrite::ExecProgram& p = out_.program;
  for (auto& e : out_.entries) e = base_.newLabel();
  const BuildContext context{
      p, info_, [](void* self, u32 s) { return static_cast<ImageBuilder*>(self)->wanted_callback(s); }, &out_,
      out_.options.cpu_word};
  // What is only ever expanded where it is called has no code of its own.
  const u32 n = static_cast<u32>(p.subprogs.size());
  std::vector<std::optional<Function>> functions(n);
  std::vector<u32> work{0};
  std::vector<u8> wanted(n, 0);
  auto want = [&](u32 s) {
    if (!std::exchange(wanted[s], 1)) work.push_back(s);
  };
  wanted[0] = 1;
  while (!work.empty()) {
    const u32 s = work.back();
    work.pop_back();
    OSMIA_ASSIGN(functions[s], build(context, s));
    if (n == 1) break;
    for (const Val v : functions[s]->order)
      if (functions[s]->nodes[v].op == Op::kCallSub) want(static_cast<u32>(functions[s]->nodes[v].imm));
    for (u32 k = 0; k < n; k++)
      if (out_.callbacks[k].isValid()) want(k);
  }
  for (u32 s = 0; s < n; s++) {
    if (!wanted[s]) {
      note_code();
      base_.bind(out_.entries[s]);
      trap();
      continue;
    }
    Function& f = *functions[s];
    drop_trivial_phis(f);
    drop_dead(f);
    if (!out_.options.blind_constants) find_switches(f);
    layout(f);
    narrow(f);
    drop_dead(f);
    simplify_loops(f);
    fold(f);
    align_loops(f);
    place_constants(f, machine_);
    const Allocation where = allocate(f, machine_);
    if (where.slots > machine_.most_slots) return Error{EOPNOTSUPP, "JIT: too many words for a frame"};
    function(f, where);
    if (unknown_) return Error{EOPNOTSUPP, "JIT: an operation that only the direct tier takes"};
    functions[s].reset();
  }
  for (u32 s = 0; s < n; s++)
    if (out_.callbacks[s].isValid()) callback_thunk(s, info_[s].tail_calls);
  return Ok{};
}

void EmitterBase::take_arguments() {
  std::vector<Move> args;
  now_ = f_->order[f_->blocks[0].begin];
  for (u32 i = f_->blocks[0].begin; i < f_->blocks[0].end; i++) {
    const Node& n = at(f_->order[i]);
    if (n.op == Op::kArg)
      args.push_back({place(f_->order[i]), {Place::kReg, machine_.arg_regs[n.imm], 0}, 0});
  }
  moves(std::move(args));
}

u32 EmitterBase::frame_words() {
  u32 words = where_->slots;
  if (f_->has_may_goto) rounds_word_ = words++;
  if (f_->has_tail_call) {
    counter_word_ = words++;
    ctx_word_ = words++;
  }
  return words;
}

void EmitterBase::function(Function& f, const Allocation& where) {
  f_ = &f;
  where_ = &where;
  labels_.resize(f.blocks.size());
  find_ways();
  for (u32 b = 0; b < f.blocks.size(); b++)
    if (emitted(b)) labels_[b] = base_.newLabel();
  prologue();
  out_.unwind.body_begins();
  take_arguments();
  u32 insn = kNoInsn;
  u8 align = 0;  // of blocks that are left out
  for (block_ = 0; block_ < f.blocks.size(); block_++) {
    Block& b = f.blocks[block_];
    align = b.align = std::max(align, b.align);
    if (!emitted(block_)) continue;
    align = 0;
    begin_block(b);
    base_.bind(labels_[block_]);
    for (index_ = b.begin; index_ < b.end; index_++) {
      const Val v = f.order[index_];
      // The first block takes the arguments: what stands there with them is of no instruction.
      const u32 from = block_ || at(v).op != Op::kArg ? at(v).insn : kNoInsn;
      if (from != insn && at(v).op != Op::kPhi) {
        insn = from;
        out_.map.push_back({static_cast<u32>(base_.offset()), insn});
      }
      node(v);
    }
  }
  if (has_cold()) note_code();
  cold();
  for (const auto& [label, t] : tables_) {
    note_code();
    base_.align(asmjit::AlignMode::kData, 4);
    out_.map.push_back({static_cast<u32>(base_.offset()), kTableData});
    base_.bind(label);
    for (const u32 e : f.tables[t].entries)
      base_.embedLabelDelta(labels_[way_[f.tables[t].ways[e]]], label, 4);
  }
  tables_.clear();
}

void EmitterBase::node(Val v) {
  const Node& n = at(v);
  now_ = v;
  switch (n.op) {
    case Op::kConst:
      if (where_->place[v].kind == Place::kReg) constant(v);
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
    case Op::kLoad: load(v); break;
    case Op::kThreadWord: thread_word(v); break;
    case Op::kStore: store(v); break;
    case Op::kUpdate: update(v); break;
    case Op::kAtomic: atomic(v); break;
    case Op::kCall:
    case Op::kCallSub: call(v); break;
    case Op::kTailCall:
      tail_call(v);
      out_.unwind.body(base_.offset());
      break;
    case Op::kBarrier: barrier(); break;
    case Op::kJump:
    case Op::kBranch:
    case Op::kMayGoto: branch(v); break;
    case Op::kExit:
      move(move_to({Place::kReg, machine_.result_reg, 0}, n.a));
      epilogue();
      ret();
      out_.unwind.body(base_.offset());
      break;
    case Op::kSwitch: {
      const Table& t = f_->tables[static_cast<size_t>(n.imm)];
      tables_.push_back({base_.newLabel(), static_cast<u32>(n.imm)});
      switch_on(v, t, tables_.back().label, t.checked ? labels_[way_[t.ways[0]]] : Label());
      break;
    }
  }
}

// Blocks that only go on to another one, with nothing to move on the way, are left out.
void EmitterBase::find_ways() {
  const u32 n = static_cast<u32>(f_->blocks.size());
  way_.resize(n);
  for (u32 b = 0; b < n; b++) {
    way_[b] = b;
    const Block& block = f_->blocks[b];
    if (!b || block.begin == block.end || at(f_->order[block.end - 1]).op != Op::kJump || block.succ[0] == b)
      continue;
    bool nothing = true;
    for (u32 i = block.begin; i + 1 < block.end && nothing; i++) {
      const Val v = f_->order[i];
      nothing = at(v).op == Op::kPhi || (at(v).op == Op::kConst && where_->place[v].kind != Place::kReg);
    }
    now_ = f_->order[block.end - 1];
    if (nothing && edge(b, block.succ[0]).empty()) way_[b] = block.succ[0];
  }
  for (u32 b = 0; b < n; b++) {
    u32 to = b;
    for (u32 steps = 0; way_[to] != to; to = way_[to])
      if (++steps > n) way_[to] = to;  // a loop of nothing: one of its blocks stays
    way_[b] = b == to ? b : to;
  }
}

bool EmitterBase::emitted(u32 b) const {
  return f_->blocks[b].begin != f_->blocks[b].end && way_[b] == b;
}

u32 EmitterBase::next_block(u32 b) const {
  for (b++; b < f_->blocks.size() && !emitted(b);) b++;
  return b;
}

// What the phis of `to` take from `from`.
std::vector<Move> EmitterBase::edge(u32 from, u32 to) {
  std::vector<Move> out;
  const Block& b = f_->blocks[to];
  if (b.begin == b.end || at(f_->order[b.begin]).op != Op::kPhi) return out;
  const auto preds = f_->preds_of(b);
  const size_t k = static_cast<size_t>(std::find(preds.begin(), preds.end(), from) - preds.begin());
  for (u32 i = b.begin; i < b.end && at(f_->order[i]).op == Op::kPhi; i++) {
    const Val phi = f_->order[i];
    const Move m = move_to(place(phi), f_->args[at(phi).extra + k]);
    if (!same(m.from, m.to) && m.to.kind != Place::kNone) out.push_back(m);
  }
  return out;
}

// May the moves of one edge be made before the comparison? Only if the other way, and the comparison, see
// none of the registers that they write.
bool EmitterBase::hoistable(const std::vector<Move>& early, u32 other_block, const Node& n) {
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

void EmitterBase::branch(Val v) {
  const Node& n = at(v);
  const Block& b = f_->blocks[block_];
  u32 fall = b.succ[0], taken = b.succ[1];
  const u32 next = next_block(block_);
  if (n.op == Op::kJump) {
    moves(edge(block_, fall));
    if (way_[fall] != next) jump(labels_[way_[fall]]);
    return;
  }
  if (n.op == Op::kMayGoto) {
    const Label stay = base_.newLabel();
    count_round(stay);
    moves(edge(block_, taken));
    jump(labels_[way_[taken]]);
    base_.bind(stay);
    moves(edge(block_, fall));
    if (way_[fall] != next) jump(labels_[way_[fall]]);
    return;
  }
  Cc cc = n.cc;
  if (way_[taken] == next && way_[fall] != next) {
    std::swap(fall, taken);
    cc = opposite(cc);
  }
  std::vector<Move> on_taken = edge(block_, taken), on_fall = edge(block_, fall);
  const bool falls = way_[fall] == next;
  if (!on_taken.empty() && hoistable(on_taken, fall, n)) {
    moves(std::move(on_taken));
    on_taken.clear();
  } else if (!on_fall.empty() && on_taken.empty() && !falls && hoistable(on_fall, taken, n)) {
    moves(std::move(on_fall));
    on_fall.clear();
  }
  const Label to_taken = labels_[way_[taken]], to_fall = labels_[way_[fall]];
  if (on_taken.empty()) {
    compare_and_jump(n, cc, to_taken);
  } else if (on_fall.empty() && !falls) {
    compare_and_jump(n, opposite(cc), to_fall);
    moves(std::move(on_taken));
    return jump(to_taken);
  } else {
    const Label other = base_.newLabel();
    compare_and_jump(n, opposite(cc), other);
    moves(std::move(on_taken));
    if (way_[taken] != next || !on_fall.empty()) jump(to_taken);
    base_.bind(other);
  }
  moves(std::move(on_fall));
  if (!falls) jump(to_fall);
}

void EmitterBase::call(Val v) {
  const Node& n = at(v);
  std::vector<Move> args;
  for (u32 k = 0; k < n.nargs; k++)
    args.push_back(move_to({Place::kReg, machine_.arg_regs[k], 0}, f_->args[n.extra + k]));
  moves(std::move(args));
  if (n.op == Op::kCall) {
    call_native(reinterpret_cast<const void*>(out_.program.calls[static_cast<size_t>(n.imm)].fn));
  } else {
    call_subprog(static_cast<u32>(n.imm));
  }
  move({place(v), {Place::kReg, machine_.result_reg, 0}, 0});
}

Place EmitterBase::place(Val v) const {
  const Place p = where_->place[v];
  if (p.kind != Place::kReg || !f_->is_const(v)) return p;
  const Node& n = at(now_);
  const Val operands[] = {n.a, n.b, n.c};
  for (u32 k = 0; k < 3; k++) {
    if (operands[k] == kNoVal) continue;
    if (operands[k] == v) {
      if (!machine_.takes_constant(*f_, n, k, v)) return p;
    } else if (at(operands[k]).flags & kFolded) {
      const Node& inner = at(operands[k]);
      if (inner.a == v || inner.b == v) return p;
    }
  }
  return {Place::kConst, 0, 0};
}

Move EmitterBase::move_to(const Place& to, Val from) const {
  Move m{to, place(from), 0};
  if (f_->is_const(from)) m = {to, {Place::kConst, 0, 0}, at(from).imm};
  return m;
}

void EmitterBase::moves(std::vector<Move> list) {
  list.erase(std::remove_if(list.begin(), list.end(),
                            [](const Move& m) { return same(m.to, m.from) || m.to.kind == Place::kNone; }),
             list.end());
  while (!list.empty()) {
    bool any = false;
    for (size_t k = 0; k < list.size(); k++) {
      bool needed = false;
      for (size_t j = 0; j < list.size() && !needed; j++) needed = j != k && same(list[j].from, list[k].to);
      if (needed) continue;
      move(list[k]);
      list.erase(list.begin() + static_cast<s64>(k));
      any = true;
      break;
    }
    if (any) continue;
    const Place spare{Place::kReg, machine_.cycle_reg, 0};
    const Place from = list[0].from;
    move({spare, from, 0});
    for (Move& m : list)
      if (same(m.from, from)) m.from = spare;
  }
}

}  // namespace osmia::jit
