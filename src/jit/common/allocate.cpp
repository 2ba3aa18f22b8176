// Classes of joined values in the order in which their ranges begin. A class that finds no register takes one
// from classes that cost less to keep in memory, or goes to memory itself.
#include "jit/common/allocate.h"

#include <algorithm>

#include "jit/common/live.h"

namespace osmia::jit {
namespace {

struct Class {
  u32 first = 0, count = 0;  // of Liveness::ranges: sorted, apart
  float cost = 0;
  float weight = 0;  // cost by length: what is short and busy keeps its register
  s8 hint = -1;
  u8 reg = 0xff;
  bool spilled = false;
  u32 slot = ~0u;
  Val like = kNoVal;  // a value whose register would save a move
};

using Ranges = std::span<const LiveRange>;

bool meet(Ranges a, Ranges b) {
  if (a.empty() || b.empty()) return false;
  size_t i = 0, j = 0;
  if (a.size() > 8)
    i = static_cast<size_t>(
        std::upper_bound(a.begin(), a.end(), b[0].from, [](u32 x, const LiveRange& r) { return x < r.to; }) -
        a.begin());
  if (b.size() > 8)
    j = static_cast<size_t>(
        std::upper_bound(b.begin(), b.end(), a[0].from, [](u32 x, const LiveRange& r) { return x < r.to; }) -
        b.begin());
  while (i < a.size() && j < b.size()) {
    if (a[i].to <= b[j].from)
      i++;
    else if (b[j].to <= a[i].from)
      j++;
    else
      return true;
  }
  return false;
}

// Appends to `pool`, of which they may be parts, what a and b cover together; its length.
u32 join(std::vector<LiveRange>& pool, Ranges a, Ranges b) {
  const size_t begin = pool.size();
  if (pool.capacity() < begin + a.size() + b.size()) {  // no part may move while it is read
    std::vector<LiveRange> bigger;
    bigger.reserve((begin + a.size() + b.size()) * 2);
    bigger = pool;
    a = {bigger.data() + (a.data() - pool.data()), a.size()};
    b = {bigger.data() + (b.data() - pool.data()), b.size()};
    pool.swap(bigger);
  }
  auto add = [&](const LiveRange& r) {
    if (pool.size() > begin && r.from <= pool.back().to)
      pool.back().to = std::max(pool.back().to, r.to);
    else
      pool.push_back(r);
  };
  size_t i = 0, j = 0;
  while (i < a.size() || j < b.size())
    add(j == b.size() || (i < a.size() && a[i].from <= b[j].from) ? a[i++] : b[j++]);
  return static_cast<u32>(pool.size() - begin);
}

struct Scan {
  const Function& f;
  const Machine& m;
  Liveness live;
  std::vector<u32> leader;     // by value: union-find over classes
  std::vector<Class> classes;  // by leader value (sparse: by index below)
  std::vector<u32> class_of;   // by value that is a leader
  std::vector<u32> calls;      // positions of clobbers by calls
  std::vector<u32> clobbers[32];
  struct Taken {
    u32 from, to, cls;
  };
  std::vector<Taken> taken[32];  // by register, sorted
  size_t head[32] = {};

  Ranges ranges(const Class& c) const { return {live.ranges.data() + c.first, c.count}; }
  u32 find(u32 v) {
    while (leader[v] != v) v = leader[v] = leader[leader[v]];
    return v;
  }

  void make_classes() {
    const u32 n = static_cast<u32>(f.nodes.size());
    leader.resize(n);
    class_of.assign(n, ~0u);
    for (Val v = 0; v < n; v++) {
      leader[v] = v;
      if (!live.in_register[v]) continue;
      class_of[v] = static_cast<u32>(classes.size());
      Class c;
      c.first = live.begin[v];
      c.count = live.begin[v + 1] - c.first;
      c.cost = live.cost[v];
      const Node& node = f.nodes[v];
      c.hint = node.op == Op::kArg ? static_cast<s8>(m.arg_regs[node.imm]) : m.result_hint(node);
      if (node.op == Op::kCall || node.op == Op::kCallSub) c.hint = static_cast<s8>(m.result_reg);
      if (node.op != Op::kPhi && node.a != kNoVal && node.op != Op::kLoad) c.like = node.a;
      classes.push_back(std::move(c));
    }
  }

