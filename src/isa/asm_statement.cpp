// A recursive-descent parser over one statement. Invariant: an error names the line, what was expected, and
// the text found there.
#include "isa/asm_statement.h"

#include <fmt/format.h>

#include "isa/decode.h"
#include "isa/opcode_table.h"

namespace osmia::isa {
namespace {

struct Target {
  s64 distance = 0;
  std::string_view label;  // if not empty, distance is not known yet
};

// The bits of an access type "u8" .. "s32"; 0 for any other text.
int width_of(std::string_view type) {
  for (const int bits : {8, 16, 32, 64})
    for (const bool sign_extends : {false, true})
      if (type == access_text(static_cast<unsigned>(bits), sign_extends) && !(sign_extends && bits == 64))
        return bits;
  return 0;
}

template <class Match>
const OpInfo* longest(AsmCursor& at, Match match) {
  const std::string_view rest = at.rest();
  const OpInfo* best = nullptr;
  for (const OpInfo& op : all_ops())
    if (!op.internal && !op.text_only && match(op) && rest.starts_with(op.text) &&
        (best == nullptr || op.text.size() > best->text.size()))
      best = &op;
  return best;
}

const OpInfo* find(OpKind kind, int width, std::string_view text, bool internal = false) {
  for (const OpInfo& op : all_ops())
    if (op.kind == kind && op.width == width && op.text == text && op.internal == internal) return &op;
  return nullptr;
}

class Statement {
 public:
  Statement(AsmCursor at, int number, const AsmOptions& options, std::vector<Insn>& out,
            std::vector<Fixup>& fixups)
      : x_at(at), x_number(number), x_options(options), x_out(out), x_fixups(fixups) {}

  Status parse() {
    OSMIA_TRY(prefix());
    const size_t first = x_out.size();
    OSMIA_TRY(statement());
    if (!x_at.at_end()) return expected("the end of the line");
    if (x_code && x_out[first].code != *x_code)
      return fail(fmt::format("expected the text of opcode {:02x}, found that of {:02x}", *x_code,
                              x_out[first].code));
    return Ok{};
  }

 private:
  Error fail(std::string_view what) const { return {EINVAL, fmt::format("line {}: {}", x_number, what)}; }
  Error expected(std::string_view what) {
    const std::string_view rest = x_at.rest();
    return fail(fmt::format(
        "expected {}, found {}", what,
        rest.empty() ? std::string("the end of the line") : fmt::format("\"{}\"", rest.substr(0, 40))));
  }

  Status prefix() {
    if (!x_at.rest().starts_with("(")) return Ok{};
    const std::string_view r = x_at.rest();
    unsigned code = 0;
    const auto [end, error] =
        std::from_chars(r.data() + 1, r.data() + std::min<size_t>(r.size(), 3), code, 16);
    if (error != std::errc() || end != r.data() + 3 || r.size() < 4 || r[3] != ')')
      return expected("an opcode byte such as (bf)");
    x_at.eat(r.substr(0, 4));
    x_code = static_cast<u8>(code);
    return Ok{};
  }

  Result<s32> imm32() {
    AsmCursor before = x_at;
    const auto n = x_at.number();
    const auto v = n ? n->fit(32) : std::nullopt;
    if (v) return static_cast<s32>(static_cast<u32>(*v));
    x_at = before;
    return expected("a 32-bit number");
  }
  Result<u8> reg64() {
    AsmCursor before = x_at;
    const auto r = x_at.reg();
    if (r && !r->is32) return r->number;
    x_at = before;
    return expected("a register r0..r10");
  }
  Status token(std::string_view literal) {
    if (!x_at.eat(literal)) return expected(fmt::format("\"{}\"", literal));
    return Ok{};
  }
  Insn& emit(const OpInfo& op, int dst, int src, int off, s32 imm) {
    Insn i;
    i.code = op.code;
    i.dst = static_cast<u8>(dst) & 15;
    i.src = static_cast<u8>(src) & 15;
    i.off = static_cast<s16>(off);
    i.imm = imm;
    if (op.selector == Selector::kOff) i.off = static_cast<s16>(op.variant);
    if (op.selector == Selector::kImm) i.imm = op.variant;
    x_out.push_back(i);
    return x_out.back();
  }
  void emit_ld_imm64(u8 dst, int src, u64 imm) {
    emit(*lookup_code(kLd | kImm | kDw), dst, src, 0, static_cast<s32>(static_cast<u32>(imm)));
    Insn hi;
    hi.imm = static_cast<s32>(static_cast<u32>(imm >> 32));
    x_out.push_back(hi);
  }

