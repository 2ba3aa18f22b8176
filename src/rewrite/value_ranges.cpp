// Value ranges: forward over each subprogram, one state at every place that a jump leads to. Bounds that keep
// growing around a loop jump to the next of a few thresholds, so that every place settles after few rounds.
#include <deque>

#include "isa/opcode_table.h"
#include "rewrite/range_ops.h"

namespace osmia::rewrite {
namespace {

using namespace isa;

inline constexpr int kRegs = kMaxReg + 1;  // with AX
inline constexpr int kExactRounds = 3;     // joins at one place before its bounds widen
inline constexpr u64 kThresholds[] = {0xff, 0xffff, 0x7fffffff, 0xffffffff, ~u64{0} >> 1, ~u64{0}};

struct State {
  Range r[kRegs];
};

// a widened by b; false: b says nothing new.
bool join_into(State& a, const State& b, bool widen) {
  bool grew = false;
  for (int i = 0; i < kRegs; i++) {
    Range j = range::join(a.r[i], b.r[i]);
    if (j == a.r[i]) continue;
    grew = true;
    if (widen) {
      if (j.min < a.r[i].min) j.min = j.min ? 1 : 0;
      if (j.max > a.r[i].max)
        for (const u64 t : kThresholds)
          if (j.max <= t) {
            j.max = t;
            break;
          }
    }
    a.r[i] = j;
  }
  return grew;
}

class Ranges {
 public:
  Ranges(const ExecProgram& p, std::vector<OperandFacts>& out)
      : p_(p), out_(out), place_(p.insns.size(), -1) {}

  void run() {
    for (const ExecSubprog& s : p_.subprogs) {
      sub_ = &s;
      arrive(s.start, State{});
    }
    while (!work_.empty()) {
      const u32 at = work_.front();
      work_.pop_front();
      places_[place_[at]].queued = false;
      walk(at, places_[place_[at]].state);
    }
  }

 private:
  struct Place {
    State state;
    int rounds = 0;
    bool queued = false;
  };

  void arrive(s64 at, const State& s) {
    if (at < 0 || at >= static_cast<s64>(place_.size())) return;
    s32& index = place_[at];
    bool grew = index < 0;
    if (grew) {
      index = static_cast<s32>(places_.size());
      places_.push_back({s});
    } else {
      Place& p = places_[index];
      grew = join_into(p.state, s, p.rounds > kExactRounds);
      p.rounds += grew;
    }
    Place& p = places_[index];
    if (!grew || p.queued) return;
    p.queued = true;
    work_.push_back(static_cast<u32>(at));
  }

  void note(u32 i, const Range& dst, const Range& src) {
    OperandFacts& f = out_[i];
    f.dst = f.reached ? range::join(f.dst, dst) : dst;
    f.src = f.reached ? range::join(f.src, src) : src;
    f.reached = true;
  }

  void walk(u32 i, State s) {
    for (bool first = true; i < p_.insns.size(); i++, first = false) {
      if (!first && place_[i] >= 0) return arrive(i, s);  // another walk goes on from there
      const Insn& in = p_.insns[i];
      const OpInfo* op = lookup(in);
      if (!op) return;
      const bool is32 = in.cls() == kAlu || in.cls() == kJmp32;
      const bool reg = op->reg_src() || in.cls() == kLdx || in.cls() == kStx;
      const u64 imm = is32 ? static_cast<u32>(in.imm) : static_cast<u64>(s64{in.imm});
      const Range src = reg ? s.r[in.src] : range::exactly(imm);
      note(i, s.r[in.dst], src);
      switch (op->kind) {
        case OpKind::kExit: return;
        case OpKind::kJa:
        case OpKind::kJaLong: return arrive(s64{i} + 1 + (op->kind == OpKind::kJa ? in.off : in.imm), s);
        case OpKind::kMayGoto: arrive(s64{i} + 1 + in.off, s); break;
        case OpKind::kJcc:
          if (!branch(i, in, is32, reg, src, s)) return;
          break;
        case OpKind::kLdImm64:
          s.r[in.dst] = in.src ? Range{}
                               : range::exactly(u64{static_cast<u32>(in.imm)} |
                                                u64{static_cast<u32>(p_.insns[i + 1].imm)} << 32);
          i++;
          break;
        case OpKind::kCall:
        case OpKind::kTailCall:
        case OpKind::kLdAbs:
        case OpKind::kLdInd:
          for (int r = kR0; r <= kR5; r++) s.r[r] = {};
          break;
        default: compute(in, *op, is32, src, s);
      }
    }
  }

