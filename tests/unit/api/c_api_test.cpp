// The C ABI: sizes of structures, missing arguments, and that it does what the C++ API does.
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "osmia/osmia.h"

namespace {

struct CApi : ::testing::Test {
  osmia_kernel* kernel = nullptr;
  const std::string path = OSMIA_BINARY_DIR "/examples/xdp_firewall.bpf.o";
  void SetUp() override {
    osmia_kernel_options o{};
    o.size = sizeof o;
    o.no_machine_btf = 1;
    ASSERT_EQ(osmia_kernel_create(&o, &kernel), 0) << osmia_last_error();
    if (access(path.c_str(), R_OK)) GTEST_SKIP() << "the examples are not built";
  }
  void TearDown() override { osmia_kernel_free(kernel); }
};

TEST_F(CApi, Structures) {
  osmia_kernel* k = nullptr;
  osmia_kernel_options o{};
  EXPECT_EQ(osmia_kernel_create(&o, &k), -EINVAL) << "size 0";
  struct {
    osmia_kernel_options o;
    long more;
  } newer{};
  newer.o.size = sizeof newer;
  newer.o.no_machine_btf = 1;
  newer.more = 1;
  EXPECT_EQ(osmia_kernel_create(&newer.o, &k), -EINVAL) << "a newer caller wants what is not known here";
  newer.more = 0;
  EXPECT_EQ(osmia_kernel_create(&newer.o, &k), 0);
  osmia_kernel_free(k);
  o.size = sizeof o, o.engine = 9;
  EXPECT_EQ(osmia_kernel_create(&o, &k), -EINVAL);
  o.engine = 0, o.btf_path = "/nonexistent";
  EXPECT_LT(osmia_kernel_create(&o, &k), 0);
  EXPECT_NE(std::string(osmia_last_error()), "");
  EXPECT_EQ(osmia_kernel_create(nullptr, nullptr), -EINVAL);
}

TEST_F(CApi, VerifyLoadRun) {
  osmia_verdict v{};
  v.size = sizeof v;
  char log[40];
  ASSERT_EQ(osmia_verify(kernel, path.c_str(), "firewall", &v, log, sizeof log), 0) << osmia_last_error();
  EXPECT_TRUE(v.accepted);
  EXPECT_LT(std::strlen(log), sizeof log);
  EXPECT_EQ(osmia_verify(kernel, path.c_str(), "nothing", &v, nullptr, 0), -ENOENT);

  osmia_object* object = nullptr;
  ASSERT_EQ(osmia_object_load(kernel, path.c_str(), &object), 0) << osmia_last_error();
  EXPECT_EQ(osmia_object_program_count(object), 1u);
  EXPECT_EQ(osmia_object_program_at(object, 1), nullptr);
  EXPECT_EQ(osmia_object_program(object, "nothing"), nullptr);
  EXPECT_EQ(osmia_object_map(object, "nothing"), nullptr);
  osmia_program* p = osmia_object_program(object, "firewall");
  ASSERT_NE(p, nullptr);
  EXPECT_STREQ(osmia_program_name(p), "firewall");
  std::vector<unsigned char> packet(64), out(64);
  osmia_run run{};
  run.size = sizeof run;
  run.data = packet.data(), run.data_size = packet.size();
  run.data_out = out.data(), run.data_out_size = out.size();
  ASSERT_EQ(osmia_program_run(p, &run), 0) << osmia_last_error();
  EXPECT_EQ(run.return_value, 2u);
  EXPECT_EQ(run.data_out_size, 64u);
  run.data_out_size = 10;
  EXPECT_EQ(osmia_program_run(p, &run), -ENOSPC);
  EXPECT_EQ(run.data_out_size, 64u);
  run.data = nullptr, run.data_size = 0;
  EXPECT_LT(osmia_program_run(p, &run), 0);

  osmia_map* ports = osmia_object_map(object, "blocked_ports");
  ASSERT_NE(ports, nullptr);
  uint16_t key = 53, next;
  uint64_t value = 4;
  EXPECT_EQ(osmia_map_next_key(ports, nullptr, &next), -ENOENT);
  EXPECT_EQ(osmia_map_update(ports, &key, &value, 0), 0);
  EXPECT_EQ(osmia_map_update(ports, &key, &value, 1), -EEXIST);
  EXPECT_EQ(osmia_map_next_key(ports, nullptr, &next), 0);
  EXPECT_EQ(next, 53);
  value = 0;
  EXPECT_EQ(osmia_map_lookup(ports, &key, &value), 0);
  EXPECT_EQ(value, 4u);
  EXPECT_EQ(osmia_map_lookup(ports, nullptr, &value), -EINVAL);
  EXPECT_EQ(osmia_map_delete(ports, &key), 0);
  EXPECT_EQ(osmia_map_delete(ports, &key), -ENOENT);
  EXPECT_NE(osmia_object_map(object, ".bss"), nullptr);
  osmia_object_free(object);
}

TEST_F(CApi, RawCalls) {
  union bpf_attr a;
  std::memset(&a, 0, sizeof a);
  EXPECT_EQ(osmia_bpf(kernel, BPF_MAP_CREATE, &a, sizeof a), -EINVAL);
  EXPECT_EQ(osmia_bpf(nullptr, BPF_MAP_CREATE, &a, sizeof a), -EINVAL);
}

}  // namespace
