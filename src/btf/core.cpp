// From two accesses, the program's and the kernel's, to numbers, and from the numbers to the instruction.
#include "btf/core.h"

#include <fmt/format.h>

namespace osmia::btf {
namespace {

using isa::Insn;

constexpr s32 kPoison = 195896080;  // 0xbad2310, "bad relo": "invalid func unknown#195896080"

struct Numbers {
  u64 original = 0, target = 0;            // expected in the instruction; to be put there
  bool poison = false;                     // no answer: make the instruction invalid
  bool validate = true;                    // `original` must be there
  bool bad_size = false;                   // a load or store of this field would give a wrong value
  u32 original_size = 0, target_size = 0;  // bytes accessed, 0: not known
  u32 original_type = 0, target_type = 0;
};

// What one side contributes.
struct Side {
  u64 value = 0;
  u32 size = 0, type = 0;
  bool validate = true;
};
constexpr int kWantsPoison = EUCLEAN;

struct Relocation {
  const CoreRelo& relo;
  u32 index;
  const CoreLog& log;

  u32 insn() const { return relo.insn_off / 8; }
  CoreKind kind() const { return static_cast<CoreKind>(relo.kind); }
  template <class... A>
  void say(fmt::format_string<A...> f, A&&... args) const {
    if (log) log("prog '': relo #" + std::to_string(index) + fmt::format(f, std::forward<A>(args)...));
  }
  template <class... A>
  void say_kind(fmt::format_string<A...> f, A&&... args) const {
    if (log)
      log(fmt::format("prog '': relo {} at insn #{}", static_cast<s32>(relo.kind), insn()) +
          fmt::format(f, std::forward<A>(args)...));
  }

