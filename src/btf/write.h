// Builds BTF bytes: for tests, and for a host application that describes its own types. It writes what it is
// told, sound or not, so that tests can make malformed BTF; parse() is the judge.
#pragma once
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "btf/btf.h"

namespace osmia::btf {

class Writer {
 public:
  struct MemberDef {
    std::string_view name;
    u32 type;
    u32 bit_offset;
    u32 bitfield_size = 0;
  };
  struct EnumDef {
    std::string_view name;
    s64 value;
  };
  struct ParamDef {
    std::string_view name;
    u32 type;
  };

  Writer() = default;
  explicit Writer(const Btf& base);  // split: ids and string offsets go on from the base's

  // Each returns the new type's id.
  u32 add_int(std::string_view name, u32 size, u8 encoding = 0);  // IntEncoding bits
  u32 add_int_raw(std::string_view name, u32 size, u8 encoding, u8 bit_offset, u8 bits);
  u32 add_float(std::string_view name, u32 size);
  u32 add_ptr(u32 type);
  u32 add_typedef(std::string_view name, u32 type);
  u32 add_const(u32 type);
  u32 add_volatile(u32 type);
  u32 add_restrict(u32 type);
  u32 add_type_tag(std::string_view name, u32 type);
  u32 add_array(u32 elem_type, u32 index_type, u32 nelems);
  // kind_flag is set when any member is a bit field.
  u32 add_struct(std::string_view name, u32 size, std::span<const MemberDef> members);
  u32 add_struct(std::string_view name, u32 size, std::initializer_list<MemberDef> members);
  u32 add_union(std::string_view name, u32 size, std::span<const MemberDef> members);
  u32 add_union(std::string_view name, u32 size, std::initializer_list<MemberDef> members);
  u32 add_enum(std::string_view name, u32 size, std::span<const EnumDef> values, bool is_signed = false);
  u32 add_enum(std::string_view name, u32 size, std::initializer_list<EnumDef> values,
               bool is_signed = false);
  u32 add_enum64(std::string_view name, std::initializer_list<EnumDef> values, bool is_signed = false);
  u32 add_fwd(std::string_view name, bool is_union = false);
  u32 add_func_proto(u32 return_type, std::span<const ParamDef> params);
  u32 add_func_proto(u32 return_type, std::initializer_list<ParamDef> params);
  u32 add_func(std::string_view name, u32 proto, FuncLinkage linkage = FuncLinkage::kStatic);
  u32 add_var(std::string_view name, u32 type, VarLinkage linkage = VarLinkage::kGlobal);
  u32 add_datasec(std::string_view name, u32 size, std::initializer_list<VarSecinfo> vars);
  u32 add_decl_tag(std::string_view name, u32 type, int component = -1);

  u32 add_string(std::string_view s);  // its offset; equal strings share one
  // A record of any shape: common words as given, then `extra` words.
  u32 add_raw(u32 name_off, u32 info, u32 size_or_type, std::span<const u32> extra = {});
  static u32 info_word(Kind kind, u32 vlen, bool kind_flag);

  u32 next_id() const { return next_id_; }
  std::vector<u8> bytes() const;  // header, types, strings

 private:
  u32 add_aggregate(Kind kind, std::string_view name, u32 size, std::span<const MemberDef> members);
  std::vector<u32> words_;
  std::string strings_ = std::string(1, '\0');
  std::map<std::string, u32, std::less<>> offsets_{{"", 0}};
  u32 next_id_ = 1;
  u32 string_base_ = 0;
};

}  // namespace osmia::btf
