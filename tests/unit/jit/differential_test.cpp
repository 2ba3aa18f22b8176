// Random programs, the engines against each other. The programs are not verified: the generator keeps them
// inside the memory that they are given, keeps loops counted and reads only what was written. r0, the memory
// and every register folded into r0 must agree. OSMIA_JIT_SEED and OSMIA_JIT_SECONDS choose another start and
// a longer run.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <random>

#include "interp/interp.h"
#include "isa/disasm.h"
#include "jit/jit.h"
#include "rewrite/unverified.h"

namespace osmia::jit {
namespace {

using namespace isa;

constexpr u32 kMemory = 256;  // bytes behind r1; r6 keeps its address

u64 helper_mix(u64 a, u64 b, u64 c, u64 d, u64 e) {
  return (a ^ (b * 3)) + (c << 7) + (d >> 5) + e * 0x9e3779b97f4a7c15;
}

// Helper 2 looks up in an array, 3 in a per-CPU array (of CPU 1), 8 gives the CPU; the JIT inlines them.
constexpr u32 kEntries = 16, kStride = 24;
std::array<u64, 2 * kEntries* kStride / 8> g_array = [] {
  std::array<u64, 2 * kEntries * kStride / 8> words{};
  std::mt19937_64 random(7);
  for (u64& w : words) w = random();
  return words;
}();
thread_local u32 t_cpu = 1;
s32 cpu_word() {
  return static_cast<s32>(reinterpret_cast<u8*>(&t_cpu) - static_cast<u8*>(__builtin_thread_pointer()));
}
u64 lookup_of_cpu(u64 key, u64 cpu) {
  const u32 i = *reinterpret_cast<const u32*>(key);
  return i < kEntries ? reinterpret_cast<u64>(g_array.data()) + i * kStride + cpu * kEntries * kStride : 0;
}
rewrite::ExecCall helper(s32 id) {
  static const contract::MapCode kMaps[] = {
      {.inline_lookup = {contract::LookupInline::kArray, kEntries, reinterpret_cast<u64>(g_array.data()),
                         kStride, 0}},
      {.inline_lookup = {contract::LookupInline::kPercpuArray, kEntries,
                         reinterpret_cast<u64>(g_array.data()), kStride, kEntries * kStride}}};
  switch (id) {
    case 2:
      return {.fn = [](u64, u64 key, u64, u64, u64) { return lookup_of_cpu(key, 0); },
              .name = "array",
              .args = 2,
              .map_code = &kMaps[0]};
    case 3:
      return {.fn = [](u64, u64 key, u64, u64, u64) { return lookup_of_cpu(key, 1); },
              .name = "percpu",
              .args = 2,
              .map_code = &kMaps[1]};
    case 8:
      return {.fn = [](u64, u64, u64, u64, u64) -> u64 { return t_cpu; },
              .name = "cpu",
              .args = 0,
              .reads_cpu = true};
    default: return {.fn = helper_mix, .name = "mix"};
  }
}

class Generator {
 public:
  explicit Generator(u64 seed) : random_(seed) {}

  std::vector<Insn> program() {
    out_.clear();
    sub_calls_.clear();
    add({.code = kAlu64 | kMov | kX, .dst = 6, .src = 1});
    for (u8 r = 0; r < 10; r++)
      if (r != 6) wide_constant(r);
    for (s16 off = 8; off <= 64; off = static_cast<s16>(off + 8))
      add({.code = kStx | kMem | kDw, .dst = 10, .src = reg(), .off = static_cast<s16>(-off)});
    block(static_cast<int>(20 + below(60)), 0);
    for (u8 r = 1; r < 10; r++) {
      if (r == 6) continue;
      add({.code = kAlu64 | kMul | kK, .dst = 0, .imm = 31});
      add({.code = kAlu64 | kXor | kX, .dst = 0, .src = r});
    }
    add({.code = kJmp | kExit});
    // Subprograms that calls go to: small, some with a frame.
    for (const u32 at : sub_calls_) out_[at].imm = static_cast<s32>(out_.size() - at - 1), subprogram();
    return out_;
  }

