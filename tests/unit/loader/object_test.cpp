// libbpf over the in-process bpf(2): an object of the selftests' kind is opened, listed and loaded.
#include "loader/object.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "runtime/catalog.h"

namespace osmia::loader {
namespace {

TEST(Object, RefusesWhatIsNoObject) {
  runtime::Kernel kernel(runtime::build_catalog());
  auto r = ObjectFile::from_bytes(kernel, std::vector<u8>(100, 0x7f), "x");
  ASSERT_FALSE(r.ok());
  EXPECT_EQ(r.error().code, ENOEXEC);
  EXPECT_FALSE(ObjectFile::open(kernel, "/nonexistent.bpf.o").ok());
}

// OSMIA_TEST_OBJECT names an object file to load program by program (a development aid).
TEST(Object, LoadsEachProgramOfANamedObject) {
  const char* path = std::getenv("OSMIA_TEST_OBJECT");
  if (!path) GTEST_SKIP() << "OSMIA_TEST_OBJECT is not set";
  auto vmlinux = btf::Btf::from_file("/sys/kernel/btf/vmlinux");
  runtime::Kernel kernel(runtime::build_catalog(vmlinux.ok() ? *vmlinux : nullptr));
  auto file = ObjectFile::open(kernel, path);
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_FALSE((*file)->programs().empty());
  (*file)->load_each_alone({}, [&](LoadResult& r) {
    printf("%-40s %-12s err %d reached %d insns %u: %s\n", r.entry.name.c_str(), r.entry.type_name.c_str(),
           r.error, r.reached_verifier, r.verdict.stats.insns_processed, r.message.c_str());
    EXPECT_TRUE(r.reached_verifier || r.error);
    return true;
  });
}

}  // namespace
}  // namespace osmia::loader
