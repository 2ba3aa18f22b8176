// BTF_LOAD's second phase: references (btf_check_all_types). Invariant: once it succeeds, every chain of
// references ends, every member fits its struct, and every array and argument has a size. The walk is an
// explicit stack of at most 32 types, with three modes that say where a chain may stop, since what Linux
// accepts depends on them: a loop through a pointer to a struct is fine, a struct that holds itself is not.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "btf/layout.h"
#include "btf/parser.h"

namespace osmia::btf {

namespace {

u32 roundup_bytes(u32 bits) {
  return bits / 8 + (bits % 8 != 0);
}

bool lacks_size(const TypeView& t) {
  if (!t.exists()) return true;
  switch (t.kind()) {
    case Kind::kVoid:
    case Kind::kFwd:
    case Kind::kFunc:
    case Kind::kFuncProto:
    case Kind::kDeclTag: return true;
    default: return false;
  }
}
// Kinds that refer to others but that nothing but a section may refer to.
bool source_only(const TypeView& t) {
  return t.is(Kind::kVar) || t.is(Kind::kDeclTag) || t.is(Kind::kDatasec);
}
bool needs_resolve(const TypeView& t) {
  return t.is_modifier() || t.is(Kind::kPtr) || t.is_struct_or_union() || t.is(Kind::kArray) ||
         t.is(Kind::kFunc) || source_only(t);
}
bool regular_int(const TypeView& t) {
  const IntInfo i = t.int_info();
  const u32 n = i.bits;
  return !i.offset && (n == 8 || n == 16 || n == 32 || n == 64 || n == 128);
}

class Resolver {
 public:
  Resolver(const Btf& btf, LogSink& log)
      : btf_(btf), log_(log), own_(btf.own_types()), state_(own_), resolved_id_(own_), resolved_size_(own_) {}
  Status run();

 private:
  enum class Mode : u8 { kOpen, kPointer, kAggregate };
  enum State : u8 { kNew, kOnStack, kDone };
  struct Frame {
    u32 id;
    u32 next = 0;  // member or variable to go on with
  };
  struct Sized {
    u32 id, size;
  };

  bool own(u32 id) const { return id >= btf_.start_id(); }
  bool done(u32 id) const { return own(id) ? state_[id - btf_.start_id()] == kDone : btf_.base() != nullptr; }
  u32 resolved(u32 id) const {
    return own(id) ? resolved_id_[id - btf_.start_id()] : btf_.skip_modifiers(id).id();
  }
  bool is_sink(const TypeView& t) const;
  bool must_descend(const TypeView& t) const { return !is_sink(t) && !done(t.id()); }
  Status push(const TypeView& t);
  Status pop(u32 id, u32 size);
  std::optional<Sized> sized(u32 id) const;
  static bool ends_in_nothing(const TypeView& t) {
    return t.is(Kind::kVoid) || t.is(Kind::kFwd) || t.is(Kind::kFuncProto);
  }

  Status resolve(const TypeView& root);
  Status step(const TypeView& t, u32 next);
  Status step_reference(const TypeView& t);
  Status step_var(const TypeView& t);
  Status step_array(const TypeView& t);
  Status step_struct(const TypeView& t, u32 next);
  Status step_datasec(const TypeView& t, u32 next);
  Status step_decl_tag(const TypeView& t);
  Status step_func(const TypeView& t);
  bool resolve_state_ok(const TypeView& t) const;
  Status check_proto(const TypeView& t);
  Status check_member(const TypeView& s, u32 index);
  const char* member_problem(const TypeView& s, const Member& m, const TypeView& type) const;
  Status check_type_tags();

  Error bad(const TypeView& t, std::string_view why, int code = EINVAL) {
    std::string text = log_type_line(btf_, t, t.id(), true).append(" ").append(why);
    log_.add(text + "\n");
    return {code, std::move(text)};
  }
  Error bad_item(const TypeView& t, std::string item, std::string_view why) {
    log_.add(log_type_line(btf_, t, t.id(), true) + "\n");
    item.append(" ").append(why);
    log_.add(item + "\n");
    return {EINVAL, log_type_line(btf_, t, t.id(), false) + ": " + item.substr(1)};
  }