  Status statement() {
    if (x_at.eat_word("exit")) return emit(*find(OpKind::kExit, 0, "exit"), 0, 0, 0, 0), Ok{};
    if (x_at.eat_word("goto")) return jump(*find(OpKind::kJa, 0, "goto"), 0, 0, 0);
    if (x_at.eat_word("gotol")) return jump(*find(OpKind::kJaLong, 0, "gotol"), 0, 0, 0);
    if (x_at.eat_word("may_goto")) return jump(*find(OpKind::kMayGoto, 0, "may_goto"), 0, kMayGoto, 0);
    if (x_at.eat_word("call")) return call();
    if (x_at.eat_word("if")) return conditional();
    if (x_at.eat_word("lock")) return lock();
    if (x_at.rest().starts_with("*")) return store();
    const auto dst = x_at.reg();
    if (!dst) return expected("an instruction");
    return assignment(*dst);
  }

  // "pc+N", "+N" or a label.
  Result<Target> target() {
    AsmCursor before = x_at;
    Target t;
    const bool pc = x_at.eat("pc+") || x_at.eat("pc-");
    if (pc) {
      x_at = before;
      x_at.eat("pc");
    }
    if (const auto n = x_at.number()) {
      const auto v = n->signed_text ? n->fit_signed(32) : std::nullopt;
      if (v) {
        t.distance = *v;
        return t;
      }
    } else if (!pc) {
      t.label = x_at.name();
      if (!t.label.empty()) return t;
    }
    x_at = before;
    return expected("a target such as pc+4 or a label");
  }
  Status jump(const OpInfo& op, int dst, int src, s32 imm) {
    AsmCursor before = x_at;
    OSMIA_ASSIGN(const Target t, target());
    const bool wide = op.kind == OpKind::kJaLong;
    if (!wide && (t.distance < -32768 || t.distance > 32767)) {
      x_at = before;
      return expected("a 16-bit distance");
    }
    if (!t.label.empty())
      x_fixups.push_back(
          {x_out.size(), wide ? LabelField::kImm : LabelField::kOff, std::string(t.label), x_number});
    if (wide) imm = static_cast<s32>(t.distance);
    emit(op, dst, src, wide ? 0 : static_cast<int>(t.distance), imm);
    return Ok{};
  }

  Status conditional() {
    const auto dst = x_at.reg();
    if (!dst) return expected("a register");
    const int width = dst->is32 ? 32 : 64;
    const OpInfo* op =
        longest(x_at, [&](const OpInfo& o) { return o.kind == OpKind::kJcc && o.width == width; });
    if (op == nullptr) return expected("a comparison");
    x_at.eat(op->text);
    Insn operand;
    OSMIA_TRY(right_side(*dst, operand));
    if (!x_at.eat_word("goto")) return expected("\"goto\"");
    OpInfo chosen = *op;
    chosen.code = static_cast<u8>((op->code & ~kX) | operand.code);
    return jump(chosen, dst->number, operand.src, operand.imm);
  }
  // A register of the same width as `left`, or an immediate. Leaves kX or kK in code, and src or imm.
  Status right_side(AsmReg left, Insn& operand) {
    AsmCursor before = x_at;
    if (const auto src = x_at.reg()) {
      if (src->is32 != left.is32) {
        x_at = before;
        return expected(left.is32 ? "a register w0..w10 or a number" : "a register r0..r10 or a number");
      }
      operand.code = kX;
      operand.src = src->number & 15;
      return Ok{};
    }
    OSMIA_ASSIGN(operand.imm, imm32());
    return Ok{};
  }

