// Special fields: what Linux finds in a value and what it refuses, with its errnos.
#include "btf/special_fields.h"

#include "fixtures.h"

namespace osmia::btf {
namespace {

// A kernel with one type that has a destructor and one that has none.
class OneKernel : public KernelTypes {
 public:
  OneKernel() {
    Writer w;
    const u32 i = w.add_int("int", 4, kIntSigned);
    task = w.add_struct("task_struct", 4, {{"pid", i, 0}});
    file = w.add_struct("file", 4, {{"f", i, 0}});
    dtor = w.add_func("bpf_task_release_dtor", w.add_func_proto(0, {}));
    btf = must_parse(w);
  }
  Found find(std::string_view name, Kind kind) const override {
    const u32 id = btf->find(name, kind);
    return id ? Found{btf, id} : Found{};
  }
  u32 destructor(const Btf&, u32 id) const override { return id == task ? dtor : 0; }
  BtfPtr btf;
  u32 task, file, dtor;
};

struct World {
  Writer w;
  u32 i = w.add_int("int", 4, kIntSigned);
  u32 lock = w.add_struct("bpf_spin_lock", 4, {{"val", i, 0}});
  u32 timer = opaque("bpf_timer", 16);
  u32 wq = opaque("bpf_wq", 16);
  u32 head = opaque("bpf_list_head", 16);
  u32 node = opaque("bpf_list_node", 24);
  u32 root = opaque("bpf_rb_root", 16);
  u32 rbnode = opaque("bpf_rb_node", 32);
  u32 ref = w.add_struct("bpf_refcount", 4, {{"a", i, 0}});
  OneKernel kernel;

