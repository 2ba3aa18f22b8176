// Which bytes of its context a program of each type may load and store, at which widths: every single access
// on the running kernel and on Osmia. What newer kernels than 6.12 changed is listed, and checked to be so.
#include <algorithm>
#include <map>
#include <set>

#include "two_kernels.h"

namespace osmia::runtime {
namespace {

constexpr u32 kBeyond = 16;  // bytes behind the context that are tried, too

struct Access {
  u32 offset, bytes;
  enum Kind : u8 { kLoad, kStore, kStoreImm } kind;
};

std::vector<isa::Insn> one_access(const Access& a, s32 result) {
  const u8 size = a.bytes == 1 ? isa::kB : a.bytes == 2 ? isa::kH : a.bytes == 4 ? isa::kW : isa::kDw;
  std::vector<isa::Insn> p;
  const auto add = [&](isa::Insn i) { p.push_back(i); };
  add({.code = isa::kAlu64 | isa::kMov | isa::kK, .dst = 2, .imm = 0});
  isa::Insn access{};
  access.off = static_cast<s16>(a.offset);
  if (a.kind == Access::kLoad) {
    access.code = static_cast<u8>(isa::kLdx | isa::kMem | size);
    access.dst = 2, access.src = 1;
  } else {
    access.code = static_cast<u8>((a.kind == Access::kStore ? isa::kStx : isa::kSt) | isa::kMem | size);
    access.dst = 1, access.src = a.kind == Access::kStore ? 2 : 0;
  }
  add(access);
  add({.code = isa::kAlu64 | isa::kMov | isa::kK, .dst = 0, .imm = result});
  add({.code = isa::kJmp | isa::kExit});
  return p;
}

long load_type(const Bpf& bpf, u32 type, u32 attach, const std::vector<isa::Insn>& insns) {
  union bpf_attr a;
  std::memset(&a, 0, sizeof a);
  a.prog_type = type;
  a.expected_attach_type = attach;
  a.insns = reinterpret_cast<u64>(insns.data());
  a.insn_cnt = static_cast<u32>(insns.size());
  a.license = reinterpret_cast<u64>("GPL");
  if (type == BPF_PROG_TYPE_SYSCALL) a.prog_flags = BPF_F_SLEEPABLE;
  return bpf(BPF_PROG_LOAD, a);
}

s32 good_result(const contract::ProgTypeDef& def, u32 attach) {
  for (const auto& r : def.returns)
    if (r.attach_type == contract::kAnyAttach || r.attach_type == attach) return r.checked ? r.min : 0;
  return 0;
}

class Contexts : public TwoKernels {};

TEST_F(Contexts, EverySingleAccessIsJudgedAlike) {
  Osmia osmia;
  const Bpf ours = [&](int cmd, union bpf_attr& a) { return osmia(cmd, a); };
  u32 compared = 0, types = 0;
  std::map<std::string, u32> differ;
  for (const contract::ProgTypeDef* def : osmia.kernel.catalog().prog_types) {
    if (def->traits & (contract::kNeedsAttachBtf | contract::kNotBuilt) || !def->ctx_size) continue;
    std::vector<u32> attaches(def->attach_types.begin(), def->attach_types.end());
    if (attaches.empty()) attaches.push_back(0);
    bool loads = false;
    for (const u32 attach : attaches) {
      const s32 result = good_result(*def, attach);
      const std::vector<isa::Insn> plain = {
          {.code = isa::kAlu64 | isa::kMov | isa::kK, .dst = 0, .imm = result},
          {.code = isa::kJmp | isa::kExit}};
      const long here = load_type(live_bpf, def->type, attach, plain);
      if (here < 0) continue;
      ::close(static_cast<int>(here));
      loads = true;
      // Attach types behind the first differ in which fields there are, not in how they are cut.
      const bool first = attach == attaches.front();
      for (u32 bytes : {1u, 2u, 4u, 8u})
        for (u32 offset = 0; offset < def->ctx_size + kBeyond;
             offset += !first || bytes == 8 ? 4 : std::max(bytes / 2, 1u))
          for (const auto kind : {Access::kLoad, Access::kStore, Access::kStoreImm}) {
            if (kind == Access::kStoreImm && bytes != 4) continue;
            const auto p = one_access({offset, bytes, kind}, result);
            const long live = load_type(live_bpf, def->type, attach, p);
            const long mine = load_type(ours, def->type, attach, p);
            if (live >= 0) ::close(static_cast<int>(live));
            if (mine >= 0) syscall::FdTable::instance().close(static_cast<int>(mine));
            compared++;
            if (std::min(live, 0l) == std::min(mine, 0l)) continue;
            if (mine == -EOPNOTSUPP && !osmia.kernel.catalog().vmlinux)
              continue;  // a pointer to a kernel type
            const char* const names[] = {"load", "store", "store imm"};
            differ[std::string(def->name) + " attach " + std::to_string(attach) + ": " + names[kind] + " " +
                   std::to_string(bytes) + " at " + std::to_string(offset) + ": Linux " +
                   std::to_string(std::min(live, 0l)) + ", Osmia " + std::to_string(std::min(mine, 0l))]++;
          }
    }
    types += loads;
  }
  for (const auto& [what, n] : differ) ADD_FAILURE() << what;
  EXPECT_GE(types, 20u);
  EXPECT_GE(compared, 10000u);
  RecordProperty("compared", static_cast<int>(compared));
}

}  // namespace
}  // namespace osmia::runtime
