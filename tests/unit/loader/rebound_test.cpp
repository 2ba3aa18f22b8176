// What libbpf in the process is told about the kernel it loads into: the bound Kernel's BTF, not the
// machine's.
#include "loader/rebound.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <vector>

#include "btf/btf.h"
#include "runtime/catalog.h"

extern "C" FILE* osmia_rebound_fopen(const char* path, const char* mode);
extern "C" int osmia_rebound_faccessat(int directory, const char* path, int mode, int flags);

namespace osmia::loader {
namespace {

constexpr const char* kPath = "/sys/kernel/btf/vmlinux";

std::vector<u8> small_btf() {
  // A header and an empty string table: the smallest BTF there is.
  std::vector<u8> b = {0x9f, 0xeb, 1, 0, 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0};
  return b;
}

TEST(Rebound, ServesTheBoundKernelsBtf) {
  const auto bytes = small_btf();
  auto btf = btf::Btf::parse(bytes, nullptr, btf::ParseMode::kTrusted);
  ASSERT_TRUE(btf.ok()) << btf.error().message;
  runtime::Kernel kernel(runtime::build_catalog(*btf));
  Binding binding(kernel);
  EXPECT_EQ(osmia_rebound_faccessat(AT_FDCWD, kPath, R_OK, 0), 0);
  FILE* f = osmia_rebound_fopen(kPath, "rbe");
  ASSERT_NE(f, nullptr);
  std::fseek(f, 0, SEEK_END);
  ASSERT_EQ(std::ftell(f), static_cast<long>(bytes.size()));
  std::rewind(f);
  std::vector<u8> read(bytes.size());
  EXPECT_EQ(std::fread(read.data(), 1, read.size(), f), read.size());
  EXPECT_EQ(read, bytes);
  std::fclose(f);
}

TEST(Rebound, AKernelWithoutBtfHasNone) {
  runtime::Kernel kernel(runtime::build_catalog());
  Binding binding(kernel);
  EXPECT_EQ(osmia_rebound_fopen(kPath, "r"), nullptr);
  EXPECT_EQ(errno, ENOENT);
  EXPECT_EQ(osmia_rebound_faccessat(AT_FDCWD, kPath, F_OK, 0), -1);
}

TEST(Rebound, OtherFilesAreTheMachines) {
  runtime::Kernel kernel(runtime::build_catalog());
  Binding binding(kernel);
  FILE* f = osmia_rebound_fopen("/dev/null", "r");
  ASSERT_NE(f, nullptr);
  std::fclose(f);
  EXPECT_EQ(osmia_rebound_faccessat(AT_FDCWD, "/dev/null", R_OK, 0), 0);
}

}  // namespace
}  // namespace osmia::loader
