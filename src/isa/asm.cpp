// Lines, comments, indexes and labels; the statements themselves are asm_statement.h's. Labels are resolved
// last.
#include "isa/asm.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <unordered_map>

#include "isa/asm_statement.h"

namespace osmia::isa {
namespace {

std::string_view without_comment(std::string_view line) {
  return line.substr(0, std::min(line.find(';'), line.find("//")));
}

}  // namespace

Result<std::vector<Insn>> assemble(std::string_view text, const AsmOptions& options) {
  std::vector<Insn> out;
  std::vector<Fixup> fixups;
  std::unordered_map<std::string, size_t> labels;
  int number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    AsmCursor at(without_comment(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    while (true) {  // labels and an index
      const AsmCursor before = at;
      const auto index = at.number();
      const std::string_view name = index ? std::string_view() : at.name();
      if ((!index && name.empty()) || !at.eat(":")) {
        at = before;
        break;
      }
      if (!index && !labels.emplace(name, out.size()).second)
        return Error{EINVAL, fmt::format("line {}: expected a new label, found {} again", number, name)};
    }
    if (at.at_end()) continue;
    OSMIA_TRY(assemble_statement(at, number, options, out, fixups));
  }
  for (const Fixup& f : fixups) {
    const auto it = labels.find(f.label);
    if (it == labels.end())
      return Error{EINVAL,
                   fmt::format("line {}: expected a label or a known function, found {}", f.line, f.label)};
    const s64 distance = static_cast<s64>(it->second) - static_cast<s64>(f.insn) - 1;
    if (f.field == LabelField::kImm) {
      out[f.insn].imm = static_cast<s32>(distance);
    } else if (distance < -32768 || distance > 32767) {
      return Error{EINVAL,
                   fmt::format("line {}: expected a label within 32767 instructions, found {} at distance {}",
                               f.line, f.label, distance)};
    } else {
      out[f.insn].off = static_cast<s16>(distance);
    }
  }
  return out;
}

}  // namespace osmia::isa
