// bpftool's raw listing, line by line. Appends to one string: a kernel's BTF makes ten million characters.
#include "btf/dump_raw.h"

#include <fmt/format.h>

#include <iterator>

namespace osmia::btf {

namespace {

std::string_view shown(const Btf& btf, u32 name_off) {
  if (!name_off) return "(anon)";
  return btf.has_string(name_off) ? btf.string(name_off) : "(invalid)";
}

const char* encoding_name(u8 encoding) {
  switch (encoding) {
    case 0: return "(none)";
    case kIntSigned: return "SIGNED";
    case kIntChar: return "CHAR";
    case kIntBool: return "BOOL";
    default: return "UNKN";
  }
}

const char* linkage_name(u32 linkage) {
  static const char* const kNames[] = {"static", "global", "extern"};
  return linkage < 3 ? kNames[linkage] : "(unknown)";
}

void append_type(std::string& s, const Btf& btf, const TypeView& t) {
  auto out = std::back_inserter(s);
  auto put = [&]<class... A>(fmt::format_string<A...> f, A&&... a) {
    fmt::format_to(out, f, std::forward<A>(a)...);
  };
  put("[{}] {} '{}'", t.id(), kind_name(t.kind()), shown(btf, t.name_off()));
  switch (t.kind()) {
    case Kind::kVoid: break;
    case Kind::kInt: {
      const IntInfo i = t.int_info();
      put(" size={} bits_offset={} nr_bits={} encoding={}", t.size(), i.offset, i.bits,
          encoding_name(i.encoding));
      break;
    }
    case Kind::kPtr:
    case Kind::kConst:
    case Kind::kVolatile:
    case Kind::kRestrict:
    case Kind::kTypedef:
    case Kind::kTypeTag: put(" type_id={}", t.type()); break;
    case Kind::kArray: {
      const ArrayInfo a = t.array();
      put(" type_id={} index_type_id={} nr_elems={}", a.type, a.index_type, a.nelems);
      break;
    }
    case Kind::kStruct:
    case Kind::kUnion:
      put(" size={} vlen={}", t.size(), t.vlen());
      for (const Member m : t.members()) {
        put("\n\t'{}' type_id={} bits_offset={}", shown(btf, m.name_off), m.type, m.bit_offset);
        if (m.bitfield_size) put(" bitfield_size={}", m.bitfield_size);
      }
      break;
    case Kind::kEnum:
    case Kind::kEnum64: {
      const bool wide = t.is(Kind::kEnum64), is_signed = t.kind_flag();
      put(" encoding={} size={} vlen={}", is_signed ? "SIGNED" : "UNSIGNED", t.size(), t.vlen());
      for (const Enumerator e : t.enumerators()) {
        put("\n\t'{}' val=", shown(btf, e.name_off));
        if (is_signed)
          put("{}{}", static_cast<s64>(e.value), wide ? "LL" : "");
        else
          put("{}{}", e.value, wide ? "ULL" : "");
      }
      break;
    }
    case Kind::kFwd: put(" fwd_kind={}", t.kind_flag() ? "union" : "struct"); break;
    case Kind::kFunc: put(" type_id={} linkage={}", t.type(), linkage_name(t.vlen())); break;
    case Kind::kFuncProto:
      put(" ret_type_id={} vlen={}", t.type(), t.vlen());
      for (const Param p : t.params()) put("\n\t'{}' type_id={}", shown(btf, p.name_off), p.type);
      break;
    case Kind::kVar: put(" type_id={}, linkage={}", t.type(), linkage_name(t.var_linkage())); break;
    case Kind::kDatasec:
      put(" size={} vlen={}", t.size(), t.vlen());
      for (const VarSecinfo v : t.var_secinfos()) {
        put("\n\ttype_id={} offset={} size={}", v.type, v.offset, v.size);
        if (const TypeView vt = btf.type(v.type); vt.exists())
          put(" ({} '{}')", kind_name(vt.kind()), shown(btf, vt.name_off()));
      }
      break;
    case Kind::kFloat: put(" size={}", t.size()); break;
    case Kind::kDeclTag: put(" type_id={} component_idx={}", t.type(), t.component_idx()); break;
  }
}

}  // namespace

std::string dump_raw_type(const Btf& btf, u32 id) {
  std::string s;
  append_type(s, btf, btf.type(id));
  return s;
}

std::string dump_raw(const Btf& btf) {
  std::string s;
  s.reserve(btf.bytes().size() * 2);
  for (u32 id = btf.start_id(); id < btf.end_id(); ++id) {
    append_type(s, btf, btf.type(id));
    s += '\n';
  }
  return s;
}

}  // namespace osmia::btf