  int element_number(const CoreSpec& spec, Side& out) const;
  int field_number(const CoreSpec* spec, Side& out) const;
  int type_number(const CoreSpec* spec, Side& out) const;
  int enum_number(const CoreSpec* spec, Side& out) const;
  int number(const CoreSpec* spec, Side& out) const;
  int numbers(const CoreSpec& local, const CoreSpec* target, Numbers& out) const;
  int decide(const Btf& local, const CoreCandidates::List* candidates, Numbers& out) const;
  int patch(std::span<Insn> insns, const Numbers& n) const;
  int patch_memory(std::span<Insn> insns, const Numbers& n) const;
  int patch_ld_imm64(std::span<Insn> insns, const Numbers& n) const;
  int poison(std::span<Insn> insns) const;
};

int Relocation::element_number(const CoreSpec& spec, Side& out) const {
  const u32 id = spec.points.back().type_id;
  if (kind() != CoreKind::kFieldByteOffset && kind() != CoreKind::kFieldByteSize) {
    say_kind(" can't be applied to array access\n");
    return -EINVAL;
  }
  const auto size = spec.btf->size_of(id);
  if (!size.ok()) return -EINVAL;
  if (kind() == CoreKind::kFieldByteSize) {
    out.value = *size;
  } else {
    out.value = spec.bit_offset / 8;
    out.size = *size;
    out.type = id;
  }
  return 0;
}

int Relocation::field_number(const CoreSpec* spec, Side& out) const {
  if (kind() == CoreKind::kFieldExists) {
    out.value = spec != nullptr;
    return 0;
  }
  if (!spec) return -kWantsPoison;
  const CoreSpec::Point& last = spec->points.back();
  if (last.name.empty()) return element_number(*spec, out);
  const Member m = spec->btf->type(last.type_id).members()[static_cast<u32>(last.index)];
  const TypeView t = spec->btf->skip_modifiers(m.type);
  const u32 bit = spec->bit_offset;
  u32 bits = m.bitfield_size, bytes = 0, at = bit / 8;
  if (bits) {
    // The smallest aligned integer that holds all of it.
    bytes = t.size();
    if (!bytes) return -EINVAL;
    at = bit / 8 / bytes * bytes;
    while (u64{bit} + bits - u64{at} * 8 > u64{bytes} * 8) {
      if (bytes >= 8) {
        say_kind(" can't be satisfied for bitfield\n");
        return -E2BIG;
      }
      bytes *= 2;
      at = bit / 8 / bytes * bytes;
    }
  } else {
    const auto size = spec->btf->size_of(t.id());
    if (!size.ok()) return -EINVAL;
    bytes = *size;
    bits = bytes * 8;
  }
  // The compiler may have chosen another integer for the bit field; its sign and right shift are not open.
  out.validate = !m.bitfield_size;
  switch (kind()) {
    case CoreKind::kFieldByteOffset:
      out.value = at;
      if (!m.bitfield_size) out.size = bytes, out.type = t.id();
      return 0;
    case CoreKind::kFieldByteSize: out.value = bytes; return 0;
    case CoreKind::kFieldSigned:
      out.value = t.is_any_enum() ? t.kind_flag() : t.is(Kind::kInt) && t.int_info().is_signed();
      out.validate = true;
      return 0;
    case CoreKind::kFieldLshiftU64: out.value = 64 - (bit + bits - at * 8); return 0;
    case CoreKind::kFieldRshiftU64:
      out.value = 64 - bits;
      out.validate = true;
      return 0;
    default: return -EOPNOTSUPP;
  }
}

int Relocation::type_number(const CoreSpec* spec, Side& out) const {
  if (!spec) return 0;  // not there: 0
  switch (kind()) {
    case CoreKind::kTypeIdTarget:
      out.value = spec->root;
      out.validate = false;
      return 0;
    case CoreKind::kTypeExists:
    case CoreKind::kTypeMatches: out.value = 1; return 0;
    case CoreKind::kTypeSize: {
      const auto size = spec->btf->size_of(spec->root);
      if (!size.ok()) return -EINVAL;
      out.value = *size;
      return 0;
    }
    default: return -EOPNOTSUPP;
  }
}

int Relocation::enum_number(const CoreSpec* spec, Side& out) const {
  if (kind() == CoreKind::kEnumvalExists) {
    out.value = spec != nullptr;
    return 0;
  }
  if (!spec) return -kWantsPoison;
  const TypeView t = spec->btf->type(spec->points[0].type_id);
  const u64 v = t.enumerators()[static_cast<u32>(spec->points[0].index)].value;
  // A 32-bit enumerator is a signed number to Linux, even that of an unsigned enum.
  out.value = t.is(Kind::kEnum) ? static_cast<u64>(s64{static_cast<s32>(v)}) : v;
  return 0;
}

int Relocation::number(const CoreSpec* spec, Side& out) const {
  if (kind() <= CoreKind::kFieldRshiftU64) return field_number(spec, out);
  if (kind() == CoreKind::kEnumvalExists || kind() == CoreKind::kEnumvalValue) return enum_number(spec, out);
  return type_number(spec, out);
}

int Relocation::numbers(const CoreSpec& local, const CoreSpec* target, Numbers& out) const {
  out = {};
  Side mine, theirs;
  int e = number(&local, mine);
  if (!e) e = number(target, theirs);
  out.original = mine.value, out.original_size = mine.size, out.original_type = mine.type;
  out.validate = mine.validate;
  out.target = theirs.value, out.target_size = theirs.size, out.target_type = theirs.type;
  if (e == -kWantsPoison) {
    out.poison = true;
    return 0;
  }
  if (e == -EOPNOTSUPP)
    say(": unrecognized CO-RE relocation {} ({}) at insn #{}\n", core_kind_text(relo.kind),
        static_cast<s32>(relo.kind), insn());
  if (e || out.original_size == out.target_size || !target) return e;
  // Pointers and unsigned integers may be read wider or narrower, they are zero-extended; nothing else may.
  const TypeView a = local.btf->type(out.original_type), b = target->btf->type(out.target_type);
  const auto is_unsigned = [](const TypeView& t) {
    return t.is(Kind::kInt) && t.int_info().encoding != kIntSigned;
  };
  out.bad_size = !(a.is(Kind::kPtr) && b.is(Kind::kPtr)) && !(is_unsigned(a) && is_unsigned(b));
  return 0;
}

// The numbers that all candidates agree on.
int Relocation::decide(const Btf& local, const CoreCandidates::List* candidates, Numbers& out) const {
  const TypeView t = local.type(relo.type_id);
  CoreSpec mine;
  if (const int e = parse_core_spec(local, relo, mine, log)) {
    say(": parsing [{}] {} {} + {} failed: {}\n", relo.type_id, kind_name(t.kind()),
        t.name().empty() ? "<anon>" : t.name(),
        local.has_string(relo.access_str_off) ? local.string(relo.access_str_off) : "<?>", e);
    return -EINVAL;
  }
  if (log) say(": {}\n", format_core_spec(mine));
  if (kind() == CoreKind::kTypeIdLocal) {
    out = {};
    out.validate = false;
    out.original = out.target = mine.root;
    return 0;
  }
  u32 first_bit_offset = 0;
  bool any = false;
  for (size_t i = 0; i < candidates->types.size(); i++) {
    CoreSpec theirs;
    const int found = match_core_spec(mine, *candidates->types[i].btf, candidates->types[i].id, theirs);
    if (found < 0) {
      say(": error matching candidate #{} {}: {}\n ", i, format_core_spec(theirs), found);
      return found;
    }
    if (log) say(": {} candidate #{} {}\n", found ? "matching" : "non-matching", i, format_core_spec(theirs));
    if (!found) continue;
    Numbers n;
    if (const int e = numbers(mine, &theirs, n)) return e;
    if (!any) {
      out = n;
      first_bit_offset = theirs.bit_offset;
    } else if (theirs.bit_offset != first_bit_offset) {
      say(": field offset ambiguity: {} != {}\n", theirs.bit_offset, first_bit_offset);
      return -EINVAL;
    } else if (n.poison != out.poison || n.target != out.target) {
      say(": relocation decision ambiguity: {} {} != {} {}\n", n.poison ? "failure" : "success", n.target,
          out.poison ? "failure" : "success", out.target);
      return -EINVAL;
    }
    any = true;
  }
  if (any) return 0;
  say(": no matching targets found\n");
  return numbers(mine, nullptr, out);
}

int Relocation::poison(std::span<Insn> insns) const {
  const u32 words = is_ld_imm64(insns[insn()]) && insn() + 1 < insns.size() ? 2 : 1;
  for (u32 i = 0; i < words; i++) {
    say(": substituting insn #{} w/ invalid insn\n", insn() + i);
    insns[insn() + i] = Insn{.code = isa::kJmp | isa::kCall, .imm = kPoison};
  }
  return 0;
}

int Relocation::patch_memory(std::span<Insn> insns, const Numbers& n) const {
  Insn& in = insns[insn()];
  const u64 now = static_cast<u64>(s64{in.off});
  if (n.poison) return poison(insns);
  if (n.validate && now != n.original) {
    say(": unexpected insn #{} (LDX/ST/STX) value: got {}, exp {} -> {}\n", insn(), static_cast<u32>(in.off),
        n.original, n.target);
    return -EINVAL;
  }
  if (n.target > INT16_MAX) {
    say(": insn #{} (LDX/ST/STX) value too big: {}\n", insn(), n.target);
    return -ERANGE;
  }
  if (n.bad_size) {
    say(": insn #{} (LDX/ST/STX) accesses field incorrectly. Make sure you are accessing pointers, unsigned "
        "integers, or fields of matching type and size.\n",
        insn());
    return poison(insns);
  }
  const Insn before = in;
  in.off = static_cast<s16>(n.target);
  say(": patched insn #{} (LDX/ST/STX) off {} -> {}\n", insn(), now, n.target);
  if (n.target_size == n.original_size) return 0;
  const u32 bytes = static_cast<u32>(isa::size_bytes(in.size_bits()));
  if (bytes != n.original_size) {
    say(": insn #{} (LDX/ST/STX) unexpected mem size: got {}, exp {}\n", insn(), bytes, n.original_size);
    in = before;
    return -EINVAL;
  }
  u8 size_code;
  switch (n.target_size) {
    case 1: size_code = isa::kB; break;
    case 2: size_code = isa::kH; break;
    case 4: size_code = isa::kW; break;
    case 8: size_code = isa::kDw; break;
    default:
      say(": insn #{} (LDX/ST/STX) invalid new mem size: {}\n", insn(), n.target_size);
      in = before;
      return -EINVAL;
  }
  in.code = static_cast<u8>(in.mode() | size_code | in.cls());
  say(": patched insn #{} (LDX/ST/STX) mem_sz {} -> {}\n", insn(), n.original_size, n.target_size);
  return 0;
}

int Relocation::patch_ld_imm64(std::span<Insn> insns, const Numbers& n) const {
  Insn& lo = insns[insn()];
  Insn* const hi = insn() + 1 < insns.size() ? &insns[insn() + 1] : nullptr;
  if (!is_ld_imm64(lo) || lo.src || lo.off || !hi || hi->code || hi->dst || hi->src || hi->off) {
    say(": insn #{} (LDIMM64) has unexpected form\n", insn());
    return -EINVAL;
  }
  if (n.poison) return poison(insns);
  const u64 now = static_cast<u32>(lo.imm) | u64{static_cast<u32>(hi->imm)} << 32;
  if (n.validate && now != n.original) {
    say(": unexpected insn #{} (LDIMM64) value: got {}, exp {} -> {}\n", insn(), now, n.original, n.target);
    return -EINVAL;
  }
  lo.imm = static_cast<s32>(n.target);
  hi->imm = static_cast<s32>(n.target >> 32);
  say(": patched insn #{} (LDIMM64) imm64 {} -> {}\n", insn(), now, n.target);
  return 0;
}

int Relocation::patch(std::span<Insn> insns, const Numbers& n) const {
  Insn& in = insns[insn()];
  switch (in.cls()) {
    case isa::kAlu:
    case isa::kAlu64: {
      if (in.code & isa::kX) break;
      if (n.poison) return poison(insns);
      const u64 now = static_cast<u64>(s64{in.imm});
      if (n.validate && now != n.original) {
        say(": unexpected insn #{} (ALU/ALU64) value: got {}, exp {} -> {}\n", insn(),
            static_cast<u32>(in.imm), n.original, n.target);
        return -EINVAL;
      }
      in.imm = static_cast<s32>(n.target);
      say(": patched insn #{} (ALU/ALU64) imm {} -> {}\n", insn(), now, n.target);
      return 0;
    }
    case isa::kLdx:
    case isa::kSt:
    case isa::kStx: return patch_memory(insns, n);
    case isa::kLd: return patch_ld_imm64(insns, n);
    default: break;
  }
  say(": trying to relocate unrecognized insn #{}, code:{:#x}, src:{:#x}, dst:{:#x}, off:{:#x}, imm:{:#x}\n",
      insn(), u32{in.code}, u32{in.src}, u32{in.dst}, static_cast<u32>(in.off), static_cast<u32>(in.imm));
  return -EINVAL;
}

}  // namespace

int apply_core_relo(const Btf& local, CoreCandidates& candidates, const CoreRelo& relo, u32 index,
                    std::span<Insn> insns, const CoreLog& log, u32 log_level) {
  if (!local.type(relo.type_id).exists()) {
    if (log) log(fmt::format("relo #{}: bad type id {}\n", index, relo.type_id));
    return -EINVAL;
  }
  const Relocation r{relo, index, log};
  const bool need = r.kind() != CoreKind::kTypeIdLocal;
  const CoreCandidates::List* found = need ? candidates.find(local, relo.type_id) : nullptr;
  int result = 0;
  if (need && !found) {
    if (log) log(fmt::format("target candidate search failed for {}\n", static_cast<s32>(relo.type_id)));
    result = -EINVAL;
  } else {
    if (need && log)
      for (const auto& t : found->types)
        log(fmt::format("CO-RE relocating {} {}: found target candidate [{}]\n", kind_name(found->kind),
                        found->name, t.id));
    Numbers n;
    result = r.decide(local, found, n);
    if (!result) result = r.patch(insns, n);
  }
  if (need && log && log_level & 2) log(candidates.describe());
  return result;
}

}  // namespace osmia::btf