  void try_join(Val a, Val b) {
    const u32 x = find(a), y = find(b);
    if (x == y || class_of[x] == ~0u || class_of[y] == ~0u) return;
    Class &p = classes[class_of[x]], &q = classes[class_of[y]];
    if (meet(ranges(p), ranges(q))) return;
    const u32 first = static_cast<u32>(live.ranges.size());
    p.count = join(live.ranges, ranges(p), ranges(q));
    p.first = first;
    p.cost += q.cost;
    if (p.hint < 0) p.hint = q.hint;
    if (p.like == kNoVal) p.like = q.like;
    q.count = 0;
    leader[y] = x;
  }

  void join_phis() {
    std::vector<std::pair<u32, Val>> phis;
    for (const Block& b : f.blocks)
      for (u32 i = b.begin; i < b.end && f.nodes[f.order[i]].op == Op::kPhi; i++)
        phis.push_back({b.depth, f.order[i]});
    std::stable_sort(phis.begin(), phis.end(), [](auto& a, auto& b) { return a.first > b.first; });
    for (const auto& [depth, v] : phis) {
      const Node& n = f.nodes[v];
      // Arguments from deeper inside first: those moves are made most often.
      const auto preds = f.preds_of(f.blocks[n.block]);
      for (const bool deep : {true, false})
        for (u32 k = 0; k < n.nargs; k++) {
          const Val a = f.args[n.extra + k];
          if ((f.blocks[preds[k]].depth >= f.blocks[n.block].depth) != deep) continue;
          if (a != kNoVal && !f.is_const(a) && live.in_register[a] && live.in_register[v]) try_join(v, a);
        }
    }
  }

  void find_clobbers() {
    for (u32 i = 0; i < f.order.size(); i++) {
      const Node& n = f.nodes[f.order[i]];
      if (n.op == Op::kCall || n.op == Op::kCallSub || n.op == Op::kTailCall) {
        calls.push_back(i * 4 + 1);
      } else if (const u32 mask = m.clobbers(f, n)) {
        for (u8 r = 0; r < 32; r++)
          if (mask >> r & 1) clobbers[r].push_back(i * 4 + 1);
      }
      // Where operands are wanted in certain registers.
      auto want = [&](Val v, s8 reg) {
        if (v == kNoVal || reg < 0 || !live.in_register[v]) return;
        Class& c = classes[class_of[find(v)]];
        if (c.hint < 0) c.hint = reg;
      };
      if (n.op == Op::kCall || n.op == Op::kCallSub || n.op == Op::kTailCall)
        for (u32 k = 0; k < n.nargs; k++) want(f.args[n.extra + k], static_cast<s8>(m.arg_regs[k]));
      if (n.op == Op::kExit) want(n.a, static_cast<s8>(m.result_reg));
      if (n.a != kNoVal && !is_terminator(n.op)) want(n.a, m.operand_hint(n));
    }
  }

  static bool hit(const std::vector<u32>& points, Ranges ranges) {
    if (points.empty()) return false;
    for (const LiveRange& r : ranges) {
      const auto it = std::lower_bound(points.begin(), points.end(), r.from);
      if (it != points.end() && *it < r.to) return true;
    }
    return false;
  }

  // First range of register r that ends behind `pos`.
  size_t first_behind(u8 r, u32 pos) {
    auto& t = taken[r];
    while (head[r] < t.size() && t[head[r]].to <= pos) head[r]++;
    return head[r];
  }
  bool free(u8 r, const Class& c) {
    auto& t = taken[r];
    size_t j = first_behind(r, ranges(c)[0].from);
    for (const LiveRange& x : ranges(c)) {
      if (t.size() - j > 8)
        j = static_cast<size_t>(std::lower_bound(t.begin() + static_cast<s64>(j), t.end(), x.from,
                                                 [](const Taken& a, u32 p) { return a.to <= p; }) -
                                t.begin());
      else
        while (j < t.size() && t[j].to <= x.from) j++;
      if (j == t.size()) return true;
      if (t[j].from < x.to) return false;
    }
    return true;
  }
  void take(u8 r, u32 cls) {
    classes[cls].reg = r;
    auto& t = taken[r];
    for (const LiveRange& x : ranges(classes[cls])) {
      const Taken add{x.from, x.to, cls};
      if (t.empty() || t.back().from < x.from)
        t.push_back(add);
      else
        t.insert(std::lower_bound(t.begin() + static_cast<s64>(head[r]), t.end(), x.from,
                                  [](const Taken& a, u32 p) { return a.from < p; }),
                 add);
    }
  }
  void drop(u8 r, u32 cls) {
    auto& t = taken[r];
    t.erase(std::remove_if(t.begin() + static_cast<s64>(head[r]), t.end(),
                           [&](const Taken& x) { return x.cls == cls; }),
            t.end());
    classes[cls].reg = 0xff;
    classes[cls].spilled = true;
  }

