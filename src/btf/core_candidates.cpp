// Candidate types by name. Linux keeps its lists in two small direct-mapped caches (Bob Jenkins' lookup3 of
// the name picks the slot) and prints them at log level 2; the slots here are numbered alike, so that the
// line reads the same for a kernel that has just started.
#include <fmt/format.h>

#include <bit>

#include "base/bits.h"
#include "btf/compat.h"
#include "btf/core.h"

namespace osmia::btf {
namespace {

// lookup3 (public domain, burtleburtle.net/bob/c/lookup3.c) over bytes, initial value 0.
u32 name_hash(std::string_view s) {
  u32 a = 0xdeadbeef + static_cast<u32>(s.size()), b = a, c = a;
  const auto add = [&](std::string_view block) {
    u32* const word[] = {&a, &b, &c};
    for (size_t i = 0; i < block.size() && i < 12; i++)
      *word[i / 4] += static_cast<u32>(static_cast<u8>(block[i])) << (8 * (i % 4));
  };
  while (s.size() > 12) {
    add(s);
    constexpr struct { u8 sub, rot; } kMix[] = {{2, 4}, {0, 6}, {1, 8}, {2, 16}, {0, 19}, {1, 4}};
    u32* const w[] = {&a, &b, &c};
    for (u32 i = 0; i < 6; i++) {
      u32 &x = *w[i % 3], &from = *w[kMix[i].sub], &next = *w[(i + 1) % 3];
      x -= from;
      x ^= std::rotl(from, kMix[i].rot);
      from += next;
    }
    s.remove_prefix(12);
  }
  if (s.empty()) return c;
  add(s);
  constexpr u8 kFinal[] = {14, 11, 25, 16, 4, 14, 24};
  u32* const w[] = {&c, &a, &b};
  for (u32 i = 0; i < 7; i++) {
    const u32 from = *w[(i + 2) % 3];
    *w[i % 3] ^= from;
    *w[i % 3] -= std::rotl(from, kFinal[i]);
  }
  return c;
}

void add_types(const Btf& btf, CoreCandidates::List& list) {
  for (u32 id = btf.start_id(); id < btf.end_id(); id++) {
    const TypeView t = btf.type(id);
    if (t.kind() != list.kind) continue;
    const std::string_view name = t.name();
    if (name.starts_with(list.name) && essential_name(name) == list.name) list.types.push_back({&btf, id});
  }
}

template <class Slots>
void print(std::string& out, const Slots& slots) {
  for (size_t i = 0; i < slots.size(); i++) {
    if (!slots[i]) continue;
    out += fmt::format("[{}]{}(", i, slots[i]->name);
    for (size_t k = 0; k < slots[i]->types.size(); k++)
      out += fmt::format("{}{}", k ? " " : "", slots[i]->types[k].id);
    out += "), ";
  }
}

}  // namespace

const CoreCandidates::List* CoreCandidates::find(const Btf& local, u32 type_id) {
  const TypeView t = local.type(type_id);
  if (!vmlinux_ || t.name().empty()) return nullptr;
  const std::string_view name = essential_name(t.name());
  const size_t slot = name_hash(name) % std::tuple_size_v<Slots>;
  // Linux takes a remembered list of the same name even if it was made for another kind, so that what a
  // program gets depends on what was loaded before it. Here the kind counts too.
  const auto fits = [&](const std::optional<List>& l) { return l && l->name == name && l->kind == t.kind(); };
  auto& own = vmlinux_slots_[slot];
  if (!fits(own)) {
    own = List{std::string(name), t.kind(), {}};
    add_types(*vmlinux_, *own);
  }
  if (!own->types.empty()) return &*own;
  auto& more = module_slots_[slot];
  if (!fits(more)) {
    more = List{std::string(name), t.kind(), {}};
    for (const BtfPtr& m : modules_) add_types(*m, *more);
  }
  return &*more;
}

std::string CoreCandidates::describe() const {
  std::string out = "vmlinux_cand_cache:";
  print(out, vmlinux_slots_);
  out += "\nmodule_cand_cache:";
  print(out, module_slots_);
  return out + "\n";
}

}  // namespace osmia::btf