  u32 opaque(const char* name, u32 size) {
    return w.add_struct(name, size, {{"opaque", w.add_array(i, i, size / 4), 0}});
  }
  u32 kptr(u32 target, const char* tag = "kptr") { return w.add_ptr(w.add_type_tag(tag, target)); }
  Result<FieldRecord> parse(u32 id, u32 mask = kMapValueFields) {
    btf = must_parse(w);
    return parse_fields(*btf, id, mask, btf->type(id).size(), &kernel);
  }
  BtfPtr btf;
};

TEST(SpecialFields, LockTimerAndKptrsInOneValue) {
  World x;
  const u32 task = x.w.add_struct("task_struct", 4, {{"pid", x.i, 0}});
  const u32 mine = x.w.add_struct("mine", 4, {{"v", x.i, 0}});
  const u32 v = x.w.add_struct("value", 72,
                               {{"lock", x.lock, 0},
                                {"t", x.timer, 64},
                                {"task", x.kptr(task), 192},
                                {"un", x.kptr(task, "kptr_untrusted"), 256},
                                {"own", x.kptr(mine), 320},
                                {"pc", x.kptr(mine, "percpu_kptr"), 384},
                                {"wq", x.wq, 448}});
  auto r = x.parse(v);
  ASSERT_TRUE(r.ok()) << r.error().message;
  ASSERT_EQ(r->fields.size(), 7u);
  EXPECT_EQ(r->spin_lock_off, 0);
  EXPECT_EQ(r->timer_off, 8);
  EXPECT_EQ(r->wq_off, 56);
  EXPECT_EQ(r->refcount_off, -1);
  const Field* t = r->find(24, kFieldKptr);
  ASSERT_NE(t, nullptr);
  EXPECT_EQ(t->kind, kFieldKptrRef);
  EXPECT_TRUE(t->kernel);
  EXPECT_EQ(t->kptr_btf, x.kernel.btf);
  EXPECT_EQ(t->btf_id, x.kernel.task);
  EXPECT_EQ(t->dtor_id, x.kernel.dtor);
  EXPECT_EQ(r->find(32, kFieldKptr)->kind, kFieldKptrUnref);
  const Field* own = r->find(40, kFieldKptr);
  EXPECT_FALSE(own->kernel);
  EXPECT_EQ(own->kptr_btf, nullptr);
  EXPECT_EQ(own->btf_id, mine);
  EXPECT_EQ(r->find(48, kFieldKptr)->kind, kFieldKptrPercpu);
  EXPECT_EQ(r->find(24, kFieldTimer), nullptr);
  EXPECT_EQ(r->find(25, kFieldKptr), nullptr);
}

TEST(SpecialFields, ListAndTreeWithContainsTags) {
  World x;
  const u32 item = x.w.add_struct(
      "item", 64, {{"key", x.i, 0}, {"ref", x.ref, 32}, {"ln", x.node, 64}, {"rn", x.rbnode, 256}});
  const u32 v = x.w.add_struct("value", 40, {{"lock", x.lock, 0}, {"h", x.head, 64}, {"r", x.root, 192}});
  x.w.add_decl_tag("contains:item:ln", v, 1);
  x.w.add_decl_tag("contains:item:rn", v, 2);
  auto r = x.parse(v);
  ASSERT_TRUE(r.ok()) << r.error().message;
  ASSERT_EQ(r->fields.size(), 3u);
  EXPECT_EQ(r->fields[1].btf_id, item);
  EXPECT_EQ(r->fields[1].node_offset, 8u);
  EXPECT_EQ(r->fields[2].node_offset, 32u);
  auto metas = parse_struct_metas(*x.btf, &x.kernel);
  ASSERT_TRUE(metas.ok()) << metas.error().message;
  ASSERT_EQ(metas->size(), 2u);
  EXPECT_EQ((*metas)[0].btf_id, item);
  EXPECT_TRUE((*metas)[0].record.has(kFieldRefcount));
}

TEST(SpecialFields, ArraysRepeatWhatMayRepeat) {
  World x;
  const u32 task = x.w.add_struct("task_struct", 4, {{"pid", x.i, 0}});
  const u32 p = x.kptr(task);
  const u32 inner = x.w.add_struct("inner", 16, {{"pad", x.i, 0}, {"p", p, 64}});
  const u32 v = x.w.add_struct(
      "value", 64, {{"a", x.w.add_array(p, x.i, 2), 0}, {"b", x.w.add_array(inner, x.i, 3), 128}});
  auto r = x.parse(v);
  ASSERT_TRUE(r.ok()) << r.error().message;
  std::vector<u32> offs;
  for (const Field& f : r->fields) offs.push_back(f.offset);
  EXPECT_EQ(offs, (std::vector<u32>{0, 8, 24, 40, 56}));

  World y;
  const u32 locks = y.w.add_struct("value", 8, {{"a", y.w.add_array(y.lock, y.i, 2), 0}});
  EXPECT_EQ(y.parse(locks).error().code, EINVAL);
  World z;
  const u32 many = z.w.add_struct(
      "value", 96,
      {{"a", z.w.add_array(z.kptr(z.w.add_struct("task_struct", 4, {{"p", z.i, 0}})), z.i, 12), 0}});
  EXPECT_EQ(z.parse(many).error().code, E2BIG);
}

TEST(SpecialFields, WhatIsRefused) {
  auto code = [](auto build) {
    World x;
    const u32 id = build(x);
    auto r = x.parse(id);
    return r.ok() ? 0 : r.error().code;
  };
  EXPECT_EQ(code([](World& x) {
              return x.w.add_struct("v", 8, {{"a", x.lock, 0}, {"b", x.lock, 32}});
            }),
            E2BIG);
  // A root without a lock, without a tag, with an unknown struct, with a wrong member.
  EXPECT_EQ(code([](World& x) {
              x.w.add_struct("item", 24, {{"ln", x.node, 0}});
              const u32 v = x.w.add_struct("v", 16, {{"h", x.head, 0}});
              x.w.add_decl_tag("contains:item:ln", v, 0);
              return v;
            }),
            EINVAL);
  EXPECT_EQ(code([](World& x) {
              return x.w.add_struct("v", 24, {{"l", x.lock, 0}, {"h", x.head, 64}});
            }),
            EINVAL);
  for (const auto& [tag, expected] : {std::pair{"contains:nothing:ln", ENOENT},
                                      {"contains:item", EINVAL},
                                      {"contains:item:", EINVAL},
                                      {"contains:item:other", ENOENT},
                                      {"contains:item:key", EINVAL}}) {
    EXPECT_EQ(code([&](World& x) {
                x.w.add_struct("item", 32, {{"key", x.i, 0}, {"ln", x.node, 64}});
                const u32 v = x.w.add_struct("v", 24, {{"l", x.lock, 0}, {"h", x.head, 64}});
                x.w.add_decl_tag(tag, v, 1);
                return v;
              }),
              expected)
        << tag;
  }
  // A kptr to a kernel type that nobody can release; to no struct; with two tags; with an unknown tag.
  EXPECT_EQ(code([](World& x) {
              return x.w.add_struct("v", 8, {{"p", x.kptr(x.w.add_struct("file", 4, {{"f", x.i, 0}})), 0}});
            }),
            ENOENT);
  EXPECT_EQ(code([](World& x) { return x.w.add_struct("v", 8, {{"p", x.kptr(x.i), 0}}); }), EINVAL);
  EXPECT_EQ(code([](World& x) {
              return x.w.add_struct("v", 8, {{"p", x.kptr(x.w.add_type_tag("kptr", x.lock)), 0}});
            }),
            EINVAL);
  EXPECT_EQ(code([](World& x) {
              return x.w.add_struct("v", 8, {{"p", x.kptr(x.lock, "user"), 0}});
            }),
            EINVAL);
  EXPECT_EQ(code([](World& x) { return x.w.add_struct("v", 8, {{"p", x.w.add_ptr(x.lock), 0}}); }), 0);
}

TEST(SpecialFields, DatasecVariables) {
  World x;
  const u32 var = x.w.add_var("lock", x.lock), plain = x.w.add_var("n", x.i);
  const u32 d = x.w.add_datasec(".data.A", 12, {{plain, 0, 4}, {var, 4, 4}});
  auto r = x.parse(d);
  ASSERT_TRUE(r.ok()) << r.error().message;
  EXPECT_EQ(r->spin_lock_off, 4);
  EXPECT_EQ(x.parse(x.i).error().code, EINVAL);
}

TEST(SpecialFields, OwnershipHasToEnd) {
  World x;
  // struct a { lock; list of a } owns itself.
  const u32 a = x.w.add_struct("a", 48, {{"n", x.node, 0}, {"l", x.lock, 192}, {"h", x.head, 256}});
  x.w.add_decl_tag("contains:a:n", a, 2);
  auto r = parse_struct_metas(*must_parse(x.w), &x.kernel);
  ASSERT_FALSE(r.ok());
  EXPECT_EQ(r.error().code, ELOOP);
}

}  // namespace
}  // namespace osmia::btf