 private:
  u64 next() { return random_(); }
  u64 below(u64 n) { return next() % n; }
  bool one_in(u64 n) { return !below(n); }
  u8 reg() {  // never r6 (memory) or r10
    const u8 r = static_cast<u8>(below(9));
    return r >= 6 ? static_cast<u8>(r + 1) : r;
  }
  void add(Insn in) { out_.push_back(in); }
  s32 number() {
    static constexpr s32 kOften[] = {0,   1,  -1, 2,  3,    5,      7,   8,    9,          10,
                                     16,  24, 31, 32, 0xff, 0xffff, 100, 1000, 0x7fffffff, -0x7fffffff - 1,
                                     -10, 641};
    return one_in(3) ? static_cast<s32>(next()) : kOften[below(std::size(kOften))];
  }
  void wide_constant(u8 r) {
    const u64 v = one_in(3) ? below(100) : next() >> below(64);
    add({.code = kLd | kDw | kImm, .dst = r, .imm = static_cast<s32>(v)});
    add({.imm = static_cast<s32>(v >> 32)});
  }
  u8 size() {
    static constexpr u8 kSizes[] = {kB, kH, kW, kDw};
    return kSizes[below(4)];
  }
  s16 offset(u8 size) {
    return static_cast<s16>(below(kMemory / 2) & ~static_cast<u64>(size_bytes(size) - 1));
  }

  void alu() {
    static constexpr u8 kOps[] = {kAdd, kSub,  kMul, kOr,  kAnd, kXor, kLsh,
                                  kRsh, kArsh, kMov, kDiv, kMod, kNeg, kEnd};
    const u8 op = kOps[below(std::size(kOps))];
    const bool wide = next() & 1, x = next() & 1;
    Insn in{.code = static_cast<u8>((wide ? kAlu64 : kAlu) | op), .dst = reg()};
    if (op == kNeg) return add(in);
    if (op == kEnd) {
      in.code |= wide ? 0 : next() & 8;
      static constexpr s32 kWidths[] = {16, 32, 64};
      in.imm = kWidths[below(3)];
      return add(in);
    }
    if (x) {
      in.code |= kX;
      in.src = reg();
      if (op == kMov && one_in(3)) {
        static constexpr s16 kOffs[] = {8, 16, 32};
        in.off = kOffs[below(wide ? 3 : 2)];
      }
    } else {
      in.imm = number();
      if (op == kLsh || op == kRsh || op == kArsh) in.imm &= wide ? 63 : 31;
      if ((op == kDiv || op == kMod) && !in.imm) in.imm = 7;
    }
    if ((op == kDiv || op == kMod) && one_in(2)) in.off = 1;
    add(in);
  }

