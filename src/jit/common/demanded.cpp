// Upper halves that nobody reads: their extensions go, and 64-bit operations become 32-bit ones. Sound since
// the low half of these operations depends on low halves alone, and a reader of the upper half is never
// missed: the set only grows until nothing changes.
#include <algorithm>

#include "jit/common/ir.h"

namespace osmia::jit {
namespace {

// Does node n read the upper half of its operand a / b / c, given whether its own is read?
enum Reads : u8 { kA = 1, kB = 2, kC = 4, kArgs = 8 };
u8 high_reads(const Node& n, bool own) {
  const u8 both = kA | kB;
  switch (n.op) {
    case Op::kAdd:
    case Op::kSub:
    case Op::kMul:
    case Op::kAnd:
    case Op::kOr:
    case Op::kXor:
    case Op::kNeg: return n.width == 64 && own ? both : 0;
    case Op::kShl: return n.width == 64 && own ? kA : 0;
    case Op::kShr:
    case Op::kSar:
    case Op::kRol: return n.width == 64 ? kA : 0;
    case Op::kDiv:
    case Op::kMod:
    case Op::kSdiv:
    case Op::kSmod: return n.width == 64 ? both : 0;
    case Op::kMulHi:
    case Op::kMulHiS: return both;
    case Op::kBswap:
    case Op::kZext:
    case Op::kSext: return n.bytes == 8 ? kA : 0;
    case Op::kPhi: return own ? kArgs : 0;
    case Op::kBranch: return n.width == 64 ? both : 0;
    case Op::kStore: return static_cast<u8>(both | (n.bytes == 8 ? kC : 0));
    case Op::kAtomic: return static_cast<u8>(kA | (n.bytes == 8 ? kB | kC : 0));
    default: return kA | kB | kC | kArgs;
  }
}

}  // namespace

void narrow(Function& f) {
  std::vector<u8> high(f.nodes.size(), 0), last(f.nodes.size(), 0xff);
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = f.order.size(); i-- > 0;) {
      Node& n = f.nodes[f.order[i]];
      const u8 reads = high_reads(n, high[f.order[i]]);
      if (reads == last[f.order[i]]) continue;
      last[f.order[i]] = reads;
      auto mark = [&](Val v) {
        if (v != kNoVal && !high[v]) {
          high[v] = 1;
          changed = true;
        }
      };
      if (reads & kA) mark(n.a);
      if (reads & kB) mark(n.b);
      if (reads & kC) mark(n.c);
      if (reads & kArgs)
        for (u32 k = 0; k < n.nargs; k++) mark(f.args[n.extra + k]);
    }
  }
  for (const Val v : f.order) {
    Node& n = f.nodes[v];
    if (high[v]) continue;
    switch (n.op) {
      case Op::kZext:
        if (n.bytes == 4) f.alias[v] = f.resolve(n.a);
        break;
      case Op::kSext:
        n.width = 32;
        if (n.bytes == 4) f.alias[v] = f.resolve(n.a);
        break;
      case Op::kShl:
        if (!f.is_const(n.b) || f.nodes[n.b].imm >= 32) break;
        [[fallthrough]];
      case Op::kAdd:
      case Op::kSub:
      case Op::kMul:
      case Op::kAnd:
      case Op::kOr:
      case Op::kXor:
      case Op::kNeg:
        n.width = 32;
        n.bits = std::min<u8>(n.bits, 32);
        break;
      case Op::kLoad:
        if (n.flags & kSigned) {
          n.width = 32;
          if (n.bytes == 4) n.flags &= static_cast<u8>(~kSigned);
        }
        break;
      default: break;
    }
  }
}

}  // namespace osmia::jit
