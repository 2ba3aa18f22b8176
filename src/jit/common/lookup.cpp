// Look-ups in arrays become arithmetic (contract::LookupInline), and a test of the result for null right
// behind becomes part of the bounds check. Invariant: r0 is what the helper would have given; r1 to r5 hold
// nothing behind a call, so the code put in may use them. What is known of registers and the stack is known
// within one block.
#include <array>
#include <map>

#include "jit/common/flat.h"

namespace osmia::jit {

using namespace isa;
using contract::LookupInline;

namespace {

struct Known {
  enum Kind : u8 { kNothing, kFrame, kConst } kind = kNothing;
  u64 value = 0;  // of kFrame: the offset from r10
};

class Inliner {
 public:
  Inliner(std::vector<Flat> in, const rewrite::ExecProgram& p, s32 cpu_word)
      : in_(std::move(in)), p_(p), cpu_word_(cpu_word) {}

  std::vector<Flat> run() {
    bool any = false;
    for (const Flat& f : in_) any |= is_lookup(f);
    if (!any) return std::move(in_);
    targeted_.assign(in_.size() + 1, 0);
    for (const Flat& f : in_)
      if (f.kind == FlatKind::kJump || f.kind == FlatKind::kBranch || f.kind == FlatKind::kMayGoto)
        targeted_[f.target] = 1;
    place_.assign(in_.size() + 1, 0);
    out_.reserve(in_.size() + 32);
    for (u32 i = 0; i < in_.size(); i++) {
      if (targeted_[i] || (i && in_[i].depth != in_[i - 1].depth)) forget();
      place_[i] = static_cast<u32>(out_.size());
      if (is_lookup(in_[i])) {
        i = lookup(i);
        regs_.fill({});  // the stack is as it was
        continue;
      }
      out_.push_back(in_[i]);
      follow(in_[i]);
    }
    place_[in_.size()] = static_cast<u32>(out_.size());
    for (u32 k = 0; k < out_.size(); k++) {
      Flat& f = out_[k];
      const bool jumps =
          f.kind == FlatKind::kJump || f.kind == FlatKind::kBranch || f.kind == FlatKind::kMayGoto;
      if (jumps && !(f.target & kHere)) f.target = place_[f.target];
      if (jumps) f.target &= ~kHere;
    }
    return std::move(out_);
  }

 private:
  static constexpr u32 kHere = 1u << 31;  // a target in out_ instead of in_

  bool is_lookup(const Flat& f) const {
    if (f.kind != FlatKind::kCall) return false;
    const auto& call = p_.calls[static_cast<size_t>(f.insn.imm)];
    if (call.reads_cpu) return cpu_word_ != 0;
    if (!call.map_code) return false;
    const LookupInline& l = call.map_code->inline_lookup;
    if (l.kind == LookupInline::kPercpuArray)
      return cpu_word_ && l.cpu_stride < 1u << 31 && l.stride < 1u << 31;
    return l.kind == LookupInline::kArray && l.stride < 1u << 31;
  }

  void forget() {
    regs_.fill({});
    stack_.clear();
  }

  // What an instruction leaves known.
  void follow(const Flat& f) {
    const Insn& in = f.insn;
    switch (f.kind) {
      case FlatKind::kImm64: regs_[in.dst] = in.src ? Known{} : Known{Known::kConst, f.imm64}; return;
      case FlatKind::kPlain: break;
      case FlatKind::kBranch: return;
      default: forget(); return;
    }
    const u8 cls = in.cls();
    if (cls == kLdx) {
      regs_[in.dst] = {};
    } else if (cls == kSt || cls == kStx) {
      const u32 bytes = static_cast<u32>(size_bytes(in.size_bits()));
      if (in.mode() != kMem) return forget();
      if (in.dst != kFp) return stack_.clear();  // it may point there
      for (auto it = stack_.begin(); it != stack_.end();)
        it = it->first < in.off + static_cast<s32>(bytes) && it->first + 4 > in.off ? stack_.erase(it)
                                                                                    : std::next(it);
      const Known v =
          cls == kStx ? regs_[in.src] : Known{Known::kConst, static_cast<u64>(static_cast<s64>(in.imm))};
      if (v.kind == Known::kConst && bytes >= 4) stack_[in.off] = static_cast<u32>(v.value);
    } else if (in.op() == kMov && !in.is_reg_src()) {
      regs_[in.dst] = {Known::kConst,
                       cls == kAlu64 ? static_cast<u64>(static_cast<s64>(in.imm)) : static_cast<u32>(in.imm)};
    } else if (in.op() == kMov && cls == kAlu64 && !in.off) {
      regs_[in.dst] = in.src == kFp ? Known{Known::kFrame, 0} : regs_[in.src];
    } else if (in.op() == kAdd && cls == kAlu64 && !in.is_reg_src() && regs_[in.dst].kind == Known::kFrame) {
      regs_[in.dst].value += static_cast<u64>(static_cast<s64>(in.imm));
    } else {
      regs_[in.dst] = {};
    }
  }