  // "(u32 *)(r1 +4)" after the leading "*" or "atomic_..("; the register's number and offset go to `place`.
  Result<std::string_view> memory(Insn& place) {
    OSMIA_TRY(token("("));
    AsmCursor before = x_at;
    const std::string_view type = x_at.name();
    if (width_of(type) == 0) {
      x_at = before;
      return expected("an access type u8..u64 or s8..s32");
    }
    OSMIA_TRY(token("*"));
    OSMIA_TRY(token(")"));
    if (x_at.eat_word("skb")) {
      place.code = kAbs;
      return type;
    }
    OSMIA_TRY(token("("));
    OSMIA_ASSIGN(const u8 reg, reg64());
    place.dst = reg & 15;
    if (!x_at.rest().starts_with(")")) {
      before = x_at;
      const auto n = x_at.number();
      const auto off = n && n->signed_text ? n->fit_signed(16) : std::nullopt;
      if (!off) {
        x_at = before;
        return expected("a signed 16-bit offset");
      }
      place.off = static_cast<s16>(*off);
    }
    OSMIA_TRY(token(")"));
    return type;
  }

  Status store() {
    OSMIA_TRY(token("*"));
    AsmCursor before = x_at;
    Insn place;
    OSMIA_ASSIGN(const std::string_view type, memory(place));
    if (type[0] == 's' || place.code == kAbs) {
      x_at = before;
      return expected("a place to store to, such as (u32 *)(r1 +4)");
    }
    OSMIA_TRY(token("="));
    Insn operand;
    OSMIA_TRY(right_side({}, operand));
    const OpInfo* op = find(operand.code == kX ? OpKind::kStore : OpKind::kStoreImm, width_of(type), type);
    emit(*op, place.dst, operand.src, place.off, operand.imm);
    return Ok{};
  }

  Status lock() {
    OSMIA_TRY(token("*"));
    Insn place;
    AsmCursor before = x_at;
    OSMIA_ASSIGN(const std::string_view type, memory(place));
    if (!place_is_atomic(type, place)) {
      x_at = before;
      return expected("a u32 or u64 in memory");
    }
    const OpInfo* op = longest(x_at, [&](const OpInfo& o) {
      return o.kind == OpKind::kAtomic && o.width == width_of(type) && !(o.variant & kFetch);
    });
    if (op == nullptr) return expected("one of += |= &= ^=");
    x_at.eat(op->text);
    OSMIA_ASSIGN(const u8 src, reg64());
    emit(*op, place.dst, src, place.off, 0);
    return Ok{};
  }
  static bool place_is_atomic(std::string_view type, const Insn& place) {
    return (type == "u32" || type == "u64") && place.code != kAbs;
  }

  // After "rD = atomic" or "rD = atomic64".
  Status fetch(u8 result, int width) {
    OSMIA_TRY(token("_"));
    const OpInfo* op = longest(x_at, [&](const OpInfo& o) {
      return o.kind == OpKind::kAtomic && o.width == width && (o.variant & kFetch);
    });
    if (op == nullptr) return expected("an atomic operation");
    x_at.eat(op->text);
    OSMIA_TRY(token("("));
    Insn place;
    AsmCursor before = x_at;
    OSMIA_ASSIGN(const std::string_view type, memory(place));
    if (!place_is_atomic(type, place) || width_of(type) != width) {
      x_at = before;
      return expected(width == 64 ? "a u64 in memory" : "a u32 in memory");
    }
    OSMIA_TRY(token(","));
    const bool exchanges_if = op->variant == kCmpxchg;
    if (exchanges_if) {
      if (result != 0) return fail(fmt::format("cmpxchg: expected the result in r0, found r{}", result));
      if (!x_at.eat_word("r0")) return expected("\"r0\"");
      OSMIA_TRY(token(","));
    }
    OSMIA_ASSIGN(const u8 src, reg64());
    OSMIA_TRY(token(")"));
    if (!exchanges_if && src != result)
      return fail(
          fmt::format("{}: expected the result in the operand r{}, found r{}", op->text, src, result));
    emit(*op, place.dst, src, place.off, 0);
    return Ok{};
  }

