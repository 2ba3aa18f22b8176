// Expansion stops at a size, at frames (a callee with a stack keeps it), and where it would not end.
#include "jit/common/flat.h"

#include <span>

namespace osmia::jit {

using namespace isa;
using rewrite::ExecProgram;

namespace {

constexpr u32 kMostInlined = 32;    // instructions of a subprogram that is expanded
constexpr u32 kMostExpanded = 400;  // instructions that expansion adds to a function
constexpr u8 kMostDepth = 6;

struct Flattener {
  const ExecProgram& p;
  const std::vector<SubprogInfo>& info;
  std::vector<Flat> out;
  u32 added = 0;
  std::vector<u32> chain;  // subprograms being expanded
  u32 bad_insn = ~0u;
  std::vector<u32> unwinds;  // jumps to where an exception leaves the function

  bool expand(u32 s, u8 depth) {
    const auto& sub = p.subprogs[s];
    const u32 n = sub.end - sub.start;
    std::vector<u32> at(n + 1);
    std::vector<u32> jumps, exits;
    chain.push_back(s);
    for (u32 i = sub.start; i < sub.end; i++) {
      at[i - sub.start] = static_cast<u32>(out.size());
      const Insn& in = p.insns[i];
      Flat f{.insn = in, .depth = depth, .origin = i};
      auto target = [&](s64 t) {
        if (t < sub.start || t >= sub.end) return false;
        f.target = static_cast<u32>(t) - sub.start;
        jumps.push_back(static_cast<u32>(out.size()));
        return true;
      };
      bool known = in.dst <= kAx && in.src <= kAx;
      if (is_ld_imm64(in)) {
        if (i + 1 >= sub.end) return bad(i);
        f.kind = FlatKind::kImm64;
        f.imm64 = static_cast<u64>(static_cast<u32>(p.insns[i + 1].imm)) << 32 | static_cast<u32>(in.imm);
        if (in.src == kPseudoFunc) {
          const s64 callee = p.subprog_at(static_cast<s64>(i) + 1 + in.imm);
          if (callee < 0) return bad(i);
          f.target = static_cast<u32>(callee);
        } else if (in.src) {
          return bad(i);
        }
        out.push_back(f);
        at[++i - sub.start] = static_cast<u32>(out.size());
        continue;
      }
      if (in.cls() == kJmp || in.cls() == kJmp32) {
        const bool wide = in.cls() == kJmp;
        switch (in.op()) {
          case kExit:
            known &= wide;
            f.kind = FlatKind::kExit;
            if (depth) {
              f.kind = FlatKind::kJump;
              exits.push_back(static_cast<u32>(out.size()));
            }
            break;
          case kCall: {
            if (!wide || in.is_reg_src()) return bad(i);
            if (in.src == kPseudoCall) {
              const s64 callee = p.subprog_at(static_cast<s64>(i) + 1 + in.imm);
              if (callee < 0) return bad(i);
              f.kind = FlatKind::kCallSub;
              f.target = static_cast<u32>(callee);
              if (may_expand(f.target, depth)) {
                added += p.subprogs[f.target].end - p.subprogs[f.target].start;
                if (!expand(f.target, static_cast<u8>(depth + 1))) return false;
                continue;
              }
            } else {
              if (in.src != kHelperCall || in.imm < 0 || static_cast<size_t>(in.imm) >= p.calls.size())
                return bad(i);
              f.kind = p.calls[static_cast<size_t>(in.imm)].tail_call ? FlatKind::kTailCall : FlatKind::kCall;
            }
            break;
          }
          case kJa:
            f.kind = FlatKind::kJump;
            known &= target(static_cast<s64>(i) + 1 + (wide ? in.off : in.imm));
            break;
          case kJcond:
            f.kind = FlatKind::kMayGoto;
            known &= wide && target(static_cast<s64>(i) + 1 + in.off);
            break;
          case 0xf0: return bad(i);
          default: f.kind = FlatKind::kBranch; known &= target(static_cast<s64>(i) + 1 + in.off);
        }
      } else if (in.cls() == kLd) {
        return bad(i);
      }
      if (!known) return bad(i);
      out.push_back(f);
      if (f.kind == FlatKind::kCall && p.calls[static_cast<size_t>(in.imm)].throws) {
        unwind(FlatKind::kJump, {.code = kJmp | kJa});
      } else if ((f.kind == FlatKind::kCall && info[s].helpers_throw) ||
                 (f.kind == FlatKind::kCallSub && info[f.target].throws)) {
        put(FlatKind::kThreadWord, {.dst = kR1, .imm = thrown_word()});
        unwind(FlatKind::kBranch, {.code = kJmp | kJne | kK, .dst = kR1});
      }
    }
    at[n] = static_cast<u32>(out.size());
    for (const u32 j : jumps) out[j].target = at[out[j].target];
    for (const u32 e : exits) out[e].target = at[n];
    chain.pop_back();
    return true;
  }

