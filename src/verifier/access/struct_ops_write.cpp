// Writes to kernel objects: nothing may be written but what the program's struct of functions lists. Sound
// because a write is let through only if all its bytes lie in one listed part of exactly the listed struct.
#include "btf/btf.h"
#include "verifier/access/region.h"

namespace osmia::verifier {
namespace {

using contract::WritableMember;
using contract::WritableStruct;

struct Part {
  u32 start = 0, end = 0;  // bytes
};

// The bytes of member "a.b.c" of a struct; false: there is no such member, or it is no whole bytes.
bool find_part(const btf::Btf& btf, const WritableMember& m, Part& out) {
  u32 id = btf.find(m.struct_name, btf::Kind::kStruct);
  if (!id) return false;
  out = {0, btf.type(id).size()};
  for (std::string_view path = m.member; !path.empty();) {
    const std::string_view name = path.substr(0, path.find('.'));
    path.remove_prefix(std::min(path.size(), name.size() + 1));
    const btf::TypeView type = btf.skip_modifiers(id);
    if (!type.is_struct_or_union()) return false;
    bool found = false;
    for (const btf::Member& member : type.members()) {
      if (member.name != name) continue;
      const auto size = btf.size_of(member.type);
      if (member.bitfield_size || member.bit_offset % 8 || !size.ok()) return false;
      out.start += member.bit_offset / 8;
      out.end = out.start + *size;
      id = member.type;
      found = true;
      break;
    }
    if (!found) return false;
  }
  if (out.end - out.start < m.spare) return false;
  out.end -= m.spare;
  return true;
}

[[noreturn]] void refuse(Env& env, std::string_view text, const WritableStruct& s, s32 off, int size,
                         u32 end) {
  if (text.empty()) env.reject_silently(EACCES);
  env.reject_text(EACCES, fmt::format(fmt::runtime(text), fmt::arg("off", off), fmt::arg("size", size),
                                      fmt::arg("end", end), fmt::arg("name", s.name)));
}

void check_parts(Env& env, const RegState& r, const WritableStruct& s, s32 off, int size) {
  const u64 first = static_cast<u32>(off), last = first + static_cast<u32>(size);  // off is not negative
  if (!s.outside.empty() && last > r.btf->type(r.btf_id).size()) refuse(env, s.outside, s, off, size, 0);
  for (const WritableMember& m : s.parts) {
    Part part;
    if (!find_part(*r.btf, m, part)) continue;
    const bool begins_here = m.anywhere ? first >= part.start && first < part.end : first == part.start;
    if (!begins_here) continue;
    if (last > part.end) refuse(env, s.too_long, s, off, size, part.end);
    return;
  }
  refuse(env, s.no_part, s, off, size, 0);
}

}  // namespace

void check_kernel_write(Env& env, const RegState& r, s32 off, int size) {
  const contract::StructOpsDef* def = env.struct_ops;
  if (!def || def->writable.empty()) env.reject(EACCES, "only read is supported");
  if (!is_kernel_btf(env, r.btf)) OSMIA_BUG("a write to an object of unknown BTF");
  for (const WritableStruct& s : def->writable)
    if (r.btf->find(s.name, btf::Kind::kStruct) == r.btf_id) return check_parts(env, r, s, off, size);
  if (def->write_denied.empty()) env.reject_silently(EACCES);
  env.reject(EACCES, "{}", def->write_denied);
}

}  // namespace osmia::verifier
