// The BTF of a host application's functions. Types are made once each, by what they are.
#include "runtime/host_functions.h"

#include <algorithm>
#include <map>

#include "btf/write.h"
#include "runtime/traced_function.h"

namespace osmia::runtime {
namespace {

Error bad(const std::string& what, const std::string& why) {
  return {EINVAL, "host function " + what + ": " + why};
}
bool is_name(const std::string& s) {
  return !s.empty() && !(s[0] >= '0' && s[0] <= '9') && std::all_of(s.begin(), s.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  });
}

class Types {
 public:
  explicit Types(btf::Writer& w) : w_(w) {}

  Status declare(const HostFunction& f) {
    for (const HostStruct& s : f.structs) {
      if (!is_name(s.name)) return bad(f.name, "expected a struct's name, found \"" + s.name + "\"");
      if (structs_.count(s.name)) continue;
      std::vector<btf::Writer::MemberDef> members;
      u32 end = 0;
      for (const HostField& field : s.fields) {
        OSMIA_ASSIGN(const u32 type, of(f.name, field.type, false));
        if (!is_name(field.name) || field.offset < end || field.offset + field.type.bytes > s.size)
          return bad(f.name,
                     "struct " + s.name + ": expected fields in order and inside it, found " + field.name);
        end = field.offset + field.type.bytes;
        members.push_back({field.name, type, field.offset * 8});
      }
      structs_[s.name] = w_.add_struct(s.name, s.size, members);
    }
    return Ok{};
  }

  Result<u32> of(const std::string& where, const HostValue& v, bool may_be_void) {
    if (v.is_pointer) {
      u32 to = 0;
      if (!v.points_to.empty()) {
        const auto it = structs_.find(v.points_to);
        if (it == structs_.end()) return bad(where, "struct " + v.points_to + " is not described");
        to = it->second;
      }
      u32& p = pointers_[to];
      if (!p) p = w_.add_ptr(to);
      return p;
    }
    if (!v.bytes && may_be_void) return 0u;
    if (v.bytes != 1 && v.bytes != 2 && v.bytes != 4 && v.bytes != 8)
      return bad(where, "expected integers of 1, 2, 4 or 8 bytes, found " + std::to_string(v.bytes));
    const char* name = v.is_bool      ? "_Bool"
                       : v.bytes == 1 ? (v.is_signed ? "signed char" : "unsigned char")
                       : v.bytes == 2 ? (v.is_signed ? "short" : "unsigned short")
                       : v.bytes == 4 ? (v.is_signed ? "int" : "unsigned int")
                                      : (v.is_signed ? "long" : "unsigned long");
    u32& id = integers_[name];
    const u32 encoding = v.is_bool ? u32{btf::kIntBool} : v.is_signed ? u32{btf::kIntSigned} : 0u;
    if (!id) id = w_.add_int(name, v.bytes, static_cast<u8>(encoding));
    return id;
  }

 private:
  btf::Writer& w_;
  std::map<std::string, u32> structs_, integers_;
  std::map<u32, u32> pointers_;
};

}  // namespace

Status add_host_functions(contract::Catalog& catalog, const std::vector<HostFunction>& functions) {
  if (functions.empty()) return Ok{};
  btf::Writer w = catalog.vmlinux ? btf::Writer(*catalog.vmlinux) : btf::Writer();
  Types types(w);
  std::vector<std::string> names;
  for (const HostFunction& f : functions) {
    if (!is_name(f.name)) return Error{EINVAL, "host function: expected a name, found \"" + f.name + "\""};
    if (std::find(names.begin(), names.end(), f.name) != names.end()) return bad(f.name, "described twice");
    if (catalog.vmlinux && catalog.vmlinux->find(f.name, btf::Kind::kFunc))
      return bad(f.name, "the kernel has a function of this name");
    if (f.parameters.size() > kMaxArgWords)
      return bad(f.name, "expected at most " + std::to_string(kMaxArgWords) + " parameters");
    OSMIA_TRY(types.declare(f));
    std::vector<btf::Writer::ParamDef> parameters;
    for (const HostField& p : f.parameters) {
      OSMIA_ASSIGN(const u32 type, types.of(f.name, p.type, false));
      parameters.push_back({p.name, type});
    }
    OSMIA_ASSIGN(const u32 result, types.of(f.name, f.result, true));
    if (f.may_modify && (!f.result.bytes || f.result.is_pointer))
      return bad(f.name, "only an integer result can be modified");
    w.add_func(f.name, w.add_func_proto(result, parameters), btf::FuncLinkage::kGlobal);
    names.push_back(f.name);
    if (f.may_modify) catalog.host_modifiable.push_back(f.name);
  }
  OSMIA_ASSIGN(btf::BtfPtr made, btf::Btf::parse(w.bytes(), catalog.vmlinux));
  catalog.host_types = made.get();
  if (catalog.vmlinux)
    catalog.modules.push_back(std::move(made));
  else
    catalog.vmlinux = std::move(made);
  return Ok{};
}

}  // namespace osmia::runtime
