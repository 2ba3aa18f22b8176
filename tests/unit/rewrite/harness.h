// Passes in text: a program and facts made by hand go in, instructions come out. Everything is live and
// nothing else is known unless a test says so.
#pragma once
#include <gtest/gtest.h>

#include "interp/interp.h"
#include "isa/asm.h"
#include "isa/disasm.h"
#include "rewrite/rewrite.h"
#include "rewrite/unverified.h"

namespace osmia::rewrite {

inline std::vector<isa::Insn> assembled(std::string_view text) {
  auto p = isa::assemble(text);
  EXPECT_TRUE(p.ok()) << (p.ok() ? "" : p.error().message) << "\n" << text;
  return p.ok() ? *p : std::vector<isa::Insn>{};
}
inline std::string text_of(std::span<const isa::Insn> insns) {
  return isa::disasm_program(insns, isa::source_options());
}

struct Case {
  explicit Case(std::string_view text) : insns(assembled(text)) {
    program.insns = insns;
    facts.insns.resize(insns.size());
    for (auto& f : facts.insns) f.seen = true;
    subprogs({0});
  }
  // Subprograms by their first instructions; 8 bytes of stack each.
  void subprogs(const std::vector<u32>& starts) {
    facts.subprogs.clear();
    for (const u32 start : starts) {
      if (!facts.subprogs.empty()) facts.subprogs.back().end = start;
      verifier::SubprogFacts s;
      s.start = start;
      s.end = static_cast<u32>(insns.size());
      s.stack_depth = s.frame_bytes = 8;
      facts.subprogs.push_back(s);
    }
  }
  ExecProgram run() {
    auto out = rewrite(program, facts, options);
    EXPECT_TRUE(out.ok()) << (out.ok() ? "" : out.error().message);
    return out.ok() ? std::move(*out) : ExecProgram{};
  }
  void becomes(std::string_view text) {
    const auto got = run().insns;
    EXPECT_EQ(text_of(got), text_of(assembled(text)));
  }

  std::vector<isa::Insn> insns;
  verifier::Program program;
  verifier::Facts facts;
  Options options;
};

inline u64 interpret(const ExecProgram& p, u64 r1 = 0) {
  auto code = interp::Code::compile(p);
  EXPECT_TRUE(code.ok()) << (code.ok() ? "" : code.error().message) << text_of(p.insns);
  return code.ok() ? (*code)->run(r1) : ~u64{0};
}

}  // namespace osmia::rewrite
