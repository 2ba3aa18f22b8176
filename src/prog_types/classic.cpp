// Their contexts and the one grant. Source: Linux 6.12, net/core/filter.c (what a converted program touches),
// UAPI struct seccomp_data.
#include "prog_types/classic.h"

#include <array>

#include "isa/classic.h"
#include "prog_types/skb_fields.h"

namespace osmia::prog_types {
using namespace contract;
namespace {

constexpr auto kSocketFields = [] {
  std::array<CtxField, skb::kCount + 1> fields{};
  std::size_t n = 0;
  for (const CtxField& f : skb::kAll)
    if (f.type.base == RegBase::kScalar) fields[n++] = f;
  fields[n++] = {isa::kClassicHatype, 4, kCtxRead, {RegBase::kScalar}, "hatype", OSMIA_SKB(dev_type)};
  return std::pair{fields, n};
}();

constexpr ProgTypeDef::Grant kGrants[] = {{"classic"}};

constexpr NamedCode kActions[] = {
    {static_cast<s32>(0x80000000), "SECCOMP_RET_KILL_PROCESS"},
    {0x00000000, "SECCOMP_RET_KILL_THREAD"},
    {0x00030000, "SECCOMP_RET_TRAP"},
    {0x00050000, "SECCOMP_RET_ERRNO"},
    {0x7fc00000, "SECCOMP_RET_USER_NOTIF"},
    {0x7ff00000, "SECCOMP_RET_TRACE"},
    {0x7ffc0000, "SECCOMP_RET_LOG"},
    {0x7fff0000, "SECCOMP_RET_ALLOW"},
};

}  // namespace

const ProgTypeDef& classic_socket() {
  static const ProgTypeDef def = {
      .type = kClassicSocketType,
      .name = "classic socket filter",
      .ctx_name = "__sk_buff",
      .ctx_size = kSkbSize + 4,
      .fields = {kSocketFields.first.data(), kSocketFields.second},
      .traits = kLdAbsAllowed,
      .grants = kGrants,
  };
  return def;
}

const ProgTypeDef& classic_seccomp() {
  static const ProgTypeDef def = {
      .type = kClassicSeccompType,
      .name = "seccomp",
      .ctx_name = "seccomp_data",
      .ctx_model = CtxModel::kBytes,
      .ctx_size = isa::kSeccompDataSize,
      .codes = kActions,
  };
  return def;
}

}  // namespace osmia::prog_types
