// Following the recorded graph: which node is the run at, and is its state what that node claims?
#include <fmt/format.h>

#include "host/packet.h"
#include "machine.h"

namespace osmia::soundness {
namespace {

bool all_within(const std::array<Places, kMaxFrames>& bad, const std::vector<ConcreteFrame*>& frames) {
  for (size_t f = 0; f < frames.size(); f++)
    if (!bad[f].within(frames[f]->loose)) return false;
  return true;
}

int weight(const std::array<Places, kMaxFrames>& bad) {
  int n = 0;
  for (const Places& p : bad) n += __builtin_popcount(p.regs) + __builtin_popcountll(p.slots);
  return n;
}

// Without what was allowed: what makes it a violation.
std::array<Places, kMaxFrames> not_allowed(std::array<Places, kMaxFrames> bad,
                                           const std::vector<ConcreteFrame*>& frames) {
  for (size_t f = 0; f < frames.size(); f++) {
    bad[f].regs &= static_cast<u16>(~frames[f]->loose.regs);
    bad[f].slots &= ~frames[f]->loose.slots;
  }
  return bad;
}

}  // namespace

const Node& Machine::at() const {
  return p_.recording_.nodes()[walk_->node];
}

void Machine::violation(std::string what) {
  stopped_ = true;
  if (p_.counters_.violations.size() < 1000)
    p_.counters_.violations.push_back(
        fmt::format("{}: insn {} (state {}): {}", p_.program_.desc.name, pc_, walk_ ? walk_->node : 0, what));
}

// Helpers may move the packet.
void Machine::refresh_surroundings() {
  const void* ctx = reinterpret_cast<const void*>(around_.ctx);
  switch (p_.program_.desc.type) {
    case 6: {  // XDP
      const auto& x = *static_cast<const host::XdpContext*>(ctx);
      around_.packet = {true, x.data, x.data_end, x.data_meta};
      break;
    }
    case 3:
    case 4:
    case 8:
    case 10:
    case 11:
    case 12:
    case 19: {  // on socket buffers, with packet pointers
      const auto& s = *static_cast<const host::SkbContext*>(ctx);
      around_.packet = {true, s.data, s.data_end, s.data_meta};
      break;
    }
    default: break;
  }
}

bool Machine::settle(u32 node, const std::array<Places, kMaxFrames>& bad, bool keep_unread) {
  walk_->node = node;
  Membership(walk_->frames, around_).adopt(at());
  if (p_.counters_.trace) {
    fmt::print("  {:>6}  insn {:>4}", node, at().insn);
    for (size_t f = 0; f < walk_->frames.size(); f++)
      if (!bad[f].empty())
        fmt::print("  frame {} loose regs {:#x} slots {:#x}", f, bad[f].regs, bad[f].slots);
    fmt::print("\n");
  }
  for (size_t f = 0; f < walk_->frames.size(); f++) {
    ConcreteFrame& c = *walk_->frames[f];
    c.loose = bad[f];
    c.unread = keep_unread ? c.unread & bad[f] : Places{};
  }
  return true;
}

bool Machine::follow_covers() {
  while (at().cover >= 0) {
    const Node& from = at();
    const u32 to = static_cast<u32>(from.cover);
    p_.counters_.covered++;
    if (p_.counters_.trace)
      fmt::print("          covered by {}{}\n", to, from.relaxed >= 0 ? "" : ", all compared");
    if (from.relaxed >= 0) {
      const Relaxation& r = p_.recording_.relaxation(from.relaxed);
      for (size_t f = 0; f < walk_->frames.size(); f++)
        walk_->frames[f]->loose = r.unread[f] | r.imprecise[f];
    }
    const Node& target = p_.recording_.nodes()[to];
    const Membership members(walk_->frames, around_);
    const auto bad = members.outside(target);
    if (!all_within(bad, walk_->frames)) {
      violation(fmt::format("covered by state {}, but {}", to,
                            members.describe(target, not_allowed(bad, walk_->frames))));
      return false;
    }
    const s32 relaxed = from.relaxed;
    settle(to, bad, true);
    if (relaxed >= 0) {
      const Relaxation& r = p_.recording_.relaxation(relaxed);
      for (size_t f = 0; f < walk_->frames.size(); f++) walk_->frames[f]->unread = bad[f] & r.unread[f];
    }
  }
  return true;
}

// An ALU instruction may be explored from parts of its state (a sign mask that is 0 or -1). Such a part looks
// like a visit of the same instruction after itself.
void Machine::find_parts() {
  walk_->parts.clear();
  const Node& n = at();
  const u8 cls = p_.program_.insns[n.insn].cls();
  if (cls != isa::kAlu && cls != isa::kAlu64) return;
  for (const u32 k : n.next) {
    const Node& part = p_.recording_.nodes()[k];
    if (part.insn == n.insn && part.depth == n.depth &&
        all_within(Membership(walk_->frames, around_).outside(part), walk_->frames))
      walk_->parts.push_back(k);
  }
}

bool Machine::advance(u32 pc) {
  if (stopped_) return false;
  refresh_surroundings();
  const Membership members(walk_->frames, around_);
  const u32 depth = static_cast<u32>(walk_->frames.size()) - 1;
  s32 best = -1, other = -1;
  std::array<Places, kMaxFrames> best_bad{}, other_bad{};
  const auto try_node = [&](u32 k) {
    const Node& n = p_.recording_.nodes()[k];
    if (n.insn != pc || n.depth != depth) return;
    const auto bad = members.outside(n);
    if (!all_within(bad, walk_->frames)) {
      other = static_cast<s32>(k);
      other_bad = bad;
    } else if (best < 0 || weight(bad) < weight(best_bad)) {
      best = static_cast<s32>(k);
      best_bad = bad;
    }
  };
  for (const u32 k : at().next) try_node(k);
  for (const u32 part : walk_->parts)
    for (const u32 k : p_.recording_.nodes()[part].next) try_node(k);
  if (best < 0) {
    if (other < 0) {
      violation(fmt::format("went on to insn {}, which was not explored from here", pc));
    } else {
      const Node& n = p_.recording_.nodes()[static_cast<size_t>(other)];
      violation(fmt::format("at insn {} (state {}): {}", pc, other,
                            members.describe(n, not_allowed(other_bad, walk_->frames))));
    }
    return false;
  }
  settle(static_cast<u32>(best), best_bad, true);
  if (!follow_covers()) return false;
  find_parts();
  return true;
}

bool Machine::start_walk(Walk& walk, u32 subprog) {
  walk_ = &walk;
  refresh_surroundings();
  const Membership members(walk.frames, around_);
  const auto& roots = p_.recording_.roots(subprog);
  for (const u32 root : roots) {
    const auto bad = members.outside(p_.recording_.nodes()[root]);
    if (weight(bad) != 0) continue;
    settle(root, bad, false);
    if (!follow_covers()) return false;
    find_parts();
    return true;
  }
  if (roots.empty()) {
    violation(fmt::format("subprogram {} starts here, which was not explored by itself", subprog));
  } else {
    walk.node = roots[0];
    violation(
        fmt::format("subprogram {} starts with {}", subprog, members.describe(at(), members.outside(at()))));
  }
  return false;
}

}  // namespace osmia::soundness
