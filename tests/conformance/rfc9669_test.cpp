// Every case twice: through the library, and through the built binary as the public suite calls a plug-in.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <functional>

#include "cases.h"
#include "interp/interp.h"
#include "isa/asm.h"
#include "isa/decode.h"
#include "jit/jit.h"
#include "rewrite/unverified.h"

namespace osmia::conformance {
namespace {

std::vector<Case> all_cases() {
  std::vector<Case> out;
  for (const auto& entry : std::filesystem::directory_iterator(OSMIA_CASES)) {
    if (entry.path().extension() != ".txt") continue;
    const auto cases = read_cases(entry.path().string());
    out.insert(out.end(), cases.begin(), cases.end());
  }
  return out;
}

std::string hex(std::span<const u8> bytes) {
  std::string out;
  for (const u8 b : bytes) out += fmt::format("{:02x}  ", b);
  return out;
}
std::vector<u8> bytes_of(const std::string& pairs) {
  std::vector<u8> out;
  for (size_t i = 0; i + 1 < pairs.size(); i += 3)
    out.push_back(static_cast<u8>(std::stoi(pairs.substr(i, 2), nullptr, 16)));
  return out;
}

struct Ran {
  int status;
  std::string out;
};
Ran shell(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  Ran ran{-1, {}};
  char buffer[256];
  while (pipe && std::fgets(buffer, sizeof buffer, pipe)) ran.out += buffer;
  const int status = pclose(pipe);
  ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  return ran;
}
const std::string kPlugin = std::string(OSMIA_BINARY) + " conformance-plugin ";

// Engines by name; null: no such engine on this CPU.
using Engine = std::function<Result<u64>(const rewrite::ExecProgram&, u64 r1, u64 r2)>;
std::vector<std::pair<std::string, Engine>> engines() {
  std::vector<std::pair<std::string, Engine>> out;
  out.emplace_back("interpreter", [](const rewrite::ExecProgram& p, u64 r1, u64 r2) -> Result<u64> {
    OSMIA_ASSIGN(auto code, interp::Code::compile(p));
    return code->run(r1, r2);
  });
  if (!jit::available()) return out;
  for (const auto tier : {jit::Tier::kDirect, jit::Tier::kOptimised})
    out.emplace_back(tier == jit::Tier::kDirect ? "direct JIT" : "optimising JIT",
                     [tier](const rewrite::ExecProgram& p, u64 r1, u64 r2) -> Result<u64> {
                       OSMIA_ASSIGN(auto image, jit::compile(p, {.tier = tier}));
                       return image->entry()(r1, r2, 0, 0, 0, nullptr);
                     });
  return out;
}

TEST(Rfc9669, LibraryGivesTheResults) {
  const auto cases = all_cases();
  ASSERT_GT(cases.size(), 200u);
  for (const auto& c : cases) {
    auto insns = isa::assemble(c.program);
    ASSERT_TRUE(insns.ok()) << c.file << ":" << c.line << ": " << insns.error().message;
    auto program = rewrite::unverified(*insns);
    ASSERT_TRUE(program.ok()) << c.name << ": " << program.error().message;
    for (const auto& [name, engine] : engines()) {
      auto memory = bytes_of(c.memory);
      const u64 address = memory.empty() ? 0 : reinterpret_cast<u64>(memory.data());
      const auto r0 = engine(*program, address, memory.size());
      ASSERT_TRUE(r0.ok()) << name << ": " << c.name << ": " << r0.error().message;
      EXPECT_EQ(fmt::format("{:x}", *r0), c.result)
          << name << ": " << c.file << ":" << c.line << ": " << c.name;
    }
  }
}

TEST(Rfc9669, PluginGivesTheResults) {
  for (const auto& c : all_cases()) {
    auto insns = isa::assemble(c.program);
    ASSERT_TRUE(insns.ok()) << c.name;
    // As the suite's runner does: memory, then its options as one argument; the program on standard input.
    for (const char* option : {"", "--jit"}) {
      if (*option && !jit::available()) continue;
      const Ran ran = shell("echo '" + hex(isa::encode(*insns)) + "' | " + kPlugin + "'" + c.memory + "' '" +
                            option + "'");
      EXPECT_EQ(ran.status, 0) << c.name;
      EXPECT_EQ(ran.out, c.result + "\n") << option << c.file << ":" << c.line << ": " << c.name;
    }
  }
}

TEST(Plugin, TakesTheProgramAsAnArgument) {
  const std::string mov7 = "'b7 00 00 00 07 00 00 00 95 00 00 00 00 00 00 00'";
  EXPECT_EQ(shell(kPlugin + "--program " + mov7).out, "7\n");
  EXPECT_EQ(shell(kPlugin + "'' --interpret --program b700000007000000 9500000000000000").status, 1);
  EXPECT_EQ(
      shell(kPlugin +
            "'01 02' --program '71 10 00 00 00 00 00 00 bf 20 00 00 00 00 00 00 95 00 00 00 00 00 00 00'")
          .out,
      "2\n");
}

TEST(Plugin, CallsHelpersByNumber) {  // bpf_ktime_get_ns, and its result compared with zero
  EXPECT_EQ(
      shell(kPlugin + "--program '85 00 00 00 05 00 00 00 55 00 01 00 00 00 00 00 95 00 00 00 00 00 00 00 "
                      "b7 00 00 00 02 00 00 00 95 00 00 00 00 00 00 00'")
          .out,
      "2\n");
}

TEST(Plugin, SaysWhatIsWrongOnOneLine) {
  auto error = [](const std::string& arguments) {
    const Ran ran = shell(kPlugin + arguments + " 2>&1 >/dev/null");
    EXPECT_EQ(ran.status, 1) << arguments;
    EXPECT_EQ(std::count(ran.out.begin(), ran.out.end(), '\n'), 1) << ran.out;
    return ran.out;
  };
  EXPECT_NE(error("--program 'b7 0'").find("expected two hex digits"), std::string::npos);
  EXPECT_NE(error("--program 'zz'").find("expected two hex digits"), std::string::npos);
  EXPECT_NE(error("--program ''").find("no instructions"), std::string::npos);
  EXPECT_NE(error("--program 'b7 00 00 00'").find("8"), std::string::npos);
  EXPECT_NE(error("--program 'ff 00 00 00 00 00 00 00'").find("code 255"), std::string::npos);
  EXPECT_NE(error("--program '85 00 00 00 ff ff 00 00 95 00 00 00 00 00 00 00'").find("helper 65535"),
            std::string::npos);
  EXPECT_NE(error("--program '8d 00 00 00 05 00 00 00 95 00 00 00 00 00 00 00'").find("code 141"),
            std::string::npos);
  EXPECT_NE(error("--program '05 00 09 00 00 00 00 00 95 00 00 00 00 00 00 00'").find("instruction 0"),
            std::string::npos);
  EXPECT_NE(error("--program '79 00 00 00 00 00 00 00 95 00 00 00 00 00 00 00'").find("memory"),
            std::string::npos);
  // A call of itself, without end.
  EXPECT_NE(error("--program '85 10 00 00 ff ff ff ff 95 00 00 00 00 00 00 00'").find("memory"),
            std::string::npos);
  EXPECT_NE(error("--frobnicate").find("--frobnicate"), std::string::npos);
}

}  // namespace
}  // namespace osmia::conformance
