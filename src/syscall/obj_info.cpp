// OBJ_GET_INFO_BY_FD for programs, maps, BTF and links. The caller's info_len may be shorter (the record is
// cut) or longer (zeros expected); arrays inside are filled up to the counts that the caller gave, and the
// true counts come back.
#include <algorithm>
#include <cstring>

#include "runtime/jited.h"
#include "syscall/call.h"

namespace osmia::syscall {
namespace {

constexpr size_t kLenField = offsetof(union bpf_attr, info.info_len);

// The caller's record, cut or extended to T.
template <class T>
long read_info(Call& c, T& info, u32& len, size_t known = sizeof(T)) {
  len = c.attr.info.info_len;
  if (const int e = check_tail_zero(c.attr.info.info, known, len)) return e;
  len = std::min<u32>(len, sizeof(T));
  std::memset(&info, 0, sizeof info);
  return copy_from_user(&info, c.attr.info.info, len);
}
template <class T>
long write_info(Call& c, const T& info, u32 len) {
  if (copy_to_user(c.attr.info.info, &info, len) || c.put(kLenField, len)) return -EFAULT;
  return 0;
}
// Fills a user array of at most `room` elements; room becomes the true count.
template <class Array, class N>
long put_array(u64 user, N& room, const Array& all, u32 unit = 1) {
  const u64 n = std::min<u64>(room / unit, all.size());
  room = static_cast<N>(all.size() * unit);
  return n ? copy_to_user(user, all.data(), n * sizeof(*all.data())) : 0;
}

// bpf_insn_prepare_dump's last step: who may not see addresses gets neither calls nor host addresses.
std::vector<isa::Insn> shown_insns(const runtime::Dump& dump, bool raw) {
  std::vector<isa::Insn> v = dump.insns;
  if (raw) return v;
  for (isa::Insn& in : v)
    if (in.code == (isa::kJmp | isa::kCall)) in.imm = 0;
  for (const u32 i : dump.addresses) v[i].imm = v[i + 1].imm = 0;
  return v;
}

long prog_info(Call& c, runtime::Program& p) {
  struct bpf_prog_info info;
  u32 len;
  if (const long e = read_info(c, info, len, offsetof(struct bpf_prog_info, attach_btf_id) + 4)) return e;
  info.type = p.desc.type;
  info.id = p.id;
  info.load_time = p.load_time_ns;
  info.created_by_uid = p.uid;
  info.gpl_compatible = p.desc.gpl_compatible;
  std::memcpy(info.tag, p.tag.data(), p.tag.size());
  std::memset(info.name, 0, sizeof info.name);
  std::memcpy(info.name, p.desc.name.data(), std::min(p.desc.name.size(), sizeof info.name - 1));
  {
    std::lock_guard lock(p.maps_mutex);
    std::vector<u32> ids;
    for (const auto& m : p.maps) ids.push_back(m->info().id);
    if (put_array(info.map_ids, info.nr_map_ids, ids)) return -EFAULT;
  }
  if (((info.nr_func_info || info.func_info_rec_size) && info.func_info_rec_size != 8) ||
      ((info.nr_line_info || info.line_info_rec_size) && info.line_info_rec_size != 16) ||
      ((info.nr_jited_line_info || info.jited_line_info_rec_size) && info.jited_line_info_rec_size != 8))
    return fail(EINVAL, "record sizes of func_info or line_info");
  info.func_info_rec_size = 8, info.line_info_rec_size = 16, info.jited_line_info_rec_size = 8;
  info.run_time_ns = p.run_ns.load();
  info.run_cnt = p.run_count.load();
  info.recursion_misses = p.recursion_misses.load();
  info.verified_insns = p.verdict.stats.insns_processed;
  if (p.btf) info.btf_id = p.btf->id;
  if (!c.capable(contract::Capability::kBpf)) {
    info.jited_prog_len = info.xlated_prog_len = info.nr_jited_ksyms = info.nr_jited_func_lens = 0;
    info.nr_func_info = info.nr_line_info = info.nr_jited_line_info = 0;
    return write_info(c, info, len);
  }
  // bpf_dump_raw_ok: kallsyms would show addresses to this caller.
  const bool raw = c.capable(contract::Capability::kSysAdmin);
  const runtime::Dump& dump = p.dump();
  if (put_array(info.xlated_prog_insns, info.xlated_prog_len, shown_insns(dump, raw), sizeof(isa::Insn)))
    return -EFAULT;
  const runtime::JitedView jited = runtime::jited_view(p);
  std::vector<std::array<u8, 8>> tags;
  for (const auto& f : dump.functions) tags.push_back(f.tag);
  // Without the right to see addresses the counts remain, and the arrays become null.
  const auto hide = [&](auto& array, auto& room) {
    if (!raw && room) array = 0, room = 0;
  };
  hide(info.jited_prog_insns, info.jited_prog_len);
  hide(info.jited_ksyms, info.nr_jited_ksyms);
  hide(info.jited_func_lens, info.nr_jited_func_lens);
  hide(info.jited_line_info, info.nr_jited_line_info);
  if (put_array(info.jited_prog_insns, info.jited_prog_len, jited.bytes) ||
      put_array(info.jited_ksyms, info.nr_jited_ksyms, jited.functions) ||
      put_array(info.jited_func_lens, info.nr_jited_func_lens, jited.lengths) ||
      put_array(info.jited_line_info, info.nr_jited_line_info, jited.lines))
    return -EFAULT;
  info.attach_btf_id = p.desc.attach.btf_id;
  if (p.attach_btf)
    info.attach_btf_obj_id = p.attach_btf->id;
  else if (p.attach_program && p.attach_program->btf)
    info.attach_btf_obj_id = p.attach_program->btf->id;
  if (put_array(info.func_info, info.nr_func_info, dump.func_info)) return -EFAULT;
  if (put_array(info.line_info, info.nr_line_info, dump.line_info)) return -EFAULT;
  if (put_array(info.prog_tags, info.nr_prog_tags, tags)) return -EFAULT;
  return write_info(c, info, len);
}

long map_info(Call& c, maps::Map& m) {
  struct bpf_map_info info;
  u32 len = c.attr.info.info_len;
  if (const int e = check_tail_zero(c.attr.info.info, sizeof info, len)) return e;
  len = std::min<u32>(len, sizeof info);
  std::memset(&info, 0, sizeof info);
  const verifier::MapInfo& i = m.info();
  info.type = i.type, info.id = i.id, info.key_size = i.key_size, info.value_size = i.value_size;
  info.max_entries = i.max_entries, info.map_flags = i.map_flags, info.map_extra = i.map_extra;
  std::memcpy(info.name, i.name.data(), std::min(i.name.size(), sizeof info.name - 1));
  if (i.btf)
    info.btf_id = m.btf_id, info.btf_key_type_id = i.btf_key_type_id,
    info.btf_value_type_id = i.btf_value_type_id;
  info.btf_vmlinux_value_type_id = m.btf_vmlinux_value_type_id;
  return write_info(c, info, len);
}

long btf_info(Call& c, runtime::BtfObject& b) {
  struct bpf_btf_info info;
  u32 len;
  if (const long e = read_info(c, info, len)) return e;
  const auto bytes = b.btf->bytes();
  if (copy_to_user(info.btf, bytes.data(), std::min<u64>(bytes.size(), info.btf_size))) return -EFAULT;
  info.id = b.id;
  info.btf_size = static_cast<u32>(bytes.size());
  info.kernel_btf = b.kernel;
  const u32 room = info.name_len;
  if (!info.name != !room) return fail(EINVAL, "name and name_len do not fit");
  info.name_len = static_cast<u32>(b.name.size());
  long result = 0;
  if (info.name) {
    std::string name = b.name.substr(0, room - 1);
    if (copy_to_user(info.name, name.c_str(), name.size() + 1)) return -EFAULT;
    if (b.name.size() + 1 > room) result = -ENOSPC;
  }
  if (const long e = write_info(c, info, len)) return e;
  return result;
}

long link_info(Call& c, runtime::Link& l) {
  struct bpf_link_info info;
  u32 len;
  if (const long e = read_info(c, info, len)) return e;
  info.type = l.type;
  info.id = l.id;
  const runtime::ProgramPtr program = l.program();
  info.prog_id = program ? program->id : 0;
  if (const int e = l.fill_info(info)) return e;
  return write_info(c, info, len);
}

}  // namespace

long obj_get_info_by_fd(Call& c) {
  OSMIA_CHECK_ATTR(c, info.info);
  const int fd = static_cast<int>(c.attr.info.bpf_fd);
  Fd f = c.fds.get(fd);
  if (auto* p = std::get_if<runtime::ProgramPtr>(&f.object)) return prog_info(c, **p);
  if (auto* m = std::get_if<maps::MapPtr>(&f.object)) return map_info(c, **m);
  if (auto* b = std::get_if<runtime::BtfObjectPtr>(&f.object)) return btf_info(c, **b);
  if (auto* l = std::get_if<runtime::LinkPtr>(&f.object)) return link_info(c, **l);
  return FdTable::is_open(fd) ? fail(EINVAL, "bpf_fd is not a BPF object")
                              : fail(EBADFD, "bpf_fd is not open");
}

}  // namespace osmia::syscall
