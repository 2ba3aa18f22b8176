// Cases: `case NAME`, BPF assembly with claims (check_claims()), a line `---`, the expected host code, an
// empty line. OSMIA_BLESS=1 writes the code that is found into the files instead of comparing; the claims
// must hold all the same.
#include <capstone/capstone.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "isa/asm.h"
#include "jit/common/code_map.h"
#include "jit/jit.h"
#include "rewrite/unverified.h"

namespace osmia::jit {
namespace {

struct Case {
  std::string name, program, expected;
};

std::vector<Case> read_cases(const std::filesystem::path& path, std::string& head) {
  std::vector<Case> out;
  std::ifstream in(path);
  bool code = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("case ")) {
      out.push_back({line.substr(5), "", ""});
      code = false;
    } else if (out.empty()) {
      head += line + "\n";
    } else if (line == "---") {
      code = true;
    } else if (!line.empty()) {
      (code ? out.back().expected : out.back().program) += line + "\n";
    }
  }
  return out;
}

// Helper 1 looks up in an array of 1024 × 8 bytes, 2 in one of 8 × 40, 3 in one of one element, 4 in a
// per-CPU array of 1024 × 8; 8 gives the CPU.
rewrite::ExecCall helper(s32 id) {
  using L = contract::LookupInline;
  static constexpr u64 kBase = 0x7f1234560000;
  static const contract::MapCode kMaps[] = {{.inline_lookup = {L::kArray, 1024, kBase, 8, 0}},
                                            {.inline_lookup = {L::kArray, 8, kBase, 40, 0}},
                                            {.inline_lookup = {L::kArray, 1, kBase, 64, 0}},
                                            {.inline_lookup = {L::kPercpuArray, 1024, kBase, 8, 0x2040}}};
  rewrite::ExecCall call{.fn = [](u64, u64, u64, u64, u64) -> u64 { return 0; }, .name = "helper", .args = 2};
  if (id >= 1 && id <= 4) call.map_code = &kMaps[id - 1];
  call.reads_cpu = id == 8;
  return call;
}

// A case named "arena: …": what goes through r1 and r6 is the arena's, and moves with an offset of 1 are
// casts.
void give_arena(rewrite::ExecProgram& p) {
  static contract::ArenaSpace space{.base = reinterpret_cast<u8*>(0x7f2200000000),
                                    .user_start = 0x7f1140001000,
                                    .user_end = 0x7f1140011000};
  p.arena = &space;
  for (isa::Insn& in : p.insns) {
    const u8 base = in.cls() == isa::kLdx ? in.src : in.dst;
    if (in.cls() < isa::kLdx || in.cls() > isa::kStx || (base != 1 && base != 6)) continue;
    in.code = static_cast<u8>(
        (in.code & 0x1f) |
        (in.cls() == isa::kStx && in.mode() == isa::kAtomic ? isa::kProbeAtomic : isa::kProbeMem32));
  }
}

std::string host_code(const Image& image) {
  csh handle{};
#if defined(__aarch64__)
  cs_open(CS_ARCH_ARM64, CS_MODE_ARM, &handle);
#else
  cs_open(CS_ARCH_X86, CS_MODE_64, &handle);
#endif
  cs_option(handle, CS_OPT_SKIPDATA,
            CS_OPT_ON);  // what this Capstone does not know (LSE atomics) is shown as bytes
  std::string out;
  const auto decode = [&](u32 start, u32 end) {
    cs_insn* decoded = nullptr;
    const size_t n = cs_disasm(handle, image.bytes().data() + start, end - start, start, 0, &decoded);
    for (size_t i = 0; i < n; i++) {
      const std::string_view name = decoded[i].mnemonic;
      if (name == "nop" || name == "int3") continue;  // alignment
      out += fmt::format("{}{}{}\n", name, *decoded[i].op_str ? " " : "", decoded[i].op_str);
    }
    if (n) cs_free(decoded, n);
  };
  u32 start = 0;
  const auto map = image.map();
  for (size_t k = 0; k < map.size(); k++) {
    if (map[k].insn != kTableData) continue;
    decode(start, map[k].offset);
    start = k + 1 < map.size() ? map[k + 1].offset : static_cast<u32>(image.bytes().size());
    out += fmt::format("({} words)\n", (start - map[k].offset) / 4);
  }
  decode(start, static_cast<u32>(image.bytes().size()));
  cs_close(&handle);
  return out;
}

// What a case claims of its code, whatever was blessed: lines "; wants TEXT", "; no TEXT", "; at most N".
void check_claims(const Case& c, const std::string& found) {
  std::istringstream program(c.program);
  u32 claims = 0;
  for (std::string line; std::getline(program, line);) {
    const auto rest = [&](std::string_view what) {
      return line.starts_with(what) ? std::optional(line.substr(what.size())) : std::nullopt;
    };
    if (const auto text = rest("; wants "))
      EXPECT_NE(("\n" + found).find("\n" + *text), std::string::npos) << c.name << ": " << *text << "\n"
                                                                      << found;
    else if (const auto banned = rest("; no "))
      EXPECT_EQ(found.find(*banned), std::string::npos) << c.name << ": " << *banned << "\n" << found;
    else if (const auto most = rest("; at most "))
      EXPECT_LE(std::count(found.begin(), found.end(), '\n'), std::stol(*most)) << c.name << "\n" << found;
    else
      continue;
    claims++;
  }
  EXPECT_GT(claims, 0u) << c.name << ": a case says what it claims";
}

TEST(Codegen, PatternsBecomeTheExpectedCode) {
#if defined(__x86_64__)
  const std::filesystem::path folder = std::string(OSMIA_CODEGEN) + "/x86_64";
  if (!__builtin_cpu_supports("bmi2")) GTEST_SKIP() << "the expected code is for a CPU with BMI2";
#else
  const std::filesystem::path folder = std::string(OSMIA_CODEGEN) + "/arm64";
#endif
  if (!available() || !std::filesystem::exists(folder)) GTEST_SKIP() << "no cases for this CPU";
  const bool bless = std::getenv("OSMIA_BLESS");
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::string written;
    for (const Case& c : read_cases(entry.path(), written)) {
      auto insns = isa::assemble(c.program);
      ASSERT_TRUE(insns.ok()) << c.name << ": " << insns.error().message;
      auto program = rewrite::unverified(*insns, helper);
      ASSERT_TRUE(program.ok()) << c.name << ": " << program.error().message;
      if (c.name.starts_with("arena: ")) give_arena(*program);
      auto image = compile(*program, {.cpu_word = -72});
      ASSERT_TRUE(image.ok()) << c.name << ": " << image.error().message;
      EXPECT_EQ((*image)->tier(), Tier::kOptimised) << c.name;
      const std::string found = host_code(**image);
      check_claims(c, found);
      if (!bless) {
        EXPECT_EQ(found, c.expected) << entry.path().filename() << ": " << c.name;
      }
      written += "case " + c.name + "\n" + c.program + "---\n" + found + "\n";
      count++;
    }
    if (bless) std::ofstream(entry.path()) << written;
  }
  EXPECT_GT(count, 20u);
}

}  // namespace
}  // namespace osmia::jit
