// Construction: blocks, live variables, then one walk in reverse postorder that gives every live variable of
// a block with several predecessors a phi. Trivial phis go at the end.
#include <algorithm>

#include "jit/common/builder.h"
#include "jit/common/slots.h"

namespace osmia::jit {

using namespace isa;

namespace {

constexpr u8 kSlotVars = 40;  // r0 … r5, AX, four for each depth of expansion; then the stack slots

u32 var_of(u8 reg, u8 depth) {
  return reg >= kR6 && reg <= kR9 ? 12u + 4u * depth + (reg - kR6) : reg;
}
VarMask bit(u32 var) {
  return static_cast<VarMask>(1) << var;
}

Cc condition(u8 op) {
  switch (op) {
    case kJeq: return Cc::kEq;
    case kJne: return Cc::kNe;
    case kJgt: return Cc::kUgt;
    case kJge: return Cc::kUge;
    case kJlt: return Cc::kUlt;
    case kJle: return Cc::kUle;
    case kJsgt: return Cc::kSgt;
    case kJsge: return Cc::kSge;
    case kJslt: return Cc::kSlt;
    case kJsle: return Cc::kSle;
    default: return Cc::kTestNz;
  }
}

struct Build {
  const BuildContext& c;
  Function f;
  NodeMaker make{f};
  std::vector<Flat> code;
  Slots slots;
  struct Range {
    u32 first = 0, last = 0;  // in code; empty: the entry
    VarMask use = 0, def = 0, in = 0, out = 0;
  };
  std::vector<Range> ranges;  // by block
  std::vector<u32> block_at;  // by instruction of code
  std::vector<u32> rpo;
  std::vector<Val> end_state;  // by block and variable
  std::vector<Val> now;
  std::vector<std::pair<Val, u32>> phis;  // and the variable of each
  u32 vars = 0;
  Val undef = kNoVal, frame = kNoVal;
  bool failed = false;

  explicit Build(const BuildContext& context) : c(context) {}

  // -- shape
  void find_blocks() {
    const u32 n = static_cast<u32>(code.size());
    std::vector<u8> leader(n + 1, 0);
    leader[0] = 1;
    for (u32 i = 0; i < n; i++) {
      switch (code[i].kind) {
        case FlatKind::kJump:
        case FlatKind::kBranch:
        case FlatKind::kMayGoto: leader[code[i].target] = 1; [[fallthrough]];
        case FlatKind::kExit: leader[i + 1] = 1; break;
        default: break;
      }
    }
    block_at.resize(n);
    f.blocks.resize(1);
    ranges.resize(1);
    for (u32 i = 0; i < n; i++) {
      if (leader[i]) {
        f.blocks.emplace_back();
        ranges.push_back({.first = i, .last = i});
      }
      block_at[i] = static_cast<u32>(f.blocks.size() - 1);
      ranges.back().last = i + 1;
    }
    f.blocks[0].succ[0] = 1;
    for (u32 b = 1; b < f.blocks.size(); b++) {
      const Flat& last = code[ranges[b].last - 1];
      Block& block = f.blocks[b];
      const u32 next = ranges[b].last < n ? block_at[ranges[b].last] : ~0u;
      switch (last.kind) {
        case FlatKind::kJump: block.succ[0] = through(block_at[last.target]); break;
        case FlatKind::kBranch:
        case FlatKind::kMayGoto:
          block.succ[0] = through(next);
          block.succ[1] = through(block_at[last.target]);
          if (block.succ[1] == block.succ[0]) block.succ[1] = ~0u;
          break;
        case FlatKind::kExit: break;
        default: block.succ[0] = through(next);
      }
      if (last.kind != FlatKind::kExit && block.succ[0] == ~0u) failed = true;  // runs off the end
    }
  }

  // Where a jump to block b ends: blocks that only jump on are passed by.
  u32 through(u32 b) const {
    for (int steps = 0; steps < 16 && b != ~0u && ranges[b].last == ranges[b].first + 1; steps++) {
      const Flat& only = code[ranges[b].first];
      if (only.kind != FlatKind::kJump) break;
      b = block_at[only.target];
    }
    return b;
  }

  void order_blocks() {
    rpo = reverse_postorder(f);
    find_preds(f, rpo);
    find_loops(f, rpo);
  }

