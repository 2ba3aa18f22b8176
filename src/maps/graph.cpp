// The list is circular through its head. The tree keeps its least node beside the top, so that the first is
// found at once; balancing follows the usual red-black rules, with absent children black.
#include "maps/graph.h"

namespace osmia::maps::graph {
namespace {

// Who wins may put the node somewhere. Two threads may hold counted references to one node.
template <class Node>
bool claim(Node* n) {
  const void* none = nullptr;
  return __atomic_compare_exchange_n(&n->owner, &none, kBusy, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}
template <class Node>
void set_owner(Node* n, const void* owner) {
  __atomic_store_n(&n->owner, owner, __ATOMIC_RELEASE);
}
template <class Node>
const void* owner_of(const Node* n) {
  return __atomic_load_n(&n->owner, __ATOMIC_ACQUIRE);
}

void make_sound(ListHead* h) {
  if (!h->next) h->next = h->prev = h;
}

constexpr u64 kBlack = 1;
TreeNode* parent_of(const TreeNode* n) {
  return reinterpret_cast<TreeNode*>(n->parent_and_color & ~kBlack);
}
bool is_red(const TreeNode* n) {
  return n && !(n->parent_and_color & kBlack);
}
void set_parent(TreeNode* n, TreeNode* p) {
  n->parent_and_color = reinterpret_cast<u64>(p) | (n->parent_and_color & kBlack);
}
void paint(TreeNode* n, bool red) {
  n->parent_and_color = (n->parent_and_color & ~kBlack) | (red ? 0 : kBlack);
}
TreeNode*& child(TreeNode* n, bool right) {
  return right ? n->right : n->left;
}
// Puts `with` (may be null) where `old` hangs.
void relink(TreeRoot* root, TreeNode* old, TreeNode* with) {
  TreeNode* p = parent_of(old);
  if (!p)
    root->top = with;
  else
    child(p, p->right == old) = with;
  if (with) set_parent(with, p);
}
// The child on the other side comes up, n goes down to the side `right`.
void rotate(TreeRoot* root, TreeNode* n, bool right) {
  TreeNode* up = child(n, !right);
  relink(root, n, up);
  TreeNode* moved = child(up, right);
  child(n, !right) = moved;
  if (moved) set_parent(moved, n);
  child(up, right) = n;
  set_parent(n, up);
}

void balance_added(TreeRoot* root, TreeNode* n) {
  for (TreeNode* p; is_red(p = parent_of(n));) {
    TreeNode* g = parent_of(p);  // there is one: the top is black
    const bool p_right = g->right == p;
    TreeNode* uncle = child(g, !p_right);
    if (is_red(uncle)) {
      paint(p, false);
      paint(uncle, false);
      paint(g, true);
      n = g;
      continue;
    }
    if ((p->right == n) != p_right) {
      rotate(root, p, p_right);
      p = n;
    }
    paint(p, false);
    paint(g, true);
    rotate(root, g, !p_right);
    break;
  }
  paint(root->top, false);
}

// The side `right` of p has one black node too few; its child there is black or absent.
void balance_removed(TreeRoot* root, TreeNode* p, bool right) {
  for (;;) {
    TreeNode* s = child(p, !right);  // there is one: that side has more black nodes
    if (is_red(s)) {
      paint(s, false);
      paint(p, true);
      rotate(root, p, right);
      s = child(p, !right);
    }
    if (!is_red(s->left) && !is_red(s->right)) {
      paint(s, true);
      if (is_red(p)) return paint(p, false);
      TreeNode* up = parent_of(p);
      if (!up) return;
      right = up->right == p;
      p = up;
      continue;
    }
    if (!is_red(child(s, !right))) {
      paint(child(s, right), false);
      paint(s, true);
      rotate(root, s, !right);
      s = child(p, !right);
    }
    paint(s, is_red(p));
    paint(p, false);
    paint(child(s, !right), false);
    return rotate(root, p, right);
  }
}

TreeNode* next_in_order(TreeNode* n) {
  if (n->right) {
    for (n = n->right; n->left;) n = n->left;
    return n;
  }
  for (TreeNode* p; (p = parent_of(n)); n = p)
    if (p->left == n) return p;
  return nullptr;
}

void unlink(TreeRoot* root, TreeNode* n) {
  TreeNode *hole_parent, *filler;
  bool hole_right, lost_black;
  if (n->left && n->right) {  // its successor takes its place and color
    TreeNode* s = next_in_order(n);
    lost_black = !is_red(s);
    filler = s->right;
    if (parent_of(s) == n) {
      hole_parent = s;
      hole_right = true;
    } else {
      hole_parent = parent_of(s);
      hole_right = false;
      relink(root, s, filler);
      s->right = n->right;
      set_parent(s->right, s);
    }
    relink(root, n, s);
    paint(s, is_red(n));
    s->left = n->left;
    set_parent(s->left, s);
  } else {
    filler = n->left ? n->left : n->right;
    hole_parent = parent_of(n);
    hole_right = hole_parent && hole_parent->right == n;
    lost_black = !is_red(n);
    relink(root, n, filler);
  }
  if (!lost_black) return;
  if (is_red(filler))
    paint(filler, false);
  else if (hole_parent)
    balance_removed(root, hole_parent, hole_right);
}

}  // namespace

bool list_push(ListHead* h, ListNode* n, bool back) {
  make_sound(h);
  if (!claim(n)) return false;
  ListLink* before = back ? h->prev : h;
  n->prev = before;
  n->next = before->next;
  n->next->prev = n;
  before->next = n;
  set_owner(n, h);
  return true;
}

ListNode* list_pop(ListHead* h, bool back) {
  make_sound(h);
  if (h->next == h) return nullptr;
  auto* n = static_cast<ListNode*>(back ? h->prev : h->next);
  n->prev->next = n->next;
  n->next->prev = n->prev;
  n->next = n->prev = n;
  set_owner(n, nullptr);
  return n;
}

ListNode* list_take(ListHead* h) {
  make_sound(h);
  if (h->next == h) return nullptr;
  auto* first = static_cast<ListNode*>(h->next);
  h->prev->next = nullptr;
  for (ListLink* l = first; l; l = l->next) set_owner(static_cast<ListNode*>(l), kBusy);
  h->next = h->prev = h;
  return first;
}

ListNode* list_next_taken(ListNode* n) {
  auto* next = static_cast<ListNode*>(n->next);
  n->next = n->prev = n;
  set_owner(n, nullptr);
  return next;
}

bool tree_add(TreeRoot* root, TreeNode* n, Less less, void* context) {
  if (!claim(n)) return false;
  TreeNode *p = nullptr, *at = root->top;
  bool least = true, right = false;
  while (at) {
    p = at;
    right = !less(context, n, at);
    if (right) least = false;
    at = child(at, right);
  }
  n->left = n->right = nullptr;
  n->parent_and_color = reinterpret_cast<u64>(p);  // red
  if (p)
    child(p, right) = n;
  else
    root->top = n;
  if (least) root->first = n;
  balance_added(root, n);
  set_owner(n, root);
  return true;
}

TreeNode* tree_remove(TreeRoot* root, TreeNode* n) {
  if (owner_of(n) != root) return nullptr;
  if (root->first == n) root->first = next_in_order(n);
  unlink(root, n);
  n->left = n->right = nullptr;
  n->parent_and_color = 0;
  set_owner(n, nullptr);
  return n;
}

TreeNode* tree_take(TreeRoot* root) {
  // Flattened into a chain by `right`: while there is a left child, it comes up.
  TreeNode *out = nullptr, *n = root->top;
  root->top = root->first = nullptr;
  while (n) {
    if (TreeNode* up = n->left) {
      n->left = up->right;
      up->right = n;
      n = up;
      continue;
    }
    TreeNode* next = n->right;
    set_owner(n, kBusy);
    n->right = out;
    out = n;
    n = next;
  }
  return out;
}

TreeNode* tree_next_taken(TreeNode* n) {
  TreeNode* next = n->right;
  n->left = n->right = nullptr;
  n->parent_and_color = 0;
  set_owner(n, nullptr);
  return next;
}

}  // namespace osmia::maps::graph
