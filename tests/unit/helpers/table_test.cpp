// docs/helpers.md says of each helper and kfunc whether it runs: what it says must be so. With
// OSMIA_WRITE_DOCS=1 the tables are written anew.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "helpers/helper.h"
#include "kfuncs/kfunc.h"

namespace osmia {
namespace {

constexpr const char* kPath = OSMIA_SOURCE_DIR "/docs/helpers.md";
constexpr const char* kHelpersStart = "<!-- helpers -->\n";
constexpr const char* kHelpersEnd = "<!-- end of helpers -->\n";
constexpr const char* kKfuncsStart = "<!-- kfuncs -->\n";
constexpr const char* kKfuncsEnd = "<!-- end of kfuncs -->\n";

struct Row {
  std::string name;
  size_t prototypes = 0, with_code = 0;
};

std::string helper_table() {
  std::map<u32, Row> rows;
  for (const auto* e : helpers::registry()) {
    Row& r = rows[e->def.id];
    r.name = e->def.name;
    r.prototypes++;
    r.with_code += e->fn || e->def.effects & contract::kTailCall;
  }
  std::ostringstream out;
  out << "| number | helper | in a process |\n| --- | --- | --- |\n";
  for (const auto& [id, r] : rows) {
    out << "| " << id << " | `" << r.name << "` | ";
    if (r.with_code == r.prototypes)
      out << "runs";
    else if (r.with_code)
      out << "runs, but not in all program types";
    else
      out << "verifies only: " << helpers::absence(r.name);
    out << " |\n";
  }
  return out.str();
}

// One line a set: which of its kfuncs run, which only verify.
std::string kfunc_table() {
  std::map<std::string, std::pair<std::string, std::string>> sets;
  for (const auto* e : kfuncs::registry()) {
    const bool compiled = e->def.throws;  // bpf_throw has no code of its own
    auto& [run, verify] =
        sets[std::string(e->def.set) + (e->def.module.empty() ? "" : ", " + std::string(e->def.module))];
    std::string& to = e->fn || compiled || e->def.role == contract::KfuncRole::kCastToKernCtx ? run : verify;
    to += (to.empty() ? "`" : ", `") + std::string(e->def.name) + "`";
  }
  std::ostringstream out;
  out << "| set | run | verify only |\n| --- | --- | --- |\n";
  for (const auto& [set, lists] : sets)
    out << "| " << set << " | " << lists.first << " | " << lists.second << " |\n";
  return out.str();
}

struct Part {
  const char *start, *end;
  std::string want;
};

TEST(Tables, SayWhatRuns) {
  std::ifstream in(kPath);
  ASSERT_TRUE(in) << kPath;
  std::string text((std::istreambuf_iterator<char>(in)), {});
  const bool write = std::getenv("OSMIA_WRITE_DOCS");
  for (const Part& part :
       {Part{kHelpersStart, kHelpersEnd, helper_table()}, Part{kKfuncsStart, kKfuncsEnd, kfunc_table()}}) {
    const size_t start = text.find(part.start), end = text.find(part.end);
    ASSERT_TRUE(start != text.npos && end != text.npos && start < end) << part.start;
    const size_t from = start + std::string(part.start).size();
    if (write)
      text.replace(from, end - from, part.want);
    else
      EXPECT_EQ(text.substr(from, end - from), part.want)
          << "OSMIA_WRITE_DOCS=1 unit_helpers_test writes it anew";
  }
  if (write) std::ofstream(kPath) << text;
}

// Who runs a program that calls a helper without code is told why.
TEST(Tables, EveryAbsenceHasAReason) {
  std::map<std::string_view, bool> runs;
  for (const auto* e : helpers::registry())
    runs[e->def.name] |= e->fn || e->def.effects & contract::kTailCall;
  EXPECT_EQ(runs.size(), 211u);
  for (const auto& [name, has_code] : runs) EXPECT_EQ(helpers::absence(name).empty(), has_code) << name;
}

}  // namespace
}  // namespace osmia