  // Idioms that the compiler fuses, so that the fused forms are met often.
  void idiom() {
    const u8 a = reg(), b = reg(), c = reg();
    const bool wide = next() & 1;
    const u8 cls = wide ? kAlu64 : kAlu;
    const s32 w = wide ? 64 : 32;
    auto op = [&](int o, u8 d, u8 s) { add({.code = static_cast<u8>(cls | o | kX), .dst = d, .src = s}); };
    auto opk = [&](int o, u8 d, s32 k) { add({.code = static_cast<u8>(cls | o | kK), .dst = d, .imm = k}); };
    switch (below(8)) {
      case 0: {  // rotation
        const s32 k = static_cast<s32>(1 + below(static_cast<u64>(w - 1)));
        if (a == b) return;
        op(kMov, b, a);
        opk(kLsh, b, k);
        opk(kRsh, a, w - k);
        op(one_in(2) ? kOr : one_in(2) ? kXor : kAdd, b, a);
        return;
      }
      case 1: {  // rotation of a product
        const s32 k = static_cast<s32>(1 + below(31));
        const u32 m = static_cast<u32>(next());
        if (a == b) return;
        add({.code = kAlu | kMov | kX, .dst = b, .src = a});
        add({.code = kAlu | kMul | kK, .dst = b, .imm = static_cast<s32>(m << k)});
        add({.code = kAlu | kMul | kK, .dst = a, .imm = static_cast<s32>(m)});
        add({.code = kAlu | kRsh | kK, .dst = a, .imm = 32 - k});
        add({.code = kAlu | kOr | kX, .dst = b, .src = a});
        return;
      }
      case 2: {  // extensions by shifts
        static constexpr s32 kBy[] = {32, 48, 56, 16, 24};
        const s32 k = kBy[below(5)] & (w - 1);
        opk(kLsh, a, k);
        opk(one_in(2) ? kRsh : kArsh, a, one_in(3) ? static_cast<s32>(below(static_cast<u64>(w))) : k);
        return;
      }
      case 3: {  // indexed load and store
        if (a == b || b == c || a == c) return;
        const s32 scale = static_cast<s32>(below(4));
        add({.code = kAlu64 | kAnd | kK, .dst = a, .imm = 15});
        add({.code = kAlu64 | kLsh | kK, .dst = a, .imm = scale});
        add({.code = kAlu64 | kMov | kX, .dst = b, .src = 6});
        add({.code = kAlu64 | kAdd | kX, .dst = b, .src = a});
        const u8 s = size();
        add({.code = static_cast<u8>(kLdx | kMem | s), .dst = c, .src = b, .off = 8});
        add({.code = static_cast<u8>(cls | kAdd | kK), .dst = c, .imm = number()});
        add({.code = static_cast<u8>(kStx | kMem | s), .dst = b, .src = c, .off = 16});
        add({.code = kAlu64 | kMov | kK, .dst = b, .imm = 3});  // no addresses in results
        return;
      }
      case 4: {  // quotient and remainder
        const s32 d = number();
        if (!d || a == b) return;
        const s16 sign = one_in(2);
        op(kMov, b, a);
        add({.code = static_cast<u8>(cls | kDiv | kK), .dst = a, .off = sign, .imm = d});
        add({.code = static_cast<u8>(cls | kMod | kK), .dst = b, .off = sign, .imm = d});
        return;
      }
      case 5: {  // read, modify, write
        const u8 s = size();
        const s16 off = offset(s);
        static constexpr u8 kOps[] = {kAdd, kSub, kOr, kAnd, kXor};
        const u8 o = kOps[below(5)];
        add({.code = static_cast<u8>(kLdx | kMem | s), .dst = a, .src = 6, .off = off});
        one_in(2) ? opk(o, a, number()) : op(o, a, b);
        add({.code = static_cast<u8>(kStx | kMem | s), .dst = 6, .src = a, .off = off});
        return;
      }
      case 6: {  // minimum
        static constexpr u8 kOps[] = {kJgt, kJlt, kJsgt, kJsle, kJge};
        add({.code = static_cast<u8>((wide ? kJmp : kJmp32) | kOps[below(5)] | kX),
             .dst = a,
             .src = b,
             .off = 1});
        op(kMov, a, b);
        return;
      }
      default: {  // array on the stack
        add({.code = kAlu64 | kAnd | kK, .dst = a, .imm = 7});
        add({.code = kAlu64 | kLsh | kK, .dst = a, .imm = 3});
        if (a == b || a == c || b == c) return;
        add({.code = kAlu64 | kMov | kX, .dst = b, .src = 10});
        add({.code = kAlu64 | kAdd | kK, .dst = b, .imm = -64});
        add({.code = kAlu64 | kAdd | kX, .dst = b, .src = a});
        add({.code = kLdx | kMem | kDw, .dst = c, .src = b});
        add({.code = kStx | kMem | kDw, .dst = b, .src = a});
        add({.code = kAlu64 | kMov | kK, .dst = b, .imm = 5});
      }
    }
  }

  void memory() {
    const u8 s = size();
    const bool stack = one_in(2);
    const s16 off = stack ? static_cast<s16>(-8 * static_cast<s16>(1 + below(8))) : offset(s);
    const u8 base = stack ? 10 : 6;
    switch (below(4)) {
      case 0: return add({.code = static_cast<u8>(kLdx | kMem | s), .dst = reg(), .src = base, .off = off});
      case 1:
        if (s != kDw)
          return add({.code = static_cast<u8>(kLdx | kMemsx | s), .dst = reg(), .src = base, .off = off});
        [[fallthrough]];
      case 2:
        return add({.code = static_cast<u8>(kStx | kMem | (stack && one_in(2) ? u8{kDw} : s)),
                    .dst = base,
                    .src = reg(),
                    .off = off});
      default:
        return add({.code = static_cast<u8>(kSt | kMem | s), .dst = base, .off = off, .imm = number()});
    }
  }