  Status assignment(AsmReg dst) {
    const int width = dst.is32 ? 32 : 64;
    const OpInfo* op = longest(x_at, [&](const OpInfo& o) {
      return (o.kind == OpKind::kAlu || o.kind == OpKind::kMov) && o.width == width;
    });
    if (op == nullptr) return expected("an operator");
    x_at.eat(op->text);
    if (op->kind == OpKind::kMov) return move(dst);
    Insn operand;
    OSMIA_TRY(right_side(dst, operand));
    OpInfo chosen = *op;
    chosen.code = static_cast<u8>((op->code & ~kX) | operand.code);
    emit(chosen, dst.number, operand.src, 0, operand.imm);
    return Ok{};
  }

  Status same_register(AsmReg dst) {
    AsmCursor before = x_at;
    const auto src = x_at.reg();
    if (src && src->is32 == dst.is32 && src->number == dst.number) return Ok{};
    x_at = before;
    return expected(fmt::format("{}{}", dst.is32 ? 'w' : 'r', dst.number));
  }

  // Everything after "rD =" or "wD =".
  Status move(AsmReg dst) {
    const int width = dst.is32 ? 32 : 64;
    if (x_at.rest().starts_with("-r") || x_at.rest().starts_with("-w")) {
      x_at.eat("-");
      OSMIA_TRY(same_register(dst));
      emit(*find(OpKind::kNeg, width, "-"), dst.number, 0, 0, 0);
      return Ok{};
    }
    if (const OpInfo* op =
            longest(x_at, [&](const OpInfo& o) { return o.kind == OpKind::kMovSx && o.width == width; })) {
      x_at.eat(op->text);
      const auto src = x_at.reg();
      if (!src || src->is32 != dst.is32) return expected("a register of the same width");
      emit(*op, dst.number, src->number, 0, 0);
      return Ok{};
    }
    AsmCursor before = x_at;
    if (const auto src = x_at.reg()) {
      if (src->is32 != dst.is32) {
        x_at = before;
        return expected("a register of the same width");
      }
      emit(*lookup_code(static_cast<u8>((dst.is32 ? kAlu : kAlu64) | kMov | kX)), dst.number, src->number, 0,
           0);
      return Ok{};
    }
    if (dst.is32) {
      OSMIA_ASSIGN(const s32 imm, imm32());
      emit(*lookup_code(kAlu | kMov | kK), dst.number, 0, 0, imm);
      return Ok{};
    }
    return move64(dst.number);
  }

