// What Linux lets programs do with objects of their own, and what not: each program here loads on both or on neither.
#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf_helpers.h>

#define __kptr __attribute__((btf_type_tag("kptr")))
#define __percpu_kptr __attribute__((btf_type_tag("percpu_kptr")))
#define __contains(name, node) __attribute__((btf_decl_tag("contains:" #name ":" #node)))
#define private(name) SEC(".data." #name) __hidden __attribute__((aligned(8)))
#define object_of(p, type, member) ((type*)((void*)(p) - offsetof(type, member)))

extern void* bpf_obj_new_impl(__u64 id, void* meta) __ksym;
extern void bpf_obj_drop_impl(void* p, void* meta) __ksym;
extern void* bpf_refcount_acquire_impl(void* p, void* meta) __ksym;
extern void* bpf_percpu_obj_new_impl(__u64 id, void* meta) __ksym;
extern void bpf_percpu_obj_drop_impl(void* p, void* meta) __ksym;
extern int bpf_list_push_back_impl(struct bpf_list_head* h, struct bpf_list_node* n, void* meta, __u64 off) __ksym;
extern struct bpf_list_node* bpf_list_pop_front(struct bpf_list_head* h) __ksym;
extern int bpf_rbtree_add_impl(struct bpf_rb_root* r, struct bpf_rb_node* n,
                               bool(less)(struct bpf_rb_node* a, const struct bpf_rb_node* b), void* meta,
                               __u64 off) __ksym;
extern struct bpf_rb_node* bpf_rbtree_remove(struct bpf_rb_root* r, struct bpf_rb_node* n) __ksym;
extern struct bpf_rb_node* bpf_rbtree_first(struct bpf_rb_root* r) __ksym;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;

#define bpf_core_type_id_local(type) __builtin_btf_type_id(*(typeof(type)*)0, 0)
#define new(type) ((type*)bpf_obj_new_impl(bpf_core_type_id_local(type), NULL))
#define drop(p) bpf_obj_drop_impl(p, NULL)

struct counted {
  __u64 key;
  struct bpf_rb_node tree;
  struct bpf_refcount refs;
};
struct leaf {
  __u64 a, b;
};
struct chained {
  __u64 key;
  struct bpf_list_node list;
  struct leaf __kptr* leaf;
};
struct box {  // locks itself
  struct bpf_spin_lock lock;
  struct bpf_list_head head __contains(chained, list);
  __u64 n;
};
struct copies {
  __u64 count;
};
struct big {
  __u8 bytes[600];
};
struct slot {
  struct leaf __kptr* leaf;
  struct box __kptr* box;
  struct chained __kptr* node;
  struct counted __kptr* counted;
  struct copies __percpu_kptr* copies;
};
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 2);
  __type(key, int);
  __type(value, struct slot);
} slots SEC(".maps");

private(tree) struct bpf_spin_lock tree_lock;
private(tree) struct bpf_rb_root tree_root __contains(counted, tree);
private(other) struct bpf_spin_lock other_lock;
private(other) struct bpf_rb_root other_root __contains(counted, tree);

static bool less(struct bpf_rb_node* a, const struct bpf_rb_node* b) {
  return object_of(a, struct counted, tree)->key < object_of(b, struct counted, tree)->key;
}
static bool less_writes(struct bpf_rb_node* a, const struct bpf_rb_node* b) {
  object_of(a, struct counted, tree)->key = 1;
  return false;
}
static bool less_adds(struct bpf_rb_node* a, const struct bpf_rb_node* b) {
  bpf_rbtree_add_impl(&tree_root, a, less, NULL, 0);
  return false;
}
static bool less_looks(struct bpf_rb_node* a, const struct bpf_rb_node* b) {
  return bpf_rbtree_first(&tree_root) == NULL;
}
static bool less_returns_two(struct bpf_rb_node* a, const struct bpf_rb_node* b) {
  return *(__u64*)object_of(a, struct counted, tree);
}
static struct slot* slot(int key) {
  return bpf_map_lookup_elem(&slots, &key);
}