  // Sends the taken edge on its way and leaves the other in s; false: it cannot be followed.
  bool branch(u32 i, const Insn& in, bool is32, bool reg, const Range& src, State& s) {
    const Range a = is32 ? range::low32(s.r[in.dst]) : s.r[in.dst];
    const Range b = is32 ? range::low32(src) : src;
    const auto refine = [&](u8 op, State& t) {
      const auto pair = op ? range::assume(op, a, b, is32) : range::Pair{a, b};
      if (!pair) return false;
      if (!is32 || t.r[in.dst].fits32()) t.r[in.dst] = pair->a;
      if (reg && (!is32 || t.r[in.src].fits32())) t.r[in.src] = pair->b;
      return true;
    };
    State taken = s;
    OperandFacts& f = out_[i];
    if (refine(in.op(), taken)) {
      f.may_take = true;
      arrive(s64{i} + 1 + in.off, taken);
    }
    const bool falls = refine(range::opposite(in.op()), s);
    f.may_fall |= falls;
    return falls;
  }

  void compute(const Insn& in, const OpInfo& op, bool is32, const Range& src, State& s) {
    Range& dst = s.r[in.dst];
    const auto low = [&](Range r) { return is32 ? range::low32(r) : r; };
    switch (op.kind) {
      case OpKind::kMov: dst = low(src); break;
      case OpKind::kMovSx: dst = range::sign_extend(src, static_cast<unsigned>(in.off), is32); break;
      case OpKind::kAlu: {
        const bool self = op.reg_src() && in.src == in.dst;
        if (self && (in.op() == kSub || in.op() == kXor))
          dst = range::exactly(0);
        else
          dst = range::binary(in.op(), in.off == 1, low(dst), low(src), is32).value_or(range::whole(is32));
        break;
      }
      case OpKind::kNeg: dst = range::sub(range::exactly(0), low(dst), is32); break;
      case OpKind::kEndian:
      case OpKind::kBswap: dst = in.imm == 64 ? Range{} : Range{0, ~u64{0} >> (64 - in.imm)}; break;
      case OpKind::kLoad: dst = Range{0, ~u64{0} >> (64 - 8 * size_bytes(in.size_bits()))}; break;
      case OpKind::kAtomic: {
        const Range old{0, ~u64{0} >> (64 - 8 * size_bytes(in.size_bits()))};
        if (in.imm == kCmpxchg)
          s.r[kR0] = old;
        else if (in.imm & kFetch)
          s.r[in.src] = old;
        break;
      }
      case OpKind::kStore:
      case OpKind::kStoreImm:
      case OpKind::kNospec: break;
      default: dst = {};
    }
  }

  const ExecProgram& p_;
  const ExecSubprog* sub_ = nullptr;
  std::vector<OperandFacts>& out_;
  std::vector<s32> place_;  // by instruction: index into places_, -1: no state is kept there
  std::vector<Place> places_;
  std::deque<u32> work_;
};

}  // namespace

void find_value_ranges(const ExecProgram& program, std::vector<OperandFacts>& out) {
  for (OperandFacts& f : out) f.may_take = f.may_fall = false;
  Ranges(program, out).run();
}

}  // namespace osmia::rewrite
