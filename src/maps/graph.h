// Lists and red-black trees whose nodes lie in the objects that they hold, laid out as Linux's bpf_list_head,
// bpf_list_node, bpf_rb_root and bpf_rb_node. All functions but the *_taken ones run under the structure's
// lock. Invariant: a node's owner is the structure that it is in, null when it is in none, and kBusy while it
// comes or goes; a node whose owner is not null is in one structure and can be put in no other. An empty head
// or root may be all zeros.
#pragma once
#include "base/types.h"

namespace osmia::maps::graph {

inline const void* const kBusy = reinterpret_cast<const void*>(0xeb9f1);

struct ListLink {
  ListLink *next, *prev;
};
struct ListHead : ListLink {};
struct ListNode : ListLink {
  const void* owner;
};
static_assert(sizeof(ListHead) == 16 && sizeof(ListNode) == 24);

struct TreeNode {
  u64 parent_and_color;  // bit 0: black
  TreeNode *right, *left;
  const void* owner;
};
struct TreeRoot {
  TreeNode *top, *first;
};
static_assert(sizeof(TreeNode) == 32 && sizeof(TreeRoot) == 16);

// False: the node is in a structure already (Linux: -EINVAL).
bool list_push(ListHead* head, ListNode* node, bool back);
ListNode* list_pop(ListHead* head, bool back);  // null: empty
// Empties it. The nodes come one after the other by list_next_taken(), which is asked for before a node is
// let go: from then on it is in no structure.
ListNode* list_take(ListHead* head);
ListNode* list_next_taken(ListNode* node);

// less(new node, node of the tree) true: to the left. False as above.
using Less = bool (*)(void* context, TreeNode* a, TreeNode* b);
bool tree_add(TreeRoot* root, TreeNode* node, Less less, void* context);
TreeNode* tree_remove(TreeRoot* root, TreeNode* node);  // null: it is not in this tree
inline TreeNode* tree_first(const TreeRoot* root) {
  return root->first;
}
TreeNode* tree_take(TreeRoot* root);  // in no order of less()
TreeNode* tree_next_taken(TreeNode* node);

}  // namespace osmia::maps::graph
