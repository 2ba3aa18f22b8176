// The table, the checks and the text. Source of the rules: Linux 6.12, bpf_check_classic() and
// seccomp_check_filter() (behaviour only).
#include "isa/classic.h"

#include <fmt/format.h>

#include <array>
#include <cstring>

#include "isa/classic_table.h"

namespace osmia::isa {
namespace classic {
namespace {

// Parts of a classic code that eBPF has not, or has other names for.
constexpr u16 kRet = 6, kMisc = 7;       // classes
constexpr u16 kLen = 0x80, kMsh = 0xa0;  // modes of loads
constexpr u16 kRetA = 0x10, kTxaCode = 0x80;

constexpr std::array<Op, 256> make_table() {
  std::array<Op, 256> t{};
  for (const u8 op : {kAdd, kSub, kMul, kDiv, kOr, kAnd, kLsh, kRsh, kXor, kMod})
    for (const u8 src : {kK, kX})
      t[kAlu | op | src] = {.kind = Kind::kAlu, .by_x = src == kX, .seccomp = op != kMod};
  t[kAlu | kNeg] = {.kind = Kind::kNeg};
  for (const u8 size : {kW, kH, kB}) {
    const u8 bytes = static_cast<u8>(size_bytes(size));
    t[kLd | size | kAbs] = {.kind = Kind::kLoadAbs, .size = bytes, .seccomp = size == kW};
    t[kLd | size | kInd] = {.kind = Kind::kLoadInd, .size = bytes, .seccomp = false};
  }
  t[kLdx | kB | kMsh] = {.kind = Kind::kLoadMsh, .to_x = true, .size = 1, .seccomp = false};
  for (const u8 cls : {kLd, kLdx}) {
    t[cls | kW | kLen] = {.kind = Kind::kLoadLen, .to_x = cls == kLdx};
    t[cls | kW | kImm] = {.kind = Kind::kLoadImm, .to_x = cls == kLdx};
    t[cls | kW | kMem] = {.kind = Kind::kLoadMem, .to_x = cls == kLdx};
  }
  t[kSt] = {.kind = Kind::kStore};
  t[kStx] = {.kind = Kind::kStore, .to_x = true};
  t[kJmp | kJa] = {.kind = Kind::kJump};
  for (const u8 op : {kJeq, kJgt, kJge, kJset})
    for (const u8 src : {kK, kX}) t[kJmp | op | src] = {.kind = Kind::kBranch, .by_x = src == kX};
  t[kRet | kK] = {.kind = Kind::kReturn};
  t[kRet | kRetA] = {.kind = Kind::kReturn, .by_x = true};
  t[kMisc] = {.kind = Kind::kTax};
  t[kMisc | kTxaCode] = {.kind = Kind::kTxa};
  return t;
}
constexpr std::array<Op, 256> kTable = make_table();

}  // namespace

Op op_of(u16 code) {
  return code < kTable.size() ? kTable[code] : Op{};
}

const char* ancillary_name(u32 k) {
  switch (k - kAdOff) {
    case kProtocol: return "proto";
    case kPktType: return "type";
    case kIfindex: return "ifidx";
    case kNlattr: return "nla";
    case kNlattrNest: return "nlan";
    case kMark: return "mark";
    case kQueue: return "queue";
    case kHatype: return "hatype";
    case kRxHash: return "rxhash";
    case kCpu: return "cpu";
    case kAluXorX: return "xor";
    case kVlanTag: return "vlan_tci";
    case kVlanTagPresent: return "vlan_avail";
    case kPayOffset: return "poff";
    case kRandom: return "rand";
    case kVlanTpid: return "vlan_tpid";
    default: return nullptr;
  }
}

}  // namespace classic

namespace {

using namespace classic;

Error bad(size_t i, const std::string& what) {
  return {EINVAL, fmt::format("insn {}: {}", i, what)};
}

// What Linux asks of one instruction by itself; empty: nothing is wrong.
std::string wrong(const ClassicInsn& in, const Op& op, size_t i, size_t count, ClassicDialect dialect) {
  const u64 left = count - i - 1;  // instructions behind this one
  switch (op.kind) {
    case Kind::kNone: return fmt::format("unknown classic instruction code {:#06x}", in.code);
    case Kind::kAlu:
      if (op.by_x) break;
      if ((alu_op(in.code) == kDiv || alu_op(in.code) == kMod) && !in.k) return "division by zero";
      if ((alu_op(in.code) == kLsh || alu_op(in.code) == kRsh) && in.k >= 32)
        return fmt::format("shift by {}, expected less than 32", in.k);
      break;
    case Kind::kLoadMem:
    case Kind::kStore:
      if (in.k >= kClassicMemWords)
        return fmt::format("M[{}], expected at most M[{}]", in.k, kClassicMemWords - 1);
      break;
    case Kind::kJump:
      if (in.k >= left && in.k >> 31)
        return fmt::format("jumps back by {} instructions: expected no loops", -in.k);
      if (in.k >= left) return fmt::format("jump over {} instructions leaves the program", in.k);
      break;
    case Kind::kBranch:
      if (in.jt >= left || in.jf >= left)
        return fmt::format("jump over {} instructions leaves the program", std::max(in.jt, in.jf));
      break;
    case Kind::kLoadAbs:
      if (dialect == ClassicDialect::kSeccomp) {
        if (op.seccomp && (in.k >= kSeccompDataSize || in.k % 4))
          return fmt::format("load at {}, expected a multiple of 4 below {}", in.k, kSeccompDataSize);
      } else if (dialect == ClassicDialect::kSocket && in.k >= kAdOff && !ancillary_name(in.k)) {
        return fmt::format("there is no ancillary value at {:#x}", in.k);
      }
      break;
    default: break;
  }
  if (dialect == ClassicDialect::kSeccomp && !op.seccomp)
    return fmt::format("code {:#06x} is not for seccomp filters", in.code);
  return {};
}

// Every M[] that is read was stored on each path that leads there. Jumps go forward only: one pass.
Status check_memory(std::span<const ClassicInsn> prog) {
  std::vector<u16> valid(prog.size(), 0xffff);  // by jumps to the instruction
  u16 now = 0;
  for (size_t i = 0; i < prog.size(); i++) {
    const ClassicInsn& in = prog[i];
    const Op op = op_of(in.code);
    now &= valid[i];
    const u16 bit = static_cast<u16>(1u << (in.k & 15));
    switch (op.kind) {
      case Kind::kStore: now |= bit; break;
      case Kind::kLoadMem:
        if (!(now & bit)) return bad(i, fmt::format("M[{}] is read before it is stored", in.k));
        break;
      case Kind::kJump:
        valid[i + 1 + in.k] &= now;
        now = 0xffff;
        break;
      case Kind::kBranch:
        valid[i + 1 + in.jt] &= now;
        valid[i + 1 + in.jf] &= now;
        now = 0xffff;
        break;
      default: break;
    }
  }
  return Ok{};
}

std::string operand(const ClassicInsn& in, const Op& op) {
  return op.by_x ? "x" : fmt::format("#{:#x}", in.k);
}

}  // namespace

Status check_classic(std::span<const ClassicInsn> prog, ClassicDialect dialect) {
  if (prog.empty()) return Error{EINVAL, "expected a classic program, found no instructions"};
  if (prog.size() > kMaxClassicInsns)
    return Error{EINVAL,
                 fmt::format("expected at most {} instructions, found {}", kMaxClassicInsns, prog.size())};
  for (size_t i = 0; i < prog.size(); i++)
    if (const std::string what = wrong(prog[i], op_of(prog[i].code), i, prog.size(), dialect); !what.empty())
      return bad(i, what);
  if (op_of(prog.back().code).kind != Kind::kReturn)
    return bad(prog.size() - 1, "the last instruction is not a return");
  return check_memory(prog);
}

Result<std::vector<ClassicInsn>> decode_classic(std::span<const u8> bytes) {
  if (bytes.size() % sizeof(ClassicInsn))
    return Error{EINVAL, fmt::format("expected a multiple of 8 bytes, found {}", bytes.size())};
  std::vector<ClassicInsn> out(bytes.size() / sizeof(ClassicInsn));
  if (!out.empty()) std::memcpy(out.data(), bytes.data(), bytes.size());
  return out;
}

std::string disasm_classic(const ClassicInsn& in, u32 at) {
  const Op op = op_of(in.code);
  const auto load = [&](const char* what) {
    return fmt::format("{:<8}", op.to_x ? std::string(what) + "x" : what);
  };
  const char* sized = op.size == 2 ? "ldh" : op.size == 1 ? "ldb" : "ld";
  switch (op.kind) {
    case Kind::kNone: return fmt::format("{:<8} {:#06x}", "unknown", in.code);
    case Kind::kAlu: {
      constexpr const char* kNames[] = {"add", "sub", "mul", "div", "or", "and",
                                        "lsh", "rsh", "neg", "mod", "xor"};
      return fmt::format("{:<8} {}", kNames[alu_op(in.code) >> 4], operand(in, op));
    }
    case Kind::kNeg: return "neg";
    case Kind::kLoadAbs:
      if (in.k >= kAdOff && ancillary_name(in.k))
        return fmt::format("{:<8} #{}", sized, ancillary_name(in.k));
      return fmt::format("{:<8} [{}]", sized, in.k < 0x80000000 ? s64{in.k} : s64{static_cast<s32>(in.k)});
    case Kind::kLoadInd: return fmt::format("{:<8} [x + {}]", sized, static_cast<s32>(in.k));
    case Kind::kLoadLen: return load("ld") + " #pktlen";
    case Kind::kLoadImm: return load("ld") + fmt::format(" #{:#x}", in.k);
    case Kind::kLoadMem: return load("ld") + fmt::format(" M[{}]", in.k);
    case Kind::kLoadMsh: return fmt::format("{:<8} 4*([{}]&0xf)", "ldxb", in.k);
    case Kind::kStore: return load("st") + fmt::format(" M[{}]", in.k);
    case Kind::kJump: return fmt::format("{:<8} {}", "ja", u64{at} + 1 + in.k);
    case Kind::kBranch: {
      constexpr const char* kNames[] = {"ja", "jeq", "jgt", "jge", "jset"};
      return fmt::format("{:<8} {:<16} jt {}\tjf {}", kNames[alu_op(in.code) >> 4], operand(in, op),
                         at + 1 + in.jt, at + 1 + in.jf);
    }
    case Kind::kReturn:
      return op.by_x ? fmt::format("{:<8} a", "ret") : fmt::format("{:<8} #{}", "ret", in.k);
    case Kind::kTax: return "tax";
    case Kind::kTxa: return "txa";
  }
  return {};
}

}  // namespace osmia::isa
