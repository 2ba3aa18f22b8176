// BTF_LOAD's first phase: each record by itself (btf_check_all_metas). Order of checks, texts and errnos are
// Linux's, because test suites compare them. A sound record is logged; an unsound one ends its line with the
// reason.
#include <fmt/format.h>

#include "btf/layout.h"
#include "btf/parser.h"

namespace osmia::btf {

namespace {

// `roundup_bytes(bits)` as Linux computes it in 32 bits, without overflow for the values that reach it.
u32 roundup_bytes(u32 bits) {
  return bits / 8 + (bits % 8 != 0);
}
bool valid_type_id(u32 id) {
  return id <= kMaxTypes;
}

class MetaChecker {
 public:
  MetaChecker(const Btf& btf, u32 id, const u8* record, u32 left, LogSink& log)
      : btf_(btf), record_(record), t_(&btf, id, record), left_(left - kTypeSize), log_(log) {}
  Status run();

 private:
  Error bad(std::string_view why, int code = EINVAL) {
    return line(log_type_line(btf_, t_, t_.id(), true), why, code);
  }
  Error bad_member(u32 i, std::string_view why) { return line(log_member_line(btf_, t_, i), why, EINVAL); }
  Error bad_var(const VarSecinfo& v, std::string_view why) { return line(log_var_line(v), why, EINVAL); }
  Error line(std::string text, std::string_view why, int code) {
    text.append(" ").append(why);
    log_.add(text + "\n");
    return {code, std::move(text)};
  }
  Status good() {
    if (log_.on()) log_.add(log_type_line(btf_, t_, t_.id(), true) + "\n");
    return Ok{};
  }
  bool has_identifier() const { return t_.name_off() && is_valid_identifier(t_.name()); }
  bool bad_optional_name() const { return t_.name_off() && !is_valid_identifier(t_.name()); }
  bool valid_name_off(u32 off) const { return off <= kMaxNameOffset && btf_.has_string(off); }

  Status check_int();
  Status check_ref();
  Status check_fwd();
  Status check_array();
  Status check_aggregate();
  Status check_enum();
  Status check_proto();
  Status check_func();
  Status check_var();
  Status check_datasec();
  Status check_float();
  Status check_decl_tag();

