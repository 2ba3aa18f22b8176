// TypeView: unpacks one record. Total by construction: a view without a record, or of another kind than the
// question is about, answers zero or an empty list.
#include "btf/btf.h"
#include "btf/layout.h"

namespace osmia::btf {

Kind TypeView::kind() const {
  return record_ ? static_cast<Kind>(info_kind(info())) : Kind::kVoid;
}
u32 TypeView::name_off() const {
  return record_ ? word(record_, 0) : 0;
}
u32 TypeView::info() const {
  return record_ ? word(record_, 1) : 0;
}
u32 TypeView::size_or_type() const {
  return record_ ? word(record_, 2) : 0;
}
u32 TypeView::vlen() const {
  return info_vlen(info());
}
bool TypeView::kind_flag() const {
  return info_kflag(info());
}
std::string_view TypeView::name() const {
  return record_ ? btf_->string(name_off()) : std::string_view();
}

u32 TypeView::size() const {
  switch (kind()) {
    case Kind::kInt:
    case Kind::kStruct:
    case Kind::kUnion:
    case Kind::kEnum:
    case Kind::kEnum64:
    case Kind::kFloat:
    case Kind::kDatasec: return size_or_type();
    default: return 0;
  }
}

u32 TypeView::type() const {
  switch (kind()) {
    case Kind::kPtr:
    case Kind::kTypedef:
    case Kind::kVolatile:
    case Kind::kConst:
    case Kind::kRestrict:
    case Kind::kTypeTag:
    case Kind::kFunc:
    case Kind::kFuncProto:
    case Kind::kVar:
    case Kind::kDeclTag: return size_or_type();
    default: return 0;
  }
}

bool TypeView::is_modifier() const {
  switch (kind()) {
    case Kind::kTypedef:
    case Kind::kVolatile:
    case Kind::kConst:
    case Kind::kRestrict:
    case Kind::kTypeTag: return true;
    default: return false;
  }
}

u32 TypeView::record_size() const {
  return record_ ? kTypeSize + extra_size(info_kind(info()), vlen()) : 0;
}

IntInfo TypeView::int_info() const {
  if (!is(Kind::kInt)) return {};
  const u32 w = word(record_, 3);
  return {static_cast<u8>(w >> 24 & 0xf), static_cast<u8>(w >> 16), static_cast<u8>(w)};
}

ArrayInfo TypeView::array() const {
  if (!is(Kind::kArray)) return {};
  return {word(record_, 3), word(record_, 4), word(record_, 5)};
}

Items<Member> TypeView::members() const {
  return {btf_, record_, is_struct_or_union() ? vlen() : 0, [](const Btf& btf, const u8* record, u32 i) {
            const u8* p = record + kTypeSize + 12 * static_cast<size_t>(i);
            Member m;
            m.name_off = word(p, 0);
            m.name = btf.string(m.name_off);
            m.type = word(p, 1);
            m.bit_offset = word(p, 2);
            if (info_kflag(word(record, 1))) {
              m.bitfield_size = m.bit_offset >> 24;
              m.bit_offset &= 0xffffff;
            }
            return m;
          }};
}

Items<Enumerator> TypeView::enumerators() const {
  return {btf_, record_, is_any_enum() ? vlen() : 0, [](const Btf& btf, const u8* record, u32 i) {
            const u32 info = word(record, 1);
            Enumerator e;
            if (static_cast<Kind>(info_kind(info)) == Kind::kEnum) {
              const u8* p = record + kTypeSize + 8 * static_cast<size_t>(i);
              e.name_off = word(p, 0);
              const u32 v = word(p, 1);
              e.value = info_kflag(info) ? static_cast<u64>(sign_extend(v, 32)) : v;
            } else {
              const u8* p = record + kTypeSize + 12 * static_cast<size_t>(i);
              e.name_off = word(p, 0);
              e.value = static_cast<u64>(word(p, 2)) << 32 | word(p, 1);
            }
            e.name = btf.string(e.name_off);
            return e;
          }};
}

Items<Param> TypeView::params() const {
  return {btf_, record_, is(Kind::kFuncProto) ? vlen() : 0, [](const Btf& btf, const u8* record, u32 i) {
            const u8* p = record + kTypeSize + 8 * static_cast<size_t>(i);
            return Param{btf.string(word(p, 0)), word(p, 0), word(p, 1)};
          }};
}

Items<VarSecinfo> TypeView::var_secinfos() const {
  return {btf_, record_, is(Kind::kDatasec) ? vlen() : 0, [](const Btf&, const u8* record, u32 i) {
            const u8* p = record + kTypeSize + 12 * static_cast<size_t>(i);
            return VarSecinfo{word(p, 0), word(p, 1), word(p, 2)};
          }};
}

FuncLinkage TypeView::func_linkage() const {
  return is(Kind::kFunc) ? static_cast<FuncLinkage>(vlen()) : FuncLinkage::kStatic;
}
u32 TypeView::var_linkage() const {
  return is(Kind::kVar) ? word(record_, 3) : 0;
}
int TypeView::component_idx() const {
  return is(Kind::kDeclTag) ? static_cast<int>(word(record_, 3)) : -1;
}

}  // namespace osmia::btf
