// Contexts of tracing programs: eight-byte arguments (by-value structs take several) with the types that the
// attach target's BTF gives them. Which pointers are trusted or may be null is the hook's promise, so the
// exceptions are listed here.
#include <algorithm>
#include <iterator>

#include "btf/btf.h"
#include "verifier/access/region.h"
#include "verifier/call/context_type.h"

namespace osmia::verifier {
namespace {

using btf::Kind;

constexpr u32 kDefaultArgs = 5;  // of a target without a prototype

enum AttachType : u32 {
  kRawTp = 23,
  kFexit = 25,
  kModifyReturn = 26,
  kLsmMac = 27,
  kIter = 28,
  kLsmCgroup = 43
};

// Tracepoints with arguments that are null (bit 0 of the argument's nibble) or error pointers (bit 1) at
// times.
struct NullArgs {
  std::string_view tracepoint;
  u64 mask;
};
constexpr NullArgs kNullArgs[] = {
    {"sched_pi_setprio", 0x10},
    {"sched_process_wait", 0x1},
    {"sched_stick_numa", 0x100},
    {"sched_swap_numa", 0x100},
    {"afs_make_fs_call", 0x10},
    {"afs_make_fs_calli", 0x10},
    {"afs_make_fs_call1", 0x10},
    {"afs_make_fs_call2", 0x10},
    {"afs_protocol_error", 0x1},
    {"afs_flock_ev", 0x10},
    {"cachefiles_lookup", 0x201},
    {"cachefiles_unlink", 0x1},
    {"cachefiles_rename", 0x1},
    {"cachefiles_prep_read", 0x1},
    {"cachefiles_mark_active", 0x1},
    {"cachefiles_mark_failed", 0x1},
    {"cachefiles_mark_inactive", 0x1},
    {"cachefiles_vfs_error", 0x1},
    {"cachefiles_io_error", 0x1},
    {"cachefiles_ondemand_open", 0x1},
    {"cachefiles_ondemand_copen", 0x1},
    {"cachefiles_ondemand_close", 0x1},
    {"cachefiles_ondemand_read", 0x1},
    {"cachefiles_ondemand_cread", 0x1},
    {"cachefiles_ondemand_fd_write", 0x1},
    {"cachefiles_ondemand_fd_release", 0x1},
    {"ext4_mballoc_discard", 0x10},
    {"ext4_mballoc_free", 0x10},
    {"fib_table_lookup", 0x100},
    {"posix_lock_inode", 0x10},
    {"fcntl_setlk", 0x10},
    {"locks_remove_posix", 0x10},
    {"flock_lock_inode", 0x10},
    {"break_lease_noblock", 0x10},
    {"break_lease_block", 0x10},
    {"break_lease_unblock", 0x10},
    {"generic_delete_lease", 0x10},
    {"time_out_leases", 0x10},
    {"host1x_cdma_push_gather", 0x10000},
    {"mm_khugepaged_scan_pmd", 0x10},
    {"mm_collapse_huge_page_isolate", 0x1},
    {"mm_khugepaged_scan_file", 0x10},
    {"mm_khugepaged_collapse_file", 0x10},
    {"mm_page_alloc", 0x1},
    {"mm_page_pcpu_drain", 0x1},
    {"mm_page_alloc_zone_locked", 0x1},
    {"netfs_failure", 0x10},
    {"device_pm_callback_start", 0x10},
    {"qdisc_dequeue", 0x1000},
    {"rxrpc_recvdata", 0x1},
    {"rxrpc_resend", 0x10},
    {"signal_generate", 0x20},
    {"signal_deliver", 0x20},
    {"kfree_skb", 0x1000},
    {"xs_stream_read_data", 0x1},
    {"xprt_reserve_cong", 0x10},
    {"xprt_release_cong", 0x10},
    {"xprt_get_cong", 0x10},
    {"xprt_put_cong", 0x10},
    {"tcp_send_reset", 0x11},
    {"tegra_dma_tx_status", 0x100},
    {"tmigr_update_events", 0x1},
    {"writeback_dirty_folio", 0x10},
    {"folio_wait_writeback", 0x10},
    {"mr_integ_alloc", 0x2000},
    {"bpf_testmod_test_read", 0x0},
};

// Arguments of iterators that are not what their BTF says: null at the end, or a buffer.
struct IterArg {
  std::string_view target;  // function "bpf_iter_<target>"
  s32 off;
  RegBase base;
  u32 flags;
  std::string_view type;
};
constexpr u32 kNullTrusted = contract::kMaybeNull | contract::kTrusted;
constexpr IterArg kIterArgs[] = {
    {"task", 8, RegBase::kBtfId, kNullTrusted, "task_struct"},
    {"task_file", 8, RegBase::kBtfId, contract::kMaybeNull, "task_struct"},
    {"task_file", 24, RegBase::kBtfId, contract::kMaybeNull, "file"},
    {"task_vma", 8, RegBase::kBtfId, contract::kMaybeNull, "task_struct"},
    {"task_vma", 16, RegBase::kBtfId, contract::kMaybeNull, "vm_area_struct"},
    {"bpf_map", 8, RegBase::kBtfId, kNullTrusted, "bpf_map"},
    {"bpf_prog", 8, RegBase::kBtfId, contract::kMaybeNull, "bpf_prog"},
    {"bpf_link", 8, RegBase::kBtfId, contract::kMaybeNull, "bpf_link"},
    {"cgroup", 8, RegBase::kBtfId, kNullTrusted, "cgroup"},
    {"bpf_map_elem", 16, RegBase::kBuf, contract::kMaybeNull | contract::kRdOnly, ""},
    {"bpf_map_elem", 24, RegBase::kBuf, contract::kMaybeNull, ""},
    {"bpf_sk_storage_map", 16, RegBase::kBtfId, kNullTrusted, "sock"},
    {"bpf_sk_storage_map", 24, RegBase::kBuf, contract::kMaybeNull, ""},
    {"sockmap", 16, RegBase::kBuf, contract::kMaybeNull | contract::kRdOnly, ""},
    {"sockmap", 24, RegBase::kBtfId, kNullTrusted, "sock"},
    {"tcp", 8, RegBase::kBtfId, kNullTrusted, "sock_common"},
    {"udp", 8, RegBase::kBtfId, kNullTrusted, "udp_sock"},
    {"unix", 8, RegBase::kBtfId, kNullTrusted, "unix_sock"},
    {"netlink", 8, RegBase::kBtfId, kNullTrusted, "netlink_sock"},
    {"ipv6_route", 8, RegBase::kBtfId, contract::kMaybeNull, "fib6_info"},
    {"ksym", 8, RegBase::kBtfId, contract::kMaybeNull, "kallsym_iter"},
};

// Hooks that run while their object is made or taken apart.
constexpr std::string_view kUntrustedLsmHooks[] = {
    "bpf_lsm_bpf_map_free",       "bpf_lsm_bpf_prog_free",     "bpf_lsm_file_alloc_security",
    "bpf_lsm_file_free_security", "bpf_lsm_sk_alloc_security", "bpf_lsm_sk_free_security",
    "bpf_lsm_task_free"};

struct Hook {
  const btf::Btf* btf = nullptr;
  btf::TypeView proto;
  std::string_view name;
  bool is_trace = false;  // a tracepoint's typedef: its first parameter is not the program's
};

Hook hook_of(const Env& env) {
  Hook h;
  h.btf = env.attach_btf;
  h.name = env.attach_name;
  if (!h.btf || !env.attach_proto) return h;
  h.proto = h.btf->type(env.attach_proto);
  h.is_trace = env.attach_raw_tp;
  return h;
}

u32 words_of(const btf::TypeView& t) {
  return t.is(Kind::kPtr) ? 1 : (t.size() + 7) / 8;
}

// The parameter that the word at `off` belongs to (the tracepoint's own one not counted); nr for the return
// value, beyond for nothing.
u32 arg_index(const Hook& h, s32 off) {
  if (!h.proto.exists()) return static_cast<u32>(off) / 8;
  s64 end = 0;
  const u32 nr = h.proto.params().size();
  for (u32 i = 0; i < nr; i++) {
    end += 8 * words_of(h.btf->skip_modifiers(h.proto.params()[i].type));
    if (off < end) return i;
  }
  end += 8 * words_of(h.btf->skip_modifiers(h.proto.type()));
  return off < end ? nr : nr + 1;
}

bool args_trusted(const Env& env, const Hook& h) {
  switch (env.prog.expected_attach_type) {
    case kRawTp:
    case kIter: return true;
    case kLsmMac:
    case kLsmCgroup:
      return std::find(std::begin(kUntrustedLsmHooks), std::end(kUntrustedLsmHooks), h.name) ==
             std::end(kUntrustedLsmHooks);
    default: return env.type->ctx_model == contract::CtxModel::kStructOps;
  }
}

const IterArg* iter_arg(const Env& env, const Hook& h, s32 off) {
  constexpr std::string_view kPrefix = "bpf_iter_";
  if (env.prog.expected_attach_type != kIter || !h.name.starts_with(kPrefix)) return nullptr;
  const std::string_view target = h.name.substr(kPrefix.size());
  for (const IterArg& a : kIterArgs)
    if (a.target == target && a.off == off) return &a;
  return nullptr;
}

// Null and error pointers of this argument of a tracepoint. True: it may encode an error.
bool raw_tp_exceptions(const Env& env, const Hook& h, u32 arg, RegType& type) {
  if (env.prog.expected_attach_type != kRawTp) return false;
  for (const NullArgs& n : kNullArgs) {
    if (n.tracepoint != h.name) continue;
    if (n.mask & (1ull << (arg * 4))) type = type.with(contract::kMaybeNull);
    return n.mask & (2ull << (arg * 4));
  }
  // A module's tracepoint that nobody looked at.
  if (h.btf != env.cat.vmlinux.get()) type = type.with(contract::kMaybeNull);
  return false;
}

bool is_small_int(const btf::TypeView& t) {
  return t.is(Kind::kInt) && t.size() <= 8;
}

bool no_such_arg(Env& env, const Hook& h, u32 arg) {
  say(env, "func '{}' doesn't have {}-th argument", h.name, arg + 1);
  return false;
}

// What the attach target knows better than the prototype: every such struct of it is this larger one.
void promote(const Env& env, const Hook& h, CtxResult& out) {
  const contract::StructOpsDef* def = env.struct_ops;
  if (!def || def->promote_from.empty() || out.type.flags & ~u32{contract::kTrusted}) return;
  if (out.btf_id != h.btf->find(def->promote_from, Kind::kStruct)) return;
  if (const u32 id = h.btf->find(def->promote_to, Kind::kStruct)) out.btf_id = id;
}

bool pointer_arg(Env& env, const Hook& h, u32 arg, s32 off, btf::TypeView t, bool is_arg, CtxResult& out) {
  const IterArg* special = iter_arg(env, h, off);
  if (special && special->base == RegBase::kBuf) {
    out.type = RegType(special->base, special->flags);
    return true;
  }
  if (t.type() == 0) return true;                                   // void *: a number
  if (h.btf->skip_modifiers(t.type()).is(Kind::kInt)) return true;  // int *: the same
  if (special) {
    if (!env.cat.vmlinux) env.unsupported("an iterator's argument without kernel types");
    out.type = RegType(special->base, special->flags);
    out.btf = env.cat.vmlinux.get();
    out.btf_id = out.btf->find(special->type, Kind::kStruct);
    if (out.btf_id) return true;
    say(env, "invalid btf_id for context argument offset {}", off);
    return false;
  }
  for (const contract::NullableArg& n : env.nullable_args) {
    if (n.offset != off) continue;
    out.type = RegType(RegBase::kBtfId, kNullTrusted);
    out.btf = h.btf;
    out.btf_id = n.btf_id;
    return true;
  }
  if (const Program* target = env.prog.attach.program) {
    // Only the traced program's context has a type here: the kernel's own struct behind it.
    const contract::ProgTypeDef* rules = env.cat.prog_type(target->type);
    if (!rules || !is_program_context(*rules, *h.btf, t)) return false;
    if (!env.cat.vmlinux) env.unsupported("the context of a traced BPF program without kernel types");
    out.type = RegType(RegBase::kBtfId, 0u);
    out.btf = env.cat.vmlinux.get();
    out.btf_id = out.btf->find(rules->kern_ctx_name, Kind::kStruct);
    return out.btf_id != 0;
  }

  RegType type(RegBase::kBtfId, args_trusted(env, h) ? u32{contract::kTrusted} : 0u);
  if (is_arg) {
    const u32 index = arg + (h.is_trace ? 1 : 0);
    if (h.proto.params()[index].name.ends_with("__nullable")) type = type.with(contract::kMaybeNull);
  }
  const bool may_be_error = raw_tp_exceptions(env, h, arg, type);
  out.btf = h.btf;
  const btf::TypeView direct = h.btf->type(t.type());
  if (direct.is(Kind::kTypeTag)) {
    if (direct.name() == "user") type = type.with(contract::kUserMem);
    if (direct.name() == "percpu") type = type.with(contract::kPercpu);
  }
  const btf::TypeView target = h.btf->skip_modifiers(t.type());
  out.btf_id = target.id();
  if (!target.is_struct_or_union()) {
    say(env, "func '{}' arg{} type {} is not a struct", h.name, arg, btf::kind_name(target.kind()));
    return false;
  }
  env.log("func '{}' arg{} has btf_id {} type {} '{}'\n", h.name, arg, out.btf_id,
          btf::kind_name(target.kind()), target.name());
  if (may_be_error) {
    env.log("marking pointer arg{} as scalar as it may encode error", arg);
    return true;
  }
  out.type = type;
  promote(env, h, out);
  return true;
}

}  // namespace

bool btf_ctx_access(Env& env, s32 off, int size, CtxResult& out) {
  const Hook h = hook_of(env);
  if (off % 8) {
    say(env, "func '{}' offset {} is not multiple of 8", h.name, off);
    return false;
  }
  const bool known = h.proto.exists();
  const u32 arg = arg_index(h, off);
  u32 nr = known ? h.proto.params().size() : kDefaultArgs;
  if (h.is_trace && nr) nr--;
  if (arg > nr) return no_such_arg(env, h, arg);
  btf::TypeView t;
  const bool is_arg = arg < nr;
  if (is_arg) {
    if (!known) return true;
    t = h.btf->type(h.proto.params()[arg + (h.is_trace ? 1 : 0)].type);
  } else {
    switch (env.prog.expected_attach_type) {
      case kLsmMac: out.is_retval = true; [[fallthrough]];
      case kLsmCgroup:
      case kFexit:
        if (!known) return true;
        t = h.btf->type(h.proto.type());
        break;
      case kModifyReturn:
        if (!known) return false;
        t = h.btf->skip_modifiers(h.proto.type());
        if (!is_small_int(t)) {
          say(env, "ret type {} not allowed for fmod_ret", btf::kind_name(t.kind()));
          return false;
        }
        break;
      default: return no_such_arg(env, h, arg);
    }
  }
  t = h.btf->skip_modifiers(t.id());
  if (is_small_int(t) || t.is_any_enum() || t.is(Kind::kStruct)) return true;
  if (!t.is(Kind::kPtr)) {
    say(env, "func '{}' arg{} '{}' has type {}. Only pointer access is allowed", h.name, arg, t.name(),
        btf::kind_name(t.kind()));
    return false;
  }
  if (size != 8) {
    say(env, "func '{}' size {} must be 8", h.name, size);
    return false;
  }
  return pointer_arg(env, h, arg, off, t, is_arg, out);
}

}  // namespace osmia::verifier
