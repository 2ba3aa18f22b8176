// bpf_snprintf_btf and its kin: kernel memory as text, by its type in the kernel's BTF.
#include <cerrno>
#include <cstring>
#include <random>

#include "btf/show_value.h"
#include "helpers/code.h"
#include "helpers/running.h"
#include "helpers/show.h"

namespace osmia::helpers::code {
namespace {

constexpr u64 kAllFlags = btf::kShowCompact | btf::kShowNoNames | btf::kShowRawPointers | btf::kShowZeros;

// Like the kernel's %p: the same number for the same pointer, and nothing of where it points.
u64 hidden(u64 pointer) {
  static const u64 seed = u64{std::random_device{}()} << 32 | std::random_device{}();
  u64 x = (pointer ^ seed) * 0xff51afd7ed558ccdull;
  x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53ull;
  return (x ^ x >> 33) & 0xffffffff;
}

}  // namespace

s64 show_typed(u64 pointer, u32 size, u64 flags, std::string& out) {
  struct TypedPointer {  // struct btf_ptr
    u64 address;
    s32 type;
    u32 flags;
  } what;
  const auto& types = kernel_types();
  if (flags & ~kAllFlags || size != sizeof what || !types) return -EINVAL;
  std::memcpy(&what, reinterpret_cast<const void*>(pointer), sizeof what);
  if (what.type <= 0) return -EINVAL;
  const u32 id = static_cast<u32>(what.type);
  if (!types->type(id).exists()) return -ENOENT;
  const btf::TypeView shown = types->type(id);
  const auto bytes = types->size_of(shown.is(btf::Kind::kVar) ? shown.type() : id);
  if (!bytes.ok()) return -EINVAL;
  std::vector<u8> data(*bytes);
  const u64 err = probe_read_kernel(reinterpret_cast<u64>(data.data()), data.size(), what.address, 0, 0);
  // Linux tells an address that no kernel memory has from kernel memory that is not there.
  constexpr u64 kUserEnd = u64{1} << 47;
  if (err) return what.address < kUserEnd ? -ERANGE : static_cast<s64>(err);
  out = btf::show_value(*types, id, data, flags, hidden);
  return 0;
}

u64 snprintf_btf(u64 out, u64 size, u64 pointer, u64 pointer_size, u64 flags) {
  std::string text;
  if (const s64 err = show_typed(pointer, static_cast<u32>(pointer_size), flags, text)) return result(err);
  auto* to = reinterpret_cast<char*>(out);
  if (const u32 room = static_cast<u32>(size)) {
    const size_t n = std::min<size_t>(text.size(), room - 1);
    std::memcpy(to, text.data(), n);
    to[n] = 0;
  }
  return text.size();
}

}  // namespace osmia::helpers::code