  // -- live variables
  template <class Use, class Def>
  void effects(const Flat& x, Use&& use, Def&& def) const {
    const Insn& in = x.insn;
    auto reg = [&](u8 r) { return var_of(r, x.depth); };
    auto read = [&](u8 r) {
      if (r != kFp) use(reg(r));
    };
    switch (x.kind) {
      case FlatKind::kImm64:
      case FlatKind::kThreadWord: def(reg(in.dst)); return;
      case FlatKind::kBranch:
        read(in.dst);
        if (in.is_reg_src()) read(in.src);
        return;
      case FlatKind::kExit: use(kR0); return;
      case FlatKind::kJump:
      case FlatKind::kMayGoto: return;
      case FlatKind::kCall:
      case FlatKind::kCallSub:
      case FlatKind::kTailCall:
        for (u8 r = kR1; r < kR1 + call_args(x); r++) use(r);
        for (u8 r = kR0; r <= kR5; r++) def(r);
        return;
      case FlatKind::kPlain: break;
    }
    switch (in.cls()) {
      case kLdx: {
        const int slot = in.src == kFp ? slots.find(in.off) : -1;
        slot >= 0 ? use(kSlotVars + static_cast<u32>(slot)) : read(in.src);
        def(reg(in.dst));
        return;
      }
      case kSt:
      case kStx: {
        const int slot = in.dst == kFp ? slots.find(in.off) : -1;
        if (in.cls() == kStx) read(in.src);
        if (slot >= 0) return def(kSlotVars + static_cast<u32>(slot));
        read(in.dst);
        if (in.cls() == kStx && (in.mode() == kAtomic || in.mode() == kProbeAtomic)) {
          if (in.imm == kCmpxchg) {
            use(kR0);
            def(kR0);
          } else if (in.imm & kFetch) {
            def(reg(in.src));
          }
        }
        return;
      }
      default:
        if (in.op() != kMov) read(in.dst);
        if (in.is_reg_src() && in.op() != kEnd) read(in.src);
        def(reg(in.dst));
    }
  }
  u8 call_args(const Flat& x) const {
    if (x.kind == FlatKind::kTailCall) return 3;
    if (x.kind == FlatKind::kCallSub) return c.info[x.target].args;
    return c.program.calls[static_cast<size_t>(x.insn.imm)].args;
  }

  void find_live() {
    for (u32 b = 1; b < f.blocks.size(); b++) {
      Range& r = ranges[b];
      for (u32 i = r.first; i < r.last; i++)
        effects(
            code[i],
            [&](u32 v) {
              if (!(r.def & bit(v))) r.use |= bit(v);
            },
            [&](u32 v) { r.def |= bit(v); });
    }
    for (bool changed = true; changed;) {
      changed = false;
      for (size_t k = rpo.size(); k-- > 0;) {
        Range& r = ranges[rpo[k]];
        VarMask out = 0;
        for (const u32 s : f.blocks[rpo[k]].succ)
          if (s != ~0u) out |= ranges[s].in;
        const VarMask in = r.use | (out & ~r.def);
        if (in != r.in) changed = true;
        r.in = in;
        r.out = out;
      }
    }
  }

  // -- values
  Val& var(u32 v) { return now[v]; }
  Val get(u8 reg, const Flat& x) {
    if (reg != kFp) return f.resolve(now[var_of(reg, x.depth)]);
    f.stack_bytes = c.program.subprogs[f.subprog].stack_bytes;
    return frame;
  }
  void set(u8 reg, const Flat& x, Val v) { now[var_of(reg, x.depth)] = v; }

