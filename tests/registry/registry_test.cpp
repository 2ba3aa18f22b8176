// What the files in the folders beside this one add is found in the Catalog, among everything that ships.
#include <gtest/gtest.h>

#include "runtime/catalog.h"

namespace osmia {
namespace {

TEST(Registry, OneFileAddsOneOfEach) {
  const auto catalog = runtime::build_catalog();
  const auto* type = catalog->prog_type("registry_test");
  ASSERT_TRUE(type);
  EXPECT_EQ(catalog->prog_type(1000u), type);
  ASSERT_TRUE(catalog->kfunc("registry_test_kfunc"));
  const auto* helper = catalog->helper_any(1000);
  ASSERT_TRUE(helper);
  EXPECT_EQ(helper->name, "bpf_registry_test");
#if __has_include("maps/map_type.h")
  const auto* map = catalog->map(1000);
  ASSERT_TRUE(map);
  EXPECT_EQ(map->name, "registry_test");
#endif
}

TEST(Registry, TheAddedTypeMayCallTheAddedHelperAndNoOther) {
  const auto catalog = runtime::build_catalog();
  const auto* type = catalog->prog_type("registry_test");
  ASSERT_TRUE(type);
  EXPECT_TRUE(catalog->helper_for(*type, 0, ~0u, 1000));
  EXPECT_EQ(catalog->helper_for(*type, 0, ~0u, 1), nullptr);
  EXPECT_EQ(catalog->helper_for(*catalog->prog_type("xdp"), 0, ~0u, 1000), nullptr);
}

TEST(Registry, WhatShipsIsStillThere) {
  const auto catalog = runtime::build_catalog();
  EXPECT_EQ(catalog->prog_types.size(), 33u);
  EXPECT_TRUE(catalog->helper_for(*catalog->prog_type("xdp"), 0, ~0u, 44));
}

}  // namespace
}  // namespace osmia
