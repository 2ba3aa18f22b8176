// PROG_LOAD: who may load what, copying, the verifier, and the program object. The order of the checks is
// Linux's, so that the errno is the same when several things are wrong.
#include <time.h>

#include <algorithm>

#include "btf/btf.h"
#include "runtime/symbols.h"
#include "syscall/call.h"
#include "syscall/log_buffer.h"

namespace osmia::syscall {
namespace {

using contract::Capability;

class FdResolver final : public verifier::Resolver {
 public:
  FdResolver(Call& c, runtime::Program& p) : call_(c), program_(p), used_(p.maps) {}
  Status relocate(verifier::LogSink* log) override {
    OSMIA_TRY(apply_core_relos(call_, program_, log));
    // As on Linux: the tag is that of the relocated instructions.
    program_.tag = runtime::program_tag(program_.insns);
    return Ok{};
  }
  int map_fd_error(int fd) override {
    int err = 0;
    return get_map(fd, &err) ? 0 : err < 0 ? -err : err;
  }
  const verifier::MapInfo* map_by_fd(int fd) override {
    int err;
    auto m = get_map(fd, &err);
    if (!m) return nullptr;
    for (const auto& u : used_)
      if (u == m) return &u->info();
    used_.push_back(m);  // alive while it is verified against
    return &m->info();
  }
  std::shared_ptr<const btf::Btf> btf_by_fd(int fd) override {
    int err;
    auto b = get_btf(fd, &err);
    return b ? b->btf : nullptr;
  }
  // Only functions have addresses to name here.
  u64 percpu_or_ksym_addr(u32 btf_id) override {
    const auto& vmlinux = call_.kernel.vmlinux();
    const bool function = vmlinux && vmlinux->btf->type(btf_id).is(btf::Kind::kFunc);
    return function ? runtime::kernel_symbol(call_.kernel, *vmlinux, btf_id) : 0;
  }