  void fill() {
    vars = kSlotVars + static_cast<u32>(slots.slots.size());
    end_state.assign(f.blocks.size() * vars, kNoVal);
    std::vector<std::pair<u32, u32>> made(f.blocks.size());
    for (const u32 b : rpo) {
      Block& block = f.blocks[b];
      const u32 begin = static_cast<u32>(f.order.size());
      make.at(b, b ? code[ranges[b].first].origin : 0);
      if (!b) {
        now.assign(vars, kNoVal);  // arguments first: they all arrive at once
        for (u8 k = 0; k < f.arg_count; k++) now[kR1 + k] = make.add({.op = Op::kArg, .imm = k});
        undef = make.constant(0);
        frame = make.add({.op = Op::kFrame});
        std::replace(now.begin(), now.end(), kNoVal, undef);
      } else if (block.pred_end - block.pred_begin == 1) {
        const u32 p = f.preds[block.pred_begin];
        std::copy_n(end_state.begin() + p * vars, vars, now.begin());
      } else {
        std::fill(now.begin(), now.end(), undef);
        const u32 preds = block.pred_end - block.pred_begin;
        for (u32 v = 0; v < vars; v++) {
          if (!(ranges[b].in & bit(v))) continue;
          Node phi{.op = Op::kPhi, .nargs = static_cast<u8>(std::min(preds, 255u))};
          if (preds > 255) failed = true;
          phi.extra = static_cast<u32>(f.args.size());
          if (v >= kSlotVars) phi.bits = static_cast<u8>(slots.slots[v - kSlotVars].bytes * 8);
          f.args.resize(f.args.size() + preds, kNoVal);
          now[v] = make.add(phi);
          phis.push_back({now[v], v});
        }
      }
      if (b)
        for (u32 i = ranges[b].first; i < ranges[b].last && !failed; i++) {
          make.at(b, code[i].origin);
          step(code[i], block);
        }
      const Op last = f.order.size() > begin ? f.nodes[f.order.back()].op : Op::kConst;
      if (!is_terminator(last)) make.add({.op = Op::kJump});
      made[b] = {begin, static_cast<u32>(f.order.size())};
      std::copy_n(now.begin(), vars, end_state.begin() + b * vars);
    }
    for (const auto& [phi, v] : phis) {
      const Node& n = f.nodes[phi];
      u32 k = 0;
      for (const u32 p : f.preds_of(f.blocks[n.block])) f.args[n.extra + k++] = end_state[p * vars + v];
    }
    std::vector<Val> order;
    order.reserve(f.order.size());
    for (u32 b = 0; b < f.blocks.size(); b++) {
      f.blocks[b].begin = static_cast<u32>(order.size());
      order.insert(order.end(), f.order.begin() + made[b].first, f.order.begin() + made[b].second);
      f.blocks[b].end = static_cast<u32>(order.size());
    }
    f.order = std::move(order);
  }

