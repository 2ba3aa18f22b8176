// Classic to eBPF, one classic instruction after the other; how many slots each takes does not depend on
// where jumps go, so one pass lays out and a second sets offsets. What nothing reaches is left out: the
// verifier refuses unreachable instructions, Linux's classic checks do not.
#include "isa/classic.h"
#include "isa/classic_table.h"

namespace osmia::isa {
namespace {

using namespace classic;

constexpr u8 kA = kR0, kIx = kR7, kTmp = kR8, kCtx = kR6;
constexpr u32 kMaxOffset = 0x7fffffff;
constexpr u32 kMaxSlots = 6;  // that one classic instruction becomes

// Offsets in struct __sk_buff.
enum SkbField : s16 {
  kSkbLen = 0,
  kSkbPktType = 4,
  kSkbMark = 8,
  kSkbQueue = 12,
  kSkbProtocol = 16,
  kSkbVlanPresent = 20,
  kSkbVlanTci = 24,
  kSkbVlanProto = 28,
  kSkbIfindex = 40,
  kSkbHash = 68,
};

constexpr u8 code(int parts) {
  return static_cast<u8>(parts);
}

class Converter {
 public:
  Converter(std::span<const ClassicInsn> prog, ClassicDialect dialect)
      : prog_(prog), dialect_(dialect), reached_(prog.size()), start_(prog.size()) {}

  ConvertedClassic run() {
    reached_[0] = true;
    alu_imm(kMov, kA, 0);
    alu_imm(kMov, kIx, 0);
    move(kCtx, kR1);
    for (u32 i = 0; i < prog_.size(); i++) {
      if (!reached_[i]) continue;
      at_ = i;
      start_[i] = static_cast<u32>(out_.insns.size());
      one(prog_[i], op_of(prog_[i].code));
    }
    for (const Jump& j : jumps_) {  // kMaxSlots each: what is farthest still fits 16 bits
      static_assert(kMaxClassicInsns * kMaxSlots < 0x7fff);
      out_.insns[j.at].off = static_cast<s16>(start_[j.target] - j.at - 1);
    }
    return std::move(out_);
  }

 private:
  struct Jump {
    u32 at, target;  // converted instruction; classic instruction
  };

  void emit(const Insn& in) {
    out_.insns.push_back(in);
    out_.original.push_back(at_);
  }
  void alu_imm(u8 op, u8 dst, u32 k) {
    emit({.code = code(kAlu | op | kK), .dst = dst, .imm = static_cast<s32>(k)});
  }
  void alu_reg(u8 op, u8 dst, u8 src) { emit({.code = code(kAlu | op | kX), .dst = dst, .src = src}); }
  void move(u8 dst, u8 src) { emit({.code = code(kAlu64 | kMov | kX), .dst = dst, .src = src}); }
  void load(u8 size, u8 dst, u8 base, s16 off) {
    emit({.code = code(kLdx | kMem | size), .dst = dst, .src = base, .off = off});
  }
  void return_zero() {
    alu_imm(kMov, kR0, 0);
    emit({.code = code(kJmp | kExit)});
  }
  void jump(u32 target) {
    reached_[target] = true;
    jumps_.push_back({static_cast<u32>(out_.insns.size()), target});
    emit({.code = code(kJmp | kJa)});
  }
  void branch(u8 op, const ClassicInsn& in, bool by_x, u32 target) {
    reached_[target] = true;
    jumps_.push_back({static_cast<u32>(out_.insns.size()), target});
    emit({.code = code(kJmp32 | op | (by_x ? kX : kK)),
          .dst = kA,
          .src = by_x ? kIx : u8{0},
          .imm = by_x ? 0 : static_cast<s32>(in.k)});
  }
  void next() { reached_[at_ + 1] = true; }

  void one(const ClassicInsn& in, const Op& op) {
    switch (op.kind) {
      case Kind::kNone: return;
      case Kind::kAlu: alu(in, op); break;
      case Kind::kNeg: emit({.code = code(kAlu | kNeg), .dst = kA}); break;
      case Kind::kLoadAbs:
        if (!load_abs(in, op)) return;  // always ends the program
        break;
      case Kind::kLoadInd:
        if (!load_ind(in, op)) return;
        break;
      case Kind::kLoadLen:
        if (dialect_ == ClassicDialect::kSeccomp)
          alu_imm(kMov, op.to_x ? kIx : kA, kSeccompDataSize);
        else
          load(kW, op.to_x ? kIx : kA, kCtx, kSkbLen);
        break;
      case Kind::kLoadImm: alu_imm(kMov, op.to_x ? kIx : kA, in.k); break;
      case Kind::kLoadMem: load(kW, op.to_x ? kIx : kA, kFp, slot(in.k)); break;
      case Kind::kLoadMsh:
        if (!load_msh(in)) return;
        break;
      case Kind::kStore:
        emit({.code = code(kStx | kMem | kW), .dst = kFp, .src = op.to_x ? kIx : kA, .off = slot(in.k)});
        break;
      case Kind::kJump: jump(at_ + 1 + in.k); return;
      case Kind::kBranch: two_ways(in, op); return;
      case Kind::kReturn:
        if (!op.by_x) alu_imm(kMov, kR0, in.k);
        emit({.code = code(kJmp | kExit)});
        return;
      case Kind::kTax: move(kIx, kA); break;
      case Kind::kTxa: move(kA, kIx); break;
    }
    next();
  }