#define RULE(name) SEC("?tc") int name(struct __sk_buff* skb)

RULE(new_and_drop) {
  struct leaf* l = new(struct leaf);
  if (l) drop(l);
  return 0;
}
RULE(new_unchecked) {
  struct leaf* l = new(struct leaf);
  l->a = 1;
  drop(l);
  return 0;
}
RULE(drop_null) {
  struct leaf* l = new(struct leaf);
  drop(l);
  return 0;
}
RULE(drop_twice) {
  struct leaf* l = new(struct leaf);
  if (!l) return 0;
  drop(l);
  drop(l);
  return 0;
}
RULE(leak) {
  struct leaf* l = new(struct leaf);
  return l ? l->a : 0;
}
RULE(drop_behind_start) {
  struct leaf* l = new(struct leaf);
  if (!l) return 0;
  drop(&l->b);
  return 0;
}
RULE(beyond_end) {
  struct leaf* l = new(struct leaf);
  if (!l) return 0;
  ((__u64*)l)[2] = 1;
  drop(l);
  return 0;
}
RULE(atomic_field) {
  struct leaf* l = new(struct leaf);
  if (!l) return 0;
  __sync_fetch_and_add(&l->a, 5);
  drop(l);
  return 0;
}
RULE(helper_memory) {
  struct leaf* l = new(struct leaf);
  if (!l) return 0;
  bpf_probe_read_kernel(l, 8, skb);
  drop(l);
  return 0;
}
RULE(percpu_too_big) {
  struct big* b = bpf_percpu_obj_new_impl(bpf_core_type_id_local(struct big), NULL);
  if (b) bpf_percpu_obj_drop_impl(b, NULL);
  return 0;
}
RULE(percpu_special) {
  struct counted* b = bpf_percpu_obj_new_impl(bpf_core_type_id_local(struct counted), NULL);
  if (b) bpf_percpu_obj_drop_impl(b, NULL);
  return 0;
}
RULE(percpu_direct) {
  struct copies* c = bpf_percpu_obj_new_impl(bpf_core_type_id_local(struct copies), NULL);
  if (!c) return 0;
  c->count = 1;
  bpf_percpu_obj_drop_impl(c, NULL);
  return 0;
}
RULE(percpu_own_pointer) {
  struct copies *c = bpf_percpu_obj_new_impl(bpf_core_type_id_local(struct copies), NULL), *mine;
  if (!c) return 0;
  mine = bpf_this_cpu_ptr(c);
  mine->count = 1;
  bpf_percpu_obj_drop_impl(c, NULL);
  return 0;
}
RULE(percpu_dropped_as_plain) {
  struct copies* c = bpf_percpu_obj_new_impl(bpf_core_type_id_local(struct copies), NULL);
  if (!c) return 0;
  drop(c);
  return 0;
}
RULE(plain_dropped_as_percpu) {
  struct copies* c = new(struct copies);
  if (!c) return 0;
  bpf_percpu_obj_drop_impl(c, NULL);
  return 0;
}
RULE(percpu_stashed_pointer) {
  struct slot* s = slot(0);
  struct copies *c, *old, *mine;
  if (!s) return 0;
  c = bpf_percpu_obj_new_impl(bpf_core_type_id_local(struct copies), NULL);
  if (!c) return 0;
  old = bpf_kptr_xchg(&s->copies, c);
  if (old) bpf_percpu_obj_drop_impl(old, NULL);
  mine = bpf_this_cpu_ptr(c);
  mine->count++;
  return 0;
}
RULE(percpu_beyond_end) {
  struct slot* s = slot(0);
  struct copies *c, *mine;
  if (!s) return 0;
  c = s->copies;
  if (!c) return 0;
  mine = bpf_this_cpu_ptr(c);
  return ((__u64*)mine)[1];
}
RULE(stash_maybe_null) {
  struct slot* s = slot(0);
  struct leaf* old;
  if (!s) return 0;
  old = bpf_kptr_xchg(&s->leaf, new(struct leaf));
  if (old) drop(old);
  return 0;
}
RULE(stash_and_use) {
  struct slot* s = slot(0);
  struct leaf *l, *old;
  if (!s) return 0;
  l = new(struct leaf);
  if (!l) return 0;
  old = bpf_kptr_xchg(&s->leaf, l);
  if (old) drop(old);
  return l->a;
}
RULE(stash_and_forget_old) {
  struct slot* s = slot(0);
  struct leaf* l;
  if (!s) return 0;
  l = new(struct leaf);
  if (!l) return 0;
  bpf_kptr_xchg(&s->leaf, l);
  return 0;
}
RULE(stash_wrong_type) {
  struct slot* s = slot(0);
  void *l, *old;
  if (!s) return 0;
  l = new(struct copies);
  if (!l) return 0;
  old = bpf_kptr_xchg(&s->leaf, l);
  if (old) drop(old);
  return 0;
}
RULE(read_stashed) {
  struct slot* s = slot(0);
  struct leaf* l;
  if (!s) return 0;
  l = s->leaf;
  return l ? l->a : 0;
}
RULE(write_stashed) {
  struct slot* s = slot(0);
  struct leaf* l;
  if (!s) return 0;
  l = s->leaf;
  if (l) l->a = 1;
  return 0;
}
RULE(drop_stashed) {
  struct slot* s = slot(0);
  struct leaf* l;
  if (!s) return 0;
  l = s->leaf;
  if (l) drop(l);
  return 0;
}
RULE(stash_borrowed) {
  struct slot* s = slot(0);
  struct leaf *l, *old;
  if (!s) return 0;
  l = s->leaf;
  if (!l) return 0;
  old = bpf_kptr_xchg(&s->leaf, l);
  if (old) drop(old);
  return 0;
}
RULE(count_stashed) {
  struct slot* s = slot(0);
  struct counted* c;
  if (!s) return 0;
  c = s->counted;
  if (!c) return 0;
  c = bpf_refcount_acquire_impl(c, NULL);
  if (c) drop(c);
  return 0;
}
RULE(count_uncounted) {
  struct leaf *l = new(struct leaf), *m;
  if (!l) return 0;
  m = bpf_refcount_acquire_impl(l, NULL);
  drop(m);
  drop(l);
  return 0;
}
RULE(count_owned_needs_no_check) {
  struct counted *c = new(struct counted), *d;
  if (!c) return 0;
  d = bpf_refcount_acquire_impl(c, NULL);
  d->key = 1;
  drop(d);
  drop(c);
  return 0;
}
RULE(kptr_in_object) {
  struct chained* n = new(struct chained);
  struct leaf *l, *old;
  if (!n) return 0;
  l = new(struct leaf);
  if (!l) {
    drop(n);
    return 0;
  }
  old = bpf_kptr_xchg(&n->leaf, l);
  if (old) drop(old);
  drop(n);
  return 0;
}
RULE(kptr_in_object_read) {
  struct chained* n = new(struct chained);
  __u64 out;
  if (!n) return 0;
  out = (__u64)n->leaf;
  drop(n);
  return out;
}
RULE(kptr_in_object_wrong_place) {
  struct chained* n = new(struct chained);
  struct leaf *l, *old;
  if (!n) return 0;
  l = new(struct leaf);
  if (!l) {
    drop(n);
    return 0;
  }
  old = bpf_kptr_xchg((void*)&n->key, l);
  if (old) drop(old);
  drop(n);
  return 0;
}
RULE(kptr_in_borrowed_object) {
  struct slot* s = slot(0);
  struct chained* n;
  struct leaf *l, *old;
  if (!s) return 0;
  n = s->node;
  if (!n) return 0;
  l = new(struct leaf);
  if (!l) return 0;
  old = bpf_kptr_xchg(&n->leaf, l);
  if (old) drop(old);
  return 0;
}
RULE(own_lock) {
  struct box* b = new(struct box);
  struct chained* n;
  struct bpf_list_node* p;
  if (!b) return 0;
  n = new(struct chained);
  if (!n) {
    drop(b);
    return 0;
  }
  bpf_spin_lock(&b->lock);
  bpf_list_push_back_impl(&b->head, &n->list, NULL, 0);
  n->key = 3;
  p = bpf_list_pop_front(&b->head);
  bpf_spin_unlock(&b->lock);
  if (p) drop(object_of(p, struct chained, list));
  drop(b);
  return 0;
}
RULE(lock_of_another_box) {
  struct box *a = new(struct box), *b;
  struct chained* n;
  if (!a) return 0;
  b = new(struct box);
  if (!b) {
    drop(a);
    return 0;
  }
  n = new(struct chained);
  if (n) {
    bpf_spin_lock(&a->lock);
    bpf_list_push_back_impl(&b->head, &n->list, NULL, 0);
    bpf_spin_unlock(&a->lock);
  }
  drop(a);
  drop(b);
  return 0;
}
RULE(drop_locked) {
  struct box* b = new(struct box);
  if (!b) return 0;
  bpf_spin_lock(&b->lock);
  drop(b);
  return 0;
}
RULE(new_under_lock) {
  struct leaf* l;
  bpf_spin_lock(&tree_lock);
  l = new(struct leaf);
  bpf_spin_unlock(&tree_lock);
  if (l) drop(l);
  return 0;
}
RULE(lock_in_borrowed_box) {
  struct slot* s = slot(0);
  struct box* b;
  if (!s) return 0;
  b = s->box;
  if (!b) return 0;
  bpf_spin_lock(&b->lock);
  bpf_spin_unlock(&b->lock);
  return 0;
}
RULE(inserted_then_read) {
  struct counted* c = new(struct counted);
  __u64 out;
  if (!c) return 0;
  c->key = 3;
  bpf_spin_lock(&tree_lock);
  bpf_rbtree_add_impl(&tree_root, &c->tree, less, NULL, 0);
  out = c->key;
  bpf_spin_unlock(&tree_lock);
  return out;
}
RULE(inserted_then_read_unlocked) {
  struct counted* c = new(struct counted);
  if (!c) return 0;
  bpf_spin_lock(&tree_lock);
  bpf_rbtree_add_impl(&tree_root, &c->tree, less, NULL, 0);
  bpf_spin_unlock(&tree_lock);
  return c->key;
}
RULE(inserted_then_dropped) {
  struct counted* c = new(struct counted);
  if (!c) return 0;
  bpf_spin_lock(&tree_lock);
  bpf_rbtree_add_impl(&tree_root, &c->tree, less, NULL, 0);
  bpf_spin_unlock(&tree_lock);
  drop(c);
  return 0;
}
RULE(inserted_then_removed) {
  struct counted* c = new(struct counted);
  struct bpf_rb_node* r;
  if (!c) return 0;
  bpf_spin_lock(&tree_lock);
  bpf_rbtree_add_impl(&tree_root, &c->tree, less, NULL, 0);
  r = bpf_rbtree_remove(&tree_root, &c->tree);
  bpf_spin_unlock(&tree_lock);
  if (r) drop(object_of(r, struct counted, tree));
  return 0;
}
RULE(removed_from_other_tree) {
  struct counted* c = new(struct counted);
  struct bpf_rb_node* r;
  if (!c) return 0;
  bpf_spin_lock(&tree_lock);
  bpf_rbtree_add_impl(&tree_root, &c->tree, less, NULL, 0);
  r = bpf_rbtree_remove(&other_root, &c->tree);
  bpf_spin_unlock(&tree_lock);
  if (r) drop(object_of(r, struct counted, tree));
  return 0;
}
RULE(less_may_write) {
  struct counted* c = new(struct counted);
  if (!c) return 0;
  bpf_spin_lock(&tree_lock);
  bpf_rbtree_add_impl(&tree_root, &c->tree, less_writes, NULL, 0);
  bpf_spin_unlock(&tree_lock);
  return 0;
}
RULE(less_must_not_add) {
  struct counted* c = new(struct counted);
  if (!c) return 0;
  bpf_spin_lock(&tree_lock);
  bpf_rbtree_add_impl(&tree_root, &c->tree, less_adds, NULL, 0);
  bpf_spin_unlock(&tree_lock);
  return 0;
}
RULE(less_may_look) {
  struct counted* c = new(struct counted);
  if (!c) return 0;
  bpf_spin_lock(&tree_lock);
  bpf_rbtree_add_impl(&tree_root, &c->tree, less_looks, NULL, 0);
  bpf_spin_unlock(&tree_lock);
  return 0;
}
RULE(less_range) {
  struct counted* c = new(struct counted);
  if (!c) return 0;
  bpf_spin_lock(&tree_lock);
  bpf_rbtree_add_impl(&tree_root, &c->tree, less_returns_two, NULL, 0);
  bpf_spin_unlock(&tree_lock);
  return 0;
}
RULE(first_unchecked) {
  __u64 out;
  bpf_spin_lock(&tree_lock);
  out = object_of(bpf_rbtree_first(&tree_root), struct counted, tree)->key;
  bpf_spin_unlock(&tree_lock);
  return out;
}
RULE(first_twice_removed_twice) {
  struct bpf_rb_node *a, *b, *r = NULL, *q = NULL;
  bpf_spin_lock(&tree_lock);
  a = bpf_rbtree_first(&tree_root);
  b = bpf_rbtree_first(&tree_root);
  if (a) r = bpf_rbtree_remove(&tree_root, a);
  if (b) q = bpf_rbtree_remove(&tree_root, b);
  bpf_spin_unlock(&tree_lock);
  if (r) drop(object_of(r, struct counted, tree));
  if (q) drop(object_of(q, struct counted, tree));
  return 0;
}
RULE(borrowed_into_tree) {
  struct slot* s = slot(0);
  struct counted* c;
  if (!s) return 0;
  c = s->counted;
  if (!c) return 0;
  bpf_spin_lock(&tree_lock);
  bpf_rbtree_add_impl(&tree_root, &c->tree, less, NULL, 0);
  bpf_spin_unlock(&tree_lock);
  return 0;
}
RULE(two_locks) {
  bpf_spin_lock(&tree_lock);
  bpf_spin_lock(&other_lock);
  bpf_spin_unlock(&other_lock);
  bpf_spin_unlock(&tree_lock);
  return 0;
}
SEC("?syscall") int sleepable_borrow(void* ctx) {
  struct slot* s = slot(0);
  struct leaf* l;
  if (!s) return 0;
  l = s->leaf;
  if (l) l->a = 1;  // nothing protects it here
  return 0;
}
SEC("?syscall") int sleepable_borrow_rcu(void* ctx) {
  struct slot* s = slot(0);
  struct leaf* l;
  if (!s) return 0;
  bpf_rcu_read_lock();
  l = s->leaf;
  if (l) l->a = 1;
  bpf_rcu_read_unlock();
  return 0;
}
SEC("?syscall") int sleepable_borrow_late(void* ctx) {
  struct slot* s = slot(0);
  struct leaf* l;
  if (!s) return 0;
  bpf_rcu_read_lock();
  l = s->leaf;
  bpf_rcu_read_unlock();
  if (l) l->a = 1;
  return 0;
}
SEC("?syscall") int sleepable_borrow_late_read(void* ctx) {
  struct slot* s = slot(0);
  struct leaf* l;
  if (!s) return 0;
  bpf_rcu_read_lock();
  l = s->leaf;
  bpf_rcu_read_unlock();
  return l ? l->a : 0;
}

char _license[] SEC("license") = "GPL";
