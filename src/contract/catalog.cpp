// Catalog look-ups: vectors indexed by the UAPI numbers, so that the verifier's hot path never searches.
#include "contract/catalog.h"

#include <algorithm>

#include "contract/attach_rules.h"

namespace osmia::contract {
namespace {
constexpr u32 kMaxNumber =
    4096;  // far above any UAPI enumerator; keeps a hostile definition from growing a table

template <class Def>
void index_by(const std::vector<const Def*>& defs, u32 Def::*number, std::vector<const Def*>& table) {
  table.clear();
  for (const Def* d : defs) {
    const u32 n = d->*number;
    if (n >= kMaxNumber) continue;
    if (table.size() <= n) table.resize(n + 1, nullptr);
    if (!table[n]) table[n] = d;
  }
}
}  // namespace

void Catalog::index() {
  index_by(maps, &MapDef::type, map_by_type_);
  index_by(prog_types, &ProgTypeDef::type, prog_by_type_);
  helper_by_id_.clear();
  max_helper_id_ = 0;
  for (const HelperDef* h : helpers) {
    if (h->id >= kMaxNumber) continue;
    if (helper_by_id_.size() <= h->id) helper_by_id_.resize(h->id + 1);
    helper_by_id_[h->id].push_back(h);
    max_helper_id_ = std::max(max_helper_id_, h->id);
  }
}

const MapDef* Catalog::map(u32 type) const {
  return type < map_by_type_.size() ? map_by_type_[type] : nullptr;
}

const ProgTypeDef* Catalog::prog_type(u32 type) const {
  return type < prog_by_type_.size() ? prog_by_type_[type] : nullptr;
}

const ProgTypeDef* Catalog::prog_type(std::string_view name) const {
  for (const ProgTypeDef* p : prog_types)
    if (p->name == name) return p;
  return nullptr;
}

const KfuncDef* Catalog::kfunc(std::string_view name) const {
  for (const KfuncDef* k : kfuncs)
    if (k->name == name) return k;
  return nullptr;
}

const ObjectLayout* Catalog::object(RegBase base) const {
  for (const ObjectLayout& o : objects)
    if (o.base == base) return &o;
  return nullptr;
}

const HelperDef* Catalog::helper_any(u32 id) const {
  return id < helper_by_id_.size() && !helper_by_id_[id].empty() ? helper_by_id_[id].front() : nullptr;
}

const HelperDef* Catalog::helper_for(const ProgTypeDef& type, u32 attach, u32 caps, u32 id) const {
  return helper_for(type, Caller{.expected_attach_type = attach, .caps = caps}, id);
}

const HelperDef* Catalog::helper_for(const ProgTypeDef& type, const Caller& by, u32 id) const {
  if (id >= helper_by_id_.size()) return nullptr;
  auto held = [&by](Capability c) { return c == Capability::kNone || (by.caps >> static_cast<u32>(c) & 1); };
  auto grants = [&](const ProgTypeDef::Grant& g) {
    const u32 attach = by.expected_attach_type;
    if (!held(g.capability)) return false;
    if (g.attach_types && (attach >= 64 || !(g.attach_types >> attach & 1))) return false;
    if (g.sleep != Sleep::kAny && (g.sleep == Sleep::kOnlySleepable) != by.sleepable) return false;
    return g.targets.empty() || target_allowed(g.targets, type.name, by);
  };
  if (by.struct_ops) {
    for (const auto grants_of : {by.struct_ops->grants, by.struct_ops->base})
      for (const StructOpsGrant& g : grants_of)
        for (const HelperDef* h : helper_by_id_[id])
          if (h->tag == g.tag && held(h->capability) && held(g.capability) &&
              std::find(g.except.begin(), g.except.end(), by.target) == g.except.end())
            return h;
    return nullptr;
  }
  for (const auto& grant : type.grants)
    for (const HelperDef* h : helper_by_id_[id])
      if (h->tag == grant.tag && held(h->capability) && grants(grant)) return h;
  return nullptr;
}

}  // namespace osmia::contract