  // What only a 64-bit register can be given.
  Status move64(u8 dst) {
    if (x_at.eat("*")) return load(dst);
    if (x_at.eat("atomic64")) return fetch(dst, 64);
    if (x_at.eat("atomic")) return fetch(dst, 32);
    if (x_at.eat("addr_space_cast")) return space_cast(dst);
    if (x_at.eat("&(void __percpu *)(")) {
      OSMIA_ASSIGN(const u8 src, reg64());
      OSMIA_TRY(token(")"));
      emit(*find(OpKind::kMovPercpu, 64, "&(void __percpu *)", true), dst, src, 0, 0);
      return Ok{};
    }
    for (const std::string_view order : {"le", "be", "bswap"})
      for (const int bits : {16, 32, 64})
        if (x_at.eat_word(fmt::format("{}{}", order, bits))) {
          OSMIA_TRY(same_register({false, dst}));
          emit(*find(order == "bswap" ? OpKind::kBswap : OpKind::kEndian, bits, order), dst, 0, 0, 0);
          return Ok{};
        }
    if (x_at.eat("map[")) return map(dst);
    if (x_at.eat("btf[id:")) return bracketed(dst, kPseudoBtfId);
    if (x_at.eat("subprog[")) return subprogram(dst);
    if (x_at.eat("pseudo")) {
      const auto src = x_at.number();
      if (!src || src->magnitude > 15 || src->negative) return expected("a source code 0..15");
      const auto value = x_at.number();
      if (!value || !value->fit(64)) return expected("a 64-bit number");
      emit_ld_imm64(dst, static_cast<int>(src->magnitude), static_cast<u64>(*value->fit(64)));
      return Ok{};
    }
    return constant(dst);
  }

  Status constant(u8 dst) {
    const AsmCursor before = x_at;
    const auto n = x_at.number();
    const auto wide = n ? n->fit(64) : std::nullopt;
    if (!wide) {
      x_at = before;
      return expected("a value");
    }
    const bool is_wide = x_at.eat_word("ll") || (x_code ? *x_code == (kLd | kImm | kDw) : n->hex);
    if (is_wide) {
      emit_ld_imm64(dst, 0, static_cast<u64>(*wide));
      return Ok{};
    }
    x_at = before;
    OSMIA_ASSIGN(const s32 imm, imm32());
    emit(*lookup_code(kAlu64 | kMov | kK), dst, 0, 0, imm);
    return Ok{};
  }

  Status load(u8 dst) {
    Insn place;
    const AsmCursor before = x_at;
    OSMIA_ASSIGN(const std::string_view type, memory(place));
    if (place.code == kAbs) return packet_load(dst, type, before);
    const OpInfo* op = find(type[0] == 's' ? OpKind::kLoadSx : OpKind::kLoad, width_of(type), type);
    emit(*op, dst, place.dst, place.off, 0);
    return Ok{};
  }
  // After "r0 = *(u32 *)skb".
  Status packet_load(u8 dst, std::string_view type, AsmCursor before) {
    OSMIA_TRY(token("["));
    const auto src = x_at.reg();
    if (src) {
      if (src->is32) return expected("a register r0..r10");
      OSMIA_TRY(token("+"));
    }
    OSMIA_ASSIGN(const s32 imm, imm32());
    OSMIA_TRY(token("]"));
    const OpInfo* op = find(src ? OpKind::kLdInd : OpKind::kLdAbs, width_of(type), type);
    if (op == nullptr || dst != 0) {
      x_at = before;
      return expected("a packet load: r0 = *(u8|u16|u32 *)skb[...]");
    }
    emit(*op, 0, src ? src->number : 0, 0, imm);
    return Ok{};
  }

  Status space_cast(u8 dst) {
    OSMIA_TRY(token("("));
    OSMIA_ASSIGN(const u8 src, reg64());
    u32 spaces = 0;
    for (const int shift : {16, 0}) {
      OSMIA_TRY(token(","));
      const auto n = x_at.number();
      if (!n || n->negative || n->magnitude > 0xffff) return expected("an address space");
      spaces |= static_cast<u32>(n->magnitude) << shift;
    }
    OSMIA_TRY(token(")"));
    emit(*find(OpKind::kAddrSpaceCast, 64, "addr_space_cast"), dst, src, 0, static_cast<s32>(spaces));
    return Ok{};
  }

