// Declarations in C, inside out: the chain of pointers, arrays, qualifiers and prototypes from a type down to
// its base is collected first and then written from the base outwards, since C wraps declarators around the
// name.
#include <algorithm>

#include "btf/c_dumper.h"

namespace osmia::btf {

namespace {

constexpr int kMaxDepth = 200;
bool builtin_va_list(const TypeView& t) {
  return t.name() == "__builtin_va_list";
}

s64 round_up(s64 v, s64 to) {
  return (v + to - 1) / to * to;
}

}  // namespace

// Writes what a definition needs before it: `container` is the struct or typedef being written (0 at top
// level).
void CDumper::emit_type(u32 id, u32 container, int depth) {
  if (id >= states_.size() || depth > kMaxDepth || !spend()) return;
  const bool top = container == 0;
  if (states_[id].emit == kEmitted) return;
  const TypeView t = btf_.type(id);

  if (states_[id].emit == kEmitting) {
    // Reached from inside itself: only a declaration can help, and only once.
    if (states_[id].fwd_emitted) return;
    if (t.is_struct_or_union()) {
      if (id == container || t.name_off() == 0) return;
      emit_struct_fwd(t);
      put(";\n\n");
      states_[id].fwd_emitted = true;
    } else if (t.is(Kind::kTypedef)) {
      if (!builtin_va_list(t)) {
        emit_typedef(t, 0);
        put(";\n\n");
      }
      states_[id].fwd_emitted = true;
    }
    return;
  }

  switch (t.kind()) {
    case Kind::kInt: {
      // GCC's Arm vector types have no definition that a C compiler would know.
      static constexpr const char* kAliases[][2] = {{"__Poly8_t", "unsigned char"},
                                                    {"__Poly16_t", "unsigned short"},
                                                    {"__Poly64_t", "unsigned long long"},
                                                    {"__Poly128_t", "unsigned __int128"}};
      const std::string_view name = type_name(t);
      for (const auto& a : kAliases)
        if (name == a[0]) put("typedef ", a[1], " ", a[0], ";\n\n");
      states_[id].emit = kEmitted;
      break;
    }
    case Kind::kEnum:
    case Kind::kEnum64:
      if (top) {
        emit_enum(t, 0);
        put(";\n\n");
      }
      states_[id].emit = kEmitted;
      break;
    case Kind::kPtr:
    case Kind::kVolatile:
    case Kind::kConst:
    case Kind::kRestrict:
    case Kind::kTypeTag: emit_type(t.type(), container, depth + 1); break;
    case Kind::kArray: emit_type(t.array().type, container, depth + 1); break;
    case Kind::kFwd:
      emit_fwd(t);
      put(";\n\n");
      states_[id].emit = kEmitted;
      break;
    case Kind::kTypedef:
      states_[id].emit = kEmitting;
      emit_type(t.type(), id, depth + 1);
      if (!states_[id].fwd_emitted && !builtin_va_list(t)) {
        emit_typedef(t, 0);
        put(";\n\n");
      }
      states_[id].emit = kEmitted;
      break;
    case Kind::kStruct:
    case Kind::kUnion:
      states_[id].emit = kEmitting;
      if (top || t.name_off() == 0) {
        for (const Member m : t.members()) emit_type(m.type, t.name_off() ? id : container, depth + 1);
      } else if (!states_[id].fwd_emitted && id != container) {
        emit_struct_fwd(t);
        put(";\n\n");
        states_[id].fwd_emitted = true;
      }
      if (top) {
        emit_struct(t, 0);
        put(";\n\n");
      }
      states_[id].emit = top ? kEmitted : kNotEmitted;
      break;
    case Kind::kFuncProto:
      emit_type(t.type(), container, depth + 1);
      for (const Param p : t.params()) emit_type(p.type, container, depth + 1);
      break;
    default: break;
  }
}

void CDumper::emit_struct_fwd(const TypeView& t) {
  put(t.is(Kind::kStruct) ? "struct" : "union", t.name_off() ? " " : "", type_name(t));
}

void CDumper::emit_fwd(const TypeView& t) {
  put(t.kind_flag() ? "union " : "struct ", type_name(t));
}

void CDumper::emit_typedef(const TypeView& t, int level) {
  const std::string name(ident_name(t));
  // Some GCC versions describe this one as void.
  if (t.type() == 0 && name == "__gnuc_va_list") {
    put("typedef __builtin_va_list __gnuc_va_list");
    return;
  }
  put("typedef ");
  emit_decl(t.type(), name, level);
}

// Unnamed bit fields that fill the gap between two members where the compiler would not do so by itself.
// Works in bits. The widest type whose boundary lies inside the gap is used to align first, then to fill.
void CDumper::emit_padding(s64 from, s64 to, u32 next_align, bool in_bitfield, int level) {
  if (from >= to) return;
  struct Pad {
    const char* name;
    s64 bits;
  };
  static constexpr Pad kPads[] = {{"long", 64}, {"int", 32}, {"short", 16}, {"char", 8}};
  const Pad* pad = nullptr;
  s64 aligned = 0;
  for (const Pad& p : kPads) {
    pad = &p;
    aligned = round_up(from, p.bits);
    if (aligned <= to) break;
  }
  auto line = [&](const char* type, s64 bits) {
    put("\n");
    indent(level);
    put(type, ": ", std::to_string(bits), ";");
  };
  if (aligned > from && aligned <= to) {
    const bool compiler_would_not =
        aligned == to && (next_align == 0 || round_up(from, s64{next_align} * 8) != aligned);
    const bool rest_would_fit_before = aligned != to && to - aligned <= aligned - from;
    if (in_bitfield || compiler_would_not || rest_would_fit_before)
      line(pad->name, in_bitfield ? aligned - from : 0);
    from = aligned;
  }
  while (from < to && spend()) {
    const s64 bits = std::min(to - from, pad->bits);
    const Pad* use = pad;
    if (bits != pad->bits)
      // The smallest type that holds the rest tells the reader how large the hole is.
      for (const Pad* p = std::end(kPads); p-- != std::begin(kPads);)
        if (p->bits >= bits) {
          use = p;
          break;
        }
    line(use->name, bits);
    from += bits;
  }
}

void CDumper::emit_struct(const TypeView& t, int level) {
  const bool is_struct = t.is(Kind::kStruct);
  const u32 align = align_of(t.id());
  const bool packed = is_struct && is_packed(t);
  emit_struct_fwd(t);
  put(" {");
  s64 off = 0;
  bool after_bitfield = false;
  for (const Member m : t.members()) {
    if (!spend()) break;
    const u32 m_align = packed ? 1 : align_of(m.type);
    emit_padding(off, m.bit_offset, m_align, after_bitfield && m.bitfield_size, level + 1);
    put("\n");
    indent(level + 1);
    emit_decl(m.type, m.name, level + 1);
    after_bitfield = m.bitfield_size != 0;
    if (m.bitfield_size) {
      put(": ", std::to_string(m.bitfield_size));
      off = s64{m.bit_offset} + m.bitfield_size;
    } else {
      const auto size = btf_.size_of(m.type);
      off = s64{m.bit_offset} + (size.ok() ? s64{*size} * 8 : 0);
    }
    put(";");
  }
  if (is_struct) emit_padding(off, s64{t.size()} * 8, align, false, level + 1);
  if (t.vlen() || t.size()) {
    put("\n");
    indent(level);
  }
  put("}");
  if (packed) put(" __attribute__((packed))");
}

void CDumper::emit_enum(const TypeView& t, int level) {
  put("enum", t.name_off() ? " " : "", type_name(t));
  if (!t.vlen()) return;
  put(" {");
  const bool wide = t.is(Kind::kEnum64);
  bool high_bits = false;
  for (const Enumerator e : t.enumerators()) {
    if (!spend()) break;
    put("\n");
    indent(level + 1);
    put(e.name);
    if (const u32 n = count_name(ident_names_, e.name); n > 1) put("___", std::to_string(n));
    put(" = ", t.kind_flag() ? std::to_string(static_cast<s64>(e.value)) : std::to_string(e.value));
    if (wide) put(t.kind_flag() ? "LL" : "ULL");
    put(",");
    high_bits |= e.value >> 32 != 0;
  }
  put("\n");
  indent(level);
  put("}");
  if (t.size() == 1)
    put(" __attribute__((mode(byte)))");
  else if (t.size() == 8 && !(wide && high_bits))
    put(" __attribute__((mode(word)))");
}

void CDumper::emit_decl(u32 id, std::string_view name, int level) {
  if (decl_depth_ > kMaxDepth || !spend()) return;
  ++decl_depth_;
  std::vector<u32> ids;
  bool more = true;
  while (more && spend()) {
    ids.push_back(id);
    const TypeView t = btf_.type(id);
    switch (t.kind()) {
      case Kind::kPtr:
      case Kind::kVolatile:
      case Kind::kConst:
      case Kind::kRestrict:
      case Kind::kFuncProto:
      case Kind::kTypeTag: id = t.type(); break;
      case Kind::kArray: id = t.array().type; break;
      default: more = false;
    }
    if (ids.size() > 1000) more = false;
  }
  Chain chain{ids.data(), ids.size()};
  emit_chain(chain, name, level);
  --decl_depth_;
}

void CDumper::emit_mods(Chain& chain) {
  for (; chain.count; --chain.count) {
    switch (btf_.type(chain.ids[chain.count - 1]).kind()) {
      case Kind::kVolatile: put("volatile "); break;
      case Kind::kConst: put("const "); break;
      case Kind::kRestrict: put("restrict "); break;
      default: return;
    }
  }
}

// GCC repeats an element's qualifiers on its array, and marks noreturn functions volatile; neither is C.
void CDumper::drop_mods(Chain& chain) {
  while (chain.count && btf_.type(chain.ids[chain.count - 1]).is_modifier()) --chain.count;
}

void CDumper::emit_name(std::string_view name, bool after_pointer) {
  put(!name.empty() && !after_pointer ? " " : "", name);
}

void CDumper::emit_chain(Chain& chain, std::string_view name, int level) {
  bool after_pointer = true;  // then no space before a "*" or a name
  while (chain.count) {
    const u32 id = chain.ids[--chain.count];
    const TypeView t = btf_.type(id);
    switch (t.kind()) {
      case Kind::kVoid:
        if (!t.exists()) return;
        emit_mods(chain);
        put("void");
        break;
      case Kind::kInt:
      case Kind::kFloat:
        emit_mods(chain);
        put(t.name());
        break;
      case Kind::kStruct:
      case Kind::kUnion:
        emit_mods(chain);
        if (t.name_off() == 0 && !skip_anon_defs_)
          emit_struct(t, level);
        else
          emit_struct_fwd(t);
        break;
      case Kind::kEnum:
      case Kind::kEnum64:
        emit_mods(chain);
        if (t.name_off() == 0 && !skip_anon_defs_)
          emit_enum(t, level);
        else
          put("enum ", type_name(t));
        break;
      case Kind::kFwd:
        emit_mods(chain);
        emit_fwd(t);
        break;
      case Kind::kTypedef:
        emit_mods(chain);
        put(ident_name(t));
        break;
      case Kind::kPtr: put(after_pointer ? "*" : " *"); break;
      case Kind::kVolatile: put(" volatile"); break;
      case Kind::kConst: put(" const"); break;
      case Kind::kRestrict: put(" restrict"); break;
      case Kind::kTypeTag:
        emit_mods(chain);
        put(" __attribute__((btf_type_tag(\"", t.name(), "\")))");
        break;
      case Kind::kArray: {
        drop_mods(chain);
        const std::string count = "[" + std::to_string(t.array().nelems) + "]";
        if (chain.count == 0) {
          emit_name(name, after_pointer);
          put(count);
          return;
        }
        // The rest of the declarator goes inside, in parentheses unless it is another dimension.
        const bool dimension = btf_.type(chain.ids[chain.count - 1]).is(Kind::kArray);
        if (!name.empty() && !after_pointer) put(" ");
        if (!dimension) put("(");
        emit_chain(chain, name, level);
        if (!dimension) put(")");
        put(count);
        return;
      }
      case Kind::kFuncProto: {
        drop_mods(chain);
        if (chain.count) {
          put(" (");
          emit_chain(chain, name, level);
          put(")");
        } else {
          emit_name(name, after_pointer);
        }
        put("(");
        const auto params = t.params();
        const u32 n = params.size();
        if (n == 0 || (n == 1 && params[0].type == 0)) {
          put("void)");
          return;
        }
        for (u32 i = 0; i < n && spend(); ++i) {
          const Param p = params[i];
          if (i) put(", ");
          if (i + 1 == n && p.type == 0)
            put("...");
          else
            emit_decl(p.type, p.name, level);
        }
        put(")");
        return;
      }
      default: return;
    }
    after_pointer = t.is(Kind::kPtr);
  }
  emit_name(name, after_pointer);
}

}  // namespace osmia::btf