  const Btf& btf_;
  const u8* record_;
  TypeView t_;
  u32 left_;
  LogSink& log_;
};

constexpr const char* kVlen = "vlen != 0";
constexpr const char* kKflag = "Invalid btf_info kind_flag";
constexpr const char* kName = "Invalid name";
constexpr const char* kTypeId = "Invalid type_id";

Status MetaChecker::check_int() {
  if (t_.vlen()) return bad(kVlen);
  if (t_.kind_flag()) return bad(kKflag);
  const IntInfo i = t_.int_info();
  const u32 bits = u32{i.bits} + i.offset;
  if (bits > 128) return bad("nr_bits exceeds 128");
  if (roundup_bytes(bits) > t_.size()) return bad("nr_bits exceeds type_size");
  if (i.encoding != 0 && i.encoding != kIntSigned && i.encoding != kIntChar && i.encoding != kIntBool)
    return bad("Unsupported encoding", kENOTSUPP);
  return good();
}

Status MetaChecker::check_ref() {
  if (t_.vlen()) return bad(kVlen);
  if (t_.kind_flag()) return bad(kKflag);
  if (!valid_type_id(t_.type())) return bad(kTypeId);
  if (t_.is(Kind::kTypedef)) {
    if (!has_identifier()) return bad(kName);
  } else if (t_.is(Kind::kTypeTag)) {
    if (t_.name().empty()) return bad(kName);
  } else if (t_.name_off()) {
    return bad(kName);
  }
  return good();
}

Status MetaChecker::check_fwd() {
  if (t_.vlen()) return bad(kVlen);
  if (t_.size_or_type()) return bad("type != 0");
  if (!has_identifier()) return bad(kName);
  return good();
}

Status MetaChecker::check_array() {
  if (t_.name_off()) return bad(kName);
  if (t_.vlen()) return bad(kVlen);
  if (t_.kind_flag()) return bad(kKflag);
  if (t_.size_or_type()) return bad("size != 0");
  const ArrayInfo a = t_.array();
  if (!a.type || !valid_type_id(a.type)) return bad("Invalid elem");
  if (!a.index_type || !valid_type_id(a.index_type)) return bad("Invalid index");
  return good();
}

Status MetaChecker::check_aggregate() {
  if (bad_optional_name()) return bad(kName);
  OSMIA_TRY(good());
  u32 last = 0;
  const auto members = t_.members();
  for (u32 i = 0; i < members.size(); ++i) {
    const Member m = members[i];
    if (!valid_name_off(m.name_off))
      return bad_member(i, fmt::format("Invalid member name_offset:{}", m.name_off));
    if (m.name_off && !is_valid_identifier(m.name)) return bad_member(i, kName);
    if (!m.type || !valid_type_id(m.type)) return bad_member(i, kTypeId);
    if (t_.is(Kind::kUnion) && m.bit_offset) return bad_member(i, "Invalid member bits_offset");
    if (last > m.bit_offset) return bad_member(i, "Invalid member bits_offset");
    if (roundup_bytes(m.bit_offset) > t_.size())
      return bad_member(i, "Member bits_offset exceeds its struct size");
    if (log_.on()) log_.add(log_member_line(btf_, t_, i) + "\n");
    last = m.bit_offset;
  }
  return Ok{};
}

Status MetaChecker::check_enum() {
  const u32 size = t_.size();
  if (size > 8 || size == 0 || size & (size - 1)) return bad("Unexpected size");
  if (bad_optional_name()) return bad(kName);
  OSMIA_TRY(good());
  for (const Enumerator e : t_.enumerators()) {
    if (!valid_name_off(e.name_off)) {
      std::string text = fmt::format("\tInvalid name_offset:{}", e.name_off);
      log_.add(text);
      return Error{EINVAL, text.substr(1)};
    }
    if (!e.name_off || !is_valid_identifier(e.name)) return bad(kName);
    if (!log_.on()) continue;
    // A 32-bit signed value is sign-extended already, so one signed format serves both widths.
    if (t_.kind_flag())
      log_.add(fmt::format("\t{} val={}\n", e.name, static_cast<s64>(e.value)));
    else
      log_.add(fmt::format("\t{} val={}\n", e.name, e.value));
  }
  return Ok{};
}

Status MetaChecker::check_proto() {
  if (t_.name_off()) return bad(kName);
  if (t_.kind_flag()) return bad(kKflag);
  return good();
}

Status MetaChecker::check_func() {
  if (!has_identifier()) return bad(kName);
  if (t_.vlen() > static_cast<u32>(FuncLinkage::kGlobal)) return bad("Invalid func linkage");
  if (t_.kind_flag()) return bad(kKflag);
  return good();
}

Status MetaChecker::check_var() {
  if (t_.vlen()) return bad(kVlen);
  if (t_.kind_flag()) return bad(kKflag);
  if (!has_identifier()) return bad(kName);
  if (!t_.type() || !valid_type_id(t_.type())) return bad(kTypeId);
  if (t_.var_linkage() > static_cast<u32>(VarLinkage::kGlobal)) return bad("Linkage not supported");
  return good();
}

// Any printable bytes, at most 512.
bool valid_section_name(std::string_view name) {
  if (name.empty() || name.size() > 512) return false;
  for (const char ch : name) {
    const u8 c = static_cast<u8>(ch);
    if (c < 0x20 || (c >= 0x7f && c < 0xa0)) return false;
  }
  return true;
}

Status MetaChecker::check_datasec() {
  if (!t_.size()) return bad("size == 0");
  if (t_.kind_flag()) return bad(kKflag);
  if (!t_.name_off() || !valid_section_name(t_.name())) return bad(kName);
  OSMIA_TRY(good());
  u64 last_end = 0, sum = 0;
  for (const VarSecinfo v : t_.var_secinfos()) {
    if (!v.type || !valid_type_id(v.type)) return bad_var(v, kTypeId);
    if (v.offset < last_end || v.offset >= t_.size()) return bad_var(v, "Invalid offset");
    if (!v.size || v.size > t_.size()) return bad_var(v, "Invalid size");
    last_end = u64{v.offset} + v.size;
    if (last_end > t_.size()) return bad_var(v, "Invalid offset+size");
    if (log_.on()) log_.add(log_var_line(v) + "\n");
    sum += v.size;
  }
  if (t_.size() < sum) return bad("Invalid btf_info size");
  return Ok{};
}

Status MetaChecker::check_float() {
  if (t_.vlen()) return bad(kVlen);
  if (t_.kind_flag()) return bad(kKflag);
  switch (t_.size()) {
    case 2:
    case 4:
    case 8:
    case 12:
    case 16: return good();
    default: return bad("Invalid type_size");
  }
}

Status MetaChecker::check_decl_tag() {
  if (t_.name().empty()) return bad("Invalid value");
  if (t_.vlen()) return bad(kVlen);
  if (t_.kind_flag()) return bad(kKflag);
  if (t_.component_idx() < -1) return bad("Invalid component_idx");
  return good();
}

Status MetaChecker::run() {
  if (!valid_name_off(t_.name_off())) {
    std::string text = fmt::format("[{}] Invalid name_offset:{}", t_.id(), t_.name_off());
    log_.add(text);
    return Error{EINVAL, std::move(text)};
  }
  const u32 need = t_.record_size() - kTypeSize;
  if (left_ < need)
    return line(log_type_line(btf_, t_, t_.id(), false),
                fmt::format("meta_left:{} meta_needed:{}", left_, need), EINVAL);
  switch (t_.kind()) {
    case Kind::kInt: {
      // The kind's own order: vlen and the flag come before the encoding word's unknown bits, which are
      // logged short.
      const u32 w = word(record_, 3);
      if (!t_.vlen() && !t_.kind_flag() && w & ~kIntMask)
        return line(log_type_line(btf_, t_, t_.id(), false), fmt::format("Invalid int_data:{:x}", w), EINVAL);
      return check_int();
    }
    case Kind::kPtr:
    case Kind::kTypedef:
    case Kind::kVolatile:
    case Kind::kConst:
    case Kind::kRestrict:
    case Kind::kTypeTag: return check_ref();
    case Kind::kArray: return check_array();
    case Kind::kStruct:
    case Kind::kUnion: return check_aggregate();
    case Kind::kEnum:
    case Kind::kEnum64: return check_enum();
    case Kind::kFwd: return check_fwd();
    case Kind::kFunc: return check_func();
    case Kind::kFuncProto: return check_proto();
    case Kind::kVar: return check_var();
    case Kind::kDatasec: return check_datasec();
    case Kind::kFloat: return check_float();
    case Kind::kDeclTag: return check_decl_tag();
    case Kind::kVoid: break;
  }
  return Error{EINVAL, "unknown kind"};
}

}  // namespace

Status check_meta(const Btf& btf, u32 id, const u8* record, u32 left, LogSink& log) {
  return MetaChecker(btf, id, record, left, log).run();
}

}  // namespace osmia::btf
