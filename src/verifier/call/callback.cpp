// Callbacks. A helper that calls back is explored from two sides: the path that goes on as if the callback
// were not called (again), and a path into the callback that comes back to the call. Asynchronous callbacks
// start on a stack of their own. Invariant: the caller's own frame is not touched but for its iteration
// count.
#include "verifier/call/kfunc.h"

namespace osmia::verifier {

using namespace contract;

namespace {

void set_map_pointer(RegState& r, RegBase base, const RegState& map) {
  set_pointer(r, RegType(base));
  r.map = map.map;
  r.map_uid = map.map_uid;
}

// (map, key, value) of the map that the caller's r1 names or points into.
void pass_element(Frame& callee, const RegState& map) {
  set_map_pointer(callee.regs[2], RegBase::kMapKey, map);
  set_map_pointer(callee.regs[3], RegBase::kMapValue, map);
}

bool map_can_iterate(const MapInfo* map) {
  static constexpr std::string_view kNames[] = {"array",       "percpu_array", "hash",
                                                "percpu_hash", "lru_hash",     "lru_percpu_hash"};
  if (!map || !map->def) return false;
  for (std::string_view n : kNames)
    if (map->def->name == n) return true;
  return false;
}

// less(a, b): two nodes of the tree whose root the caller's r1 points to, under its lock.
void pass_nodes(Env& env, PathState& st, u32 f) {
  const RegState& root = st.frames[f - 1]->regs[1];
  const btf::FieldRecord* record = record_of(env, root);
  const btf::Field* field = record ? record->find(static_cast<u32>(root.off), btf::kFieldRbRoot) : nullptr;
  if (!field) env.reject_silently(EFAULT);
  for (u32 r : {1u, 2u}) {
    RegState& node = st.frames[f].mut().regs[r];
    set_graph_node(node, owner_btf(root), *field);
    make_non_owning(env, node);
  }
}

// The callee is frame `f` of st, its caller frame f-1.
void pass_sync_args(Env& env, PathState& st, u32 f, CallbackShape shape, const MapInfo* map) {
  switch (shape) {
    case CallbackShape::kForEachMapElem:
      if (!map_can_iterate(map)) env.reject(kEnotsupp, "callback function not allowed for map");
      pass_reg(st, f - 1, 1, f, 1);
      pass_element(st.frames[f].mut(), st.frames[f - 1]->regs[1]);
      pass_reg(st, f - 1, 3, f, 4);
      break;
    case CallbackShape::kLoop: {
      // The index: any number, and imprecise as all fresh registers are.
      RegState& index = st.frames[f].mut().regs[1];
      index.type = RegType(RegBase::kScalar);
      pass_reg(st, f - 1, 3, f, 2);
      break;
    }
    case CallbackShape::kFindVma: {
      pass_reg(st, f - 1, 1, f, 1);
      RegState& vma = st.frames[f].mut().regs[2];
      set_pointer(vma, RegType(RegBase::kBtfId));
      vma.btf = env.cat.vmlinux.get();
      vma.btf_id = kernel_struct(env, "vm_area_struct");
      if (!vma.btf_id) env.unsupported("bpf_find_vma without kernel BTF");
      pass_reg(st, f - 1, 4, f, 3);
      break;
    }
    case CallbackShape::kUserRingbuf:
      set_dynptr(st.frames[f].mut().regs[1], DynptrKind::kLocal, true, env.new_id());
      pass_reg(st, f - 1, 3, f, 2);
      break;
    case CallbackShape::kRbtreeAdd: pass_nodes(env, st, f); break;
    default: env.unsupported("this kind of callback");
  }
}

void push_async(Env& env, u32 subprog, CallbackShape shape) {
  Subprog& sub = env.subprogs[subprog];
  sub.is_async_cb = true;
  const RegState timer = env.reg(1);
  const u32 depth = env.cur->frame().async_entry + 1;
  PathState& st = push_async_callback(env, sub.start, static_cast<s32>(env.insn_idx), subprog,
                                      shape == CallbackShape::kWq);
  Frame& callee = st.mut_frame();
  callee.async_entry = depth;
  set_map_pointer(callee.regs[1], RegBase::kConstMapPtr, timer);
  pass_element(callee, timer);
  callee.in_async_callback = true;
  callee.callback_ret = {0, 1, true};
}

bool loop_flags_are_zero(Env& env) {
  if (!env.reg(4).is_null()) return false;
  mark_precise(env, 4);
  return true;
}

// bpf_loop() can be inlined if every path calls one and the same callback, without flags.
void note_inline(Env& env, u32 subprog) {
  InsnAux& aux = env.aux[env.insn_idx];
  if (aux.callback_subprog < 0) {
    aux.callback_subprog = static_cast<s32>(subprog);
    aux.inlinable_loop = loop_flags_are_zero(env);
  } else if (aux.inlinable_loop) {
    aux.inlinable_loop = loop_flags_are_zero(env) && aux.callback_subprog == static_cast<s32>(subprog);
  }
}

}  // namespace

void push_callback(Env& env, u32 subprog, CallbackShape shape, const MapInfo* map) {
  // Only a broken BTF stops here; what the callback gets is decided by the helper, not by its prototype.
  if (check_args_by_btf(env, subprog) == EFAULT) env.reject_silently(EFAULT);
  Subprog& sub = env.subprogs[subprog];
  sub.is_callback = true;
  env.aux[env.insn_idx].callback_subprog = static_cast<s32>(subprog);
  if (shape == CallbackShape::kTimer || shape == CallbackShape::kWq) {
    push_async(env, subprog, shape);
    return;
  }
  PathState& st = push_branch(env, sub.start, static_cast<s32>(env.insn_idx), false);
  add_frame(env, st, subprog, static_cast<s32>(env.insn_idx));
  const u32 f = st.curframe + 1;
  pass_sync_args(env, st, f, shape, map);
  Frame& callee = st.frames[f].mut();
  callee.in_callback = true;
  callee.callback_ret = {0, 1, true};
  st.curframe = f;
  st.callback_unroll_depth++;
  st.frames[f - 1].mut().callback_depth++;
  env.cur->mut_frame().callback_depth = 0;
}

void check_loop_callback(Env& env, u32 subprog) {
  note_inline(env, subprog);
  // r1 decides how often the callback is explored.
  mark_precise(env, 1);
  if (env.cur->frame().callback_depth < env.reg(1).s.umax) {
    push_callback(env, subprog, CallbackShape::kLoop, nullptr);
    return;
  }
  env.cur->mut_frame().callback_depth = 0;
  if (env.log_insns()) env.log("frame{} bpf_loop iteration limit reached\n", env.cur->curframe);
}

}  // namespace osmia::verifier
