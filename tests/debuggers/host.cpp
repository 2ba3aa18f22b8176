// A small process with one compiled program, for debuggers and profilers to look at: `debugger_host TIER
// [ROUNDS]`. The program calls a subprogram, which calls a helper, which calls a callback, which calls a
// helper: bpf_prog_walker, bpf_prog_walker_deeper, call_back, bpf_prog_walker_callback, stop_here.
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "isa/asm.h"
#include "jit/jit.h"
#include "rewrite/unverified.h"

namespace {

using namespace osmia;

constexpr const char* kProgram = R"(
  r6 = r1
  r7 = r1
  r7 *= 7
  r2 = r1
  r2 += 1
  call pc+3
  r0 += r6
  r0 += r7
  exit
  r6 = r1
  r7 = r2
  *(u64 *)(r10 -8) = r1
  *(u64 *)(r10 -16) = r2
  r1 = 0 ll
  r2 = r10
  r2 += -16
  call 2
  r1 = *(u64 *)(r10 -8)
  r0 += r1
  r0 += r6
  r0 ^= r7
  exit
  r8 = r1
  r8 *= 3
  r1 = r8
  call 1
  r0 += r8
  exit
)";

volatile u64 g_seen;

}  // namespace

extern "C" {
__attribute__((noinline)) u64 stop_here(u64 a, u64, u64, u64, u64) {
  g_seen = g_seen + a;
  return a + 1;
}
__attribute__((noinline)) u64 call_back(u64 callback, u64 words, u64, u64, u64) {
  const auto* cb = reinterpret_cast<const rewrite::BpfCallback*>(callback);
  const u64 got = cb->call(cb, *reinterpret_cast<const u64*>(words), 0, 0, 0, 0);
  return got * 2;
}
__attribute__((noinline)) u64 run_program(jit::Entry entry, u64 x) {
  const u64 got = entry(x, 0, 0, 0, 0, nullptr);
  g_seen = g_seen + got;  // no tail call
  return got;
}
}

int main(int argc, char** argv) {
  const std::string tier = argc > 1 ? argv[1] : "optimised";
  const u64 rounds = argc > 2 ? std::strtoull(argv[2], nullptr, 0) : 1;
  auto insns = isa::assemble(kProgram);
  if (!insns.ok()) return std::fprintf(stderr, "%s\n", insns.error().message.c_str()), 1;
  for (size_t i = 0; i < insns->size(); i++)
    if (isa::is_ld_imm64((*insns)[i])) {  // the callback begins behind the second function's exit
      (*insns)[i].src = isa::kPseudoFunc;
      size_t exits = 0, at = i;
      while (!exits) exits += (*insns)[at++].code == (isa::kJmp | isa::kExit);
      (*insns)[i].imm = static_cast<s32>(at - i - 1);
      break;
    }
  auto program = rewrite::unverified(*insns, [](s32 id) {
    return rewrite::ExecCall{.fn = id == 1 ? stop_here : call_back, .name = "helper"};
  });
  if (!program.ok()) return std::fprintf(stderr, "%s\n", program.error().message.c_str()), 1;
  if (program->subprogs.size() != 3) return std::fprintf(stderr, "expected three functions\n"), 1;
  program->subprogs[1].name = "deeper";
  program->subprogs[2].name = "callback";
  auto image = jit::compile(
      *program, {.name = "walker", .tier = tier == "direct" ? jit::Tier::kDirect : jit::Tier::kOptimised});
  if (!image.ok()) return std::fprintf(stderr, "%s\n", image.error().message.c_str()), 1;
  u64 got = 0;
  for (u64 i = 0; i < rounds; i++) got += run_program((*image)->entry(), 5 + i);
  std::printf("pid %d, %s, code %#" PRIx64 " %zu, result %" PRIu64 "\n", getpid(),
              (*image)->tier() == jit::Tier::kDirect ? "direct" : "optimised",
              reinterpret_cast<u64>((*image)->bytes().data()), (*image)->bytes().size(), got);
}
