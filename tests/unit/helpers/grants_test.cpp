// What each program type may call must be exactly what Linux 6.12 answered when it was probed as root.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "runtime/catalog.h"

namespace osmia {
namespace {

constexpr u32 kAllCaps = ~0u;

// The expected attach type that the probe used, where a type does not load without one.
u32 probed_attach_type(const std::string& type) {
  if (type == "cgroup_sock") return 2;
  if (type == "cgroup_sock_addr") return 10;
  if (type == "cgroup_sockopt") return 21;
  if (type == "sk_lookup") return 36;
  if (type == "netfilter") return 45;
  if (type == "sk_reuseport") return 39;
  return 0;
}

std::set<std::string> granted(const contract::Catalog& c, const contract::ProgTypeDef& type, u32 attach,
                              u32 caps) {
  std::set<std::string> names;
  for (u32 id = 1; id < c.helper_count(); ++id)
    if (const auto* h = c.helper_for(type, attach, caps, id)) names.insert(std::string(h->name));
  return names;
}

TEST(Grants, EqualTheProbedSets) {
  std::ifstream in(OSMIA_SOURCE_DIR "/tests/golden/feature-6.12.json");
  ASSERT_TRUE(in);
  const auto golden = nlohmann::json::parse(in)["helpers"];
  const auto catalog = runtime::build_catalog();
  const std::string suffix = "_available_helpers";
  int compared = 0;
  for (const auto& [key, list] : golden.items()) {
    const std::string type = key.substr(0, key.size() - suffix.size());
    const auto* def = catalog->prog_type(type);
    EXPECT_TRUE(def) << type;
    if (!def) continue;
    if (list.empty()) continue;  // types that the probe could not load at all
    const std::set<std::string> want = list.get<std::set<std::string>>();
    const std::set<std::string> got = granted(*catalog, *def, probed_attach_type(type), kAllCaps);
    std::string missing, extra;
    for (const auto& n : want)
      if (!got.count(n)) missing += " " + n;
    for (const auto& n : got)
      if (!want.count(n)) extra += " " + n;
    EXPECT_EQ(missing, "") << type;
    EXPECT_EQ(extra, "") << type;
    ++compared;
  }
  EXPECT_EQ(compared, 27);
}

TEST(Grants, EveryHelperOf612IsThere) {
  const auto catalog = runtime::build_catalog();
  ASSERT_EQ(catalog->helper_count(), 212u);
  for (u32 id = 1; id <= 211; ++id) ASSERT_TRUE(catalog->helper_any(id)) << id;
  std::set<std::string_view> names;
  for (u32 id = 1; id <= 211; ++id) EXPECT_TRUE(names.insert(catalog->helper_any(id)->name).second) << id;
}

TEST(Grants, OneTagHoldsOnePrototypeOfAHelper) {
  const auto catalog = runtime::build_catalog();
  std::set<std::pair<std::string_view, u32>> seen;
  for (const auto* h : catalog->helpers) {
    EXPECT_TRUE(seen.insert({h->tag, h->id}).second) << h->tag << " " << h->name;
    EXPECT_FALSE(h->tag.empty()) << h->name;
    EXPECT_EQ(h->name, catalog->helper_any(h->id)->name);
  }
}

TEST(Grants, EveryTagIsGrantedToSomeType) {
  const auto catalog = runtime::build_catalog();
  std::set<std::string_view> granted_tags, tags;
  for (const auto* t : catalog->prog_types)
    for (const auto& g : t->grants) granted_tags.insert(g.tag);
  for (const auto* ops : catalog->struct_ops)
    for (const auto& g : ops->grants) granted_tags.insert(g.tag);
  for (const auto* h : catalog->helpers) tags.insert(h->tag);
  tags.erase("kprobe_override");  // compiled out of the reference kernel (function error injection)
  EXPECT_EQ(granted_tags, tags);
}

TEST(Grants, PrivilegeWidensTheSet) {
  const auto catalog = runtime::build_catalog();
  const auto* filter = catalog->prog_type("socket_filter");
  auto cap = [](contract::Capability c) { return 1u << static_cast<u32>(c); };
  const auto none = granted(*catalog, *filter, 0, 0);
  const auto bpf = granted(*catalog, *filter, 0, cap(contract::Capability::kBpf));
  const auto perfmon = granted(*catalog, *filter, 0, cap(contract::Capability::kPerfmon));
  EXPECT_TRUE(none.count("bpf_map_lookup_elem"));
  EXPECT_FALSE(none.count("bpf_spin_lock"));
  EXPECT_TRUE(bpf.count("bpf_spin_lock"));
  EXPECT_FALSE(bpf.count("bpf_trace_printk"));
  EXPECT_FALSE(perfmon.count("bpf_trace_printk"));  // needs both
  EXPECT_TRUE(perfmon.count("bpf_skc_to_tcp_sock"));
}

TEST(Grants, PrototypeFollowsTheContext) {
  const auto catalog = runtime::build_catalog();
  auto proto = [&](const char* type, u32 id) {
    return catalog->helper_for(*catalog->prog_type(type), 0, kAllCaps, id);
  };
  EXPECT_TRUE(proto("xdp", 8)->effects & contract::kFastcall);  // get_smp_processor_id
  EXPECT_FALSE(proto("socket_filter", 8)->effects & contract::kFastcall);
  EXPECT_EQ(proto("sched_cls", 23)->args[0].kind, contract::ArgKind::kAnything);  // redirect
  EXPECT_NE(proto("sched_cls", 23), proto("xdp", 23));
  EXPECT_EQ(proto("socket_filter", 1000), nullptr);
}

}  // namespace
}  // namespace osmia
