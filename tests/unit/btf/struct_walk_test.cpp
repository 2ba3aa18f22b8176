// Loads through BTF pointers and the relations between types.
#include "btf/struct_walk.h"

#include "btf/compat.h"
#include "fixtures.h"

namespace osmia::btf {
namespace {

struct World {
  Writer w;
  u32 i = w.add_int("int", 4, kIntSigned);
  u32 c = w.add_int("char", 1, kIntSigned);
  u32 inner = w.add_struct("inner", 8, {{"a", i, 0}, {"b", i, 32}});
  u32 to_inner = w.add_ptr(w.add_type_tag("rcu", inner));
  u32 to_int = w.add_ptr(i);
  u32 u = w.add_union("u", 8, {{"p", to_inner, 0}, {"n", i, 0}});
  u32 s = w.add_struct("outer", 88,
                       {{"first", w.add_const(inner), 0},
                        {"p", to_inner, 64},
                        {"q", to_int, 128},
                        {"arr", w.add_array(w.add_array(inner, i, 2), i, 2), 192},
                        {"cb", w.add_array(c, i, 10), 448},
                        {"u", u, 576},
                        {"bits", i, 640, 5}});
  u32 flex = w.add_struct("flex", 4, {{"n", i, 0}, {"tail", w.add_array(inner, i, 0), 32}});
  BtfPtr b = must_parse(w);
  std::string err(u32 off, u32 size) {
    auto r = struct_access(*b, s, off, size);
    return r.ok() ? "ok" : r.error().message;
  }
};

TEST(StructWalk, ScalarsPointersAndNestedStructs) {
  World x;
  auto at = [&](u32 off, u32 size) { return *struct_access(*x.b, x.s, off, size); };
  EXPECT_EQ(at(0, 4).kind, WalkKind::kScalar);
  EXPECT_EQ(at(4, 4).kind, WalkKind::kScalar);
  const WalkResult p = at(8, 8);
  EXPECT_EQ(p.kind, WalkKind::kPointer);
  EXPECT_EQ(p.type_id, x.inner);
  EXPECT_EQ(p.tags, (std::vector<std::string_view>{"rcu"}));
  EXPECT_EQ(p.field, "p");
  EXPECT_EQ(p.struct_id, x.s);
  EXPECT_FALSE(p.in_union);
  EXPECT_EQ(at(16, 8).kind, WalkKind::kScalar);  // int * carries no struct
  EXPECT_EQ(at(44, 4).kind, WalkKind::kScalar);  // arr[1][0].b
  const WalkResult u = at(72, 8);
  EXPECT_EQ(u.kind, WalkKind::kPointer);
  EXPECT_TRUE(u.in_union);
  EXPECT_EQ(at(80, 4).kind, WalkKind::kScalar);  // a bit field read as a whole word
  EXPECT_EQ(struct_step(*x.b, x.s, 32, 1)->type_id, x.inner);
}

TEST(StructWalk, ErrorsInLinuxsWords) {
  World x;
  EXPECT_EQ(x.err(85, 8), "access beyond struct outer at off 85 size 8");
  EXPECT_EQ(x.err(8, 4), "cannot access ptr member p with moff 8 in struct outer with off 8 size 4");
  EXPECT_EQ(x.err(64, 4), "access beyond the end of member cb (mend:66) in struct outer with off 64 size 4");
  EXPECT_EQ(x.err(66, 2), "struct outer doesn't have field at offset 66");
  EXPECT_EQ(struct_access(*x.b, x.i, 0, 4).error().message, "Type 'int' is not a struct");
}

TEST(StructWalk, FlexibleArraysGoOnForever) {
  World x;
  EXPECT_EQ(struct_access(*x.b, x.flex, 4 + 8 * 1000 + 4, 4)->kind, WalkKind::kScalar);
  EXPECT_FALSE(struct_access(*x.b, x.flex, 12, 4, false).ok());
}

TEST(StructWalk, IdsMatchAtTheirPlaceOnly) {
  World x;
  const Btf& b = *x.b;
  EXPECT_TRUE(struct_ids_match(b, x.s, 0, b, x.s, true));
  EXPECT_TRUE(struct_ids_match(b, x.s, 24, b, x.inner, false));
  EXPECT_TRUE(struct_ids_match(b, x.s, 32, b, x.inner, false));
  EXPECT_FALSE(struct_ids_match(b, x.s, 28, b, x.inner, false));
  EXPECT_FALSE(struct_ids_match(b, x.s, 24, b, x.inner, true));
  EXPECT_FALSE(struct_ids_match(b, x.inner, 0, b, x.s, false));
}

TEST(StructWalk, ModulesShareTheirBasesTypes) {
  World x;
  Writer m1(*x.b), m2(*x.b);
  const u32 own1 = m1.add_struct("m", 4, {{"x", x.i, 0}}), own2 = m2.add_struct("m", 4, {{"x", x.i, 0}});
  auto a = must_parse(m1, x.b), b = must_parse(m2, x.b);
  EXPECT_TRUE(types_are_same(*a, x.inner, *b, x.inner));
  EXPECT_EQ(own1, own2);
  EXPECT_FALSE(types_are_same(*a, own1, *b, own2));
  EXPECT_TRUE(same_named_type(*a, own1, *b, own2));
}

TEST(Compat, EssentialNames) {
  EXPECT_EQ(essential_name("task_struct___old"), "task_struct");
  EXPECT_EQ(essential_name("a___b___c"), "a___b");
  EXPECT_EQ(essential_name("___x"), "___x");
  EXPECT_EQ(essential_name("x___"), "x___");
  EXPECT_EQ(essential_name("x____y"), "x____y");
  EXPECT_EQ(essential_name(""), "");
}

TEST(Compat, CompatAndMatch) {
  Writer w;
  const u32 i = w.add_int("int", 4, kIntSigned), l = w.add_int("long", 8, kIntSigned);
  const u32 s1 = w.add_struct("s", 4, {{"a", i, 0}});
  const u32 s2 = w.add_struct("s___v2", 16, {{"z", l, 0}, {"a", i, 64}});
  const u32 s3 = w.add_struct("s___v3", 8, {{"a", l, 0}});
  const u32 p1 = w.add_func_proto(i, {{"x", i}}), p2 = w.add_func_proto(i, {{"x", l}}),
            p3 = w.add_func_proto(i, {});
  const u32 nf = w.add_struct("nf_conn", 4, {{"a", i, 0}}),
            nf_init = w.add_struct("nf_conn___init", 4, {{"a", i, 0}});
  auto b = must_parse(w);
  EXPECT_TRUE(types_are_compat(*b, i, *b, l));
  EXPECT_FALSE(types_are_compat(*b, i, *b, s1));
  EXPECT_TRUE(types_are_compat(*b, p1, *b, p2));
  EXPECT_FALSE(types_are_compat(*b, p1, *b, p3));
  EXPECT_TRUE(types_match(*b, s1, *b, s2));
  EXPECT_FALSE(types_match(*b, s2, *b, s1));
  EXPECT_FALSE(types_match(*b, s1, *b, s3));
  EXPECT_TRUE(is_nocast_alias(*b, nf, *b, nf_init));
  EXPECT_TRUE(is_nocast_alias(*b, nf_init, *b, nf));
  EXPECT_FALSE(is_nocast_alias(*b, nf, *b, nf));
}

}  // namespace
}  // namespace osmia::btf
