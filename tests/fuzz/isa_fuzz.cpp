// Any bytes as a program: decoding and checking never fail badly, and what the field checks accept comes back
// from its own text exactly. The same bytes as assembler text: no crash, and what assembles can be printed.
#include <cstdio>
#include <cstdlib>

#include "isa/asm.h"
#include "isa/decode.h"
#include "isa/disasm.h"
#include "isa/opcode_table.h"
#include "isa/validate.h"

namespace {

using namespace osmia;
using namespace osmia::isa;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "isa_fuzz: %s\n", what);
  std::abort();
}

void as_program(std::span<const u8> bytes) {
  const auto prog = decode(bytes);
  require(prog.ok() == (bytes.size() % 8 == 0), "decode judges something else than the length");
  if (!prog.ok()) return;
  const std::vector<u8> again = encode(*prog);
  require(std::equal(bytes.begin(), bytes.end(), again.begin(), again.end()), "encode does not undo decode");
  (void)disasm_program(*prog);
  (void)disasm_program(*prog, xlated_options());

  const bool loads = !check_fields(*prog).has_value();
  bool fields_hold = true;
  for (size_t i = 0; i < prog->size(); i += slots((*prog)[i])) {
    const Insn* next = i + 1 < prog->size() ? &(*prog)[i + 1] : nullptr;
    if (check_insn_fields((*prog)[i], next)) {
      fields_hold = false;
      continue;
    }
    const OpInfo* op = lookup((*prog)[i]);
    require(op != nullptr && !op->internal && !op->text_only, "an accepted instruction has no row");
  }
  if (validate(*prog).ok()) require(fields_hold, "validate accepts what check_insn_fields refuses");
  if (!fields_hold) return;
  require(loads, "check_fields refuses what check_insn_fields accepts");
  const auto back = assemble(disasm_program(*prog, source_options()));
  require(back.ok() && *back == *prog, "the text does not assemble to the same program");
}

void as_text(std::span<const u8> bytes) {
  const auto prog = assemble({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (!prog.ok()) {
    require(prog.error().message.starts_with("line "), "an assembler error names no line");
    return;
  }
  for (size_t i = 0; i < prog->size(); ++i) require(!disasm(*prog, i).empty(), "an instruction has no text");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  as_program({data, size});
  as_text({data, size});
  return 0;
}