  // The instructions that computed r2 = r10 + offset for the call alone go: then nothing else need know where
  // the key is.
  void drop_address() {
    std::vector<size_t> found;
    for (size_t k = out_.size(); k-- > 0;) {
      const Insn& in = out_[k].insn;
      const bool alu64 = out_[k].kind == FlatKind::kPlain && in.cls() == kAlu64;
      if (alu64 && in.dst == kR2 && in.op() == kAdd && !in.is_reg_src()) {
        found.push_back(k);
      } else if (alu64 && in.dst == kR2 && in.op() == kMov && in.is_reg_src() && in.src == kFp && !in.off) {
        found.push_back(k);
        for (const size_t at : found) out_[at].insn = {.code = kAlu64 | kMov | kK, .dst = kR2};
        return;
      } else if (out_[k].kind != FlatKind::kImm64 && (in.dst == kR2 || in.src == kR2)) {
        return;
      } else if (out_[k].kind != FlatKind::kPlain && out_[k].kind != FlatKind::kImm64) {
        return;
      }
    }
  }

  void put(FlatKind kind, Insn insn, u32 target = 0, u64 imm64 = 0) {
    Flat f = in_[at_];
    f.kind = kind;
    f.insn = insn;
    f.target = target;
    f.imm64 = imm64;
    out_.push_back(f);
  }
  void put(Insn insn) { put(FlatKind::kPlain, insn); }
  void constant(u8 reg, u64 v) { put(FlatKind::kImm64, {.code = kLd | kDw, .dst = reg}, 0, v); }
  void multiply(u8 reg, u64 by) {
    if (by != 1) put({.code = kAlu64 | kMul | kK, .dst = reg, .imm = static_cast<s32>(by)});
  }
  void go(u32 target) { put(FlatKind::kJump, {.code = kJmp | kJa}, target); }

  // Puts in what stands for in_[i]; gives the last instruction of in_ that it stands for.
  u32 lookup(u32 i) {
    at_ = i;
    const auto& call = p_.calls[static_cast<size_t>(in_[i].insn.imm)];
    if (call.reads_cpu) {
      put(FlatKind::kThreadWord, {.dst = kR0, .imm = cpu_word_});
      return i;
    }
    const LookupInline& l = call.map_code->inline_lookup;
    // Where to go with a value, and without one: instructions of in_.
    u32 last = i, with = i + 1, without = i + 1;
    if (i + 1 < in_.size() && in_[i + 1].kind == FlatKind::kBranch) {
      const Insn& test = in_[i + 1].insn;
      if (!test.is_reg_src() && !test.imm && test.dst == kR0 && test.cls() == kJmp &&
          (test.op() == kJeq || test.op() == kJne)) {
        with = test.op() == kJeq ? i + 2 : in_[i + 1].target;
        without = test.op() == kJeq ? in_[i + 1].target : i + 2;
        if (!targeted_[i + 1]) last = i + 1;
      }
    }
    const Known key = regs_[kR2];
    const bool on_frame =
        key.kind == Known::kFrame && static_cast<s64>(key.value) >= -512 && static_cast<s64>(key.value) < 0;
    const s16 off = on_frame ? static_cast<s16>(static_cast<s64>(key.value)) : s16{0};
    const auto known = on_frame ? stack_.find(off) : stack_.end();
    const bool constant_key = known != stack_.end();
    if (constant_key && known->second >= l.count) {
      put({.code = kAlu64 | kMov | kK, .dst = kR0});
      go(without);
      return last;
    }
    const u64 index = constant_key ? known->second : 0;
    if (on_frame) drop_address();
    if (!constant_key) {
      put({.code = kLdx | kMem | kW, .dst = kR0, .src = on_frame ? u8{kFp} : u8{kR2}, .off = off});
      const u32 branch = static_cast<u32>(out_.size());
      put(FlatKind::kBranch, {.code = kJmp32 | kJlt | kK, .dst = kR0, .imm = static_cast<s32>(l.count)},
          kHere | (branch + 3));
      put({.code = kAlu64 | kMov | kK, .dst = kR0});
      go(without);
      if (l.count == 1)
        constant(kR0, 0);
      else
        multiply(kR0, l.stride);
      constant(kR1, l.base);
      put({.code = kAlu64 | kAdd | kX, .dst = kR0, .src = kR1});
    } else {
      constant(kR0, l.base + index * l.stride);
    }
    if (l.kind == LookupInline::kPercpuArray) {
      put(FlatKind::kThreadWord, {.dst = kR1, .imm = cpu_word_});
      multiply(kR1, l.cpu_stride);
      put({.code = kAlu64 | kAdd | kX, .dst = kR0, .src = kR1});
    }
    if (with != last + 1) go(with);
    return last;
  }

  std::vector<Flat> in_, out_;
  const rewrite::ExecProgram& p_;
  const s32 cpu_word_;
  std::vector<u8> targeted_;  // by instruction of in_
  std::vector<u32> place_;    // the same: where it is in out_
  std::array<Known, 16> regs_{};
  std::map<s32, u32> stack_;  // by offset from r10: the four bytes there
  u32 at_ = 0;
};

}  // namespace

std::vector<Flat> inline_lookups(std::vector<Flat> code, const rewrite::ExecProgram& p, s32 cpu_word) {
  return Inliner(std::move(code), p, cpu_word).run();
}

}  // namespace osmia::jit
