// The lines of Linux's BTF log, to the letter: what a type, a member or a section variable is, before the
// complaint.
#include <fmt/format.h>

#include "btf/layout.h"
#include "btf/parser.h"

namespace osmia::btf {

std::string_view log_name(const Btf& btf, u32 name_off) {
  if (!name_off) return "(anon)";
  return btf.has_string(name_off) ? btf.string(name_off) : "(invalid-name-offset)";
}

namespace {
const char* encoding_name(u8 encoding) {
  switch (encoding) {
    case 0: return "(none)";
    case kIntSigned: return "SIGNED";
    case kIntChar: return "CHAR";
    case kIntBool: return "BOOL";
    default: return "UNKN";
  }
}

std::string proto_details(const Btf& btf, const TypeView& t) {
  std::string s = fmt::format("return={} args=(", t.type());
  const auto params = t.params();
  const u32 n = params.size();
  if (n == 0) {
    s += "void";
  } else if (n == 1 && !params[0].type) {
    s += "vararg";
  } else {
    for (u32 i = 0; i < n; ++i) {
      const Param p = params[i];
      if (i) s += ", ";
      // Only the last argument can be the "..." of a variadic function.
      if (i && i + 1 == n && !p.type)
        s += "vararg";
      else
        s += fmt::format("{} {}", p.type, log_name(btf, p.name_off));
    }
  }
  return s + ")";
}

std::string details_of(const Btf& btf, const TypeView& t) {
  switch (t.kind()) {
    case Kind::kInt: {
      const IntInfo i = t.int_info();
      return fmt::format("size={} bits_offset={} nr_bits={} encoding={}", t.size(), i.offset, i.bits,
                         encoding_name(i.encoding));
    }
    case Kind::kArray: {
      const ArrayInfo a = t.array();
      return fmt::format("type_id={} index_type_id={} nr_elems={}", a.type, a.index_type, a.nelems);
    }
    case Kind::kStruct:
    case Kind::kUnion:
    case Kind::kEnum:
    case Kind::kEnum64:
    case Kind::kDatasec: return fmt::format("size={} vlen={}", t.size(), t.vlen());
    case Kind::kFwd: return t.kind_flag() ? "union" : "struct";
    case Kind::kFuncProto: return proto_details(btf, t);
    case Kind::kVar: return fmt::format("type_id={} linkage={}", t.type(), t.var_linkage());
    case Kind::kFloat: return fmt::format("size={}", t.size());
    case Kind::kDeclTag: return fmt::format("type={} component_idx={}", t.type(), t.component_idx());
    default: return fmt::format("type_id={}", t.size_or_type());
  }
}
}  // namespace

std::string log_type_line(const Btf& btf, const TypeView& t, u32 id, bool details) {
  return fmt::format("[{}] {} {}{}{}", id, kind_name(t.kind()), log_name(btf, t.name_off()),
                     details ? " " : "", details ? details_of(btf, t) : std::string());
}

std::string log_member_line(const Btf& btf, const TypeView& t, u32 index) {
  return log_member_line(btf, t, t.members()[index]);
}

std::string log_member_line(const Btf& btf, const TypeView& t, const Member& m) {
  if (t.kind_flag())
    return fmt::format("\t{} type_id={} bitfield_size={} bits_offset={}", log_name(btf, m.name_off), m.type,
                       m.bitfield_size, m.bit_offset);
  return fmt::format("\t{} type_id={} bits_offset={}", log_name(btf, m.name_off), m.type, m.bit_offset);
}

std::string log_var_line(const VarSecinfo& v) {
  return fmt::format("\t type_id={} offset={} size={}", v.type, v.offset, v.size);
}

}  // namespace osmia::btf