  static s16 slot(u32 k) { return static_cast<s16>(-4 - 4 * static_cast<s32>(k)); }

  void alu(const ClassicInsn& in, const Op& op) {
    const u8 what = alu_op(in.code);
    if (!op.by_x) return alu_imm(what, kA, in.k);
    if (what == kDiv || what == kMod) {  // by zero: the program gives 0
      emit({.code = code(kJmp32 | kJne | kK), .dst = kIx, .off = 2, .imm = 0});
      return_zero();
    }
    if ((what == kLsh || what == kRsh) && dialect_ == ClassicDialect::kCapture) {
      emit({.code = code(kJmp32 | kJlt | kK), .dst = kIx, .off = 2, .imm = 32});
      alu_imm(kMov, kA, 0);
      emit({.code = code(kJmp | kJa), .off = 1});
    }
    alu_reg(what, kA, kIx);
  }

  void packet(int mode, u8 bytes, u32 k) {
    const u8 size = bytes == 4 ? kW : bytes == 2 ? kH : kB;
    emit({.code = code(kLd | mode | size), .src = mode == kInd ? kIx : u8{0}, .imm = static_cast<s32>(k)});
  }

  // These three: false if the program always ends here.
  bool load_abs(const ClassicInsn& in, const Op& op) {
    if (dialect_ == ClassicDialect::kSeccomp) {
      load(kW, kA, kCtx, static_cast<s16>(in.k));
      return true;
    }
    if (dialect_ == ClassicDialect::kCapture && in.k > kMaxOffset) {
      return_zero();
      return false;
    }
    if (dialect_ == ClassicDialect::kSocket && in.k >= kAdOff)
      ancillary(in.k - kAdOff);
    else
      packet(kAbs, op.size, in.k);
    return true;
  }
  bool load_ind(const ClassicInsn& in, const Op& op) {
    if (dialect_ == ClassicDialect::kCapture) {  // X + k must stay an offset
      if (in.k > kMaxOffset) {
        return_zero();
        return false;
      }
      emit(
          {.code = code(kJmp | kJle | kK), .dst = kIx, .off = 2, .imm = static_cast<s32>(kMaxOffset - in.k)});
      return_zero();
    }
    packet(kInd, op.size, in.k);
    return true;
  }
  bool load_msh(const ClassicInsn& in) {
    if (dialect_ == ClassicDialect::kCapture && in.k > kMaxOffset) {
      return_zero();
      return false;
    }
    move(kTmp, kA);
    packet(kAbs, 1, in.k);
    alu_imm(kAnd, kA, 15);
    alu_imm(kLsh, kA, 2);
    move(kIx, kA);
    move(kA, kTmp);
    return true;
  }

  void ancillary(u32 what) {
    const auto field = [&](s16 off) { load(kW, kA, kCtx, off); };
    const auto network_order = [&](s16 off) {
      field(off);
      emit({.code = code(kAlu | kEnd | kX), .dst = kA, .imm = 16});  // be16
    };
    const auto call = [&](ClassicHelper helper) {
      move(kR1, kCtx);
      move(kR2, kA);
      move(kR3, kIx);
      emit({.code = code(kJmp | kCall), .imm = static_cast<s32>(helper)});
      alu_reg(kMov, kA, kA);  // 32 bits
    };
    switch (what) {
      case kProtocol: return network_order(kSkbProtocol);
      case kPktType: return field(kSkbPktType);
      case kIfindex: return field(kSkbIfindex);
      case classic::kNlattr: return call(ClassicHelper::kNlattr);
      case classic::kNlattrNest: return call(ClassicHelper::kNlattrNest);
      case kMark: return field(kSkbMark);
      case kQueue: return field(kSkbQueue);
      case kHatype: return field(kClassicHatype);
      case kRxHash: return field(kSkbHash);
      case classic::kCpu: return call(ClassicHelper::kCpu);
      case kAluXorX: return alu_reg(kXor, kA, kIx);
      case kVlanTag: return field(kSkbVlanTci);
      case kVlanTagPresent: return field(kSkbVlanPresent);
      case classic::kPayOffset: return call(ClassicHelper::kPayOffset);
      case classic::kRandom: return call(ClassicHelper::kRandom);
      case kVlanTpid: return network_order(kSkbVlanProto);
      default: return;  // check_classic() refused it
    }
  }

  void two_ways(const ClassicInsn& in, const Op& op) {
    const u8 what = alu_op(in.code);
    const u32 yes = at_ + 1 + in.jt, no = at_ + 1 + in.jf;
    if (yes == no) return jump(yes);
    if (!in.jt && what != kJset) {  // the next instruction if true: the opposite test needs no second jump
      reached_[yes] = true;
      return branch(what == kJeq ? kJne : what == kJgt ? kJle : kJlt, in, op.by_x, no);
    }
    branch(what, in, op.by_x, yes);
    if (in.jf)
      jump(no);
    else
      reached_[no] = true;
  }

  std::span<const ClassicInsn> prog_;
  ClassicDialect dialect_;
  std::vector<bool> reached_;
  std::vector<u32> start_;
  std::vector<Jump> jumps_;
  ConvertedClassic out_;
  u32 at_ = 0;
};

}  // namespace

Result<ConvertedClassic> convert_classic(std::span<const ClassicInsn> prog, ClassicDialect dialect) {
  OSMIA_TRY(check_classic(prog, dialect));
  return Converter(prog, dialect).run();
}

}  // namespace osmia::isa