  void atomic() {
    static constexpr s32 kOps[] = {kAdd,         kOr,           kAnd,          kXor,  kAdd | kFetch,
                                   kOr | kFetch, kAnd | kFetch, kXor | kFetch, kXchg, kCmpxchg};
    const u8 s = one_in(2) ? u8{kDw} : u8{kW};
    const bool stack = one_in(3);
    add({.code = static_cast<u8>(kStx | kAtomic | s),
         .dst = stack ? u8{10} : u8{6},
         .src = reg(),
         .off = stack ? static_cast<s16>(-8 * static_cast<s16>(1 + below(8))) : offset(kDw),
         .imm = kOps[below(std::size(kOps))]});
  }

  void call() {
    const bool sub = one_in(2) && sub_calls_.size() < 4;
    if (sub) {
      sub_calls_.push_back(static_cast<u32>(out_.size()));
      add({.code = kJmp | kCall, .src = kPseudoCall});
    } else {
      add({.code = kJmp | kCall, .imm = 1});
    }
    for (u8 r = 1; r <= 5; r++) wide_constant(r);  // a call leaves nothing in them
  }

  // A look-up; its result is an address, which must not stay.
  void lookup() {
    const u8 other = one_in(2) ? u8{7} : u8{9};
    const s16 key = static_cast<s16>(-static_cast<s16>(4 * (1 + below(16))));
    const bool tested = !one_in(4), equal = one_in(2), jumped_to = one_in(5);
    if (one_in(2)) {
      const u8 r = reg();
      add({.code = kAlu64 | kAnd | kK, .dst = r, .imm = 31});
      add({.code = kStx | kMem | kW, .dst = 10, .src = r, .off = key});
    } else {
      add({.code = kSt | kMem | kW, .dst = 10, .off = key, .imm = static_cast<s32>(below(20))});
    }
    add({.code = kAlu64 | kMov | kK, .dst = 0, .imm = 0});
    const u32 over = static_cast<u32>(out_.size());
    if (jumped_to) add({.code = kJmp | kJgt | kK, .dst = other, .imm = number()});
    add({.code = kAlu64 | kMov | kX, .dst = 2, .src = 10});
    add({.code = kAlu64 | kAdd | kK, .dst = 2, .imm = key});
    add({.code = kAlu64 | kMov | kK, .dst = 1});
    add({.code = kJmp | kCall, .imm = one_in(2) ? 2 : 3});
    if (jumped_to) out_[over].off = static_cast<s16>(out_.size() - over - 1);
    if (!tested) add({.code = kAlu64 | kMov | kX, .dst = other, .src = 0});
    if (equal) {
      add({.code = kJmp | kJeq | kK, .dst = 0, .off = 2});
    } else {
      add({.code = kJmp | kJne | kK, .dst = 0, .off = 1});
      add({.code = kJmp | kJa, .off = 2});
    }
    add({.code = kLdx | kMem | kDw, .dst = other, .src = 0, .off = 8});
    add({.code = kAlu64 | kMov | kK, .dst = 0, .imm = 11});
    if (!tested) add({.code = kAlu64 | kRsh | kK, .dst = other, .imm = 63});
    if (!tested) add({.code = kAlu64 | kMul | kK, .dst = other, .imm = 0});
    for (u8 r = 1; r <= 5; r++) wide_constant(r);
    if (one_in(4)) {
      add({.code = kJmp | kCall, .imm = 8});
      for (u8 r = 1; r <= 5; r++) wide_constant(r);
    }
  }

  void subprogram() {
    const bool frame = one_in(2);
    auto small = [&] { return static_cast<u8>(below(6)); };
    add({.code = kAlu64 | kMov | kX, .dst = 0, .src = 1});
    if (one_in(2))
      add({.code = kAlu64 | kMov | kX, .dst = 7, .src = 2}),
          add({.code = kAlu64 | kAdd | kX, .dst = 0, .src = 7});
    if (frame) add({.code = kStx | kMem | kDw, .dst = 10, .src = 2, .off = -8});
    if (one_in(3)) add({.code = static_cast<u8>(kJmp | kJgt | kX), .dst = 1, .src = 3, .off = 1});
    for (int k = static_cast<int>(1 + below(6)); k > 0; k--) {
      static constexpr u8 kOps[] = {kAdd, kSub, kMul, kXor, kRsh, kLsh};
      const u8 o = kOps[below(6)];
      const u8 d = small();
      if (o == kRsh || o == kLsh)
        add({.code = static_cast<u8>(kAlu64 | o | kK), .dst = d, .imm = static_cast<s32>(below(64))});
      else
        add({.code = static_cast<u8>((one_in(2) ? kAlu64 : kAlu) | o | kX), .dst = d, .src = small()});
    }
    if (frame) {
      add({.code = kLdx | kMem | kDw, .dst = 2, .src = 10, .off = -8});
      add({.code = kAlu64 | kXor | kX, .dst = 0, .src = 2});
    }
    add({.code = kJmp | kExit});
  }

