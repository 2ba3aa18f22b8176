// Objects that programs allocate, their lists and trees. Rewriting has put in r1 of bpf_obj_new the object's
// type, and in the register behind the visible arguments how far into its object the pointer argument points.
#include "interp/interp.h"
#include "kfuncs/code.h"
#include "maps/graph.h"
#include "maps/object.h"

namespace osmia::kfuncs::code {
namespace {

namespace graph = maps::graph;

template <class T>
T* at(u64 address) {
  return reinterpret_cast<T*>(address);
}
u64 address_of(const void* p) {
  return reinterpret_cast<u64>(p);
}

u64 push(u64 head, u64 node, u64 offset, bool back) {
  if (graph::list_push(at<graph::ListHead>(head), at<graph::ListNode>(node), back)) return 0;
  maps::drop_object(at<u8>(node) - offset);
  return static_cast<u64>(-EINVAL);
}

}  // namespace

u64 obj_new(u64 type, u64, u64, u64, u64) {
  return type ? address_of(maps::new_object(*at<const maps::ObjectType>(type))) : 0;
}
u64 obj_drop(u64 object, u64, u64, u64, u64) {
  maps::drop_object(at<void>(object));
  return 0;
}
u64 refcount_acquire(u64 pointer, u64 offset, u64, u64, u64) {
  return address_of(maps::acquire_object(at<u8>(pointer) - offset));
}

u64 list_push_front(u64 head, u64 node, u64 offset, u64, u64) {
  return push(head, node, offset, false);
}
u64 list_push_back(u64 head, u64 node, u64 offset, u64, u64) {
  return push(head, node, offset, true);
}
u64 list_pop_front(u64 head, u64, u64, u64, u64) {
  return address_of(graph::list_pop(at<graph::ListHead>(head), false));
}
u64 list_pop_back(u64 head, u64, u64, u64, u64) {
  return address_of(graph::list_pop(at<graph::ListHead>(head), true));
}

u64 rbtree_add(u64 root, u64 node, u64 less, u64 offset, u64) {
  const auto compare = [](void* callback, graph::TreeNode* a, graph::TreeNode* b) {
    return interp::invoke(*static_cast<u64*>(callback), address_of(a), address_of(b)) != 0;
  };
  if (graph::tree_add(at<graph::TreeRoot>(root), at<graph::TreeNode>(node), compare, &less)) return 0;
  maps::drop_object(at<u8>(node) - offset);
  return static_cast<u64>(-EINVAL);
}
u64 rbtree_remove(u64 root, u64 node, u64, u64, u64) {
  return address_of(graph::tree_remove(at<graph::TreeRoot>(root), at<graph::TreeNode>(node)));
}
u64 rbtree_first(u64 root, u64, u64, u64, u64) {
  return address_of(graph::tree_first(at<graph::TreeRoot>(root)));
}

}  // namespace osmia::kfuncs::code
