// core_relos of PROG_LOAD: record sizes, unknown tails, and one relocation after the other, as Linux does
// (what a bad record leaves behind does not matter, the load fails). The relocating itself is btf/core.h's.
#include <algorithm>
#include <climits>
#include <cstring>

#include "btf/core.h"
#include "syscall/call.h"

namespace osmia::syscall {
namespace {

constexpr u32 kMaxRecord = 252;
constexpr u32 kKnown = sizeof(btf::CoreRelo);
static_assert(kKnown == 16 && sizeof(struct bpf_core_relo) == kKnown);

// The records from user space: many at a time, and one by one where that does not work, so that a fault shows
// at the record that lies in it.
class Records {
 public:
  Records(u64 user, u32 size) : user_(user), size_(size) {}
  // The record's bytes, null: EFAULT.
  const u8* get(u32 index, u32 count) {
    if (index < first_ || index >= first_ + have_) {
      first_ = index;
      have_ = std::min(count - index, kAtOnce);
      bytes_.resize(u64{have_} * size_);
      const u64 from = user_ + u64{index} * size_;
      if (copy_from_user(bytes_.data(), from, bytes_.size())) {
        have_ = 1;
        if (copy_from_user(bytes_.data(), from, size_)) return have_ = 0, nullptr;
      }
    }
    return &bytes_[u64{index - first_} * size_];
  }

 private:
  static constexpr u32 kAtOnce = 256;
  u64 user_;
  u32 size_, first_ = 0, have_ = 0;
  std::vector<u8> bytes_;
};

}  // namespace

Status apply_core_relos(Call& c, runtime::Program& p, verifier::LogSink* sink) {
  const auto& a = c.attr;
  if ((!a.func_info_cnt && !a.line_info_cnt) || !a.core_relo_cnt) return Ok{};
  const u32 count = a.core_relo_cnt, size = a.core_relo_rec_size;
  if (count > INT_MAX / kKnown) return Error{EINVAL, "core_relo_cnt is too large"};
  if (size < kKnown || size > kMaxRecord || size % 4)
    return Error{EINVAL,
                 "core_relo_rec_size: expected 16 to 252 and a multiple of 4, found " + std::to_string(size)};
  std::string last_line;
  btf::CoreLog log;
  if (sink)
    log = [&](std::string_view text) {
      last_line = text;
      sink->write(text);
    };
  const auto refused = [&](int code, u32 index) {
    while (!last_line.empty() && (last_line.back() == '\n' || last_line.back() == ' ')) last_line.pop_back();
    return Error{
        code, last_line.empty() ? "core_relos: record " + std::to_string(index) + " is refused" : last_line};
  };
  const auto say = [&](const std::string& text) {
    if (log) log(text);
    last_line = text;
  };
  const contract::Catalog& catalog = c.kernel.catalog();
  btf::CoreCandidates candidates(catalog.vmlinux, catalog.modules);
  Records records(a.core_relos, size);
  for (u32 i = 0; i < count; i++) {
    const u8* record = records.get(i, count);
    if (!record) return Error{EFAULT, "core_relos cannot be read"};
    if (std::any_of(record + kKnown, record + size, [](u8 b) { return b != 0; })) {
      say("nonzero tailing record in core_relo");
      const bool told = !c.put(offsetof(union bpf_attr, core_relo_rec_size), kKnown);
      return refused(told ? E2BIG : EFAULT, i);
    }
    btf::CoreRelo relo;
    std::memcpy(&relo, record, kKnown);
    if (relo.insn_off % 8 || relo.insn_off / 8 >= p.insns.size()) {
      say("Invalid core_relo[" + std::to_string(i) + "].insn_off:" + std::to_string(relo.insn_off) +
          " prog->len:" + std::to_string(p.insns.size()) + "\n");
      return refused(EINVAL, i);
    }
    if (const int e = btf::apply_core_relo(*p.btf->btf, candidates, relo, i, p.insns, log, a.log_level))
      return refused(-e, i);
  }
  return Ok{};
}

}  // namespace osmia::syscall
