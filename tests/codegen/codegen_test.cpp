// Cases: `case NAME`, BPF assembly, a line `---`, the expected host code, an empty line. OSMIA_BLESS=1 writes
// the code that is found into the files instead of comparing.
#include <capstone/capstone.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "isa/asm.h"
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

std::string host_code(std::span<const u8> bytes) {
  csh handle{};
#if defined(__aarch64__)
  cs_open(CS_ARCH_ARM64, CS_MODE_ARM, &handle);
#else
  cs_open(CS_ARCH_X86, CS_MODE_64, &handle);
#endif
  cs_insn* decoded = nullptr;
  const size_t n = cs_disasm(handle, bytes.data(), bytes.size(), 0, 0, &decoded);
  std::string out;
  for (size_t i = 0; i < n; i++) {
    if (std::string_view(decoded[i].mnemonic) == "nop") continue;  // alignment
    out += fmt::format("{}{}{}\n", decoded[i].mnemonic, *decoded[i].op_str ? " " : "", decoded[i].op_str);
  }
  if (n) cs_free(decoded, n);
  cs_close(&handle);
  return out;
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
      auto image = compile(*program, {.cpu_word = -72});
      ASSERT_TRUE(image.ok()) << c.name << ": " << image.error().message;
      EXPECT_EQ((*image)->tier(), Tier::kOptimised) << c.name;
      const std::string found = host_code((*image)->bytes());
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