  void branch(int depth) {
    static constexpr u8 kOps[] = {kJeq, kJgt, kJge, kJset, kJne, kJsgt, kJsge, kJlt, kJle, kJslt, kJsle};
    const bool x = next() & 1;
    const u32 at = static_cast<u32>(out_.size());
    Insn in{
        .code = static_cast<u8>((one_in(2) ? kJmp : kJmp32) | kOps[below(std::size(kOps))] | (x ? kX : kK)),
        .dst = reg()};
    if (x)
      in.src = reg();
    else
      in.imm = number();
    add(in);
    block(static_cast<int>(1 + below(6)), depth + 1);
    if (one_in(2)) {  // else
      const u32 jump = static_cast<u32>(out_.size());
      add({.code = kJmp | kJa});
      out_[at].off = static_cast<s16>(out_.size() - at - 1);
      block(static_cast<int>(1 + below(6)), depth + 1);
      out_[jump].off = static_cast<s16>(out_.size() - jump - 1);
    } else {
      out_[at].off = static_cast<s16>(out_.size() - at - 1);
    }
  }

  // A counted loop; its counter lives in a stack word of its own, [r10 - 72 - 8 depth].
  void loop(int depth) {
    const s16 word = static_cast<s16>(-72 - 8 * depth);
    add({.code = kSt | kMem | kDw, .dst = 10, .off = word, .imm = 0});
    const u32 head = static_cast<u32>(out_.size());
    block(static_cast<int>(1 + below(8)), depth + 1);
    const u8 r = reg();
    add({.code = kLdx | kMem | kDw, .dst = r, .src = 10, .off = word});
    add({.code = kAlu64 | kAdd | kK, .dst = r, .imm = 1});
    add({.code = kStx | kMem | kDw, .dst = 10, .src = r, .off = word});
    add({.code = kJmp | kJlt | kK, .dst = r, .imm = static_cast<s32>(1 + below(5))});
    out_.back().off = static_cast<s16>(static_cast<s64>(head) - static_cast<s64>(out_.size()));
  }

  void block(int n, int depth) {
    for (; n > 0; n--) {
      const u64 what = below(20);
      if (what < 8)
        alu();
      else if (what < 12)
        idiom();
      else if (what < 15)
        memory();
      else if (what == 15)
        atomic();
      else if (what == 16)
        one_in(2) ? call() : lookup();
      else if (depth < 3)
        what < 19 ? branch(depth) : loop(depth);
    }
  }

