// Loads through a pointer to a map: the program sees the kernel's struct bpf_map, the host keeps the same
// numbers elsewhere. Pointers to kernel objects, of which there are none, read as null; what the host does
// not have at all makes the program one that cannot run here.
#include "rewrite/rewrite.h"

namespace osmia::rewrite {

using namespace isa;

void convert_map_fields(Pass& p) {
  for_each_live(p, [&](u32 i, Insn in) {
    if (in.cls() != kLdx || p.facts.insns[i].ptr_type.base != contract::RegBase::kConstMapPtr) return;
    const u32 offset = static_cast<u32>(in.off);
    MapField field;
    if (p.options.map_field)
      field = p.options.map_field(offset, static_cast<u32>(size_bytes(in.size_bits())));
    switch (field.kind) {
      case MapField::kHost:
        in.off = field.host_offset;
        p.editor.set(i, in);
        break;
      case MapField::kPointer: p.editor.set(i, Insn{.code = kAlu64 | kMov | kK, .dst = in.dst}); break;
      case MapField::kUnknown:
        if (!p.out.missing.empty()) p.out.missing += ", ";
        p.out.missing += "reading ";
        p.out.missing += field.name.empty() ? std::to_string(offset) : field.name;
        p.out.missing += " of a map's kernel struct";
    }
  });
}

}  // namespace osmia::rewrite