  void run() {
    std::vector<u32> todo;
    for (u32 c = 0; c < classes.size(); c++) {
      if (!classes[c].count) continue;
      todo.push_back(c);
      u32 length = 0;
      for (const LiveRange& r : ranges(classes[c])) length += r.to - r.from;
      classes[c].weight = classes[c].cost / static_cast<float>(length + 4);
    }
    std::sort(todo.begin(), todo.end(),
              [&](u32 a, u32 b) { return ranges(classes[a])[0].from < ranges(classes[b])[0].from; });
    for (const u32 cls : todo) place(cls);
  }

  bool meets(const Taken& t, const Class& c) const {
    const LiveRange one{t.from, t.to};
    return meet({&one, 1}, ranges(c));
  }

  void place(u32 cls) {
    Class& c = classes[cls];
    const bool over_call = hit(calls, ranges(c));
    auto allowed = [&](u8 r) {
      if (over_call && m.caller_saved >> r & 1) return false;
      return !hit(clobbers[r], ranges(c));
    };
    auto good = [&](s32 r) {
      return r >= 0 && r < 32 && std::find(m.order.begin(), m.order.end(), r) != m.order.end() &&
             allowed(static_cast<u8>(r)) && free(static_cast<u8>(r), c);
    };
    if (good(c.hint)) return take(static_cast<u8>(c.hint), cls);
    if (c.like != kNoVal && live.in_register[c.like]) {
      const u8 r = classes[class_of[find(c.like)]].reg;
      if (r != 0xff && good(r)) return take(r, cls);
    }
    for (const u8 r : m.order)
      if (allowed(r) && free(r, c)) return take(r, cls);
    // Somebody goes to memory.
    float best = c.weight;
    s32 victim = -1;
    for (const u8 r : m.order) {
      if (!allowed(r)) continue;
      float sum = 0;
      u32 last = ~0u;
      for (size_t j = first_behind(r, ranges(c)[0].from); j < taken[r].size(); j++) {
        const Taken& t = taken[r][j];
        if (t.from >= ranges(c).back().to) break;
        if (t.cls == last || !meets(t, c)) continue;
        last = t.cls;
        sum = std::max(sum, classes[t.cls].weight);
      }
      if (sum < best) {
        best = sum;
        victim = r;
      }
    }
    if (victim < 0) {
      c.spilled = true;
      return;
    }
    const u8 r = static_cast<u8>(victim);
    std::vector<u32> out;
    for (size_t j = first_behind(r, ranges(c)[0].from); j < taken[r].size(); j++)
      if (meets(taken[r][j], c)) out.push_back(taken[r][j].cls);
    for (const u32 o : out)
      if (!classes[o].spilled) drop(r, o);
    take(r, cls);
  }

