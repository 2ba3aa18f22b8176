// The builder: one vector of words for the types, one string with all names. Nothing is checked here.
#include "btf/write.h"

#include <cstring>

#include "btf/layout.h"

namespace osmia::btf {

Writer::Writer(const Btf& base) : next_id_(base.end_id()), string_base_(base.end_string_offset()) {}

u32 Writer::info_word(Kind kind, u32 vlen, bool kind_flag) {
  return static_cast<u32>(kind) << 24 | (vlen & 0xffff) | (kind_flag ? 1u << 31 : 0);
}

u32 Writer::add_string(std::string_view s) {
  if (const auto it = offsets_.find(s); it != offsets_.end()) return it->second;
  const u32 off = string_base_ + static_cast<u32>(strings_.size());
  strings_.append(s).push_back('\0');
  offsets_.emplace(s, off);
  return off;
}

u32 Writer::add_raw(u32 name_off, u32 info, u32 size_or_type, std::span<const u32> extra) {
  words_.insert(words_.end(), {name_off, info, size_or_type});
  words_.insert(words_.end(), extra.begin(), extra.end());
  return next_id_++;
}

u32 Writer::add_int_raw(std::string_view name, u32 size, u8 encoding, u8 bit_offset, u8 bits) {
  const u32 w[] = {static_cast<u32>(encoding) << 24 | static_cast<u32>(bit_offset) << 16 | bits};
  return add_raw(add_string(name), info_word(Kind::kInt, 0, false), size, w);
}
u32 Writer::add_int(std::string_view name, u32 size, u8 encoding) {
  return add_int_raw(name, size, encoding, 0, static_cast<u8>(size * 8));
}
u32 Writer::add_float(std::string_view name, u32 size) {
  return add_raw(add_string(name), info_word(Kind::kFloat, 0, false), size);
}
u32 Writer::add_ptr(u32 type) {
  return add_raw(0, info_word(Kind::kPtr, 0, false), type);
}
u32 Writer::add_typedef(std::string_view name, u32 type) {
  return add_raw(add_string(name), info_word(Kind::kTypedef, 0, false), type);
}
u32 Writer::add_const(u32 type) {
  return add_raw(0, info_word(Kind::kConst, 0, false), type);
}
u32 Writer::add_volatile(u32 type) {
  return add_raw(0, info_word(Kind::kVolatile, 0, false), type);
}
u32 Writer::add_restrict(u32 type) {
  return add_raw(0, info_word(Kind::kRestrict, 0, false), type);
}
u32 Writer::add_type_tag(std::string_view name, u32 type) {
  return add_raw(add_string(name), info_word(Kind::kTypeTag, 0, false), type);
}
u32 Writer::add_array(u32 elem_type, u32 index_type, u32 nelems) {
  const u32 w[] = {elem_type, index_type, nelems};
  return add_raw(0, info_word(Kind::kArray, 0, false), 0, w);
}

u32 Writer::add_aggregate(Kind kind, std::string_view name, u32 size, std::span<const MemberDef> members) {
  bool bitfields = false;
  for (const MemberDef& m : members) bitfields |= m.bitfield_size != 0;
  std::vector<u32> w;
  for (const MemberDef& m : members)
    w.insert(w.end(), {add_string(m.name), m.type, m.bit_offset | m.bitfield_size << 24});
  return add_raw(add_string(name), info_word(kind, static_cast<u32>(members.size()), bitfields), size, w);
}
u32 Writer::add_struct(std::string_view name, u32 size, std::span<const MemberDef> members) {
  return add_aggregate(Kind::kStruct, name, size, members);
}
u32 Writer::add_struct(std::string_view name, u32 size, std::initializer_list<MemberDef> members) {
  return add_aggregate(Kind::kStruct, name, size, {members.begin(), members.size()});
}
u32 Writer::add_union(std::string_view name, u32 size, std::span<const MemberDef> members) {
  return add_aggregate(Kind::kUnion, name, size, members);
}
u32 Writer::add_union(std::string_view name, u32 size, std::initializer_list<MemberDef> members) {
  return add_aggregate(Kind::kUnion, name, size, {members.begin(), members.size()});
}

u32 Writer::add_enum(std::string_view name, u32 size, std::initializer_list<EnumDef> values, bool is_signed) {
  return add_enum(name, size, std::span<const EnumDef>(values.begin(), values.size()), is_signed);
}
u32 Writer::add_enum(std::string_view name, u32 size, std::span<const EnumDef> values, bool is_signed) {
  std::vector<u32> w;
  for (const EnumDef& e : values) w.insert(w.end(), {add_string(e.name), static_cast<u32>(e.value)});
  return add_raw(add_string(name), info_word(Kind::kEnum, static_cast<u32>(values.size()), is_signed), size,
                 w);
}
u32 Writer::add_enum64(std::string_view name, std::initializer_list<EnumDef> values, bool is_signed) {
  std::vector<u32> w;
  for (const EnumDef& e : values)
    w.insert(w.end(), {add_string(e.name), static_cast<u32>(e.value),
                       static_cast<u32>(static_cast<u64>(e.value) >> 32)});
  return add_raw(add_string(name), info_word(Kind::kEnum64, static_cast<u32>(values.size()), is_signed), 8,
                 w);
}
u32 Writer::add_fwd(std::string_view name, bool is_union) {
  return add_raw(add_string(name), info_word(Kind::kFwd, 0, is_union), 0);
}

u32 Writer::add_func_proto(u32 return_type, std::span<const ParamDef> params) {
  std::vector<u32> w;
  for (const ParamDef& p : params) w.insert(w.end(), {add_string(p.name), p.type});
  return add_raw(0, info_word(Kind::kFuncProto, static_cast<u32>(params.size()), false), return_type, w);
}
u32 Writer::add_func_proto(u32 return_type, std::initializer_list<ParamDef> params) {
  return add_func_proto(return_type, std::span<const ParamDef>(params.begin(), params.size()));
}
u32 Writer::add_func(std::string_view name, u32 proto, FuncLinkage linkage) {
  return add_raw(add_string(name), info_word(Kind::kFunc, static_cast<u32>(linkage), false), proto);
}
u32 Writer::add_var(std::string_view name, u32 type, VarLinkage linkage) {
  const u32 w[] = {static_cast<u32>(linkage)};
  return add_raw(add_string(name), info_word(Kind::kVar, 0, false), type, w);
}
u32 Writer::add_datasec(std::string_view name, u32 size, std::initializer_list<VarSecinfo> vars) {
  std::vector<u32> w;
  for (const VarSecinfo& v : vars) w.insert(w.end(), {v.type, v.offset, v.size});
  return add_raw(add_string(name), info_word(Kind::kDatasec, static_cast<u32>(vars.size()), false), size, w);
}
u32 Writer::add_decl_tag(std::string_view name, u32 type, int component) {
  const u32 w[] = {static_cast<u32>(component)};
  return add_raw(add_string(name), info_word(Kind::kDeclTag, 0, false), type, w);
}

std::vector<u8> Writer::bytes() const {
  const u32 type_len = static_cast<u32>(words_.size() * 4);
  // A split BTF's section starts with no empty string of its own, but one does no harm.
  const u32 header[] = {kMagic | 1u << 16, kHeaderSize, 0,
                        type_len,          type_len,    static_cast<u32>(strings_.size())};
  std::vector<u8> out(sizeof header + type_len + strings_.size());
  std::memcpy(out.data(), header, sizeof header);
  if (type_len) std::memcpy(out.data() + sizeof header, words_.data(), type_len);
  std::memcpy(out.data() + sizeof header + type_len, strings_.data(), strings_.size());
  return out;
}

}  // namespace osmia::btf