  std::mt19937_64 random_;
  std::vector<Insn> out_;
  std::vector<u32> sub_calls_;
};

std::string listing(const std::vector<Insn>& insns) {
  std::string out;
  for (size_t i = 0; i < insns.size(); i++) {
    out += fmt::format("{:>4}: {}\n", i, disasm(insns, i, {}));
    if (is_ld_imm64(insns[i])) i++;
  }
  return out;
}

struct Outcome {
  u64 r0 = 0;
  std::vector<u8> memory;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

// What each engine makes of a program: the interpreter, the direct tier, the optimising tier.
struct Outcomes {
  Outcome interpreter, direct, optimised;
  bool was_optimised = false;
  std::string error;
  bool agree() const { return interpreter == direct && interpreter == optimised; }
};

Outcomes run_all(const std::vector<Insn>& insns, u64 seed, const char* dump = nullptr) {
  Outcomes out;
  auto p = rewrite::unverified(insns, helper);
  if (!p.ok()) {
    out.error = p.error().message;
    return out;
  }
  // Arrays are the eight words below r10; the loops' counters are not reached through pointers.
  for (auto& s : p->subprogs) s.addressed_slots = 0xff;
  std::vector<u8> memory(kMemory);
  std::mt19937_64 fill(seed);
  for (auto& b : memory) b = static_cast<u8>(fill());
  auto run = [&](auto&& engine) {
    Outcome o{0, memory};
    o.r0 = engine(reinterpret_cast<u64>(o.memory.data()));
    return o;
  };
  auto code = interp::Code::compile(*p);
  if (!code.ok()) {
    out.error = code.error().message;
    return out;
  }
  out.interpreter = run([&](u64 r1) { return (*code)->run(r1, 0); });
  for (const Tier tier : {Tier::kDirect, Tier::kOptimised}) {
    auto image = compile(*p, {.cpu_word = cpu_word(), .tier = tier});
    if (!image.ok()) {
      out.error = image.error().message;
      return out;
    }
    out.was_optimised = (*image)->tier() == Tier::kOptimised;
    if (dump && out.was_optimised) {
      FILE* f = std::fopen(dump, "wb");
      std::fwrite((*image)->bytes().data(), 1, (*image)->bytes().size(), f);
      std::fclose(f);
    }
    (tier == Tier::kDirect ? out.direct : out.optimised) =
        run([&](u64 r1) { return (*image)->entry()(r1, 0, 0, 0, 0, nullptr); });
  }
  return out;
}

// Takes out of a program what is not needed for the disagreement. Loop counters stay.
std::vector<Insn> reduce(std::vector<Insn> insns, u64 seed) {
  const Insn nothing{.code = kJmp | kJa};
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = insns.size() - 1; i-- > 0;) {
      const Insn was = insns[i];
      if (is_ld_imm64(was) || (i && is_ld_imm64(insns[i - 1])) || was == nothing) continue;
      const bool branches = was.cls() == kJmp || was.cls() == kJmp32;
      if (branches && (was.off < 0 || was.op() == kExit)) continue;
      bool counter = was.dst == 10 && (was.off <= -72 || i < 40);
      for (size_t k = i; k < std::min(i + 4, insns.size()); k++)
        counter |= insns[k].cls() == kJmp && insns[k].off < 0 && insns[k].op() != kJa;
      for (size_t k = i; k < std::min(i + 8, insns.size()); k++) {  // addresses stay inside their arrays
        const Insn& x = insns[k];
        const u8 base = x.cls() == kLdx ? x.src : x.dst;
        counter |= (x.cls() == kLdx || x.cls() == kSt || x.cls() == kStx) && base != 6 && base != 10;
      }
      const bool forgets = was.code == (kAlu64 | kMov | kK) && (was.imm == 3 || was.imm == 5);  // an address
      if (counter || forgets || i == 0) continue;
      insns[i] = nothing;
      const Outcomes o = run_all(insns, seed);
      if (!o.error.empty() || o.agree())
        insns[i] = was;
      else
        changed = true;
    }
  }
  return insns;
}

TEST(Differential, EnginesAgreeOnRandomPrograms) {
  if (!available()) GTEST_SKIP() << "no JIT for this CPU";
  const char* seed_text = std::getenv("OSMIA_JIT_SEED");
  const char* seconds_text = std::getenv("OSMIA_JIT_SECONDS");
  u64 seed = seed_text ? std::strtoull(seed_text, nullptr, 0) : 1;
  const auto until =
      std::chrono::steady_clock::now() + std::chrono::seconds(seconds_text ? std::atoi(seconds_text) : 3);
  u32 programs = 0, optimised = 0;
  for (; std::chrono::steady_clock::now() < until; seed++, programs++) {
    const auto insns = Generator(seed).program();
    const Outcomes o = run_all(insns, seed);
    ASSERT_EQ(o.error, "") << listing(insns);
    optimised += o.was_optimised;
    if (o.agree()) continue;
    const auto small = reduce(insns, seed);
    const Outcomes s = run_all(small, seed, std::getenv("OSMIA_JIT_DUMP"));
    std::string bytes;
    for (u32 k = 0; k < kMemory; k++)
      if (s.interpreter.memory[k] != s.direct.memory[k] || s.interpreter.memory[k] != s.optimised.memory[k])
        bytes += fmt::format("[{}] {:x} {:x} {:x}\n", k, s.interpreter.memory[k], s.direct.memory[k],
                             s.optimised.memory[k]);
    FAIL() << bytes << "seed " << seed
           << fmt::format(": interpreter {:x}, direct {:x}, optimised {:x}\n", s.interpreter.r0, s.direct.r0,
                          s.optimised.r0)
           << listing(small);
  }
  EXPECT_EQ(optimised, programs);
  RecordProperty("programs", static_cast<int>(programs));
  fmt::print("{} programs\n", programs);
}

}  // namespace
}  // namespace osmia::jit