  // Words of the frame for classes in memory: ranges that do not meet share one.
  u32 assign_slots() {
    std::vector<std::pair<u32, u32>> words;  // as Class: first, count
    auto of = [&](u32 w) { return Ranges{live.ranges.data() + words[w].first, words[w].second}; };
    std::vector<u32> todo;
    for (u32 c = 0; c < classes.size(); c++)
      if (classes[c].spilled && classes[c].count) todo.push_back(c);
    std::sort(todo.begin(), todo.end(),
              [&](u32 a, u32 b) { return ranges(classes[a])[0].from < ranges(classes[b])[0].from; });
    for (const u32 c : todo) {
      u32 w = 0;
      const u32 last = static_cast<u32>(words.size()) > 32 ? static_cast<u32>(words.size()) - 32 : 0;
      for (w = last; w < words.size() && meet(of(w), ranges(classes[c]));) w++;
      if (w == words.size()) words.emplace_back();
      const u32 first = static_cast<u32>(live.ranges.size());
      const u32 count = join(live.ranges, of(w), ranges(classes[c]));
      words[w] = {first, count};
      classes[c].slot = w;
    }
    return static_cast<u32>(words.size());
  }
};

}  // namespace

void place_constants(Function& f, const Machine& m) {
  // Which constants of loops have a use that needs a register?
  bool loops = false, calls = false;
  for (const Block& b : f.blocks) loops |= b.depth > 0;
  for (const Val v : f.order) calls |= f.nodes[v].op == Op::kCall || f.nodes[v].op == Op::kCallSub;
  if (!loops) return;
  const u32 most = calls ? 2 : 4;
  struct Wanted {
    s64 imm;
    float weight;
    Val made;
  };
  std::vector<Wanted> wanted;
  auto each = [&](auto&& fn) {
    for (const Block& b : f.blocks) {
      if (!b.depth) continue;
      for (u32 i = b.begin; i < b.end; i++) {
        Node& n = f.nodes[f.order[i]];
        if (n.op == Op::kPhi || n.op == Op::kCall || n.op == Op::kCallSub || n.op == Op::kTailCall) continue;
        u32 k = 0;
        for (Val* o : {&n.a, &n.b, &n.c}) {
          if (*o != kNoVal && f.is_const(*o) && f.nodes[*o].imm && !m.takes_constant(f, n, k, *o)) fn(b, *o);
          k++;
        }
      }
    }
  };
  each([&](const Block& b, Val o) {
    float w = 1;
    for (u32 d = 0; d < std::min(b.depth, 6u); d++) w *= 8;
    for (auto& x : wanted)
      if (x.imm == f.nodes[o].imm) {
        x.weight += w;
        return;
      }
    wanted.push_back({f.nodes[o].imm, w, kNoVal});
  });
  if (wanted.empty()) return;
  std::stable_sort(wanted.begin(), wanted.end(), [](auto& a, auto& b) { return a.weight > b.weight; });
  if (wanted.size() > most) wanted.resize(most);
  std::vector<Val> made;
  for (auto& x : wanted) {
    x.made = static_cast<Val>(f.nodes.size());
    Node n{.op = Op::kConst, .imm = x.imm};
    f.nodes.push_back(n);
    f.alias.push_back(x.made);
    f.uses.push_back(1);
    made.push_back(x.made);
  }
  each([&](const Block&, Val& o) {
    for (auto& x : wanted)
      if (x.imm == f.nodes[o].imm) o = x.made;
  });
  // In front of the entry's terminator.
  f.order.insert(f.order.begin() + f.blocks[0].end - 1, made.begin(), made.end());
  const u32 n = static_cast<u32>(made.size());
  f.blocks[0].end += n;
  for (size_t b = 1; b < f.blocks.size(); b++) {
    f.blocks[b].begin += n;
    f.blocks[b].end += n;
  }
}

Allocation allocate(const Function& f, const Machine& m) {
  Scan s{f, m, find_live_ranges(f, m), {}, {}, {}, {}, {}, {}, {}};
  s.make_classes();
  s.join_phis();
  s.find_clobbers();
  s.run();
  Allocation out;
  out.slots = s.assign_slots();
  const u32 n = static_cast<u32>(f.nodes.size());
  out.place.resize(n);
  out.live_until.assign(n, 0);
  for (Val v = 0; v < n; v++) {
    Place& p = out.place[v];
    if (f.nodes[v].op == Op::kFrame) p.kind = Place::kFrame;
    if (f.is_const(v)) p.kind = Place::kConst;
    if (!s.live.in_register[v]) continue;
    out.live_until[v] = s.live.ranges[s.live.begin[v + 1] - 1].to;
    const Class& c = s.classes[s.class_of[s.find(v)]];
    if (c.reg != 0xff) {
      p = {Place::kReg, c.reg, 0};
      out.used_regs |= 1u << c.reg;
    } else if (!f.is_const(v)) {
      p = {Place::kSlot, 0, c.slot};
    }
  }
  out.live_in_regs.assign(f.blocks.size(), 0);
  for (const auto& [b, v] : s.live.live_in)
    if (out.place[v].kind == Place::kReg) out.live_in_regs[b] |= 1u << out.place[v].reg;
  return out;
}

}  // namespace osmia::jit
