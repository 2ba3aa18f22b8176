// Any bytes as a classic program and a packet: checking never fails badly; what Linux's rules accept
// converts, the verifier accepts every conversion, and machine code gives what the interpreter gives.
#include <cstdio>
#include <cstdlib>

#include "isa/disasm.h"
#include "runtime/catalog.h"
#include "runtime/classic.h"
#include "runtime/engine.h"

namespace {

using namespace osmia;

void require(bool holds, const char* what, const std::string& why = {}) {
  if (holds) return;
  std::fprintf(stderr, "classic_fuzz: %s %s\n", what, why.c_str());
  std::abort();
}

runtime::Kernel& kernel_with(runtime::JitMode jit) {
  const auto make = [](runtime::JitMode mode) {
    auto* k = new runtime::Kernel(runtime::build_catalog());
    runtime::install_engine(*k);
    k->jit = mode;
    return k;
  };
  static runtime::Kernel* const interpreted = make(runtime::JitMode::kOff);
  static runtime::Kernel* const compiled = make(runtime::JitMode::kAuto);
  return jit == runtime::JitMode::kOff ? *interpreted : *compiled;
}

// Random and the processor's number differ from run to run.
bool repeatable(std::span<const isa::ClassicInsn> program) {
  for (const auto& in : program)
    if (in.k == 0xfffff000 + 56 || in.k == 0xfffff000 + 36) return false;
  return true;
}

}  // namespace

// One byte chooses the dialect, one says how many instructions follow; the rest is the packet.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  if (size < 2) return 0;
  const auto dialect = static_cast<isa::ClassicDialect>(data[0] % 3);
  const size_t count = std::min<size_t>(data[1], (size - 2) / 8);
  const auto program = isa::decode_classic({data + 2, count * 8});
  require(program.ok(), "decode judges more than the length");
  for (u32 i = 0; i < program->size(); i++) (void)isa::disasm_classic((*program)[i], i);
  const bool accepted = isa::check_classic(*program, dialect).ok();
  const auto a = runtime::load_classic(kernel_with(runtime::JitMode::kOff), *program, dialect);
  const auto b = runtime::load_classic(kernel_with(runtime::JitMode::kAuto), *program, dialect);
  require(a.ok() == accepted && b.ok() == accepted,
          "accepted, but not loaded:", a.ok() ? "" : a.error().message);
  if (!accepted || !repeatable(*program)) return 0;
  const std::span<const u8> rest(data + 2 + count * 8, size - 2 - count * 8);
  if (dialect == isa::ClassicDialect::kSeccomp) {
    u8 context[isa::kSeccompDataSize] = {};
    std::copy_n(rest.begin(), std::min(rest.size(), sizeof context), context);
    require(runtime::run_seccomp(*a, context) == runtime::run_seccomp(*b, context), "the engines disagree");
    return 0;
  }
  const std::vector<u8> packet(rest.begin(), rest.end());  // a buffer of its own: reads behind it are noticed
  const runtime::ClassicPacket view{.bytes = packet,
                                    .wire_length = static_cast<u32>(packet.size()) + 10,
                                    .link_header = 0,
                                    .protocol = 0x0800};
  require(runtime::run_classic(*a, view) == runtime::run_classic(*b, view), "the engines disagree");
  return 0;
}
