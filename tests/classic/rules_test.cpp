// What Linux's checks refuse, rule by rule, and the forms in which programs come.
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "cli/classic_file.h"
#include "isa/classic.h"
#include "isa/disasm.h"

namespace osmia {
namespace {

using isa::ClassicDialect;
using isa::ClassicInsn;
using Program = std::vector<ClassicInsn>;

std::string refusal(const Program& p, ClassicDialect dialect = ClassicDialect::kSocket) {
  const auto s = isa::check_classic(p, dialect);
  if (s.ok()) return {};
  EXPECT_EQ(s.error().code, EINVAL);
  return s.error().message;
}
const ClassicInsn kRet{0x06, 0, 0, 1};

TEST(ClassicRules, Sizes) {
  EXPECT_NE(refusal({}), "");
  EXPECT_EQ(refusal(Program(4096, kRet)), "");
  EXPECT_NE(refusal(Program(4097, kRet)), "");
}

TEST(ClassicRules, Instructions) {
  const std::pair<ClassicInsn, bool> cases[] = {
      {{0x34, 0, 0, 0}, false},          {{0x34, 0, 0, 1}, true},   // div
      {{0x94, 0, 0, 0}, false},          {{0x3c, 0, 0, 0}, true},   // mod, div x
      {{0x64, 0, 0, 32}, false},         {{0x64, 0, 0, 31}, true},  // lsh
      {{0x74, 0, 0, 0xffffffff}, false}, {{0x6c, 0, 0, 99}, true},
      {{0x02, 0, 0, 16}, false},         {{0x02, 0, 0, 15}, true},  // st
      {{0x03, 0, 0, 16}, false},         {{0x61, 0, 0, 16}, false},
      {{0xb4, 0, 0, 0}, false},          {{0x0f, 0, 0, 0}, false},  // no such ALU, MISC operation
      {{0x20 | 0x18, 0, 0, 0}, false},   {{0x100, 0, 0, 0}, false},
      {{0xa1, 0, 0, 0}, false},          {{0xb1, 0, 0, 0xffffffff}, true},
      {{0x28, 0, 0, 0xfffff000}, true},  {{0x30, 0, 0, 0xfffff03c}, true},  // ancillary: any size
      {{0x28, 0, 0, 0xfffff001}, false}, {{0x28, 0, 0, 0xfffff040}, false},
      {{0x28, 0, 0, 0xffffffff}, false}, {{0x28, 0, 0, 0xffefffff}, true},
      {{0x50, 0, 0, 0xffffffff}, true},  // ld [x + k] is looked at when it runs
  };
  for (const auto& [in, good] : cases) EXPECT_EQ(refusal({in, kRet}).empty(), good) << in.code << " " << in.k;
  EXPECT_EQ(refusal({{0x28, 0, 0, 0xffffffff}, kRet}, ClassicDialect::kCapture), "");
  EXPECT_EQ(refusal({kRet, {0x34, 0, 0, 0}, kRet}), "insn 1: division by zero");
}

TEST(ClassicRules, Jumps) {
  EXPECT_EQ(refusal({{0x05, 0, 0, 0}, kRet}), "");
  EXPECT_NE(refusal({{0x05, 0, 0, 1}, kRet}), "");
  EXPECT_NE(refusal({{0x05, 0, 0, 0xffffffff}, kRet}), "");
  EXPECT_EQ(refusal({{0x15, 1, 0, 0}, kRet, kRet}), "");
  EXPECT_NE(refusal({{0x15, 2, 0, 0}, kRet, kRet}), "");
  EXPECT_NE(refusal({{0x1d, 0, 255, 0}, kRet, kRet}), "");
  EXPECT_NE(refusal({kRet, {0x00, 0, 0, 0}}), "");  // the last must return
  EXPECT_EQ(refusal({{0x16, 0, 0, 0}}), "");        // ret a
  EXPECT_NE(refusal({{0x0e, 0, 0, 0}}), "");        // ret x
}

TEST(ClassicRules, MemoryIsStoredFirst) {
  const ClassicInsn store{0x02, 0, 0, 3}, load{0x60, 0, 0, 3}, load_x{0x61, 0, 0, 3};
  EXPECT_EQ(refusal({store, load, kRet}), "");
  EXPECT_NE(refusal({load, store, kRet}), "");
  EXPECT_NE(refusal({{0x03, 0, 0, 2}, load_x, kRet}), "");
  // if (A == 0) M[3] = A: only one way stores.
  EXPECT_EQ(refusal({{0x15, 0, 1, 0}, store, load, kRet}), "insn 2: M[3] is read before it is stored");
  EXPECT_EQ(refusal({{0x15, 0, 2, 0}, store, {0x05, 0, 0, 1}, store, load, kRet}), "");
}

TEST(ClassicRules, Seccomp) {
  const auto good = [](ClassicInsn in) { return refusal({in, kRet}, ClassicDialect::kSeccomp).empty(); };
  EXPECT_TRUE(good({0x20, 0, 0, 0}));
  EXPECT_TRUE(good({0x20, 0, 0, 60}));
  EXPECT_FALSE(good({0x20, 0, 0, 64}));
  EXPECT_FALSE(good({0x20, 0, 0, 2}));
  EXPECT_FALSE(good({0x28, 0, 0, 0}));  // halves and bytes
  EXPECT_FALSE(good({0x40, 0, 0, 0}));  // [x + k]
  EXPECT_FALSE(good({0xb1, 0, 0, 0}));  // 4*([k]&0xf)
  EXPECT_FALSE(good({0x94, 0, 0, 3}));  // mod, though the socket's checks take it
  EXPECT_FALSE(good({0x9c, 0, 0, 0}));
  EXPECT_FALSE(good({0x20, 0, 0, 0xfffff000}));  // ancillary
  EXPECT_TRUE(good({0x80, 0, 0, 0}));
  EXPECT_TRUE(good({0xa4, 0, 0, 5}));
}

TEST(ClassicText, LooksLikeTcpdumps) {
  EXPECT_EQ(isa::disasm_classic({0x28, 0, 0, 12}, 0), "ldh      [12]");
  EXPECT_EQ(isa::disasm_classic({0x15, 0, 8, 0x800}, 1), "jeq      #0x800           jt 2\tjf 10");
  EXPECT_EQ(isa::disasm_classic({0xb1, 0, 0, 14}, 0), "ldxb     4*([14]&0xf)");
  EXPECT_EQ(isa::disasm_classic({0x06, 0, 0, 262144}, 0), "ret      #262144");
  EXPECT_EQ(isa::disasm_classic({0x48, 0, 0, 16}, 0), "ldh      [x + 16]");
  EXPECT_EQ(isa::disasm_classic({0x28, 0, 0, 0xfffff000}, 0), "ldh      #proto");
}

TEST(ClassicConvert, LeavesOutWhatNothingReaches) {
  const Program p{{0x05, 0, 0, 1}, {0x3c, 0, 0, 0}, {0x06, 0, 0, 9}};
  const auto c = isa::convert_classic(p, ClassicDialect::kSocket);
  ASSERT_TRUE(c.ok());
  EXPECT_EQ(
      isa::disasm_program(c->insns, isa::xlated_options()),
      "   0: (b4) w0 = 0\n   1: (b4) w7 = 0\n   2: (bf) r6 = r1\n   3: (05) goto pc+0\n   4: (b4) w0 = 9\n"
      "   5: (95) exit\n");
  EXPECT_EQ(c->original, (std::vector<u32>{0, 0, 0, 0, 2, 2}));
}

class ClassicFile : public testing::Test {
 protected:
  Result<Program> read(const std::string& text) {
    std::ofstream(path_, std::ios::binary) << text;
    return cli::read_classic(path_);
  }
  ~ClassicFile() override { unlink(path_.c_str()); }
  const std::string path_ = testing::TempDir() + "classic_file_" + std::to_string(getpid());
};

TEST_F(ClassicFile, Forms) {
  const Program wanted{{40, 0, 0, 12}, {21, 0, 1, 2048}, {6, 0, 0, 262144}, {6, 0, 0, 0}};
  for (
      const std::string& text :
      {std::string("4\n40 0 0 12\n21 0 1 2048\n6 0 0 262144\n6 0 0 0\n"),
       std::string("4,40 0 0 12,21 0 1 2048,6 0 0 262144,6 0 0 0,"),
       std::string("[[40,0,0,12],[21,0,1,2048],[6,0,0,262144],[6,0,0,0]]"),
       std::string(
           R"( {"filter":[{"code":40,"k":12},{"code":21,"jt":0,"jf":1,"k":2048},{"code":6,"k":262144},{"code":6}]})"),
       std::string(reinterpret_cast<const char*>(wanted.data()), wanted.size() * 8)}) {
    const auto p = read(text);
    ASSERT_TRUE(p.ok()) << p.error().message;
    EXPECT_EQ(*p, wanted) << text;
  }
}

TEST_F(ClassicFile, BadInputIsOneLine) {
  for (const char* text : {"", "   \n", "2\n40 0 0 12\n", "1\n40 0 0\n", "1\n400000 0 0 1\n", "5000\n",
                           "[[40,0,0]]", "[[40,0,0,-1]]", "[[40,0,256,1]]", "{\"filter\":7}", "[1]", "[",
                           "abc", "99999999999999999999999 1 1 1 1"}) {
    const auto p = read(text);
    ASSERT_FALSE(p.ok()) << text;
    EXPECT_EQ(p.error().message.find('\n'), std::string::npos);
    EXPECT_EQ(p.error().message.find(path_), 0u) << p.error().message;
  }
  EXPECT_EQ(cli::read_classic("/nonexistent/file").error().code, ENOENT);
  EXPECT_EQ(cli::read_classic("/dev/zero").error().code, EFBIG);
}

}  // namespace
}  // namespace osmia
