// Objects, lists and trees that programs allocate: nothing leaks, nothing is freed twice, trees keep their
// order, and two threads may share a structure under its lock. object_bytes() tells what is still there.
#include "maps/object.h"

#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <algorithm>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "host/run_context.h"
#include "maps/graph.h"
#include "maps/map_type.h"
#include "maps/value.h"

namespace osmia::maps {
namespace {

// struct node { u64 key; bpf_list_node list; bpf_rb_node tree; bpf_refcount count; };
constexpr u32 kKey = 0, kList = 8, kTree = 32, kCount = 64, kNodeSize = 72;
// struct box { bpf_spin_lock; bpf_list_head; bpf_rb_root; node *kptr; };
constexpr u32 kLock = 0, kHead = 8, kRoot = 24, kPointer = 40, kBoxSize = 48;

btf::Field field(btf::FieldKind kind, u32 offset, u32 node = 0) {
  btf::Field f;
  f.kind = kind, f.offset = offset, f.size = btf::field_size(kind), f.node_offset = node;
  return f;
}
btf::FieldRecord record(std::vector<btf::Field> fields) {
  btf::FieldRecord r;
  for (const btf::Field& f : fields) {
    r.mask |= f.kind;
    if (f.kind == btf::kFieldSpinLock) r.spin_lock_off = static_cast<int>(f.offset);
    if (f.kind == btf::kFieldRefcount) r.refcount_off = static_cast<int>(f.offset);
  }
  r.fields = std::move(fields);
  return r;
}
btf::FieldRecord node_record() {
  return record({field(btf::kFieldListNode, kList), field(btf::kFieldRbNode, kTree),
                 field(btf::kFieldRefcount, kCount)});
}
btf::FieldRecord box_record() {
  return record({field(btf::kFieldSpinLock, kLock), field(btf::kFieldListHead, kHead, kList),
                 field(btf::kFieldRbRoot, kRoot, kTree), field(btf::kFieldKptrRef, kPointer)});
}

template <class T>
T* at(void* base, u32 offset) {
  return reinterpret_cast<T*>(static_cast<u8*>(base) + offset);
}
u64& key_of(void* node) {
  return *at<u64>(node, kKey);
}
u32 count_of(void* node) {
  return *at<u32>(node, kCount);
}
graph::ListHead* head(void* box) {
  return at<graph::ListHead>(box, kHead);
}
graph::TreeRoot* root(void* box) {
  return at<graph::TreeRoot>(box, kRoot);
}
bool less(void*, graph::TreeNode* a, graph::TreeNode* b) {
  return key_of(reinterpret_cast<u8*>(a) - kTree) < key_of(reinterpret_cast<u8*>(b) - kTree);
}
bool list_put(void* box, void* node, bool back) {
  return graph::list_push(head(box), at<graph::ListNode>(node, kList), back);
}
void* list_get(void* box, bool back) {
  graph::ListNode* n = graph::list_pop(head(box), back);
  return n ? reinterpret_cast<u8*>(n) - kList : nullptr;
}
bool tree_put(void* box, void* node) {
  return graph::tree_add(root(box), at<graph::TreeNode>(node, kTree), less, nullptr);
}
void* tree_first(void* box) {
  graph::TreeNode* n = graph::tree_first(root(box));
  return n ? reinterpret_cast<u8*>(n) - kTree : nullptr;
}
bool tree_get(void* box, void* node) {
  return graph::tree_remove(root(box), at<graph::TreeNode>(node, kTree)) != nullptr;
}

// Red nodes have black children, and every way down meets as many black nodes: that number, -1 if not.
int black_height(const graph::TreeNode* n, const graph::TreeNode* parent) {
  if (!n) return 1;
  const bool red = !(n->parent_and_color & 1);
  if ((n->parent_and_color & ~u64{1}) != reinterpret_cast<u64>(parent)) return -1;
  if (red && parent && !(parent->parent_and_color & 1)) return -1;
  const int l = black_height(n->left, n), r = black_height(n->right, n);
  return l < 0 || l != r ? -1 : l + !red;
}

class Objects : public testing::Test {
 protected:
  void SetUp() override {
    reclaim_objects();
    before_ = object_bytes();
    node_ = ObjectType::make(kNodeSize, node_record(), false);
    box_ = ObjectType::make(kBoxSize, box_record(), false);
  }
  void TearDown() override {
    reclaim_objects();
    EXPECT_EQ(object_bytes(), before_) << "objects leak";
    EXPECT_EQ(node_->users(), 1u);
    EXPECT_EQ(box_->users(), 1u);
    node_->let_go();
    box_->let_go();
  }
  void* node(u64 key) {
    void* n = new_object(*node_);
    key_of(n) = key;
    return n;
  }
  const ObjectType *node_ = nullptr, *box_ = nullptr;
  u64 before_ = 0;
};

TEST_F(Objects, NewIsZeroAndOwnedOnce) {
  void* n = new_object(*node_);
  ASSERT_TRUE(n);
  for (u32 i = 0; i < kNodeSize; i++) EXPECT_EQ(at<u8>(n, i)[0], i == kCount ? 1 : 0) << i;
  EXPECT_EQ(reinterpret_cast<u64>(n) % 8, 0u);
  drop_object(n);
}

TEST_F(Objects, SizeLimitsOfLinux) {
  for (const auto& [size, percpu, fits] : {std::tuple{0u, false, false},
                                           {1u, false, true},
                                           {4088u, false, true},
                                           {4089u, false, false},
                                           {512u, true, true},
                                           {513u, true, false}}) {
    const ObjectType* t = ObjectType::make(size, {}, percpu);
    void* o = new_object(*t);
    EXPECT_EQ(o != nullptr, fits) << size;
    drop_object(o);
    reclaim_objects();
    EXPECT_EQ(t->users(), 1u);
    t->let_go();
  }
}

TEST_F(Objects, EachHolderLetsGoOnce) {
  void* n = node(1);
  EXPECT_EQ(acquire_object(n), n);
  EXPECT_EQ(count_of(n), 2u);
  const u64 held = object_bytes();
  drop_object(n);
  reclaim_objects();
  EXPECT_EQ(object_bytes(), held) << "freed while it is held";
  EXPECT_EQ(key_of(n), 1u);
  drop_object(n);
  reclaim_objects();
  EXPECT_LT(object_bytes(), held);
}

TEST_F(Objects, NoHolderAfterTheLast) {
  host::RunScope run(nullptr);  // so that the memory stays
  void* n = node(1);
  drop_object(n);
  EXPECT_EQ(acquire_object(n), nullptr);
}

TEST_F(Objects, MemoryOutlivesTheRunThatMaySeeIt) {
  void* n = node(7);
  const u64 held = object_bytes();
  {
    host::RunScope run(nullptr);
    drop_object(n);
    reclaim_objects();
    EXPECT_EQ(object_bytes(), held);
    EXPECT_EQ(key_of(n), 7u);  // what an RCU-protected pointer reads
  }
  reclaim_objects();
  EXPECT_LT(object_bytes(), held);
}

TEST_F(Objects, ListOrderAndEnds) {
  void* box = new_object(*box_);
  EXPECT_EQ(list_get(box, false), nullptr);
  for (const auto& [key, back] : {std::pair{2, true}, {3, true}, {1, false}, {4, true}})
    EXPECT_TRUE(list_put(box, node(static_cast<u64>(key)), back));
  std::vector<u64> got;
  for (const bool back : {false, true, false, true}) {
    void* n = list_get(box, back);
    got.push_back(key_of(n));
    drop_object(n);
  }
  EXPECT_EQ(got, (std::vector<u64>{1, 4, 2, 3}));
  EXPECT_EQ(list_get(box, true), nullptr);
  drop_object(box);
}

TEST_F(Objects, ANodeIsInOneListAtATime) {
  void *a = new_object(*box_), *b = new_object(*box_), *n = node(5);
  acquire_object(n);
  EXPECT_TRUE(list_put(a, n, true));
  EXPECT_FALSE(list_put(b, n, true));
  EXPECT_FALSE(list_put(a, n, false));
  EXPECT_TRUE(tree_put(b, n)) << "its tree node is free";
  EXPECT_FALSE(tree_put(a, n));
  EXPECT_FALSE(tree_get(a, n)) << "not this tree's";
  EXPECT_EQ(list_get(a, true), n);
  EXPECT_TRUE(list_put(b, n, true)) << "free again";
  drop_object(a);
  drop_object(b);  // lets go of both holders' share
}

TEST_F(Objects, TreeKeepsItsOrder) {
  std::mt19937 random(42);
  void* box = new_object(*box_);
  std::multiset<u64> model;
  std::vector<void*> inside;
  for (int step = 0; step < 4000; step++) {
    if (inside.empty() || random() % 5 < 3) {
      void* n = node(random() % 500);
      model.insert(key_of(n));
      inside.push_back(n);
      ASSERT_TRUE(tree_put(box, n));
    } else {
      const size_t i = random() % inside.size();
      void* n = step % 3 ? inside[i] : tree_first(box);
      if (step % 3 == 0) {
        ASSERT_EQ(key_of(n), *model.begin());
      }
      inside.erase(std::find(inside.begin(), inside.end(), n));
      model.erase(model.find(key_of(n)));
      ASSERT_TRUE(tree_get(box, n));
      ASSERT_FALSE(tree_get(box, n)) << "twice";
      drop_object(n);
    }
    ASSERT_GE(black_height(root(box)->top, nullptr), 1) << "step " << step;
    ASSERT_EQ(tree_first(box) == nullptr, model.empty());
    if (!model.empty()) {
      ASSERT_EQ(key_of(tree_first(box)), *model.begin());
    }
  }
  while (void* n = tree_first(box)) {
    EXPECT_EQ(key_of(n), *model.begin());
    model.erase(model.begin());
    tree_get(box, n);
    drop_object(n);
  }
  EXPECT_TRUE(model.empty());
  drop_object(box);
}

TEST_F(Objects, EqualKeysStayInOrderOfInsertion) {
  void* box = new_object(*box_);
  std::vector<void*> in;
  for (int i = 0; i < 20; i++) {
    in.push_back(node(3));
    tree_put(box, in.back());
  }
  for (void* expected : in) {
    void* n = tree_first(box);
    EXPECT_EQ(n, expected);
    tree_get(box, n);
    drop_object(n);
  }
  drop_object(box);
}

TEST_F(Objects, ABoxLetsGoOfAllThatItHolds) {
  void* box = new_object(*box_);
  for (u64 i = 0; i < 100; i++) {
    list_put(box, node(i), i & 1);
    tree_put(box, node(i * 37 % 100));
  }
  void* shared = node(1000);
  acquire_object(shared);
  *at<u64>(box, kPointer) = reinterpret_cast<u64>(shared);
  drop_object(box);
  reclaim_objects();
  EXPECT_EQ(count_of(shared), 1u) << "the field's share";
  EXPECT_TRUE(node_->users() == 2) << "only the shared one is left";
  drop_object(shared);
}

// A struct may hold a kptr to its own kind: letting go of the first of many takes no more stack than of one.
TEST_F(Objects, ALongChainIsLetGo) {
  const ObjectType* link = ObjectType::make(8, record({field(btf::kFieldKptrRef, 0)}), false);
  const u64 before = object_bytes();
  void* first = nullptr;
  for (u32 i = 0; i < 300'000; i++) {
    void* one = new_object(*link);
    ASSERT_TRUE(one);
    *at<void*>(one, 0) = first;
    first = one;
  }
  drop_object(first);
  reclaim_objects();
  EXPECT_EQ(object_bytes(), before);
  link->let_go();
}

TEST_F(Objects, PercpuCopies) {
  const ObjectType* t = ObjectType::make(24, {}, true);
  void* o = new_object(*t);
  std::set<void*> copies;
  for (u32 c = 0; c < host::nr_cpus(); c++) {
    void* copy = percpu_copy(o, c);
    ASSERT_TRUE(copy);
    *at<u64>(copy, 16) = c + 1;
    copies.insert(copy);
  }
  EXPECT_EQ(copies.size(), host::nr_cpus());
  for (u32 c = 0; c < host::nr_cpus(); c++) EXPECT_EQ(*at<u64>(percpu_copy(o, c), 16), c + 1);
  EXPECT_EQ(percpu_copy(o, host::nr_cpus()), nullptr);
  drop_object(o);
  reclaim_objects();
  t->let_go();
}

class MapsOfBoxes : public Objects, public testing::WithParamInterface<u32> {
 protected:
  MapPtr map() {
    MapAttr a;
    a.type = GetParam(), a.key_size = 4, a.value_size = kBoxSize, a.max_entries = 4;
    MapPtr m = *create_map(a);
    m->mutable_info().record = std::make_shared<btf::FieldRecord>(box_record());
    const u32 key = 1;
    const u8 value[kBoxSize] = {};
    EXPECT_EQ(m->update(&key, value, BPF_ANY), 0);
    return m;
  }
  void fill(Map& m, u32 key = 1) {
    void* v = m.lookup(&key);
    ASSERT_TRUE(v);
    list_put(v, node(1), true);
    tree_put(v, node(2));
    *at<u64>(v, kPointer) = reinterpret_cast<u64>(node(3));
  }
};

TEST_P(MapsOfBoxes, TeardownFrees) {
  MapPtr m = map();
  fill(*m);
  EXPECT_EQ(node_->users(), 4u);
  m.reset();
}

TEST_P(MapsOfBoxes, UpdateFreesWhatWasThere) {
  MapPtr m = map();
  fill(*m);
  const u32 key = 1;
  const u8 value[kBoxSize] = {};
  EXPECT_EQ(m->update(&key, value, BPF_ANY), 0);
  reclaim_objects();
  EXPECT_EQ(node_->users(), 1u);
  u8 copy[kBoxSize];
  EXPECT_EQ(m->lookup_user(&key, copy, 0), 0);
  EXPECT_EQ(std::count(copy, copy + kBoxSize, 0), static_cast<long>(kBoxSize)) << "addresses leak";
}

TEST_P(MapsOfBoxes, WhatIsPutIntoADeletedElementIsFreedLater) {
  if (GetParam() == BPF_MAP_TYPE_ARRAY) GTEST_SKIP();
  MapPtr m = map();
  const u32 key = 1;
  void* stale = m->lookup(&key);
  EXPECT_EQ(m->erase(&key), 0);
  list_put(stale, node(9), true);  // a program that still held the address
  m.reset();
}

INSTANTIATE_TEST_SUITE_P(Types, MapsOfBoxes,
                         testing::Values(BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_LRU_HASH, BPF_MAP_TYPE_ARRAY));

TEST_F(Objects, TwoThreadsPushAndPopUnderTheLock) {
  void* box = new_object(*box_);
  auto* word = at<u32>(box, kLock);
  std::atomic<u64> popped{0}, pushed{0};
  const auto work = [&](u64 seed) {
    std::mt19937_64 random(seed);
    for (int i = 0; i < 20000; i++) {
      host::RunScope run(nullptr);
      if (random() % 2) {
        void* n = node(random() % 1000);
        lock_word(word);
        if (random() % 2)
          list_put(box, n, random() % 2);
        else
          tree_put(box, n);
        unlock_word(word);
        pushed++;
      } else {
        lock_word(word);
        void* n = random() % 2 ? list_get(box, random() % 2) : tree_first(box);
        const bool from_tree = n && *at<const void*>(n, kTree + 24) != nullptr;
        if (from_tree) tree_get(box, n);
        unlock_word(word);
        if (n) popped++;
        drop_object(n);
      }
    }
  };
  std::thread a(work, 1), b(work, 2);
  a.join();
  b.join();
  EXPECT_GE(black_height(root(box)->top, nullptr), 1);
  u64 left = 0;
  while (void* n = list_get(box, false)) left++, drop_object(n);
  while (void* n = tree_first(box)) left++, tree_get(box, n), drop_object(n);
  EXPECT_EQ(left, pushed - popped);
  drop_object(box);
}

// Both hold counted references to one node and try to put it into lists of their own: one wins at a time, and
// whoever loses lets its reference go, as bpf_list_push_back() does.
TEST_F(Objects, TwoThreadsFightForOneNode) {
  void *boxes[2] = {new_object(*box_), new_object(*box_)}, *n = node(1);
  std::atomic<u64> wins{0};
  const auto work = [&](int me) {
    for (int i = 0; i < 20000; i++) {
      host::RunScope run(nullptr);
      if (!acquire_object(n)) continue;
      auto* word = at<u32>(boxes[me], kLock);
      lock_word(word);
      if (!list_put(boxes[me], n, true)) {
        unlock_word(word);
        drop_object(n);
        continue;
      }
      wins++;
      void* got = list_get(boxes[me], false);
      unlock_word(word);
      EXPECT_EQ(got, n);
      drop_object(got);
    }
  };
  std::thread a(work, 0), b(work, 1);
  a.join();
  b.join();
  EXPECT_GT(wins, 0u);
  EXPECT_EQ(count_of(n), 1u);
  drop_object(n);
  drop_object(boxes[0]);
  drop_object(boxes[1]);
}

}  // namespace
}  // namespace osmia::maps