  // An instruction that is put in behind the last one.
  void put(FlatKind kind, Insn in, u32 target = 0) {
    Flat f = out.back();
    f.kind = kind;
    f.insn = in;
    f.target = target;
    out.push_back(f);
  }
  void unwind(FlatKind kind, Insn in) {
    unwinds.push_back(static_cast<u32>(out.size()));
    put(kind, in);
  }
  // How an exception leaves the function: with 1, or, from the program's first, as what its callback makes of
  // the cookie.
  void put_unwinding(u32 s) {
    if (unwinds.empty()) return;
    const u32 begin = static_cast<u32>(out.size());
    for (const u32 at : unwinds) out[at].target = begin;
    if (s) {
      put(FlatKind::kPlain, {.code = kAlu64 | kMov | kK, .dst = kR0, .imm = 1});
    } else {
      put(FlatKind::kCall, {.code = kJmp | kCall, .imm = static_cast<s32>(p.calls.size() - 1)});  // jit.cpp
      if (p.exception_callback >= 0) {
        put(FlatKind::kPlain, {.code = kAlu64 | kMov | kX, .dst = kR1, .src = kR0});
        put(FlatKind::kCallSub, {.code = kJmp | kCall}, static_cast<u32>(p.exception_callback));
      }
    }
    put(FlatKind::kExit, {.code = kJmp | kExit});
    for (Flat& f : std::span(out).subspan(begin)) f.depth = 0;
  }