  // After "map[": id:N, fd:N, idx:N, then "]", and "[0]+M" or "+M" for an address inside the map's value.
  Status map(u8 dst) {
    const bool by_index = x_at.eat("idx:");
    if (!by_index && !x_at.eat("id:") && !x_at.eat("fd:")) return expected("id:, fd: or idx:");
    OSMIA_ASSIGN(const s32 id, imm32());
    OSMIA_TRY(token("]"));
    const bool element = x_at.eat("[0]");
    if (!element && !x_at.rest().starts_with("+")) {
      emit_ld_imm64(dst, by_index ? kPseudoMapIdx : kPseudoMapFd, static_cast<u32>(id));
      return Ok{};
    }
    OSMIA_TRY(token("+"));
    OSMIA_ASSIGN(const s32 off, imm32());
    emit_ld_imm64(dst, by_index ? kPseudoMapIdxValue : kPseudoMapValue,
                  static_cast<u64>(static_cast<u32>(off)) << 32 | static_cast<u32>(id));
    return Ok{};
  }
  Status bracketed(u8 dst, PseudoLd src) {
    OSMIA_ASSIGN(const s32 id, imm32());
    OSMIA_TRY(token("]"));
    emit_ld_imm64(dst, src, static_cast<u32>(id));
    return Ok{};
  }
  Status subprogram(u8 dst) {
    OSMIA_ASSIGN(const Target t, target());
    OSMIA_TRY(token("]"));
    if (!t.label.empty())
      x_fixups.push_back({x_out.size(), LabelField::kImm, std::string(t.label), x_number});
    emit_ld_imm64(dst, kPseudoFunc, static_cast<u32>(t.distance));
    return Ok{};
  }

  Status call() {
    const OpInfo& op = *find(OpKind::kCall, 0, "call");
    if (x_at.eat("kernel-function")) {
      int off = 0;
      if (x_at.eat("[")) {
        const auto n = x_at.number();
        const auto v = n ? n->fit_signed(16) : std::nullopt;
        if (!v) return expected("a 16-bit offset");
        off = static_cast<int>(*v);
        OSMIA_TRY(token("]"));
      }
      OSMIA_TRY(token("#"));
      OSMIA_ASSIGN(const s32 id, imm32());
      emit(op, 0, kPseudoKfuncCall, off, id);
      return Ok{};
    }
    AsmCursor before = x_at;
    const std::string_view name = x_at.name();
    if (name.empty() || name == "pc" || !x_at.eat("#")) {
      const bool plain = !x_at.rest().starts_with("#");
      x_at = before;
      x_at.eat("#");
      const auto n = x_at.number();
      if (n && !n->signed_text && n->fit(32)) {
        emit(op, 0, kHelperCall, 0, static_cast<s32>(static_cast<u32>(*n->fit(32))));
        return Ok{};
      }
      x_at = before;
      if (!plain) return expected("a function");
      return call_target(op);
    }
    OSMIA_ASSIGN(const s32 id, imm32());
    emit(op, 0, x_options.is_kfunc && x_options.is_kfunc(name) ? kPseudoKfuncCall : kHelperCall, 0, id);
    return Ok{};
  }
  // A subprogram, or a helper by name alone.
  Status call_target(const OpInfo& op) {
    OSMIA_ASSIGN(const Target t, target());
    if (!t.label.empty()) {
      const auto id = x_options.helper_id ? x_options.helper_id(t.label) : std::nullopt;
      if (id) {
        emit(op, 0, kHelperCall, 0, *id);
        return Ok{};
      }
      x_fixups.push_back({x_out.size(), LabelField::kImm, std::string(t.label), x_number});
    }
    emit(op, 0, kPseudoCall, 0, static_cast<s32>(t.distance));
    return Ok{};
  }

  AsmCursor x_at;
  int x_number;
  std::optional<u8> x_code;
  const AsmOptions& x_options;
  std::vector<Insn>& x_out;
  std::vector<Fixup>& x_fixups;
};

}  // namespace

Status assemble_statement(AsmCursor at, int line, const AsmOptions& options, std::vector<Insn>& out,
                          std::vector<Fixup>& fixups) {
  return Statement(at, line, options, out, fixups).parse();
}

}  // namespace osmia::isa
