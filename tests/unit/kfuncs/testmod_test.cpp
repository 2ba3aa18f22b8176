// The kfuncs of the kernel's test module, against what its C code computes and holds.
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>

#include "btf/write.h"
#include "host/kernel_object.h"
#include "host/run_context.h"
#include "kfuncs/code.h"
#include "maps/map.h"

namespace osmia::kfuncs::code {
namespace {

// The two structs that the code lays out, as the kernel's BTF has them.
btf::BtfPtr types() {
  btf::Writer w;
  const u32 i = w.add_int("int", 4, btf::kIntSigned);
  const u32 ptr = w.add_ptr(0);
  const u32 refcount = w.add_struct("refcount_struct", 4, {{"refs", i, 0}});
  const u32 count = w.add_typedef("refcount_t", refcount);
  w.add_struct("callback_head", 16, {{"next", ptr, 0}, {"func", ptr, 64}});
  w.add_struct(
      "prog_test_ref_kfunc", 32,
      {{"a", i, 0}, {"b", i, 32}, {"c", i, 64}, {"d", i, 96}, {"next", ptr, 128}, {"cnt", count, 192}});
  auto parsed = btf::Btf::parse(w.bytes());
  EXPECT_TRUE(parsed.ok());
  return parsed.ok() ? *parsed : nullptr;
}

struct FakeProgram final : maps::ProgObject {
  FakeProgram() { kernel_types = types(); }
  u32 object_id() const override { return 1; }
  u32 prog_type() const override { return 0; }
  u32 attach_type() const override { return 0; }
};

struct RefKfunc {
  s32 a, b, c, d;
  RefKfunc* next;
  u32 count, rest;
};

TEST(TestModule, SumsTakeArgumentsByTheirWidth) {
  const u64 high = u64{0xabcd} << 32;
  EXPECT_EQ(testmod_test1(0, high | 1, 2, high | 3, 4), 10u);
  EXPECT_EQ(testmod_test1(0, 0xffffffff, u64{1} << 40, 0xffffffff, 0), (u64{1} << 40) + 0x1fffffffe);
  EXPECT_EQ(testmod_test2(0, high | 0x7fffffff, 1, 0, 0), 0xffffffff80000000u) << "an int, sign-extended";
  EXPECT_EQ(testmod_test4(0x80, 0x18000, high | 0xffffffff, 1000, 0),
            static_cast<u64>(-128 - 32768 - 1 + 1000));
  EXPECT_EQ(testmod_first_argument(high | 5, 6, 0, 0, 0), 5u);
}

TEST(TestModule, TheReferencedObjectCountsItsHolders) {
  FakeProgram program;
  host::RunScope scope(static_cast<const maps::ProgObject*>(&program));
  u64 scalar = 0;
  const u64 one = testmod_acquire(reinterpret_cast<u64>(&scalar), 0, 0, 0, 0);
  ASSERT_NE(one, 0u);
  auto& object = *reinterpret_cast<RefKfunc*>(one);
  EXPECT_EQ(object.a, 42);
  EXPECT_EQ(object.b, 108);
  EXPECT_EQ(object.next, &object);
  EXPECT_EQ(object.count, 2u);
  EXPECT_EQ(testmod_acquire(0, 0, 0, 0, 0), one) << "there is only one";
  EXPECT_EQ(object.count, 3u);
  testmod_release(one, 0, 0, 0, 0);
  testmod_release(one, 0, 0, 0, 0);
  EXPECT_EQ(object.count, 1u);
  testmod_release(one, 0, 0, 0, 0);
  EXPECT_EQ(object.count, 1u) << "one release too many changes nothing";

  EXPECT_EQ(testmod_get_mem(one, 8, 0, 0, 0), one);
  EXPECT_EQ(testmod_get_mem(one, 9, 0, 0, 0), 0u);
  EXPECT_EQ(testmod_get_mem(one, 0xffffffff, 0, 0, 0), 0u) << "a negative size";
}

TEST(TestModule, ContextsAreObjectsOfTheirOwn) {
  FakeProgram program;
  host::RunScope scope(static_cast<const maps::ProgObject*>(&program));
  s32 error = 7;
  const u64 a = testmod_ctx_create(reinterpret_cast<u64>(&error), 0, 0, 0, 0);
  const u64 b = testmod_ctx_create(reinterpret_cast<u64>(&error), 0, 0, 0, 0);
  ASSERT_NE(a, 0u);
  ASSERT_NE(b, 0u);
  EXPECT_NE(a, b);
  EXPECT_EQ(error, 7);
  EXPECT_EQ(*reinterpret_cast<const u32*>(a + 16), 1u);
  object_release(a, 0, 0, 0, 0);
  EXPECT_EQ(host::object_at(a), nullptr) << "the last holder went";
  EXPECT_NE(host::object_at(b), nullptr);
  object_release(b, 0, 0, 0, 0);
}

TEST(TestModule, WithoutKernelTypesThereIsNoObject) {
  s32 error = 0;
  EXPECT_EQ(testmod_acquire(0, 0, 0, 0, 0), 0u);
  EXPECT_EQ(testmod_ctx_create(reinterpret_cast<u64>(&error), 0, 0, 0, 0), 0u);
  EXPECT_EQ(error, -ENOMEM);
}

}  // namespace
}  // namespace osmia::kfuncs::code
