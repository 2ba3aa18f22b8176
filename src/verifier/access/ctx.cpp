// The program's context, by the model that its program type declares: a table of fields, plain bytes, or
// arguments typed by BTF. An access that no rule allows is refused; what a read gives is the field's type.
#include <string_view>

#include "btf/btf.h"
#include "verifier/access/region.h"
#include "verifier/log/log.h"

namespace osmia::verifier {
namespace {

using contract::CtxField;
using contract::CtxModel;

constexpr u32 kAttachLsmMac = 27;
constexpr s32 kMaxErrno = 4095;
constexpr s32 kTracingArgsSize = 8 * 12;  // twelve arguments
constexpr s32 kSyscallCtxSize = 0xffff;

bool attach_bit(u64 set, u32 attach_type) {
  return attach_type < 64 && (set >> attach_type & 1);
}

const CtxField* find_field(const Env& env, s32 off) {
  for (const CtxField& f : env.type->fields) {
    if (off < f.offset || off >= f.offset + f.size) continue;
    if (f.attach_types && !attach_bit(f.attach_types, env.prog.expected_attach_type)) continue;
    return &f;
  }
  return nullptr;
}

bool is_packet_base(RegBase b) {
  return b == RegBase::kPacket || b == RegBase::kPacketMeta || b == RegBase::kPacketEnd;
}

bool held(const Env& env, contract::Capability c) {
  return c == contract::Capability::kNone || (env.opt.caps >> static_cast<u32>(c) & 1);
}

bool field_access(Env& env, const CtxField& f, const Touch& t, CtxResult& out) {
  const bool write = t.writes();
  if (write && f.write_attach_types && !attach_bit(f.write_attach_types, env.prog.expected_attach_type))
    return false;
  if ((f.access & contract::kCtxPrivileged) && !(env.bpf_capable && env.allow_ptr_leaks)) return false;
  if (!held(env, write ? f.write_capability : f.read_capability)) return false;
  if (!field_allows(f, t.off, t.size, write)) return false;
  out.field = &f;
  if (write) return true;
  // A 32-bit packet field becomes a pointer; its sign cannot be extended.
  if (t.sign_extend && is_packet_base(f.type.base)) return false;
  out.type = f.type;
  if (f.type.base != RegBase::kBtfId) return true;
  if (!env.cat.vmlinux) env.unsupported("context pointers without kernel types");
  out.btf = env.cat.vmlinux.get();
  out.btf_id = out.btf->find(f.btf_type, btf::Kind::kStruct);
  return out.btf_id != 0;
}

bool ctx_access(Env& env, const Touch& t, CtxResult& out) {
  const CtxModel model = env.type->ctx_model;
  const s32 limit = model == CtxModel::kSyscall                                          ? kSyscallCtxSize
                    : (model == CtxModel::kTracingArgs || model == CtxModel::kStructOps) ? kTracingArgsSize
                    : model == CtxModel::kRawArgs && !env.type->ctx_size
                        ? kTracingArgsSize
                        : static_cast<s32>(env.type->ctx_size);
  if (t.off < 0 || t.off >= limit || t.off % t.size != 0) return false;
  const CtxField* f = find_field(env, t.off);
  // Of a raw argument that has a type only the first byte counts: behind it are plain bytes.
  if (f && model == CtxModel::kRawArgs && t.off != f->offset) f = nullptr;
  if (f) return field_access(env, *f, t, out);
  switch (model) {
    case CtxModel::kFields: return false;
    case CtxModel::kBytes:
      return t.reads() && t.off >= static_cast<s32>(env.type->ctx_first) && t.off + t.size <= limit;
    case CtxModel::kRawArgs: return t.reads();
    case CtxModel::kSyscall: return true;
    case CtxModel::kTracingArgs:
    case CtxModel::kStructOps: return t.reads() && btf_ctx_access(env, t.off, t.size, out);
  }
  return false;
}

}  // namespace

bool field_allows(const CtxField& f, s32 off, int size, bool write) {
  if (!(f.access & (write ? contract::kCtxWrite : contract::kCtxRead))) return false;
  const s32 at = off - f.offset;
  const s32 unit = f.elem ? f.elem : f.size;
  if ((f.access & contract::kCtxWord) && at == 0 && size == 4)
    return true;  // two bytes and the padding behind
  if (at + size > f.size) return false;
  if (f.access & contract::kCtxAnySize) return true;
  if (size == 8 && (f.access & contract::kCtxWide)) return true;  // its offset is a multiple of 8 already
  if (size == unit) return at % unit == 0;
  if (size > unit || at % unit + size > unit) return false;
  if (!(f.access & (write ? contract::kCtxNarrowWrite : contract::kCtxNarrowRead))) return false;
  if (!write && size < f.min_read) return false;
  return !(f.access & contract::kCtxNarrowFirst) || at % unit == 0;
}

namespace {

// What the hook itself may have returned, when an LSM program reads it.
bool hook_return_range(const Env& env, s32& min, s32& max) {
  if (env.type->name != "lsm") return false;
  if (env.prog.expected_attach_type != kAttachLsmMac || !env.attach_btf || !env.attach_proto) return false;
  if (env.attach_btf->type(env.attach_proto).type() == 0) return false;
  const std::string_view name = env.attach_name;
  const bool boolean = name == "bpf_lsm_audit_rule_known" || name == "bpf_lsm_xfrm_state_pol_flow_match" ||
                       name == "bpf_lsm_inode_xattr_skipcap";
  min = boolean ? 0 : -kMaxErrno;
  max = boolean ? 1 : 0;
  return true;
}

void set_result(Env& env, u32 regno, const CtxResult& res) {
  if (is_exactly(res.type, RegBase::kScalar)) {
    mark_unknown(env, regno);
    s32 min = 0, max = 0;
    if (res.is_retval && hook_return_range(env, min, max)) {
      RegState& r = env.mut_reg(regno);
      r.s.s32_min = min, r.s.s32_max = max;
      r.s.smin = min, r.s.smax = max;
      r.s.sync();
      check_bounds_sanity(env, r.s, "s32_range");
    }
    return;
  }
  // A pointer, at offset zero; the whole register is defined whatever the field's width in the program is.
  RegState& r = env.mut_reg(regno);
  set_pointer(r, res.type);
  if (res.type.maybe_null()) r.id = env.new_id();
  r.subreg_def = 0;
  if (res.type.base == RegBase::kBtfId) {
    r.btf = res.btf;
    r.btf_id = res.btf_id;
  }
}

}  // namespace

void touch_ctx(Env& env, const Touch& t) {
  if (stores_pointer(env, t)) env.reject(EACCES, "R{} leaks addr into ctx", t.value_regno);
  check_ptr_off_reg(env, env.reg(t.regno), t.regno, false);
  CtxResult res;
  if (!ctx_access(env, t, res)) {
    say(env, "invalid bpf_context access off={} size={}", t.off, t.size);
    print_source_line(env, t.insn_idx, "; ");
    env.reject_silently(EACCES);
  }
  if (res.field) env.aux[t.insn_idx].ctx_field = res.field;
  const u32 end = static_cast<u32>(t.off + t.size);
  if (end > env.max_ctx_offset) env.max_ctx_offset = end;
  if (t.loads_reg()) set_result(env, t.value_regno, res);
}

}  // namespace osmia::verifier
