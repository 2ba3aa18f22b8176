// jit_code IN OUT: compiles the BPF instructions of IN (as in memory, nothing else) and writes the machine
// code of this CPU to OUT. Prints the tier. The instructions are not verified: nothing is run.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <vector>

#include "isa/decode.h"
#include "jit/jit.h"
#include "rewrite/unverified.h"

int main(int argc, char** argv) {
  using namespace osmia;
  if (argc != 3) return std::fprintf(stderr, "usage: jit_code IN OUT\n"), 2;
  std::ifstream in(argv[1], std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
  std::vector<isa::Insn> insns(bytes.size() / sizeof(isa::Insn));
  std::copy_n(bytes.data(), insns.size() * sizeof(isa::Insn), reinterpret_cast<char*>(insns.data()));
  auto program = rewrite::unverified(insns, [](s32) {
    return rewrite::ExecCall{.fn = [](u64, u64, u64, u64, u64) -> u64 { return 0; }, .name = "helper"};
  });
  if (!program.ok()) return std::fprintf(stderr, "%s: %s\n", argv[1], program.error().message.c_str()), 1;
  auto image = jit::compile(*program, {});
  if (!image.ok()) return std::fprintf(stderr, "%s: %s\n", argv[1], image.error().message.c_str()), 1;
  std::ofstream(argv[2], std::ios::binary)
      .write(reinterpret_cast<const char*>((*image)->bytes().data()),
             static_cast<long>((*image)->bytes().size()));
  std::puts((*image)->tier() == jit::Tier::kOptimised ? "optimised" : "direct");
}