  bool bad(u32 i) {
    bad_insn = i;
    return false;
  }
  bool may_expand(u32 s, u8 depth) const {
    if (!info[s].inlinable || depth + 1 > kMostDepth) return false;
    if (added + p.subprogs[s].end - p.subprogs[s].start > kMostExpanded) return false;
    for (const u32 c : chain)
      if (c == s) return false;
    return true;
  }
};

// Which of r1 … r5 subprogram s may read before it writes them: backwards over its instructions until nothing
// changes. Calls are taken to read all that they could.
u8 args_read(const ExecProgram& p, u32 s) {
  const u32 start = p.subprogs[s].start, n = p.subprogs[s].end - start;
  std::vector<u16> live(n + 1, 0);
  for (bool changed = true; changed;) {
    changed = false;
    for (u32 k = n; k-- > 0;) {
      const Insn& in = p.insns[start + k];
      u16 now = live[k + 1];
      auto at = [&](s64 t) {
        return t >= 0 && t < static_cast<s64>(n) ? live[static_cast<size_t>(t)] : u16{0};
      };
      auto use = [&](u8 r) { now |= static_cast<u16>(1u << r); };
      auto def = [&](u8 r) { now &= static_cast<u16>(~(1u << r)); };
      switch (in.cls()) {
        case kLd: def(in.dst); break;  // its second half reads and writes r0
        case kLdx:
          def(in.dst);
          use(in.src);
          break;
        case kSt: use(in.dst); break;
        case kStx:
          use(in.dst);
          use(in.src);
          break;
        case kAlu:
        case kAlu64:
          if (in.op() == kMov) def(in.dst);
          if (in.op() != kMov) use(in.dst);
          if (in.is_reg_src() && in.op() != kEnd) use(in.src);
          break;
        default:
          if (in.op() == kExit) {
            now = 0;
          } else if (in.op() == kCall) {
            def(kR0);
            const bool helper =
                in.src == kHelperCall && in.imm >= 0 && static_cast<size_t>(in.imm) < p.calls.size();
            const u8 args = helper ? p.calls[static_cast<size_t>(in.imm)].args : u8{5};
            for (u8 r = 1; r <= 5; r++) r <= args ? use(r) : def(r);
          } else {
            const s64 t = static_cast<s64>(k) + 1 + (in.code == (kJmp32 | kJa) ? in.imm : in.off);
            now = in.op() == kJa ? at(t) : static_cast<u16>(now | at(t));
            if (in.op() != kJa && in.op() != kJcond) {
              use(in.dst);
              if (in.is_reg_src()) use(in.src);
            }
          }
      }
      changed |= now != live[k];
      live[k] = now;
    }
  }
  u8 args = 0;
  for (u8 r = 1; r <= 5; r++)
    if (live[0] >> r & 1) args = r;
  return args;
}

Error bad_insn(const ExecProgram& p, u32 i) {
  return {EINVAL,
          "JIT: unknown instruction " + std::to_string(i) + ", code " + std::to_string(p.insns[i].code)};
}

}  // namespace

s32 thrown_word() {
  u8* word = reinterpret_cast<u8*>(&rewrite::t_thrown.set);
  asm("" : "+r"(word));  // linkers do not know the load that the difference would become
  return static_cast<s32>(word - static_cast<u8*>(__builtin_thread_pointer()));
}

Result<std::vector<SubprogInfo>> subprog_info(const ExecProgram& p) {
  std::vector<SubprogInfo> info(p.subprogs.size());
  std::vector<std::pair<u32, u32>> calls;  // caller, callee
  std::vector<u32> callbacks;
  std::vector<u8> helpers(p.subprogs.size(), 0);
  for (u32 s = 0; s < p.subprogs.size(); s++) {
    const auto& sub = p.subprogs[s];
    SubprogInfo& x = info[s];
    x.args = args_read(p, s);
    x.inlinable = s && sub.end - sub.start <= kMostInlined && sub.start < sub.end &&
                  static_cast<s32>(s) != p.exception_callback;
    for (u32 i = sub.start; i < sub.end; i++) {
      const Insn& in = p.insns[i];
      if (is_ld_imm64(in)) {
        const s64 target = in.src == kPseudoFunc ? p.subprog_at(static_cast<s64>(i) + 1 + in.imm) : -1;
        if (target >= 0) callbacks.push_back(static_cast<u32>(target));
        i++;
        continue;
      }
      const bool uses_src = in.is_reg_src() || in.cls() == kLdx || in.cls() == kStx;
      if (in.dst == kFp || (uses_src && in.src == kFp)) x.inlinable = false;
      if (in.code == (kJmp | kJcond)) x.inlinable = false;
      if (in.code != (kJmp | kCall)) continue;
      if (in.src == kPseudoCall) {
        if (const s64 t = p.subprog_at(static_cast<s64>(i) + 1 + in.imm); t >= 0)
          calls.push_back({s, static_cast<u32>(t)});
      } else if (in.src == kHelperCall && in.imm >= 0 && static_cast<size_t>(in.imm) < p.calls.size()) {
        const auto& call = p.calls[static_cast<size_t>(in.imm)];
        x.tail_calls |= call.tail_call;
        x.inlinable &= !call.tail_call;
        x.throws |= call.throws;
        helpers[s] |= !call.throws && !call.tail_call;
      }
    }
  }
  for (bool changed = true; changed;) {
    changed = false;
    auto set = [&](bool& to, bool value) {
      changed |= value && !to;
      to |= value;
    };
    for (const auto& [from, to] : calls) {
      set(info[from].tail_calls, info[to].tail_calls);
      set(info[from].throws, info[to].throws);
    }
    for (const u32 c : callbacks)
      for (u32 s = 0; info[c].throws && s < info.size(); s++) {
        set(info[s].helpers_throw, true);
        set(info[s].throws, helpers[s]);
      }
  }
  return info;
}

Result<std::vector<Flat>> flatten(const ExecProgram& p, const std::vector<SubprogInfo>& info, u32 subprog) {
  Flattener f{p, info, {}, 0, {}, ~0u, {}};
  f.out.reserve(p.subprogs[subprog].end - p.subprogs[subprog].start);
  if (!f.expand(subprog, 0)) return bad_insn(p, f.bad_insn);
  f.put_unwinding(subprog);
  return std::move(f.out);
}

}  // namespace osmia::jit
