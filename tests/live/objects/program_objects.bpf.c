// Objects that programs allocate, as they run: what lists and trees give back in which order, what counted
// references and owners forbid, what kptr fields exchange (in maps and in objects), what per-CPU objects keep.
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
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
extern int bpf_list_push_front_impl(struct bpf_list_head* h, struct bpf_list_node* n, void* meta, __u64 off) __ksym;
extern int bpf_list_push_back_impl(struct bpf_list_head* h, struct bpf_list_node* n, void* meta, __u64 off) __ksym;
extern struct bpf_list_node* bpf_list_pop_front(struct bpf_list_head* h) __ksym;
extern struct bpf_list_node* bpf_list_pop_back(struct bpf_list_head* h) __ksym;
extern int bpf_rbtree_add_impl(struct bpf_rb_root* r, struct bpf_rb_node* n,
                               bool(less)(struct bpf_rb_node* a, const struct bpf_rb_node* b), void* meta,
                               __u64 off) __ksym;
extern struct bpf_rb_node* bpf_rbtree_remove(struct bpf_rb_root* r, struct bpf_rb_node* n) __ksym;
extern struct bpf_rb_node* bpf_rbtree_first(struct bpf_rb_root* r) __ksym;

#define new(type) ((type*)bpf_obj_new_impl(bpf_core_type_id_local(type), NULL))
#define bpf_core_type_id_local(type) __builtin_btf_type_id(*(typeof(type)*)0, 0)

struct item {
  __u64 key;
  struct bpf_list_node list;
  struct bpf_rb_node tree;
  struct bpf_refcount refs;
};

struct plain {
  __u64 a, b;
};

struct holder {
  __u64 id;
  struct plain __kptr* inside;
};

struct copies {
  __u64 count;
};

struct slot {
  struct plain __kptr* plain;
  struct holder __kptr* holder;
  struct item __kptr* item;
  struct copies __percpu_kptr* copies;
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 2);
  __type(key, int);
  __type(value, struct slot);
} slots SEC(".maps");

struct queue {
  struct bpf_spin_lock lock;
  struct bpf_list_head head __contains(item, list);
  __u64 pushed;
};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 4);
  __type(key, int);
  __type(value, struct queue);
} queues SEC(".maps");

private(tree) struct bpf_spin_lock tree_lock;
private(tree) struct bpf_rb_root tree_root __contains(item, tree);
private(other) struct bpf_spin_lock other_lock;
private(other) struct bpf_rb_root other_root __contains(item, tree);

static bool less(struct bpf_rb_node* a, const struct bpf_rb_node* b) {
  return object_of(a, struct item, tree)->key < object_of(b, struct item, tree)->key;
}

// A list of the program's own, to be deleted by it: what user space reads of a list's head is not the same twice on Linux.
static __always_inline struct queue* make_queue(int key) {
  struct queue zero = {};
  bpf_map_update_elem(&queues, &key, &zero, BPF_ANY);
  return bpf_map_lookup_elem(&queues, &key);
}

static __always_inline int put(struct queue* q, __u64 key, bool back) {
  struct item* n = new(struct item);
  int err;
  if (!n) return -1;
  n->key = key;
  bpf_spin_lock(&q->lock);
  if (back)
    err = bpf_list_push_back_impl(&q->head, &n->list, NULL, 0);
  else
    err = bpf_list_push_front_impl(&q->head, &n->list, NULL, 0);
  bpf_spin_unlock(&q->lock);
  return err;
}

static __always_inline __u64 get(struct queue* q, bool back) {
  struct bpf_list_node* n;
  struct item* i;
  __u64 key;
  bpf_spin_lock(&q->lock);
  if (back)
    n = bpf_list_pop_back(&q->head);
  else
    n = bpf_list_pop_front(&q->head);
  bpf_spin_unlock(&q->lock);
  if (!n) return 9;
  i = object_of(n, struct item, list);
  key = i->key;
  bpf_obj_drop_impl(i, NULL);
  return key;
}

SEC("tc")
int list_ends(struct __sk_buff* skb) {
  struct queue* q = make_queue(100);
  int key = 100;
  __u64 out = 0;
  if (!q) return -1;
  if (put(q, 2, true) || put(q, 3, true) || put(q, 1, false) || put(q, 4, true)) return -2;
  out = get(q, false);
  out = out * 10 + get(q, true);
  out = out * 10 + get(q, false);
  out = out * 10 + get(q, true);
  out = out * 10 + get(q, true);
  bpf_map_delete_elem(&queues, &key);
  return out;
}

