// Damaged objects are refused with one line before libbpf sees them.
#include "loader/elf_check.h"

#include <gtest/gtest.h>

#include <elf.h>

#include <cstring>
#include <vector>

namespace osmia::loader {
namespace {

// A relocatable BPF object with a name table and one instruction section.
std::vector<u8> small_object() {
  std::vector<u8> f(64 + 3 * 64 + 16 + 16);
  Elf64_Ehdr eh{};
  std::memcpy(eh.e_ident, ELFMAG, SELFMAG);
  eh.e_ident[EI_CLASS] = ELFCLASS64, eh.e_ident[EI_DATA] = ELFDATA2LSB;
  eh.e_type = ET_REL, eh.e_machine = 247, eh.e_shentsize = 64, eh.e_shnum = 3, eh.e_shoff = 64,
  eh.e_shstrndx = 1;
  std::memcpy(f.data(), &eh, sizeof eh);
  Elf64_Shdr strings{}, code{};
  strings.sh_type = SHT_STRTAB, strings.sh_offset = 256, strings.sh_size = 16;
  code.sh_type = SHT_PROGBITS, code.sh_flags = SHF_EXECINSTR, code.sh_offset = 272, code.sh_size = 16,
  code.sh_name = 1;
  std::memcpy(&f[128], &strings, 64);
  std::memcpy(&f[192], &code, 64);
  std::memcpy(&f[257], "xdp", 4);
  return f;
}

TEST(ElfCheck, TakesASoundObject) {
  EXPECT_TRUE(check_elf(small_object()).ok());
}

TEST(ElfCheck, RefusesEveryTruncation) {
  const auto whole = small_object();
  for (size_t n = 0; n < whole.size(); n++) {
    const Status s = check_elf(std::span(whole).first(n));
    ASSERT_FALSE(s.ok()) << n;
    EXPECT_EQ(s.error().message.find('\n'), std::string::npos);
  }
}

TEST(ElfCheck, NamesWhatIsWrong) {
  auto f = small_object();
  f[0] = 0;
  EXPECT_EQ(check_elf(f).error().code, ENOEXEC);
  f = small_object();
  f[18] = 62;  // x86-64
  f[19] = 0;
  EXPECT_NE(check_elf(f).error().message.find("expected BPF (247), found 62"), std::string::npos);
  f = small_object();
  f[192 + 32] = 12;  // sh_size of the code
  EXPECT_NE(check_elf(f).error().message.find("multiple of 8"), std::string::npos);
}

}  // namespace
}  // namespace osmia::loader
