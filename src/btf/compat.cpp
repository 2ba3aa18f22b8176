// CO-RE's two relations between types and the name rules of kfunc arguments. Answers are three-valued inside
// (yes, no, too deep), so that "too deep" ends the whole question instead of letting another member match.
#include "btf/compat.h"

namespace osmia::btf {

namespace {

using Answer = Related;
Answer answer(bool b) {
  return b ? Answer::kYes : Answer::kNo;
}
constexpr int kLevels = 32;

bool kinds_compat(const TypeView& a, const TypeView& b) {
  return a.kind() == b.kind() || (a.is_any_enum() && b.is_any_enum());
}

struct Pair {
  const Btf& local;
  const Btf& target;
  // Total work, since prototypes that take prototypes branch at every level.
  u32 budget = 1u << 16;

  Answer compat(u32 lid, u32 tid, int level);
  Answer match(u32 lid, u32 tid, bool behind_ptr, int level);
  Answer enums_match(const TypeView& l, const TypeView& t);
  Answer members_match(const TypeView& l, const TypeView& t, int level);
};

Answer Pair::compat(u32 lid, u32 tid, int level) {
  if (!kinds_compat(local.type(lid), target.type(tid))) return Answer::kNo;
  for (int depth = kLevels; depth > 0; --depth) {
    if (!budget--) return budget = 0, Answer::kTooDeep;
    const TypeView l = local.skip_modifiers(lid), t = target.skip_modifiers(tid);
    if (!kinds_compat(l, t)) return Answer::kNo;
    switch (l.kind()) {
      case Kind::kVoid:
      case Kind::kStruct:
      case Kind::kUnion:
      case Kind::kEnum:
      case Kind::kEnum64:
      case Kind::kFwd: return Answer::kYes;
      case Kind::kInt: return answer(l.int_info().offset == 0 && t.int_info().offset == 0);
      case Kind::kPtr:
        lid = l.type();
        tid = t.type();
        continue;
      case Kind::kArray:
        lid = l.array().type;
        tid = t.array().type;
        continue;
      case Kind::kFuncProto: {
        const auto lp = l.params(), tp = t.params();
        if (lp.size() != tp.size()) return Answer::kNo;
        for (u32 i = 0; i < lp.size(); ++i) {
          if (level <= 0) return Answer::kTooDeep;
          const Answer a = compat(local.skip_modifiers(lp[i].type).id(),
                                  target.skip_modifiers(tp[i].type).id(), level - 1);
          if (a != Answer::kYes) return a;
        }
        lid = l.type();
        tid = t.type();
        continue;
      }
      default: return Answer::kNo;
    }
  }
  return Answer::kTooDeep;
}

bool names_match(std::string_view l, std::string_view t) {
  if (t.empty()) return l.empty();
  return essential_name(l) == essential_name(t);
}

Answer Pair::enums_match(const TypeView& l, const TypeView& t) {
  if (l.size() != t.size() || l.vlen() > t.vlen()) return Answer::kNo;
  for (const Enumerator a : l.enumerators()) {
    bool found = false;
    for (const Enumerator b : t.enumerators()) {
      if (!budget--) return budget = 0, Answer::kTooDeep;
      if ((found = names_match(a.name, b.name))) break;
    }
    if (!found) return Answer::kNo;
  }
  return Answer::kYes;
}

Answer Pair::members_match(const TypeView& l, const TypeView& t, int level) {
  if (l.vlen() > t.vlen()) return Answer::kNo;
  for (const Member a : l.members()) {
    bool found = false;
    for (const Member b : t.members()) {
      if (!budget--) return budget = 0, Answer::kTooDeep;
      if (!names_match(a.name, b.name)) continue;
      const Answer m = match(a.type, b.type, false, level - 1);
      if (m == Answer::kTooDeep) return m;
      if ((found = m == Answer::kYes)) break;
    }
    if (!found) return Answer::kNo;
  }
  return Answer::kYes;
}

Answer Pair::match(u32 lid, u32 tid, bool behind_ptr, int level) {
  if (level <= 0) return Answer::kTooDeep;
  for (int depth = kLevels; depth > 0; --depth) {
    if (!budget--) return budget = 0, Answer::kTooDeep;
    const TypeView l = local.skip_modifiers(lid), t = target.skip_modifiers(tid);
    if (!names_match(l.name(), t.name())) return Answer::kNo;
    const bool same = l.kind() == t.kind();
    switch (l.kind()) {
      case Kind::kVoid: return answer(same);
      case Kind::kFwd:
        if (same) return answer(l.kind_flag() == t.kind_flag());
        return answer(behind_ptr && t.is(l.kind_flag() ? Kind::kUnion : Kind::kStruct));
      case Kind::kEnum:
      case Kind::kEnum64: return t.is_any_enum() ? enums_match(l, t) : Answer::kNo;
      case Kind::kStruct:
      case Kind::kUnion:
        if (!behind_ptr) return same ? members_match(l, t, level) : Answer::kNo;
        return answer(same || (t.is(Kind::kFwd) && l.is(Kind::kUnion) == t.kind_flag()));
      case Kind::kInt:
        return answer(same && l.size() == t.size() && l.int_info().is_signed() == t.int_info().is_signed());
      case Kind::kPtr:
        if (!same) return Answer::kNo;
        behind_ptr = true;
        lid = l.type();
        tid = t.type();
        continue;
      case Kind::kArray:
        if (!same || l.array().nelems != t.array().nelems) return Answer::kNo;
        lid = l.array().type;
        tid = t.array().type;
        continue;
      case Kind::kFuncProto: {
        const auto lp = l.params(), tp = t.params();
        if (!same || lp.size() != tp.size()) return Answer::kNo;
        for (u32 i = 0; i < lp.size(); ++i) {
          const Answer a = match(lp[i].type, tp[i].type, behind_ptr, level - 1);
          if (a != Answer::kYes) return a;
        }
        lid = l.type();
        tid = t.type();
        continue;
      }
      default: return Answer::kNo;
    }
  }
  return Answer::kTooDeep;
}

}  // namespace

std::string_view essential_name(std::string_view name) {
  // The separator is three underscores between other characters; the last one counts.
  for (size_t i = name.size(); i >= 5; --i) {
    const std::string_view s = name.substr(i - 5, 5);
    if (s[0] != '_' && s.substr(1, 3) == "___" && s[4] != '_') return name.substr(0, i - 4);
  }
  return name;
}

Related core_types_compat(const Btf& local, u32 local_id, const Btf& target, u32 target_id, int levels) {
  return Pair{local, target}.compat(local_id, target_id, levels);
}
bool types_are_compat(const Btf& local, u32 local_id, const Btf& target, u32 target_id) {
  return core_types_compat(local, local_id, target, target_id, kLibbpfLevels) == Answer::kYes;
}

Related core_types_match(const Btf& local, u32 local_id, const Btf& target, u32 target_id, int levels) {
  return Pair{local, target}.match(local_id, target_id, false, levels);
}
bool types_match(const Btf& local, u32 local_id, const Btf& target, u32 target_id) {
  return core_types_match(local, local_id, target, target_id, kLibbpfLevels) == Answer::kYes;
}

Related core_fields_compat(const Btf& local, u32 local_id, const Btf& target, u32 target_id) {
  for (int depth = kLevels; depth > 0; --depth) {
    const TypeView l = local.skip_modifiers(local_id), t = target.skip_modifiers(target_id);
    if (l.is_struct_or_union() && t.is_struct_or_union()) return Answer::kYes;
    if (!kinds_compat(l, t)) return Answer::kNo;
    switch (l.kind()) {
      case Kind::kPtr:
      case Kind::kFloat: return Answer::kYes;
      case Kind::kFwd:
      case Kind::kEnum:
      case Kind::kEnum64: {
        const auto a = essential_name(l.name()), b = essential_name(t.name());
        return answer(a.empty() || b.empty() || a == b);
      }
      case Kind::kInt: return answer(l.int_info().offset == 0 && t.int_info().offset == 0);
      case Kind::kArray:
        local_id = l.array().type;
        target_id = t.array().type;
        continue;
      default: return Answer::kNo;
    }
  }
  return Answer::kTooDeep;
}

bool same_named_type(const Btf& a, u32 a_id, const Btf& b, u32 b_id) {
  const TypeView x = a.type(a_id), y = b.type(b_id);
  return x.exists() && y.exists() && x.is_struct_or_union() && x.kind() == y.kind() && !x.name().empty() &&
         x.name() == y.name();
}

bool is_nocast_alias(const Btf& a, u32 a_id, const Btf& b, u32 b_id) {
  constexpr std::string_view kSuffix = "___init";
  std::string_view x = a.type(a_id).name(), y = b.type(b_id).name();
  if (x.size() > y.size()) std::swap(x, y);
  return !x.empty() && y.size() == x.size() + kSuffix.size() && y.starts_with(x) && y.ends_with(kSuffix);
}

}  // namespace osmia::btf
