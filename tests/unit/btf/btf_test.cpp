// Parsing, views and lookups: what goes in through the builder comes out of the views, and every question has
// an answer.
#include "btf/btf.h"

#include "btf/line_info.h"
#include "fixtures.h"

namespace osmia::btf {
namespace {

TEST(Btf, EveryKindComesBackAsItWasWritten) {
  Writer w;
  const u32 i = w.add_int("int", 4, kIntSigned);
  const u32 p = w.add_ptr(i);
  const u32 a = w.add_array(i, i, 7);
  const u32 s = w.add_struct("s", 16, {{"x", i, 0}, {"b", i, 32, 3}, {"p", p, 64}});
  const u32 u = w.add_union("u", 4, {{"x", i, 0}});
  const u32 e = w.add_enum("e", 4, {{"NEG", -2}, {"BIG", 5}}, true);
  const u32 f = w.add_fwd("f", true);
  const u32 t = w.add_typedef("t", s);
  const u32 v = w.add_volatile(i), c = w.add_const(v), r = w.add_restrict(p);
  const u32 proto = w.add_func_proto(i, {{"a", i}, {"", 0}});
  const u32 fn = w.add_func("fn", proto, FuncLinkage::kGlobal);
  const u32 var = w.add_var("v", t);
  const u32 d = w.add_datasec(".data", 16, {{var, 0, 16}});
  const u32 fl = w.add_float("double", 8);
  const u32 dt = w.add_decl_tag("note", s, 2);
  const u32 tt = w.add_type_tag("user", i);
  const u32 e64 = w.add_enum64("e64", {{"HUGE", 0x123456789abcll}});
  auto b = must_parse(w);

  EXPECT_EQ(b->end_id(), e64 + 1);
  EXPECT_EQ(b->type(i).name(), "int");
  EXPECT_TRUE(b->type(i).int_info().is_signed());
  EXPECT_EQ(b->type(i).int_info().bits, 32);
  EXPECT_EQ(b->type(p).type(), i);
  EXPECT_EQ(b->type(a).array().nelems, 7u);
  ASSERT_EQ(b->type(s).members().size(), 3u);
  EXPECT_TRUE(b->type(s).kind_flag());
  EXPECT_EQ(b->type(s).members()[1].bitfield_size, 3u);
  EXPECT_EQ(b->type(s).members()[1].bit_offset, 32u);
  EXPECT_EQ(b->type(s).members()[2].name, "p");
  EXPECT_EQ(b->type(u).kind(), Kind::kUnion);
  EXPECT_EQ(static_cast<s64>(b->type(e).enumerators()[0].value), -2);
  EXPECT_TRUE(b->type(f).kind_flag());
  EXPECT_EQ(b->type(t).type(), s);
  EXPECT_EQ(b->type(c).type(), v);
  EXPECT_EQ(b->type(r).kind(), Kind::kRestrict);
  EXPECT_EQ(b->type(proto).params().size(), 2u);
  EXPECT_EQ(b->type(proto).params()[0].name, "a");
  EXPECT_EQ(b->type(fn).func_linkage(), FuncLinkage::kGlobal);
  EXPECT_EQ(b->type(var).var_linkage(), 1u);
  EXPECT_EQ(b->type(d).var_secinfos()[0].type, var);
  EXPECT_EQ(b->type(fl).size(), 8u);
  EXPECT_EQ(b->type(dt).component_idx(), 2);
  EXPECT_EQ(b->type(tt).name(), "user");
  EXPECT_EQ(b->type(e64).enumerators()[0].value, 0x123456789abcull);
}

TEST(Btf, QuestionsOutOfRangeHaveEmptyAnswers) {
  Writer w;
  const u32 i = w.add_int("int", 4);
  auto b = must_parse(w);
  EXPECT_TRUE(b->type(0).exists());
  EXPECT_EQ(b->type(0).kind(), Kind::kVoid);
  for (u32 id : {2u, 1000u, 0xffffffffu}) {
    const TypeView t = b->type(id);
    EXPECT_FALSE(t.exists());
    EXPECT_EQ(t.name(), "");
    EXPECT_EQ(t.size(), 0u);
    EXPECT_TRUE(t.members().empty());
    EXPECT_FALSE(b->size_of(id).ok());
  }
  EXPECT_TRUE(b->type(i).members().empty());
  EXPECT_EQ(b->type(i).members()[3].type, 0u);
  EXPECT_EQ(b->type(i).array().nelems, 0u);
  EXPECT_EQ(b->type(i).component_idx(), -1);
  EXPECT_EQ(b->string(0xffffffff), "");
}

TEST(Btf, FindTakesTheLowestIdOfTheKind) {
  Writer w;
  const u32 i = w.add_int("foo", 4);
  const u32 s1 = w.add_struct("foo", 4, {{"x", i, 0}});
  const u32 s2 = w.add_struct("foo", 8, {{"x", i, 0}});
  auto b = must_parse(w);
  EXPECT_EQ(b->find("foo", Kind::kStruct), s1);
  EXPECT_EQ(b->find("foo", Kind::kInt), i);
  EXPECT_EQ(b->find("foo", Kind::kUnion), 0u);
  EXPECT_EQ(b->find("", Kind::kStruct), 0u);
  EXPECT_EQ(b->find_all_own("foo"), (std::vector<u32>{i, s1, s2}));
}

TEST(Btf, AMillionTypesOfOneNameStayCheapToIndex) {
  Writer w;
  const u32 name = w.add_string("same");
  for (int n = 0; n < 300000; ++n) w.add_raw(name, Writer::info_word(Kind::kFwd, 0, false), 0);
  auto b = must_parse(w, nullptr, ParseMode::kTrusted);
  EXPECT_EQ(b->find("same", Kind::kFwd), 1u);
  EXPECT_EQ(b->find("same", Kind::kStruct), 0u);
}

TEST(Btf, SplitGoesOnWhereTheBaseEnds) {
  Writer w;
  const u32 i = w.add_int("int", 4, kIntSigned);
  w.add_struct("shared", 4, {{"x", i, 0}});
  auto base = must_parse(w);
  Writer w2(*base);
  const u32 s = w2.add_struct("mine", 8, {{"a", i, 0}, {"b", i, 32}});
  const u32 dup = w2.add_struct("shared", 8, {{"y", i, 0}});
  auto b = must_parse(w2, base);
  EXPECT_EQ(b->start_id(), base->end_id());
  EXPECT_EQ(b->type(i).name(), "int");
  EXPECT_EQ(b->type(s).name(), "mine");
  EXPECT_EQ(b->type(s).members()[1].name, "b");
  EXPECT_EQ(b->find("int", Kind::kInt), i);
  EXPECT_EQ(b->find("mine", Kind::kStruct), s);
  EXPECT_NE(b->find("shared", Kind::kStruct), dup);
  EXPECT_EQ(b->find_own("shared", Kind::kStruct), dup);
  EXPECT_EQ(base->find("mine", Kind::kStruct), 0u);
  EXPECT_FALSE(base->type(s).exists());
  EXPECT_EQ(*b->size_of(s), 8u);
}

TEST(Btf, SizesMultiplyArraysAndStopAtWhatHasNone) {
  Writer w;
  const u32 i = w.add_int("short", 2, kIntSigned);
  const u32 inner = w.add_array(i, i, 3);
  const u32 t = w.add_typedef("vec", inner);
  const u32 outer = w.add_array(w.add_const(t), i, 5);
  const u32 huge = w.add_array(outer, i, 0x10000000);
  const u32 p = w.add_ptr(0);
  const u32 none = w.add_array(i, i, 0);
  const u32 proto = w.add_func_proto(0, {});
  auto b = must_parse(w, nullptr, ParseMode::kTrusted);
  EXPECT_EQ(*b->size_of(outer), 30u);
  EXPECT_EQ(*b->size_of(p), 8u);
  EXPECT_EQ(*b->size_of(none), 0u);
  EXPECT_EQ(b->size_of(huge).error().code, E2BIG);
  EXPECT_EQ(b->size_of(proto).error().code, EINVAL);
  EXPECT_EQ(b->size_of(0).error().code, EINVAL);
  EXPECT_EQ(b->align_of(outer), 2u);
}

TEST(Btf, LoopsEndInVoid) {
  Writer w;
  const u32 c = w.add_raw(0, Writer::info_word(Kind::kConst, 0, false), 2);
  w.add_raw(0, Writer::info_word(Kind::kVolatile, 0, false), 1);
  const u32 self = w.add_raw(w.add_string("t"), Writer::info_word(Kind::kTypedef, 0, false), 3);
  auto b = must_parse(w, nullptr, ParseMode::kTrusted);
  EXPECT_EQ(b->skip_modifiers(c).id(), 0u);
  EXPECT_EQ(b->skip_modifiers(self).kind(), Kind::kVoid);
  EXPECT_FALSE(b->size_of(c).ok());
  EXPECT_FALSE(b->resolve_pointer(c).exists());
}

TEST(Btf, TagsOfPointersAndDeclarations) {
  Writer w;
  const u32 i = w.add_int("int", 4, kIntSigned);
  const u32 inner = w.add_type_tag("rcu", i);
  const u32 outer = w.add_type_tag("user", inner);
  const u32 p = w.add_ptr(outer);
  const u32 s = w.add_struct("s", 8, {{"p", p, 0}});
  const u32 d1 = w.add_decl_tag("one", s);
  w.add_decl_tag("m", s, 0);
  const u32 d2 = w.add_decl_tag("two", s);
  auto b = must_parse(w);
  EXPECT_EQ(b->type_tags(p), (std::vector<std::string_view>{"user", "rcu"}));
  EXPECT_TRUE(b->type_tags(s).empty());
  EXPECT_EQ(b->decl_tags(s), (std::vector<std::string_view>{"one", "two"}));
  EXPECT_EQ(b->decl_tag_ids(s), (std::vector<u32>{d1, d2}));
  EXPECT_EQ(b->decl_tags(s, 0), (std::vector<std::string_view>{"m"}));
  EXPECT_TRUE(b->decl_tags(i).empty());
}

TEST(Btf, SplitTagsMayTargetTheBase) {
  Writer w;
  const u32 i = w.add_int("int", 4);
  const u32 s = w.add_struct("s", 4, {{"x", i, 0}});
  w.add_decl_tag("base", s);
  auto base = must_parse(w);
  Writer w2(*base);
  w2.add_decl_tag("split", s);
  auto b = must_parse(w2, base);
  EXPECT_EQ(b->decl_tags(s), (std::vector<std::string_view>{"base", "split"}));
}

TEST(Btf, EveryTruncationIsRefusedOrSound) {
  Writer w;
  const u32 i = w.add_int("int", 4, kIntSigned);
  w.add_struct("s", 8, {{"a", i, 0}, {"b", i, 32}});
  w.add_enum("e", 4, {{"A", 1}});
  const auto full = w.bytes();
  for (size_t n = 0; n < full.size(); ++n)
    for (ParseMode mode : {ParseMode::kTrusted, ParseMode::kUser}) {
      auto r = Btf::parse({full.begin(), full.begin() + static_cast<long>(n)}, nullptr, mode);
      EXPECT_FALSE(r.ok()) << n;
      EXPECT_FALSE(r.error().message.empty()) << n;
    }
}

TEST(LineInfo, RecordsOfOtherSizes) {
  std::vector<u8> bytes(40);
  bytes[0] = 7;
  bytes[4] = 3;
  bytes[20] = 9;
  auto r = read_func_info(bytes, 20, 2);
  ASSERT_TRUE(r.ok()) << r.error().message;
  EXPECT_EQ((*r)[0].insn_off, 7u);
  EXPECT_EQ((*r)[0].type_id, 3u);
  EXPECT_EQ((*r)[1].insn_off, 9u);
  bytes[12] = 1;  // beyond what a func_info is known to hold
  EXPECT_EQ(read_func_info(bytes, 20, 2).error().code, E2BIG);
  EXPECT_EQ(read_func_info(bytes, 20, 3).error().code, EINVAL);
  EXPECT_EQ(read_func_info(bytes, 4, 1).error().code, EINVAL);
  EXPECT_EQ(read_func_info(bytes, 10, 1).error().code, EINVAL);
  EXPECT_EQ(read_line_info(bytes, 256, 1).error().code, EINVAL);
  LineInfo l;
  l.line_col = 12 << 10 | 34;
  EXPECT_EQ(l.line(), 12u);
  EXPECT_EQ(l.column(), 34u);
}

TEST(Btf, LiveKernelIfThereIsOne) {
  const char* path = "/sys/kernel/btf/vmlinux";
  if (access(path, R_OK)) GTEST_SKIP() << "no " << path;
  auto r = Btf::from_file(path);
  ASSERT_TRUE(r.ok()) << r.error().message;
  const Btf& b = **r;
  const u32 task = b.find("task_struct", Kind::kStruct);
  ASSERT_NE(task, 0u);
  EXPECT_GT(*b.size_of(task), 1000u);
  bool found = false;
  for (const Member m : b.type(task).members()) found |= m.name == "pid";
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace osmia::btf