 private:
  Call& call_;
  runtime::Program& program_;
  std::vector<maps::MapPtr>& used_;
};

bool gpl_compatible(const std::string& s) {
  return s == "GPL" || s == "GPL v2" || s == "GPL and additional rights" || s == "Dual BSD/GPL" ||
         s == "Dual MIT/GPL" || s == "Dual MPL/GPL";
}

bool is_one_of(u32 v, std::initializer_list<u32> set) {
  for (u32 s : set)
    if (s == v) return true;
  return false;
}

// bpf_prog_load_check_attach: may this type load with these attach attributes at all?
bool attach_ok(u32 type, u32 attach_type, const contract::ProgTypeDef* def, bool has_attach_btf, u32 btf_id,
               bool has_dst) {
  if (btf_id) {
    if (btf_id > btf::kMaxTypes || (!has_attach_btf && !has_dst)) return false;
    if (!is_one_of(type,
                   {BPF_PROG_TYPE_TRACING, BPF_PROG_TYPE_LSM, BPF_PROG_TYPE_STRUCT_OPS, BPF_PROG_TYPE_EXT}))
      return false;
  }
  if (has_attach_btf && (!btf_id || has_dst)) return false;
  if (has_dst && type != BPF_PROG_TYPE_TRACING && type != BPF_PROG_TYPE_EXT) return false;
  if (is_one_of(type, {BPF_PROG_TYPE_SYSCALL, BPF_PROG_TYPE_EXT})) return attach_type == 0;
  // The types whose attach type is fixed at load time; for others any value is stored.
  if (def &&
      is_one_of(type, {BPF_PROG_TYPE_CGROUP_SOCK, BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_PROG_TYPE_CGROUP_SKB,
                       BPF_PROG_TYPE_CGROUP_SOCKOPT, BPF_PROG_TYPE_SK_LOOKUP, BPF_PROG_TYPE_SK_REUSEPORT,
                       BPF_PROG_TYPE_NETFILTER}) &&
      !def->attach_types.empty()) {
    for (u32 t : def->attach_types)
      if (t == attach_type) return true;
    return false;
  }
  return true;
}

u64 boottime_ns() {
  timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<u64>(now.tv_sec) * 1000000000u + static_cast<u64>(now.tv_nsec);
}

// The descriptors that instructions may index. Which are used only the instructions say: read the highest
// that occurs.
int read_fd_array(Call& c, runtime::Program& p) {
  if (!c.attr.fd_array) return 0;
  s64 highest = -1;
  for (const isa::Insn& in : p.insns) {
    if (isa::is_ld_imm64(in) && (in.src == isa::kPseudoMapIdx || in.src == isa::kPseudoMapIdxValue))
      highest = std::max<s64>(highest, in.imm);
    if (isa::is_kfunc_call(in) && in.off > 0) highest = std::max<s64>(highest, in.off);
  }
  if (highest < 0 || highest > 1 << 16) return 0;  // beyond it the verifier refuses the index
  p.fd_array.resize(static_cast<size_t>(highest) + 1);
  p.desc.fd_array = p.fd_array;
  return copy_from_user(p.fd_array.data(), c.attr.fd_array, p.fd_array.size() * 4);
}

// bpf_check()'s frame: log, debug information, verifier, log again.
long check_program(Call& c, runtime::Program& p) {
  const auto& a = c.attr;
  LogBuffer log;
  if (log.init(a.log_level, a.log_buf, a.log_size))
    return fail(EINVAL, "log_level, log_buf and log_size do not fit");
  long result = 0;
  const auto prepare = [&]() -> long {
    if (a.func_info_cnt || a.line_info_cnt) {
      int err;
      p.btf = get_btf(static_cast<int>(a.prog_btf_fd), &err);
      if (!p.btf) return fail(-err, "prog_btf_fd is not BTF");
      if (p.btf->kernel) return fail(EACCES, "prog_btf_fd is the kernel's BTF");
      p.desc.btf = p.btf->btf;
      if (const int e = read_prog_debug_info(c, log, p.desc))
        return fail(-e, "func_info or line_info is malformed");
    }
    if (read_fd_array(c, p)) return fail(EFAULT, "fd_array cannot be read");
    return 0;
  };
  result = prepare();
  if (!result) {
    FdResolver resolver(c, p);
    verifier::Options o;
    o.log_level = a.log_level;
    o.caps = c.cred.effective();
    o.strict_alignment = a.prog_flags & BPF_F_STRICT_ALIGNMENT;
    o.any_alignment = a.prog_flags & BPF_F_ANY_ALIGNMENT;
    if (o.any_alignment) o.strict_alignment = false;
    o.test_state_freq = a.prog_flags & BPF_F_TEST_STATE_FREQ && c.capable(Capability::kBpf);
    o.test_reg_invariants = a.prog_flags & BPF_F_TEST_REG_INVARIANTS;
    o.native_profile = c.kernel.native_profile;
    o.state_memory_limit = c.kernel.state_memory_limit;
    o.progress = c.kernel.on_progress;
    if (c.kernel.observe) o.observer = c.kernel.observe(p.desc);
    p.verdict =
        verifier::verify(p.desc, c.kernel.catalog(), resolver, o, log.wanted() ? &log : nullptr, &p.facts);
    if (c.kernel.on_verdict) c.kernel.on_verdict(p.desc, p.verdict);
    if (!p.verdict.accepted) result = fail(p.verdict.error ? p.verdict.error : EINVAL, p.verdict.message);
  }
  u32 true_size = 0;
  if (const int e = log.finish(true_size))
    result = fail(-e, e == -ENOSPC ? "the log does not fit into log_size" : "log_buf cannot be written");
  if (c.size >= OSMIA_ATTR_END(log_true_size) && c.put(offsetof(union bpf_attr, log_true_size), true_size))
    return fail(EFAULT, "attributes cannot be written");
  return result;
}

// Only the maps that the program really uses stay with it, in the verifier's order.
void keep_used_maps(runtime::Program& p) {
  std::vector<maps::MapPtr> used;
  for (const verifier::MapInfo* info : p.facts.used_maps)
    if (info && info->live) used.push_back(static_cast<maps::Map*>(info->live)->shared_from_this());
  p.maps = std::move(used);
}

}  // namespace

long prog_load(Call& c) {
  union bpf_attr& a = c.attr;
  OSMIA_CHECK_ATTR(c, prog_token_fd);
  constexpr u32 kFlags = BPF_F_STRICT_ALIGNMENT | BPF_F_ANY_ALIGNMENT | BPF_F_TEST_STATE_FREQ |
                         BPF_F_SLEEPABLE | BPF_F_TEST_RND_HI32 | BPF_F_XDP_HAS_FRAGS |
                         BPF_F_XDP_DEV_BOUND_ONLY | BPF_F_TEST_REG_INVARIANTS | BPF_F_TOKEN_FD;
  if (a.prog_flags & ~kFlags) return fail(EINVAL, "unknown prog_flags");
  const u32 type = a.prog_type;
  if (type == BPF_PROG_TYPE_CGROUP_SOCK && !a.expected_attach_type)
    a.expected_attach_type = BPF_CGROUP_INET_SOCK_CREATE;
  if (type == BPF_PROG_TYPE_SK_REUSEPORT && !a.expected_attach_type)
    a.expected_attach_type = BPF_SK_REUSEPORT_SELECT;
  if (a.prog_flags & BPF_F_TOKEN_FD) return fail(EBADF, "BPF tokens are not supported");
  const bool bpf_cap = c.capable(Capability::kBpf);
  if (c.kernel.unprivileged_disabled && !bpf_cap) return fail(EPERM, "unprivileged bpf is disabled");
  if (!a.insn_cnt || a.insn_cnt > (bpf_cap ? u32{isa::kComplexityLimitInsns} : u32{isa::kMaxInsnsUnpriv}))
    return fail(E2BIG, "insn_cnt must be 1 to " +
                           std::to_string(bpf_cap ? isa::kComplexityLimitInsns : isa::kMaxInsnsUnpriv));
  const contract::ProgTypeDef* def = c.kernel.catalog().prog_type(type);
  if (!bpf_cap && !(def && def->traits & contract::kUnprivileged))
    return fail(EPERM, "this program type needs CAP_BPF");
  if (def && def->traits & contract::kNeedsNetAdmin && !c.capable(Capability::kNetAdmin))
    return fail(EPERM, "this program type needs CAP_NET_ADMIN");
  if (def && def->traits & contract::kNeedsPerfmon && !c.capable(Capability::kPerfmon))
    return fail(EPERM, "this program type needs CAP_PERFMON");

  auto p = std::make_shared<runtime::Program>();
  if (a.attach_prog_fd) {
    int err;
    p->attach_program = get_prog(static_cast<int>(a.attach_prog_fd), &err);
    if (!p->attach_program) {
      p->attach_btf = get_btf(static_cast<int>(a.attach_btf_obj_fd), &err);
      if (!p->attach_btf) return fail(EINVAL, "attach_prog_fd is neither a program nor BTF");
      if (!p->attach_btf->kernel) return fail(maps::kNotSupp, "attach_btf_obj_fd is not the kernel's BTF");
    }
  } else if (a.attach_btf_id) {
    p->attach_btf = c.kernel.vmlinux();
    if (!p->attach_btf) return fail(EINVAL, "attach_btf_id without kernel BTF");
  }
  if (!attach_ok(type, a.expected_attach_type, def, p->attach_btf != nullptr, a.attach_btf_id,
                 p->attach_program != nullptr))
    return fail(EINVAL, "attach attributes that this program type does not take");

  p->insns.resize(a.insn_cnt);
  if (copy_from_user(p->insns.data(), a.insns, u64{a.insn_cnt} * sizeof(isa::Insn)))
    return fail(EFAULT, "insns cannot be read");
  std::string license;
  if (string_from_user(license, a.license, 128) < 0) return fail(EFAULT, "license cannot be read");
  if (a.prog_ifindex) return fail(EOPNOTSUPP, "not supported yet: programs bound to a device (prog_ifindex)");
  if (!def) return fail(EINVAL, "no such program type: " + std::to_string(type));
  if (def->traits & contract::kNotBuilt)
    return fail(EINVAL, "the reference kernel was built without program type " + std::string(def->name));
  verifier::Program& d = p->desc;
  if (!object_name(a.prog_name, d.name))
    return fail(EINVAL, "program name: letters, digits, '_' and '.', at most 15");
  d.type = type;
  d.expected_attach_type = a.expected_attach_type;
  d.prog_flags = a.prog_flags;
  d.gpl_compatible = gpl_compatible(license);
  d.insns = p->insns;
  if (p->attach_btf) d.attach.btf = p->attach_btf->btf;
  d.attach.btf_id = a.attach_btf_id;
  if (p->attach_program) {
    d.attach.program = &p->attach_program->desc;
    d.attach.facts = &p->attach_program->facts;
    d.attach.btf = p->attach_program->desc.btf;
  }
  p->type_def = def;
  p->uid = c.cred.uid;
  p->load_time_ns = boottime_ns();

  if (const long err = check_program(c, *p)) return err;
  keep_used_maps(*p);
  for (const maps::MapPtr& m : p->maps)
    if (!m->admits(*p))
      return fail(EINVAL, "map " + m->info().name + " holds programs of another kind than this one");
  if (c.kernel.prepare) {
    const Status s = c.kernel.prepare(c.kernel, *p);
    if (!s.ok()) return fail(s.error());
  }
  p->id = c.kernel.programs.add(p);
  Fd fd;
  fd.object = runtime::ProgramPtr(p);
  return c.fds.install(std::move(fd));
}

}  // namespace osmia::syscall
