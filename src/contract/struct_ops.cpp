// Lookups by name in the BTF that a definition belongs to.
#include "contract/struct_ops.h"

namespace osmia::contract {
namespace {

using btf::Kind;

constexpr std::string_view kValuePrefix = "bpf_struct_ops_", kCommonValue = "bpf_struct_ops_common_value";
constexpr u32 kMaxMembers = 64;

Error misfit(const StructOpsDef& def, std::string_view what) {
  return {EINVAL, "struct_ops " + std::string(def.name) + ": " + std::string(what)};
}

}  // namespace

bool struct_ops_lives_in(const StructOpsDef& def, const Catalog& catalog, const btf::Btf& btf) {
  return def.module.empty() == (&btf == catalog.vmlinux.get());
}

Result<StructOpsLayout> struct_ops_layout(const StructOpsDef& def, const btf::Btf& btf) {
  StructOpsLayout out{.def = &def};
  out.type_id = btf.find(def.name, Kind::kStruct);
  if (!out.type_id) return misfit(def, "the BTF has no such struct");
  const btf::TypeView type = btf.type(out.type_id);
  if (type.vlen() > kMaxMembers) return misfit(def, "more than 64 members");
  out.value_id = btf.find(std::string(kValuePrefix) + std::string(def.name), Kind::kStruct);
  if (!out.value_id) return misfit(def, "the BTF has no value type for it");
  const btf::TypeView value = btf.type(out.value_id);
  const auto parts = value.members();
  if (parts.size() != 2 || btf.type(parts[0].type).name() != kCommonValue || parts[1].type != out.type_id)
    return misfit(def, "its value type has not two members, the common value and the struct");
  out.value_size = value.size();
  out.data_offset = parts[1].bit_offset / 8;
  if (u64{out.data_offset} + type.size() > value.size()) return misfit(def, "its value type is too small");
  for (const btf::Member& m : type.members())
    if (m.name.empty() || m.bitfield_size) return misfit(def, "a member without a name, or a bit field");
  for (const StructOpsMember& m : def.members) {
    if (m.stub.empty()) continue;
    if (!btf.find(m.stub, Kind::kFunc)) return misfit(def, "the BTF has no function " + std::string(m.stub));
  }
  return out;
}

s32 struct_ops_arg_offset(const btf::Btf& btf, btf::TypeView proto, u32 arg) {
  s32 off = 0;
  for (u32 i = 0; i < arg; i++) {
    const auto size = btf.size_of(proto.params()[i].type);
    if (!size.ok() || *size > 16) return -1;
    off += static_cast<s32>((*size + 7) / 8 * 8);
  }
  return off;
}

Result<std::vector<NullableArg>> struct_ops_nullable(const StructOpsMember& member, const btf::Btf& btf,
                                                     btf::TypeView proto) {
  std::vector<NullableArg> out;
  const auto args = proto.params();
  btf::TypeView stub;
  if (!member.stub.empty()) {
    stub = btf.type(btf.type(btf.find(member.stub, Kind::kFunc)).type());
    if (!stub.is(Kind::kFuncProto)) return Error{ENOENT, "no function " + std::string(member.stub)};
    if (stub.params().size() != args.size())
      return Error{EINVAL, std::string(member.stub) + " takes another number of arguments"};
  }
  for (u32 i = 0; i < args.size(); i++) {
    const bool by_stub = stub.exists() && stub.params()[i].name.ends_with("__nullable");
    if (!by_stub && !(i < 16 && member.nullable_args >> i & 1)) continue;
    const btf::TypeView target = btf.resolve_pointer(args[i].type);
    if (!target.exists() || !target.is_struct_or_union())
      return Error{EINVAL, "a nullable argument that points to no struct"};
    if (by_stub && stub.params()[i].type != args[i].type)
      return Error{EINVAL, std::string(member.stub) + " has another argument type"};
    const s32 off = struct_ops_arg_offset(btf, proto, i);
    if (off < 0) return Error{EINVAL, "an argument without a size"};
    out.push_back({off, target.id()});
  }
  return out;
}

}  // namespace osmia::contract