  void step(const Flat& x, Block& block);
  void alu(const Flat& x);
  void memory(const Flat& x);
  void atomic(const Flat& x);
  Val user_address(Val v);
  Val address(u8 reg, const Flat& x, Node& n);
  void call(const Flat& x);
};

void Build::step(const Flat& x, Block& block) {
  const Insn& in = x.insn;
  switch (x.kind) {
    case FlatKind::kImm64: {
      const u64 v = in.src == kPseudoFunc ? c.callback_address(c.self, x.target) : x.imm64;
      set(in.dst, x, make.constant(v));
      return;
    }
    case FlatKind::kThreadWord:
      set(in.dst, x, make.add({.op = Op::kThreadWord, .bits = 32, .imm = in.imm}));
      return;
    case FlatKind::kJump: make.add({.op = Op::kJump}); return;
    case FlatKind::kExit: make.add({.op = Op::kExit, .a = f.resolve(now[kR0])}); return;
    case FlatKind::kMayGoto:
      if (block.succ[1] == ~0u) {
        make.add({.op = Op::kJump});
        return;
      }
      f.has_may_goto = true;
      make.add({.op = Op::kMayGoto});
      return;
    case FlatKind::kBranch: {
      if (block.succ[1] == ~0u) {
        make.add({.op = Op::kJump});
        return;
      }
      const u8 width = in.cls() == kJmp ? 64 : 32;
      const Val a = get(in.dst, x);
      const Val b = in.is_reg_src() ? get(in.src, x)
                                    : make.constant(width == 64 ? static_cast<u64>(static_cast<s64>(in.imm))
                                                                : static_cast<u32>(in.imm));
      make.add({.op = Op::kBranch, .width = width, .cc = condition(in.op()), .a = a, .b = b});
      return;
    }
    case FlatKind::kCall:
    case FlatKind::kCallSub:
    case FlatKind::kTailCall: return call(x);
    case FlatKind::kPlain: break;
  }
  if (in.cls() == kAlu || in.cls() == kAlu64)
    alu(x);
  else
    memory(x);
}

void Build::call(const Flat& x) {
  Node n{.op = x.kind == FlatKind::kCall      ? Op::kCall
               : x.kind == FlatKind::kCallSub ? Op::kCallSub
                                              : Op::kTailCall};
  n.nargs = call_args(x);
  n.imm = x.kind == FlatKind::kCallSub ? static_cast<s64>(x.target) : x.insn.imm;
  n.extra = static_cast<u32>(f.args.size());
  for (u8 k = 0; k < n.nargs; k++) f.args.push_back(f.resolve(now[kR1 + k]));
  f.has_calls = true;
  if (x.kind == FlatKind::kTailCall) f.has_tail_call = true;
  if (x.kind == FlatKind::kCallSub && c.info[x.target].tail_calls) f.has_tail_call = true;
  now[kR0] = make.add(n);
  for (u8 r = kR1; r <= kR5; r++) now[r] = undef;
}

void Build::alu(const Flat& x) {
  const Insn& in = x.insn;
  const u8 w = in.cls() == kAlu64 ? 64 : 32;
  auto operand = [&]() {
    if (in.is_reg_src()) return get(in.src, x);
    return make.constant(w == 64 ? static_cast<u64>(static_cast<s64>(in.imm)) : static_cast<u32>(in.imm));
  };
  static constexpr Op kOps[16] = {Op::kAdd, Op::kSub,   Op::kMul,   Op::kDiv,  Op::kOr,  Op::kAnd,
                                  Op::kShl, Op::kShr,   Op::kNeg,   Op::kMod,  Op::kXor, Op::kUndef,
                                  Op::kSar, Op::kUndef, Op::kUndef, Op::kUndef};
  Val v;
  switch (in.op()) {
    case kMov:
      if (!in.is_reg_src())
        v = operand();
      else if (in.off == 0)
        v = w == 64 ? get(in.src, x) : make.zext(4, get(in.src, x));
      else if (in.off == 8 || in.off == 16 || in.off == 32)
        v = make.sext(static_cast<u8>(in.off / 8), w, get(in.src, x));
      else if (in.off == kAddrSpaceCast && c.program.arena && w == 64)
        v = user_address(get(in.src, x));
      else {
        failed = true;
        return;
      }
      break;
    case kNeg: v = make.unary_neg(w, get(in.dst, x)); break;
    case kEnd: {
      const bool swap = w == 64 || in.is_reg_src();
      const u8 bytes = static_cast<u8>(in.imm / 8);
      v = swap         ? make.bswap(bytes, get(in.dst, x))
          : bytes == 8 ? get(in.dst, x)
                       : make.zext(bytes, get(in.dst, x));
      break;
    }
    default: {
      Op op = kOps[in.op() >> 4];
      if (op == Op::kUndef) {
        failed = true;
        return;
      }
      if (in.off == 1 && op == Op::kDiv) op = Op::kSdiv;
      if (in.off == 1 && op == Op::kMod) op = Op::kSmod;
      v = make.binary(op, w, get(in.dst, x), operand());
    }
  }
  set(in.dst, x, v);
}

// ArenaSpace::user_address(): the upper half of the arena's address, but null stays null.
Val Build::user_address(Val v) {
  const u64 high = c.program.arena->user_start >> 32;
  const Val low = make.zext(4, v);
  Val some = make.binary(Op::kShr, 64, make.unary_neg(64, low), make.constant(63));
  some = make.binary(Op::kMul, 64, some, make.constant(high));
  return make.binary(Op::kOr, 64, low, make.binary(Op::kShl, 64, some, make.constant(32)));
}

// The address of a load, store or atomic; n gets the flags that go with it.
Val Build::address(u8 reg, const Flat& x, Node& n) {
  const u8 mode = x.insn.mode();
  if (mode != kProbeMem32 && mode != kProbeAtomic) return get(reg, x);
  failed |= !c.program.arena;
  if (failed) return undef;
  n.flags |= kProbe | kArena;
  return make.binary(Op::kAdd, 64, make.zext(4, get(reg, x)),
                     make.constant(reinterpret_cast<u64>(c.program.arena->base)));
}

void Build::memory(const Flat& x) {
  const Insn& in = x.insn;
  const u8 bytes = static_cast<u8>(size_bytes(in.size_bits()));
  if (in.cls() == kLdx) {
    const bool sx = in.mode() == kMemsx || in.mode() == kProbeMemsx;
    const bool probe = in.mode() == kProbeMem || in.mode() == kProbeMemsx;
    if (!probe && !sx && in.mode() != kMem && in.mode() != kProbeMem32) {
      failed = true;
      return;
    }
    const int slot = in.src == kFp ? slots.find(in.off) : -1;
    if (slot >= 0) {
      const Val v = f.resolve(now[kSlotVars + static_cast<u32>(slot)]);
      set(in.dst, x, sx ? make.sext(bytes, 64, v) : bytes == 8 ? v : make.zext(bytes, v));
      return;
    }
    Node n{.op = Op::kLoad, .width = 64, .bytes = bytes};
    n.flags = static_cast<u8>((sx ? kSigned : 0) | (probe ? kProbe : 0));
    n.bits = sx ? 64 : static_cast<u8>(bytes * 8);
    n.a = address(in.src, x, n);
    n.imm = in.off;
    set(in.dst, x, make.add(n));
    return;
  }
  if (in.cls() == kStx && (in.mode() == kAtomic || in.mode() == kProbeAtomic)) return atomic(x);
  if (in.cls() == kSt && in.mode() == kAtomic) {  // the internal speculation barrier
    make.add({.op = Op::kBarrier});
    return;
  }
  if ((in.mode() != kMem && in.mode() != kProbeMem32) || (in.cls() != kSt && in.cls() != kStx)) {
    failed = true;
    return;
  }
  const Val value =
      in.cls() == kStx ? get(in.src, x) : make.constant(static_cast<u64>(static_cast<s64>(in.imm)));
  const int slot = in.dst == kFp ? slots.find(in.off) : -1;
  if (slot >= 0) {
    now[kSlotVars + static_cast<u32>(slot)] = bytes == 8 ? value : make.zext(bytes, value);
    return;
  }
  Node n{.op = Op::kStore, .bytes = bytes, .c = value, .imm = in.off};
  n.a = address(in.dst, x, n);
  make.add(n);
}

void Build::atomic(const Flat& x) {
  const Insn& in = x.insn;
  const u8 bytes = static_cast<u8>(size_bytes(in.size_bits()));
  Node n{.op = Op::kAtomic, .width = static_cast<u8>(bytes * 8), .bytes = bytes};
  n.extra = static_cast<u32>(in.imm);
  n.a = address(in.dst, x, n);
  n.imm = in.off;
  n.c = get(in.src, x);
  // Where nothing happens the register keeps all that it had: only the direct tier sees to that.
  failed |= (n.flags & kArena) && (in.imm & kFetch || in.imm == kXchg || in.imm == kCmpxchg);
  n.bits = n.width;
  switch (in.imm) {
    case kAdd:
    case kOr:
    case kAnd:
    case kXor: make.add(n); return;
    case kAdd | kFetch:
    case kOr | kFetch:
    case kAnd | kFetch:
    case kXor | kFetch:
    case kXchg: set(in.src, x, make.add(n)); return;
    case kCmpxchg:
      n.b = f.resolve(now[kR0]);
      now[kR0] = make.add(n);
      return;
    default: failed = true;
  }
}

}  // namespace

Result<Function> build(const BuildContext& c, u32 subprog) {
  Build b(c);
  b.f.subprog = subprog;
  b.f.arg_count = c.info[subprog].args;
  OSMIA_ASSIGN(b.code, flatten(c.program, c.info, subprog));
  b.code = inline_lookups(std::move(b.code), c.program, c.cpu_word);
  if (b.code.empty()) return Error{EINVAL, "JIT: an empty subprogram"};
  b.slots = find_slots(b.code, c.program.subprogs[subprog].addressed_slots, kMaxVars - kSlotVars);
  const size_t most = b.code.size() * 2 + 64;
  b.f.nodes.reserve(most);
  b.f.alias.reserve(most);
  b.f.order.reserve(most);
  b.f.args.reserve(most);
  b.find_blocks();
  if (b.failed) return Error{EINVAL, "JIT: a path runs off the end of a subprogram"};
  b.order_blocks();
  b.find_live();
  b.fill();
  if (b.failed) return Error{EOPNOTSUPP, "JIT: not for the optimising tier"};
  return std::move(b.f);
}

}  // namespace osmia::jit
