// Capstone says what the bytes mean; the image says where they come from.
#include "cli/jited.h"

#include <capstone/capstone.h>
#include <fmt/format.h>

#include <algorithm>

#include "btf/btf.h"

namespace osmia::cli {
namespace {

// The source line that begins at this instruction, or empty.
std::string source_line(const runtime::Program& p, u32 insn) {
  if (!p.desc.btf) return {};
  for (const auto& line : p.dump.line_info) {
    if (line.insn_off != insn) continue;
    std::string_view text = p.desc.btf->string(line.line_off);
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    return std::string(text);
  }
  return {};
}

}  // namespace

Result<std::string> jited_text(const runtime::Program& program, const isa::DisasmOptions& options) {
  const jit::Image* image = program.executable ? program.executable->image() : nullptr;
  if (!image) return Error{ENOENT, program.desc.name + ": it has no machine code"};
  csh handle{};
#if defined(__aarch64__)
  const auto opened = cs_open(CS_ARCH_ARM64, CS_MODE_ARM, &handle);
#else
  const auto opened = cs_open(CS_ARCH_X86, CS_MODE_64, &handle);
#endif
  if (opened != CS_ERR_OK) return Error{ENOMEM, "Capstone cannot be opened"};
  const auto bytes = image->bytes();
  std::string out = fmt::format("{}: {} bytes, {} tier\n", program.desc.name, bytes.size(),
                                image->tier() == jit::Tier::kOptimised ? "optimising" : "direct");
  const auto ranges = image->map();
  u32 shown = jit::kNoInsn;
  for (size_t k = 0; k < ranges.size(); k++) {
    const u32 start = ranges[k].offset;
    const u32 end = k + 1 < ranges.size() ? ranges[k + 1].offset : static_cast<u32>(bytes.size());
    if (start >= end) continue;
    const u32 insn = ranges[k].insn;
    if (insn != jit::kNoInsn && insn != shown && insn < program.dump.insns.size()) {
      if (const auto line = source_line(program, insn); !line.empty()) out += "; " + line + "\n";
      out += fmt::format("{:>4}: {}\n", insn, isa::disasm(program.dump.insns, insn, options));
      shown = insn;
    }
    cs_insn* decoded = nullptr;
    const size_t n = cs_disasm(handle, bytes.data() + start, end - start, start, 0, &decoded);
    for (size_t i = 0; i < n; i++)
      out += fmt::format("            {:>5x}:  {}{}{}\n", decoded[i].address, decoded[i].mnemonic,
                         *decoded[i].op_str ? " " : "", decoded[i].op_str);
    if (n) cs_free(decoded, n);
  }
  cs_close(&handle);
  return out;
}

}  // namespace osmia::cli
