// A program that implements a member of a kernel struct of functions: the Catalog knows the struct, the
// member is a function that may be implemented (and slept in, if the program does), and the member's
// prototype then types the context.
#include "contract/struct_ops.h"

#include "verifier/prepare/prepare.h"

namespace osmia::verifier {

using namespace contract;

namespace {

constexpr int kNotSupported = 524;  // the kernel's ENOTSUPP

const StructOpsDef* find_struct(Env& env, const btf::Btf& btf, u32 id) {
  const btf::TypeView type = btf.type(id);
  if (!type.is(btf::Kind::kStruct)) return nullptr;
  for (const StructOpsDef* def : env.cat.struct_ops) {
    if (def->name != type.name() || !struct_ops_lives_in(*def, env.cat, btf)) continue;
    const auto layout = struct_ops_layout(*def, btf);
    if (layout.ok() && layout->type_id == id) return def;
  }
  return nullptr;
}

}  // namespace

void check_struct_ops(Env& env) {
  if (!env.prog.gpl_compatible) env.reject(EINVAL, "struct ops programs must have a GPL compatible license");
  const AttachTarget& target = env.prog.attach;
  if (!target.btf_id || !target.btf) env.reject_silently(kNotSupported);
  const btf::Btf& btf = *target.btf;
  const StructOpsDef* def = find_struct(env, btf, target.btf_id);
  if (!def) env.reject(kNotSupported, "attach_btf_id {} is not a supported struct", target.btf_id);
  const u32 index = env.prog.expected_attach_type;
  const auto members = btf.type(target.btf_id).members();
  if (index >= members.size())
    env.reject(EINVAL, "attach to invalid member idx {} of struct {}", index, def->name);
  const std::string_view name = members[index].name;
  const btf::TypeView proto = btf.resolve_func_pointer(members[index].type);
  if (!proto.exists())
    env.reject(EINVAL, "attach to invalid member {}(@idx {}) of struct {}", name, index, def->name);
  const StructOpsMember* member = def->member(name);
  if (!member) env.reject(kNotSupported, "attach to unsupported member {} of struct {}", name, def->name);
  if (env.prog_sleepable && !member->may_sleep)
    env.reject(EINVAL, "attach to unsupported member {} of struct {}", name, def->name);
  auto nullable = struct_ops_nullable(*member, btf, proto);
  if (!nullable.ok()) env.unsupported(fmt::format("member {}: {}", name, nullable.error().message));
  env.struct_ops = def;
  env.struct_ops_member = member;
  env.nullable_args = *std::move(nullable);
  env.attach_btf = target.btf.get();
  env.attach_proto = proto.id();
  env.attach_name = std::string(name);
}

}  // namespace osmia::verifier
