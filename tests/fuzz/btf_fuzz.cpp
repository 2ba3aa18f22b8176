// Any bytes as BTF: parse in both modes, then ask everything and print everything. The first byte chooses
// whether the input is a BTF of its own or split over a small base.
#include <cstddef>
#include <vector>

#include "btf/btf.h"
#include "btf/compat.h"
#include "btf/dump_c.h"
#include "btf/dump_raw.h"
#include "btf/format_value.h"
#include "btf/special_fields.h"
#include "btf/struct_walk.h"
#include "btf/write.h"

using namespace osmia;
using namespace osmia::btf;

namespace {

struct NoKernel : KernelTypes {
  Found find(std::string_view, Kind) const override { return {}; }
  u32 destructor(const Btf&, u32) const override { return 0; }
};

BtfPtr small_base() {
  static const BtfPtr base = [] {
    Writer w;
    const u32 i = w.add_int("int", 4, kIntSigned);
    w.add_ptr(w.add_struct("base", 8, {{"a", i, 0}, {"b", i, 32}}));
    return *Btf::parse(w.bytes());
  }();
  return base;
}

void ask(const Btf& b, const u8* data, size_t size) {
  const NoKernel kernel;
  const u32 end = b.end_id() + 2;
  size_t printed = 0;
  for (u32 id = 0; id < end; ++id) {
    const TypeView t = b.type(id);
    b.find(t.name(), t.kind());
    (void)b.size_of(id);
    b.align_of(id);
    b.type_tags(id);
    b.decl_tags(id);
    b.resolve_func_pointer(id);
    if (printed < (1u << 20)) {
      printed += format_value(b, id, {data, size}, Style::kJson).size();
      printed += format_value(b, id, {data, size}, Style::kText).size();
      printed += c_type_name(b, id, "x").size();
    }
    if (id < 300) {
      (void)parse_fields(b, id, kMapValueFields, t.size(), &kernel);
      for (u32 off = 0; off < 24; off += 3) (void)struct_access(b, id, off, 8);
      struct_ids_match(b, id, 0, b, (id * 7 + 1) % end, false);
      types_are_compat(b, id, b, (id * 5 + 3) % end);
      types_match(b, id, b, (id + 1) % end);
    }
  }
  (void)parse_struct_metas(b, &kernel);
  dump_raw(b);
  dump_c(b);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  if (size < 1) return 0;
  const BtfPtr base = data[0] & 1 ? small_base() : nullptr;
  const std::vector<u8> bytes(data + 1, data + size);
  for (const ParseMode mode : {ParseMode::kTrusted, ParseMode::kUser}) {
    std::string log;
    ParseOptions o;
    o.mode = mode;
    o.log_level = 1;
    o.log = &log;
    auto r = Btf::parse(bytes, base, o);
    if (r.ok()) ask(**r, data, size);
  }
  return 0;
}