  const Btf& btf_;
  LogSink& log_;
  u32 own_;
  std::vector<u8> state_;
  std::vector<u32> resolved_id_, resolved_size_;
  Frame stack_[kMaxResolveDepth];
  u32 depth_ = 0;
  Mode mode_ = Mode::kOpen;
};

bool Resolver::is_sink(const TypeView& t) const {
  switch (mode_) {
    case Mode::kOpen: return !needs_resolve(t);
    case Mode::kPointer: return !t.is_modifier() && !t.is(Kind::kPtr);
    case Mode::kAggregate: return !t.is_modifier() && !t.is(Kind::kArray) && !t.is_struct_or_union();
  }
  return true;
}

Status Resolver::push(const TypeView& t) {
  if (depth_ == kMaxResolveDepth) return Error{E2BIG, ""};
  if (!own(t.id()) || state_[t.id() - btf_.start_id()] != kNew) return Error{EEXIST, ""};
  state_[t.id() - btf_.start_id()] = kOnStack;
  stack_[depth_++] = {t.id()};
  if (mode_ == Mode::kOpen) {
    if (t.is(Kind::kPtr)) mode_ = Mode::kPointer;
    if (t.is_struct_or_union() || t.is(Kind::kArray)) mode_ = Mode::kAggregate;
  }
  return Ok{};
}

Status Resolver::pop(u32 id, u32 size) {
  const u32 i = stack_[--depth_].id - btf_.start_id();
  resolved_id_[i] = id;
  resolved_size_[i] = size;
  state_[i] = kDone;
  return Ok{};
}

// The type that gives `id` its size, and that size. Uses what has been resolved so far.
std::optional<Resolver::Sized> Resolver::sized(u32 id) const {
  TypeView t = btf_.type(id);
  if (lacks_size(t)) return {};
  if (t.is_modifier() || t.is(Kind::kVar)) {
    id = resolved(id);
    t = btf_.type(id);
    if (lacks_size(t) || t.is_modifier() || t.is(Kind::kVar)) return {};
  }
  if (t.is(Kind::kPtr)) return Sized{id, 8};
  if (t.is(Kind::kArray)) {
    if (own(id)) return Sized{id, resolved_size_[id - btf_.start_id()]};
    auto size = btf_.size_of(id);
    return Sized{id, size.ok() ? *size : 0};
  }
  return Sized{id, t.size()};
}

Status Resolver::step_reference(const TypeView& t) {
  u32 next_id = t.type();
  TypeView next = btf_.type(next_id);
  if (!next.exists() || source_only(next)) return bad(t, "Invalid type_id");
  if (must_descend(next)) return push(next);
  // A modifier resolved while a struct was on top may have stopped at a pointer. A pointer has to go on from
  // there, so that it does not end up in itself.
  if (t.is(Kind::kPtr) && next.is_modifier()) {
    const TypeView far = btf_.type(resolved(next_id));
    if (far.is(Kind::kPtr) && must_descend(far)) return push(far);
  }
  if (const auto s = sized(next_id)) {
    next_id = s->id;
  } else {
    if (done(next_id)) {
      next_id = resolved(next_id);
      next = btf_.type(next_id);
    }
    if (!ends_in_nothing(next)) return bad(t, "Invalid type_id");
  }
  return pop(next_id, 0);
}

Status Resolver::step_var(const TypeView& t) {
  const TypeView next = btf_.type(t.type());
  if (!next.exists() || source_only(next)) return bad(t, "Invalid type_id");
  if (must_descend(next)) return push(next);
  if (next.is_modifier()) {
    const TypeView far = btf_.type(resolved(next.id()));
    if (far.is(Kind::kPtr) && must_descend(far)) return push(far);
  }
  const auto s = sized(next.id());
  if (!s) return bad(t, "Invalid type_id");
  return pop(s->id, 0);
}

Status Resolver::step_array(const TypeView& t) {
  const ArrayInfo a = t.array();
  const TypeView index = btf_.type(a.index_type);
  if (lacks_size(index) || source_only(index)) return bad(t, "Invalid index");
  if (must_descend(index)) return push(index);
  const auto index_size = sized(a.index_type);
  if (!index_size) return bad(t, "Invalid index");
  const TypeView index_end = btf_.type(index_size->id);
  if (!index_end.is(Kind::kInt) || !regular_int(index_end)) return bad(t, "Invalid index");

  const TypeView elem = btf_.type(a.type);
  if (lacks_size(elem) || source_only(elem)) return bad(t, "Invalid elem");
  if (must_descend(elem)) return push(elem);
  const auto elem_size = sized(a.type);
  if (!elem_size) return bad(t, "Invalid elem");
  const TypeView elem_end = btf_.type(elem_size->id);
  if (elem_end.is(Kind::kInt) && !regular_int(elem_end)) return bad(t, "Invalid array of int");
  if (a.nelems && elem_size->size > 0xffffffffu / a.nelems) return bad(t, "Array size overflows U32_MAX");
  return pop(elem_size->id, elem_size->size * a.nelems);
}

Status Resolver::step_struct(const TypeView& t, u32 next) {
  // The member that was descended into last has a size now.
  if (next) OSMIA_TRY(check_member(t, next - 1));
  const auto members = t.members();
  for (u32 i = next; i < members.size(); ++i) {
    const TypeView type = btf_.type(members[i].type);
    if (lacks_size(type) || source_only(type))
      return bad_item(t, log_member_line(btf_, t, i), "Invalid member");
    if (must_descend(type)) {
      stack_[depth_ - 1].next = i + 1;
      return push(type);
    }
    OSMIA_TRY(check_member(t, i));
  }
  return pop(0, 0);
}

Status Resolver::step_datasec(const TypeView& t, u32 next) {
  mode_ = Mode::kOpen;
  const auto vars = t.var_secinfos();
  for (u32 i = next; i < vars.size(); ++i) {
    const VarSecinfo v = vars[i];
    const TypeView var = btf_.type(v.type);
    if (!var.is(Kind::kVar)) return bad_item(t, log_var_line(v), "Not a VAR kind member");
    if (must_descend(var)) {
      stack_[depth_ - 1].next = i + 1;
      return push(var);
    }
    const auto s = sized(var.type());
    if (!s) return bad_item(t, log_var_line(v), "Invalid type");
    if (v.size < s->size) return bad_item(t, log_var_line(v), "Invalid size");
  }
  return pop(0, 0);
}

Status Resolver::step_decl_tag(const TypeView& t) {
  const TypeView next = btf_.type(t.type());
  const bool target =
      next.is(Kind::kFunc) || next.is_struct_or_union() || next.is(Kind::kVar) || next.is(Kind::kTypedef);
  if (!target) return bad(t, "Invalid type_id");
  if (must_descend(next)) return push(next);
  if (const int i = t.component_idx(); i != -1) {
    if (next.is(Kind::kVar) || next.is(Kind::kTypedef)) return bad(t, "Invalid component_idx");
    const u32 parts = next.is(Kind::kFunc) ? btf_.type(next.type()).vlen() : next.vlen();
    if (static_cast<u32>(i) >= parts) return bad(t, "Invalid component_idx");
  }
  return pop(next.id(), 0);
}

Status Resolver::step_func(const TypeView& t) {
  const TypeView proto = btf_.type(t.type());
  if (!proto.is(Kind::kFuncProto)) return bad(t, "Invalid type_id");
  const auto params = proto.params();
  for (u32 i = 0; i < params.size(); ++i)
    if (!params[i].name_off && params[i].type) return bad(t, fmt::format("Invalid arg#{}", i + 1));
  return pop(proto.id(), 0);
}

Status Resolver::step(const TypeView& t, u32 next) {
  switch (t.kind()) {
    case Kind::kPtr:
    case Kind::kTypedef:
    case Kind::kVolatile:
    case Kind::kConst:
    case Kind::kRestrict:
    case Kind::kTypeTag: return step_reference(t);
    case Kind::kVar: return step_var(t);
    case Kind::kArray: return step_array(t);
    case Kind::kStruct:
    case Kind::kUnion: return step_struct(t, next);
    case Kind::kDatasec: return step_datasec(t, next);
    case Kind::kDeclTag: return step_decl_tag(t);
    case Kind::kFunc: return step_func(t);
    default: {
      std::string text = log_type_line(btf_, t, t.id(), false) + " Unsupported resolve";
      log_.add(text + "\n");
      return Error{EINVAL, std::move(text)};
    }
  }
}

// What a finished type must look like; anything else would be a mistake of the walk.
bool Resolver::resolve_state_ok(const TypeView& t) const {
  if (!done(t.id())) return false;
  const u32 i = t.id() - btf_.start_id();
  if (t.is_struct_or_union() || t.is(Kind::kDatasec)) return !resolved_id_[i] && !resolved_size_[i];
  if (t.is(Kind::kDeclTag) || t.is(Kind::kFunc)) return resolved_id_[i] && !resolved_size_[i];
  if (t.is(Kind::kArray)) {
    const auto s = sized(t.array().type);
    return s && t.array().nelems * s->size == resolved_size_[i];
  }
  const TypeView end = btf_.type(resolved_id_[i]);
  return end.exists() && !end.is_modifier() && !end.is(Kind::kVar) && !end.is(Kind::kDatasec);
}

Status Resolver::resolve(const TypeView& root) {
  mode_ = Mode::kOpen;
  depth_ = 0;
  Status status = push(root);
  while (status.ok() && depth_) {
    const Frame f = stack_[depth_ - 1];
    status = step(btf_.type(f.id), f.next);
  }
  if (!status.ok()) {
    if (status.error().code == E2BIG) return bad(root, "Exceeded max resolving depth:32", E2BIG);
    if (status.error().code == EEXIST) return bad(root, "Loop detected", EEXIST);
    return status;
  }
  if (!resolve_state_ok(root)) return bad(root, "Invalid resolve state");
  return Ok{};
}

// Why this member may not be where it is in its struct, or null. `type` is behind modifiers.
const char* Resolver::member_problem(const TypeView& s, const Member& m, const TypeView& type) const {
  constexpr const char* kTooFar = "Member exceeds struct_size";
  constexpr const char* kNotByte = "Member is not byte aligned";
  const bool kflag = s.kind_flag();
  const u32 size = s.size(), bit = m.bit_offset, byte = bit / 8;
  switch (type.kind()) {
    case Kind::kInt: {
      const IntInfo i = type.int_info();
      u32 start = bit, bits = i.bits;
      if (kflag) {
        if (!regular_int(type)) return "Invalid member base type";
        if (!m.bitfield_size) {
          if (bit % 8) return "Invalid member offset";
        } else {
          if (m.bitfield_size > bits) return "Invalid member bitfield_size";
          bits = m.bitfield_size;
        }
      } else {
        if (0xffffffffu - start < i.offset) return "bits_offset exceeds U32_MAX";
        start += i.offset;
      }
      const u32 copy = bits + start % 8;
      if (copy > 128) return "nr_copy_bits exceeds 128";
      if (size < start / 8 || size - start / 8 < roundup_bytes(copy)) return kTooFar;
      return nullptr;
    }
    case Kind::kEnum:
    case Kind::kEnum64:
      if (kflag) {
        u32 bits = m.bitfield_size;
        if (!bits) {
          if (bit % 8) return kNotByte;
          bits = 32;
        } else if (bits > 32) {
          return "Invalid member bitfield_size";
        }
        return size < roundup_bytes(bit + bits) ? kTooFar : nullptr;
      }
      if (bit % 8) return kNotByte;
      return size - byte < type.size() ? kTooFar : nullptr;
    case Kind::kPtr:
    case Kind::kStruct:
    case Kind::kUnion:
    case Kind::kArray: {
      if (kflag && m.bitfield_size) return "Invalid member bitfield_size";
      if (bit % 8) return kNotByte;
      const auto need = sized(type.id());
      return size - byte < (need ? need->size : 0) ? kTooFar : nullptr;
    }
    case Kind::kFloat: {
      if (kflag && m.bitfield_size) return "Invalid member bitfield_size";
      if (bit % (8 * std::min(8u, type.size()))) return "Member is not properly aligned";
      return u64{byte} + type.size() > size ? kTooFar : nullptr;
    }
    default: return "";  // no kind that a struct could hold
  }
}

Status Resolver::check_member(const TypeView& s, u32 index) {
  Member m = s.members()[index];
  TypeView type = btf_.type(m.type);
  if (type.is_modifier()) {
    const auto end = sized(m.type);
    if (!end) return bad_item(s, log_member_line(btf_, s, m), "Invalid member");
    type = btf_.type(end->id);
    m.type = end->id;  // Linux's complaint names the type behind the modifiers
  }
  const char* problem = member_problem(s, m, type);
  if (!problem) return Ok{};
  if (*problem) return bad_item(s, log_member_line(btf_, s, m), problem);
  std::string text = log_type_line(btf_, s, s.id(), false) +
                     (s.kind_flag() ? " Unsupported check_kflag_member" : " Unsupported check_member");
  log_.add(text + "\n");
  return Error{EINVAL, std::move(text)};
}

Status Resolver::check_proto(const TypeView& t) {
  if (const u32 ret = t.type()) {
    const TypeView type = btf_.type(ret);
    if (!type.exists() || source_only(type)) return bad(t, "Invalid return type");
    if (needs_resolve(type) && !done(ret)) OSMIA_TRY(resolve(type));
    if (!sized(ret)) return bad(t, "Invalid return type");
  }
  const auto params = t.params();
  u32 n = params.size();
  if (!n) return Ok{};
  if (!params[n - 1].type) {
    if (params[n - 1].name_off) return bad(t, fmt::format("Invalid arg#{}", n));
    --n;
  }
  for (u32 i = 0; i < n; ++i) {
    const Param p = params[i];
    const TypeView type = btf_.type(p.type);
    auto invalid = [&] { return bad(t, fmt::format("Invalid arg#{}", i + 1)); };
    if (!type.exists() || source_only(type)) return invalid();
    if (p.name_off &&
        (p.name_off > kMaxNameOffset || !btf_.has_string(p.name_off) || !is_valid_identifier(p.name)))
      return invalid();
    if (needs_resolve(type) && !done(p.type)) OSMIA_TRY(resolve(type));
    if (!sized(p.type)) return invalid();
  }
  return Ok{};
}

// Type tags come right behind the pointer, before any other modifier, and no chain is longer than 32.
Status Resolver::check_type_tags() {
  u32 good = btf_.start_id() - 1;
  for (u32 id = btf_.start_id(); id < btf_.end_id(); good = id++) {
    TypeView t = btf_.type(id);
    bool in_tags = t.is(Kind::kTypeTag);
    int left = 32;
    u32 cur = id;
    while (t.is_modifier()) {
      auto fail = [&](const char* why, int code) {
        log_.add(why);
        return Error{code, fmt::format("[{}] {}", id, why)};
      };
      if (!left--) return fail("Max chain length or cycle detected", ELOOP);
      if (!t.is(Kind::kTypeTag))
        in_tags = false;
      else if (!in_tags)
        return fail("Type tags don't precede modifiers", EINVAL);
      if (cur <= good) break;
      cur = t.type();
      t = btf_.type(cur);
      if (!t.exists()) return Error{EINVAL, fmt::format("[{}] refers to missing type [{}]", id, cur)};
    }
  }
  return Ok{};
}

Status Resolver::run() {
  for (u32 id = btf_.start_id(); id < btf_.end_id(); ++id) {
    const TypeView t = btf_.type(id);
    if (needs_resolve(t) && !done(id)) OSMIA_TRY(resolve(t));
    if (t.is(Kind::kFuncProto)) OSMIA_TRY(check_proto(t));
  }
  return check_type_tags();
}

}  // namespace

Status check_all_types(const Btf& btf, LogSink& log) {
  return Resolver(btf, log).run();
}

}  // namespace osmia::btf
