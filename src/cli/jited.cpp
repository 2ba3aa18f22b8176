// Capstone says what the bytes mean; the image says which instruction of the rewritten program they come
// from, and that one which loaded instruction it comes from.
#include "cli/jited.h"

#include <capstone/capstone.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/bits.h"
#include "btf/btf.h"
#include "jit/common/code_map.h"

namespace osmia::cli {
namespace {

// The source line that loaded instruction `insn` belongs to, or empty.
std::string_view source_line(const runtime::Program& p, u32 insn) {
  const auto& lines = p.desc.line_info;
  const auto next = std::upper_bound(lines.begin(), lines.end(), insn,
                                     [](u32 at, const auto& line) { return at < line.insn_off; });
  if (!p.desc.btf || next == lines.begin()) return {};
  std::string_view text = p.desc.btf->string(std::prev(next)->line_off);
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  return text;
}

class Text {
 public:
  Text(const runtime::Program& p, const jit::Image& image, csh handle, const isa::DisasmOptions& options)
      : p_(p), image_(image), handle_(handle), options_(options) {}

  std::string take() {
    const auto bytes = image_.bytes();
    out_ = fmt::format("{}: {} bytes, {} tier\n", p_.desc.name, bytes.size(),
                       image_.tier() == jit::Tier::kOptimised ? "optimising" : "direct");
    const auto ranges = image_.map();
    const auto starts = image_.subprogs();
    size_t function = 0;
    code(0, ranges.empty() ? static_cast<u32>(bytes.size()) : ranges[0].offset);
    for (size_t k = 0; k < ranges.size(); k++) {
      const u32 start = ranges[k].offset;
      const u32 end = k + 1 < ranges.size() ? ranges[k + 1].offset : static_cast<u32>(bytes.size());
      for (; function + 1 < starts.size() && starts[function] <= start; function++) {
        out_ += fmt::format("{}:\n", function_name(function));
        shown_ = jit::kNoInsn;
        line_ = {};
      }
      if (start >= end) continue;
      heading(ranges[k].insn);
      ranges[k].insn == jit::kTableData ? words(start, end) : code(start, end);
    }
    return std::move(out_);
  }

 private:
  std::string function_name(size_t f) const {
    if (f == 0) return p_.desc.name;
    const u32 start = f < p_.made_from.functions.size() ? p_.made_from.functions[f] : ~0u;
    const u32 loaded = start < p_.made_from.loaded.size() ? p_.made_from.loaded[start] : ~0u;
    for (const auto& s : p_.facts.subprogs)
      if (s.start <= loaded && loaded < s.end && !s.name.empty()) return s.name;
    return fmt::format("function {}", f);
  }

  void heading(u32 made) {
    const u32 insn = made < p_.made_from.loaded.size() ? p_.made_from.loaded[made] : jit::kNoInsn;
    if (insn == shown_) return;
    shown_ = insn;
    if (insn >= p_.insns.size()) {
      out_ += "      (of no instruction)\n";
      return;
    }
    if (const auto line = source_line(p_, insn); !line.empty() && line.data() != line_.data()) {
      out_ += fmt::format("; {}\n", line);
      line_ = line;
    }
    out_ += fmt::format("{:>4}: {}\n", insn, isa::disasm(p_.insns, insn, options_));
  }

  void words(u32 start, u32 end) {
    for (const auto bytes = image_.bytes(); start + 4 <= end; start += 4)
      out_ += fmt::format("            {:>5x}:  .long {:#x}\n", start, load_unaligned<u32>(&bytes[start]));
  }

  void code(u32 start, u32 end) {
    const auto bytes = image_.bytes();
    while (start < end) {
      cs_insn* decoded = nullptr;
      const size_t n = cs_disasm(handle_, bytes.data() + start, end - start, start, 0, &decoded);
      for (size_t i = 0; i < n; i++) {
        out_ += fmt::format("            {:>5x}:  {}{}{}\n", decoded[i].address, decoded[i].mnemonic,
                            *decoded[i].op_str ? " " : "", decoded[i].op_str);
        start += decoded[i].size;
      }
      if (n) cs_free(decoded, n);
      // What Capstone does not know, byte by byte.
      if (start < end)
        out_ += fmt::format("            {:>5x}:  .byte {:#04x}\n", start, bytes[start]), start++;
    }
  }

  const runtime::Program& p_;
  const jit::Image& image_;
  csh handle_;
  const isa::DisasmOptions& options_;
  std::string out_;
  std::string_view line_;     // shown last
  u32 shown_ = jit::kNoInsn;  // loaded instruction shown last
};

}  // namespace

std::string_view jited_cpu() {
#if defined(__aarch64__)
  return "arm64";
#else
  return "x86_64";
#endif
}

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
  std::string out = Text(program, *image, handle, options).take();
  cs_close(&handle);
  return out;
}

}  // namespace osmia::cli