static int grow(__u64 key) {
  struct item* n = new(struct item);
  if (!n) return -1;
  n->key = key;
  bpf_spin_lock(&tree_lock);
  bpf_rbtree_add_impl(&tree_root, &n->tree, less, NULL, 0);
  bpf_spin_unlock(&tree_lock);
  return 0;
}

static __u64 least(void) {
  struct bpf_rb_node* n;
  struct item* i;
  __u64 key;
  bpf_spin_lock(&tree_lock);
  n = bpf_rbtree_first(&tree_root);
  if (!n) {
    bpf_spin_unlock(&tree_lock);
    return 0;
  }
  n = bpf_rbtree_remove(&tree_root, n);
  bpf_spin_unlock(&tree_lock);
  if (!n) return 0;
  i = object_of(n, struct item, tree);
  key = i->key;
  bpf_obj_drop_impl(i, NULL);
  return key;
}

SEC("tc")
int tree_order(struct __sk_buff* skb) {
  __u64 seed = skb->len, last = 0, sum = 0;
  int i;
  for (i = 0; i < 40; i++) {
    seed = seed * 1103515245 + 12345;
    if (grow((seed >> 16) & 0xff)) return -1;
  }
  for (i = 0; i < 40; i++) {
    __u64 key = least();
    if (key < last) return -2;
    last = key;
    sum = sum * 31 + key;
  }
  return least() ? -3 : (int)(sum & 0x7fffffff);
}

SEC("tc")
int one_owner(struct __sk_buff* skb) {
  struct queue* q = make_queue(100);
  struct item *n, *m;
  struct bpf_rb_node* removed;
  struct bpf_list_node* popped;
  int first, second, third, out, key = 100;
  if (!q) return -1;
  n = new(struct item);
  if (!n) return -2;
  n->key = 7;
  m = bpf_refcount_acquire_impl(n, NULL);
  bpf_spin_lock(&tree_lock);
  first = bpf_rbtree_add_impl(&tree_root, &n->tree, less, NULL, 0);
  bpf_spin_unlock(&tree_lock);
  n = bpf_refcount_acquire_impl(m, NULL);
  bpf_spin_lock(&other_lock);
  second = bpf_rbtree_add_impl(&other_root, &n->tree, less, NULL, 0);
  removed = bpf_rbtree_first(&other_root);
  bpf_spin_unlock(&other_lock);
  bpf_spin_lock(&q->lock);
  third = bpf_list_push_back_impl(&q->head, &m->list, NULL, 0);
  popped = bpf_list_pop_front(&q->head);
  bpf_spin_unlock(&q->lock);
  out = first * 10000 + second * 100 + third * 10 + (removed ? 1 : 0);
  if (popped) {
    m = object_of(popped, struct item, list);
    out += m->key * 100000;
    bpf_obj_drop_impl(m, NULL);
  }
  bpf_map_delete_elem(&queues, &key);
  return out + least() * 1000000;
}

SEC("tc")
int wrong_tree(struct __sk_buff* skb) {
  struct item* n = new(struct item);
  struct bpf_rb_node *a, *b = NULL;
  struct item* m;
  int out = 0;
  if (!n) return -1;
  n->key = 5;
  m = bpf_refcount_acquire_impl(n, NULL);
  bpf_spin_lock(&tree_lock);
  bpf_rbtree_add_impl(&tree_root, &n->tree, less, NULL, 0);
  bpf_spin_unlock(&tree_lock);
  bpf_spin_lock(&other_lock);
  a = bpf_rbtree_first(&other_root);
  if (a) b = bpf_rbtree_remove(&other_root, a);
  bpf_spin_unlock(&other_lock);
  if (b) {
    bpf_obj_drop_impl(object_of(b, struct item, tree), NULL);
    out = 1;
  }
  bpf_obj_drop_impl(m, NULL);
  return out + least() * 10;
}

SEC("tc")
int exchange(struct __sk_buff* skb) {
  struct plain *p = new(struct plain), *q;
  int key = 0, out = 0;
  struct slot* s;
  if (!p) return -1;
  p->a = skb->len;
  p->b = 1;
  s = bpf_map_lookup_elem(&slots, &key);
  if (!s) {
    bpf_obj_drop_impl(p, NULL);
    return -2;
  }
  p = bpf_kptr_xchg(&s->plain, p);
  if (p) {
    out = 1000 + p->a;  // that of the packet before
    bpf_obj_drop_impl(p, NULL);
  }
  q = s->plain;
  return q ? out * 2000 + q->a : -3;
}

