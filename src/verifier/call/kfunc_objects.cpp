// Kfuncs on objects that programs allocate: new and drop, reference counts, lists and trees, work queues. Who
// owns an object is a reference of the path; what was put into a list or tree stays usable, but not owned,
// while the lock is held. Invariant: a non-owning pointer exists only under the lock of the structure that
// owns its object (or, for counted objects, in an RCU section).
#include "btf/struct_walk.h"
#include "verifier/access/access.h"
#include "verifier/call/kfunc.h"

namespace osmia::verifier {

using namespace contract;

namespace {

constexpr u32 kMaxPercpuObject = 512;  // BPF_GLOBAL_PERCPU_MA_MAX_SIZE, bytes

bool is_list_role(KfuncRole r) {
  return r >= KfuncRole::kListPushFront && r <= KfuncRole::kListPopBack;
}
bool is_tree_role(KfuncRole r) {
  return r >= KfuncRole::kRbtreeAdd && r <= KfuncRole::kRbtreeFirst;
}
bool inserts(KfuncRole r) {
  return r == KfuncRole::kListPushFront || r == KfuncRole::kListPushBack || r == KfuncRole::kRbtreeAdd;
}

s64 pointer_offset(const RegState& r) {
  return static_cast<s64>(r.s.var_off.value) + r.off;
}
bool is_owned(const RegState& r) {
  return is_exact(r, RegBase::kBtfId, kAlloc);
}

// The kernel's BTF alone has these functions, and each argument kind belongs to a family of them.
void check_family(Env& env, const KfuncCall& call, btf::FieldKind kind) {
  if (call.btf != env.cat.vmlinux.get())
    env.reject(EFAULT, "verifier internal error: unexpected btf mismatch in kfunc call");
  const KfuncRole role = call.role();
  const bool known = kind == btf::kFieldListHead ? is_list_role(role)
                     : kind == btf::kFieldRbRoot ? is_tree_role(role)
                     : kind == btf::kFieldListNode
                         ? is_list_role(role) && inserts(role)
                         : role == KfuncRole::kRbtreeAdd || role == KfuncRole::kRbtreeRemove;
  if (known) return;
  const bool root = kind & btf::kFieldGraphRoot;
  env.reject(EFAULT, "verifier internal error: {} {} arg for unknown kfunc", btf::field_name(kind),
             root ? "head" : "node");
}

void check_constant_offset(Env& env, u32 regno, btf::FieldKind kind) {
  if (!env.reg(regno).s.is_const())
    env.reject(EINVAL, "R{} doesn't have constant offset. {} has to be at the constant offset", regno,
               btf::field_name(kind));
}

// The lock beside this root is the one that is held.
void check_lock_held(Env& env, const RegState& r, const btf::FieldRecord& record, btf::FieldKind kind) {
  const ActiveLock& lock = env.cur->active_lock;
  if (lock.ptr && lock.ptr == lock_holder(r) && lock.id == r.id) return;
  if (lock.ptr) say(env, "held lock and object are not in the same allocation");
  env.reject(EINVAL, "bpf_spin_lock at off={} must be held for {}", record.spin_lock_off,
             btf::field_name(kind));
}

void check_owned_arg(Env& env, u32 index) {
  const RegState& r = env.reg(index + 1);
  if (!is_owned(r)) env.reject(EINVAL, "arg#{} expected pointer to allocated object", index);
  if (!r.ref_obj_id) env.reject(EINVAL, "allocated object must be referenced");
}

void set_new_object(Env& env, const KfuncCall& call) {
  const bool percpu = call.role() == KfuncRole::kPercpuObjNew;
  if (call.constant > UINT32_MAX) env.reject(EINVAL, "local type ID argument must be in range [0, U32_MAX]");
  const btf::Btf* btf = env.prog.btf.get();
  if (!btf) env.reject(EINVAL, "bpf_obj_new/bpf_percpu_obj_new requires prog BTF");
  const u32 id = static_cast<u32>(call.constant);
  const btf::TypeView t = btf->type(id);
  if (!t.exists() || !t.is(btf::Kind::kStruct))
    env.reject(EINVAL, "bpf_obj_new/bpf_percpu_obj_new type ID argument must be of a struct");
  if (percpu) {
    if (t.size() > kMaxPercpuObject)
      env.reject(EINVAL, "bpf_percpu_obj_new type size ({}) is greater than {}", t.size(), kMaxPercpuObject);
    if (!t.size()) env.reject_silently(EINVAL);
    if (!is_scalar_struct(env, *btf, t, 0))
      env.reject(EINVAL, "bpf_percpu_obj_new type ID argument must be of a struct of scalars");
    if (struct_record(env, *btf, id))
      env.reject(EINVAL, "bpf_percpu_obj_new type ID argument must not contain special fields");
  }
  RegState& r0 = env.mut_reg(0);
  set_pointer(r0, RegType(RegBase::kBtfId, percpu ? kAlloc | kPercpu : u32{kAlloc}));
  r0.btf = btf;
  r0.btf_id = id;
  note_object(env, btf, id, 0);
}

}  // namespace

bool is_object_role(KfuncRole role) {
  return role >= KfuncRole::kObjNew && role <= KfuncRole::kRbtreeFirst;
}

bool returns_null(const KfuncCall& call) {
  return call.has(kKfRetNull) && !(call.role() == KfuncRole::kRefcountAcquire && call.owning_ref);
}

void set_graph_node(RegState& r, const btf::Btf& btf, const btf::Field& root) {
  set_pointer(r, RegType(RegBase::kBtfId, kAlloc));
  r.btf = &btf;
  r.btf_id = root.btf_id;
  r.off = static_cast<s32>(root.node_offset);
}

void make_non_owning(Env& env, RegState& r) {
  OSMIA_BUG_IF(!env.cur->active_lock.ptr || r.type.has(kNonOwnRef));
  const btf::FieldRecord* record = record_of(env, r);
  OSMIA_BUG_IF(!record);
  r.type = r.type.with(record->refcount_off >= 0 ? kNonOwnRef | kRcu : u32{kNonOwnRef});
}

void check_object_arg(Env& env, KfuncCall& call, u32 index) {
  const RegState& r = env.reg(index + 1);
  if (is_owned(r)) {
    if (call.role() != KfuncRole::kObjDrop)
      env.reject(EINVAL, "arg#{} expected for bpf_obj_drop_impl()", index);
  } else if (is_exact(r, RegBase::kBtfId, kAlloc | kPercpu)) {
    if (call.role() != KfuncRole::kPercpuObjDrop)
      env.reject(EINVAL, "arg#{} expected for bpf_percpu_obj_drop_impl()", index);
  } else {
    env.reject(EINVAL, "arg#{} expected pointer to allocated object", index);
  }
  if (!r.ref_obj_id) env.reject(EINVAL, "allocated object must be referenced");
  call.object_btf = r.btf;
  call.object_id = r.btf_id;
}

void check_refcounted_arg(Env& env, KfuncCall& call, u32 index) {
  const RegState& r = env.reg(index + 1);
  if (!is_program_object(r.type)) env.reject(EINVAL, "arg#{} is neither owning or non-owning ref", index);
  call.owning_ref = !r.type.has(kNonOwnRef) && r.ref_obj_id;
  const btf::FieldRecord* record = record_of(env, r);
  if (!record) env.reject(EFAULT, "verifier internal error: Couldn't find btf_record");
  if (record->refcount_off < 0)
    env.reject(EINVAL, "arg#{} doesn't point to a type with bpf_refcount field", index);
  call.object_btf = r.btf;
  call.object_id = r.btf_id;
  note_object(env, r.btf, r.btf_id, r.off);
}

void check_root_arg(Env& env, KfuncCall& call, u32 index, btf::FieldKind kind) {
  const u32 regno = index + 1;
  const RegState& r = env.reg(regno);
  if (!is_exact(r, RegBase::kMapValue) && !is_owned(r))
    env.reject(EINVAL, "arg#{} expected pointer to map value or allocated object", index);
  if (is_owned(r) && !r.ref_obj_id) env.reject(EINVAL, "allocated object must be referenced");
  check_family(env, call, kind);
  check_constant_offset(env, regno, kind);
  const btf::FieldRecord* record = record_of(env, r);
  const u32 at = static_cast<u32>(pointer_offset(r));
  const btf::Field* field = record ? record->find(at, kind) : nullptr;
  if (!field) env.reject(EINVAL, "{} not found at offset={}", btf::field_name(kind), at);
  check_lock_held(env, r, *record, kind);
  if (call.root) env.reject(EFAULT, "verifier internal error: repeating {} arg", btf::field_name(kind));
  call.root = field;
  call.root_btf = &owner_btf(r);
}

void check_node_arg(Env& env, KfuncCall& call, u32 index, btf::FieldKind kind) {
  const u32 regno = index + 1;
  const RegState& r = env.reg(regno);
  if (call.role() == KfuncRole::kRbtreeRemove) {
    if (!is_non_owning(r.type) || r.ref_obj_id)
      env.reject(EINVAL, "rbtree_remove node input must be non-owning ref");
    if (in_locked_callback(env)) env.reject(EINVAL, "rbtree_remove not allowed in rbtree cb");
  } else {
    check_owned_arg(env, index);
  }
  check_family(env, call, kind);
  check_constant_offset(env, regno, kind);
  const btf::FieldRecord* record = record_of(env, r);
  const s32 at = static_cast<s32>(pointer_offset(r));
  const char* node = btf::field_name(kind);
  if (!record || !record->find(static_cast<u32>(at), kind))
    env.reject(EINVAL, "{} not found at offset={}", node, static_cast<u32>(at));
  OSMIA_BUG_IF(!call.root);
  const btf::Field& root = *call.root;
  const std::string_view wanted = call.root_btf->type(root.btf_id).name();
  if (!btf::struct_ids_match(*r.btf, r.btf_id, 0, *call.root_btf, root.btf_id, true, false))
    env.reject(
        EINVAL,
        "operation on {} expects arg#1 {} at offset={} in struct {}, but arg is at offset={} in struct {}",
        btf::field_name(root.kind), node, root.node_offset, wanted, at, r.btf->type(r.btf_id).name());
  call.object_btf = r.btf;
  call.object_id = r.btf_id;
  if (at != static_cast<s32>(root.node_offset))
    env.reject(EINVAL, "arg#1 offset={}, but expected {} at offset={} in struct {}", at, node,
               root.node_offset, wanted);
  if (inserts(call.role())) note_object(env, r.btf, r.btf_id, at);
}

void check_workqueue_arg(Env& env, KfuncCall& call, u32 index) {
  const RegState& r = env.reg(index + 1);
  if (!is_exact(r, RegBase::kMapValue)) env.reject(EINVAL, "arg#{} doesn't point to a map value", index);
  const int at = r.map->record ? r.map->record->wq_off : -1;
  if (at < 0 || !r.s.is_const() || pointer_offset(r) != at)
    env.reject(EINVAL, "off {} doesn't point to 'struct bpf_wq' that is at {}", pointer_offset(r), at);
  call.map = r.map;
  call.map_uid = r.map_uid;
}

void apply_object_effects(Env& env, const KfuncCall& call) {
  if (!inserts(call.role())) return;
  // The structure owns the object now; who had it may still look at it while the lock is held.
  const u32 ref = env.reg(2).ref_obj_id;
  bool held = false;
  for (const Reference& known : env.cur->refs) held |= known.id == ref;
  OSMIA_BUG_IF(!ref || !held);
  for_each_reg(
      *env.cur, [&](const RegState& r) { return r.ref_obj_id == ref; },
      [&](RegState& r) {
        r.ref_obj_id = 0;
        make_non_owning(env, r);
      });
  if (!drop_reference(env, ref))
    env.reject(EINVAL, "kfunc {}#{} reference has not been acquired before", call.name, call.id);
}

bool set_object_result(Env& env, const KfuncCall& call) {
  switch (call.role()) {
    case KfuncRole::kObjNew:
    case KfuncRole::kPercpuObjNew: set_new_object(env, call); return true;
    case KfuncRole::kRefcountAcquire: {
      RegState& r0 = env.mut_reg(0);
      set_pointer(r0, RegType(RegBase::kBtfId, kAlloc));
      r0.btf = call.object_btf;
      r0.btf_id = call.object_id;
      return true;
    }
    case KfuncRole::kListPopFront:
    case KfuncRole::kListPopBack:
    case KfuncRole::kRbtreeRemove:
    case KfuncRole::kRbtreeFirst: set_graph_node(env.mut_reg(0), *call.root_btf, *call.root); return true;
    default: return false;
  }
}

}  // namespace osmia::verifier
