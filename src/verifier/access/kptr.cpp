// Kptr fields of map values. Loads give a pointer that may be null and is only as good as the RCU section
// allows; plain stores are for unreferenced ones (the others change hands through helpers, which know who
// owns what).
#include "btf/btf.h"
#include "btf/special_fields.h"
#include "btf/struct_walk.h"
#include "verifier/access/region.h"

namespace osmia::verifier {
namespace {

// Kernel objects that RCU protects.
constexpr std::string_view kRcuProtected[] = {"prog_test_ref_kfunc", "cgroup", "bpf_cpumask", "task_struct",
                                              "bpf_crypto_ctx"};

bool rcu_safe(const btf::Btf& owner, const btf::Field& f) {
  if (f.kind == btf::kFieldKptrPercpu) return true;
  if (f.kind != btf::kFieldKptrRef) return false;
  if (!f.kernel) return true;
  const std::string_view name = kptr_btf(owner, f).type(f.btf_id).name();
  for (std::string_view n : kRcuProtected)
    if (n == name) return true;
  return false;
}

u32 load_flags(Env& env, const btf::Btf& owner, const btf::Field& f) {
  u32 flags = contract::kMaybeNull;
  if (!rcu_safe(owner, f) || !in_rcu_section(env)) return flags | contract::kUntrusted;
  flags |= contract::kRcu;
  if (f.kind == btf::kFieldKptrPercpu) return flags | contract::kPercpu;
  if (f.kernel) return flags;
  flags |= contract::kAlloc;
  const btf::FieldRecord* record = struct_record(env, kptr_btf(owner, f), f.btf_id);
  if (record && record->has(btf::kFieldGraphNode)) flags |= contract::kNonOwnRef;
  return flags;
}

bool matches(Env& env, const btf::Btf& owner, const btf::Field& f, const RegState& r, u32 regno) {
  if (r.type.base != RegBase::kBtfId) return false;
  u32 allowed = contract::kMaybeNull;
  if (is_kernel_btf(env, r.btf)) {
    allowed |= contract::kTrusted | contract::kRcu;
    if (f.kind == btf::kFieldKptrUnref) allowed |= contract::kUntrusted;
  } else {
    allowed |= contract::kAlloc;
    if (f.kind == btf::kFieldKptrPercpu) allowed |= contract::kPercpu;
  }
  if (r.type.flags & ~allowed) return false;
  if ((f.kind == btf::kFieldKptrPercpu) != r.type.has(contract::kPercpu)) return false;
  check_ptr_off_reg(env, r, regno, true);
  return btf::struct_ids_match(*r.btf, r.btf_id, static_cast<u32>(r.off), kptr_btf(owner, f), f.btf_id,
                               f.kind != btf::kFieldKptrUnref, !r.type.has(contract::kAlloc));
}

}  // namespace

const btf::Btf& kptr_btf(const btf::Btf& owner, const btf::Field& f) {
  return f.kptr_btf ? *f.kptr_btf : owner;
}

void check_kptr_value(Env& env, const btf::Btf& owner, const btf::Field& f, u32 regno) {
  const RegState r = env.reg(regno);
  if (matches(env, owner, f, r, regno)) return;
  const std::string_view has = r.type.base == RegBase::kBtfId ? r.btf->type(r.btf_id).name() : "";
  const std::string_view wants = kptr_btf(owner, f).type(f.btf_id).name();
  std::string line =
      fmt::format("invalid kptr access, R{} type={}{} expected={}{}", regno, reg_type_name(env, r.type), has,
                  reg_type_name(env, RegType(RegBase::kBtfId)), wants);
  if (f.kind == btf::kFieldKptrUnref)
    line +=
        fmt::format(" or {}{}", reg_type_name(env, RegType(RegBase::kBtfId, contract::kUntrusted)), wants);
  env.note_reason(line);
  env.log_text(line + "\n");
  env.reject_silently(EACCES);
}

bool touch_kptr(Env& env, const Touch& t) {
  const RegState& r = env.reg(t.regno);
  if (!r.map->record || !r.s.is_const()) return false;
  const u64 at = static_cast<u64>(s64{t.off}) + r.s.var_off.value;
  const MapInfo& m = *r.map;
  const btf::Field* field = nullptr;
  for (const btf::Field& f : m.record->fields)
    if (f.offset == at && (f.kind & btf::kFieldKptr)) field = &f;
  if (!field) return false;

  const Insn& in = env.insns[t.insn_idx];
  if (in.mode() != isa::kMem)
    env.reject(EACCES, "kptr in map can only be accessed using BPF_MEM instruction mode");
  const bool referenced = field->kind != btf::kFieldKptrUnref;
  if (in.cls() != isa::kLdx && referenced) env.reject(EACCES, "store to referenced kptr disallowed");
  switch (in.cls()) {
    case isa::kLdx:
      set_btf_result(env, t.value_regno, true, &kptr_btf(*m.btf, *field), field->btf_id,
                     load_flags(env, *m.btf, *field));
      return true;
    case isa::kStx:
      if (env.reg(t.value_regno).is_null()) {
        mark_precise(env, t.value_regno);  // only the value zero may be stored from a scalar
      } else {
        check_kptr_value(env, *m.btf, *field, t.value_regno);
      }
      return true;
    case isa::kSt:
      if (in.imm) env.reject(EACCES, "BPF_ST imm must be 0 when storing to kptr at off={}", field->offset);
      return true;
    default: env.reject(EACCES, "kptr in map can only be accessed using BPF_LDX/BPF_STX/BPF_ST");
  }
}

}  // namespace osmia::verifier