SEC("tc")
int exchange_in_object(struct __sk_buff* skb) {
  struct holder* h = new(struct holder);
  struct plain *p, *q;
  int key = 1;
  struct slot* s;
  __u64 out = 0;
  if (!h) return -1;
  p = new(struct plain);
  if (!p) {
    bpf_obj_drop_impl(h, NULL);
    return -2;
  }
  p->a = 40 + (skb->len & 7);
  h->id = 3;
  q = bpf_kptr_xchg(&h->inside, p);
  if (q) {
    out = 1;
    bpf_obj_drop_impl(q, NULL);
  }
  s = bpf_map_lookup_elem(&slots, &key);
  if (!s) {
    bpf_obj_drop_impl(h, NULL);
    return -3;
  }
  h = bpf_kptr_xchg(&s->holder, h);
  if (h) {
    out += h->id * 10;
    p = bpf_kptr_xchg(&h->inside, NULL);
    if (p) {
      out += p->a * 100;
      bpf_obj_drop_impl(p, NULL);
    }
    bpf_obj_drop_impl(h, NULL);
  }
  return out;
}

SEC("tc")
int stash_counted(struct __sk_buff* skb) {
  struct item *n = new(struct item), *m;
  int key = 0, out = 0;
  struct slot* s = bpf_map_lookup_elem(&slots, &key);
  if (!n) return -1;
  if (!s) {
    bpf_obj_drop_impl(n, NULL);
    return -2;
  }
  n->key = 3;
  m = bpf_kptr_xchg(&s->item, n);
  if (m) {
    out = m->key;
    bpf_obj_drop_impl(m, NULL);
  }
  m = s->item;
  if (m) {
    m = bpf_refcount_acquire_impl(m, NULL);
    if (m) {
      out += 10 * m->key;
      bpf_obj_drop_impl(m, NULL);
    }
  }
  return out;
}

SEC("tc")
int percpu(struct __sk_buff* skb) {
  struct copies *c, *mine;
  int key = 0, out = 0, i;
  struct slot* s = bpf_map_lookup_elem(&slots, &key);
  if (!s) return -1;
  if (!s->copies) {
    c = bpf_percpu_obj_new_impl(bpf_core_type_id_local(struct copies), NULL);
    if (!c) return -2;
    c = bpf_kptr_xchg(&s->copies, c);
    if (c) bpf_percpu_obj_drop_impl(c, NULL);
    c = s->copies;
    if (!c) return -3;
    for (i = 0; i < 64; i++) {
      mine = bpf_per_cpu_ptr(c, i);
      if (mine) mine->count = 0;
    }
  }
  c = s->copies;
  if (!c) return -4;
  mine = bpf_this_cpu_ptr(c);
  mine->count += skb->len;
  for (i = 0; i < 64; i++) {
    mine = bpf_per_cpu_ptr(c, i);
    if (mine) out += mine->count;
  }
  mine = bpf_per_cpu_ptr(c, 100000);
  return mine ? -5 : out;
}

SEC("tc")
int queue_in_hash(struct __sk_buff* skb) {
  struct queue zero = {}, *q;
  struct bpf_list_node* node;
  struct item* n;
  int key = skb->len & 3, out = 0, i;
  bpf_map_update_elem(&queues, &key, &zero, BPF_NOEXIST);
  q = bpf_map_lookup_elem(&queues, &key);
  if (!q) return -1;
  for (i = 0; i < 3; i++) {
    n = new(struct item);
    if (!n) return -2;
    n->key = i + 1;
    bpf_spin_lock(&q->lock);
    bpf_list_push_back_impl(&q->head, &n->list, NULL, 0);
    q->pushed++;
    bpf_spin_unlock(&q->lock);
  }
  bpf_spin_lock(&q->lock);
  node = bpf_list_pop_front(&q->head);
  bpf_spin_unlock(&q->lock);
  if (node) {
    n = object_of(node, struct item, list);
    out = n->key;
    bpf_obj_drop_impl(n, NULL);
  }
  out += 10 * q->pushed;
  bpf_map_delete_elem(&queues, &key);  // with two left in it
  return out;
}

char _license[] SEC("license") = "GPL";
