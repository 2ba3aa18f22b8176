// Context accesses: an offset of the UAPI's context struct becomes loads from the host's, by the field's
// conversion.
#include <bit>
#include <cstddef>

#include "base/bits.h"
#include "rewrite/build.h"
#include "rewrite/rewrite.h"

namespace osmia::rewrite {
namespace {

using namespace isa;

Insn load(u8 dst, u8 src, u32 off, u32 bytes) {
  return build::load(build::size_code(bytes), dst, src, static_cast<s32>(off));
}

// What is left of the host's value: shift to the accessed bytes, cut to their number. As on Linux, an access
// of at least the host field's width gets the whole field, wherever in the program's field it begins.
void cut(std::vector<Piece>& out, u8 dst, u32 shift_bits, u32 bytes, u32 have_bytes) {
  if (bytes >= have_bytes) return;
  if (shift_bits) out.push_back({build::alu(true, kRsh, dst, static_cast<s32>(shift_bits))});
  if (bytes == 4) {
    out.push_back({build::alu_reg(false, kMov, dst, dst)});
  } else if (bytes < 4) {
    out.push_back({build::alu(false, kAnd, dst, static_cast<s32>((1u << bytes * 8) - 1))});
  }
}

Status convert_load(Pass& p, u32 i, const contract::CtxField& f) {
  const Insn in = p.editor.at(i);
  const auto& host = f.host;
  const u32 bytes = static_cast<u32>(size_bytes(in.size_bits()));
  const u32 elem = f.elem ? f.elem : f.size;
  const u32 into = static_cast<u32>(in.off) - f.offset;  // bytes into the field
  const u32 whole =
      bytes > elem ? 0 : into / elem * elem;  // start of the element (arrays lie alike on the host)
  std::vector<Piece> out;
  if (bytes > elem) {  // two elements at once: both structs keep them side by side
    out.push_back({load(in.dst, in.src, host.steps[0].offset + into, bytes)});
    p.editor.replace(i, std::move(out));
    return Ok{};
  }
  u8 base = in.src;
  for (u8 s = 0; s < host.count; s++) {
    const auto& step = host.steps[s];
    const bool last = s + 1 == host.count;
    if (s) {
      // A null pointer on the way gives zero: jump over the rest, dst is already zero. Filled in below.
      out.push_back({build::jump_if(true, kJeq, in.dst, 0, 0)});
    }
    out.push_back({load(in.dst, base, step.offset + (last ? whole : 0), step.size)});
    base = in.dst;
  }
  const u32 have = host.steps[host.count - 1].size;
  const u32 shift = (into - whole) * 8;
  if (host.rshift) out.push_back({build::alu(true, kRsh, in.dst, host.rshift)});
  if (host.mask) out.push_back({build::alu(true, kAnd, in.dst, static_cast<s32>(host.mask))});
  const bool pointer = f.type.base != contract::RegBase::kScalar;
  if (!pointer) cut(out, in.dst, shift, bytes, std::min(have, elem));
  if (in.mode() == kMemsx) out.push_back({build::mov_sign_extend(in.dst, in.dst, bytes)});
  for (size_t k = 0; k < out.size(); k++)
    if (out[k].insn.code == (kJmp | kJeq | kK)) out[k].insn.off = static_cast<s16>(out.size() - k - 1);
  p.editor.replace(i, std::move(out));
  return Ok{};
}

Status convert_store(Pass& p, u32 i, const contract::CtxField& f) {
  Insn in = p.editor.at(i);  // becomes the store to the host's field
  const auto& host = f.host;
  if (host.count != 1 || host.mask || host.rshift)
    return Error{EOPNOTSUPP, "not supported yet: writing context field " + std::string(f.name)};
  const u32 bytes = static_cast<u32>(size_bytes(in.size_bits()));
  in.off = static_cast<s16>(host.steps[0].offset + (static_cast<u32>(in.off) - f.offset));
  if (bytes == f.size && !f.elem && host.steps[0].size != f.size) {
    // The host keeps the field wider or narrower than the UAPI; little endian, so the low bytes are the
    // value.
    in.code = static_cast<u8>((in.code & ~kDw) | build::size_code(std::min<u32>(host.steps[0].size, bytes)));
  }
  std::vector<Piece> out;
  if (host.store_limit && in.cls() == kStx)
    out.push_back({build::jump_if(true, kJge, in.src, static_cast<s32>(host.store_limit), 1)});
  if (!host.store_limit || in.cls() == kStx || in.imm < static_cast<s32>(host.store_limit))
    out.push_back({in});
  p.editor.replace(i, std::move(out));
  return Ok{};
}

}  // namespace

Status convert_context(Pass& p) {
  return for_each_live(p, [&](u32 i, const Insn& in) -> Status {
    const auto* field = p.facts.insns[i].ctx_field;
    if (!field || field->host.count == 0) return Ok{};  // the host keeps the struct as the UAPI lays it out
    return in.cls() == kLdx ? convert_load(p, i, *field) : convert_store(p, i, *field);
  });
}

}  // namespace osmia::rewrite
