// Both ways are sound on their own, so a program that either accepts is accepted. Linux's way comes first
// with a small budget, since most programs need no more and their verdicts and logs stay Linux's; then
// merging; then Linux's way in full. A refusal is Linux's, unless Linux's way only gave up: then it is
// merging that can say what is missing.
#include "verifier/native/profile.h"

#include <fmt/format.h>

#include <optional>

#include "verifier/path/observer.h"

namespace osmia::verifier::native {
namespace {

constexpr u32 kFirstLook = 10'000;  // instructions

bool held(const Options& o, contract::Capability c) {
  return o.caps >> static_cast<u32>(c) & 1;
}

bool has_loop(const Program& p) {
  for (size_t i = 0; i < p.insns.size(); i++) {
    const isa::Insn& in = p.insns[i];
    if (isa::is_ld_imm64(in)) {
      i++;
      continue;
    }
    if (in.cls() != isa::kJmp && in.cls() != isa::kJmp32) continue;
    if (in.op() == isa::kCall || in.op() == isa::kExit) continue;
    const s32 off = in.op() == isa::kJa && in.cls() == isa::kJmp32 ? in.imm : in.off;
    if (off < 0) return true;
  }
  return false;
}

// The program's own resolver, but CO-RE relocations change the instructions in place, so they are applied
// once.
class Once final : public Resolver {
 public:
  explicit Once(Resolver& r) : r_(r) {}
  const MapInfo* map_by_fd(int fd) override { return r_.map_by_fd(fd); }
  int map_fd_error(int fd) override { return r_.map_fd_error(fd); }
  std::shared_ptr<const btf::Btf> btf_by_fd(int fd) override { return r_.btf_by_fd(fd); }
  u64 percpu_or_ksym_addr(u32 btf_id) override { return r_.percpu_or_ksym_addr(btf_id); }
  Status relocate(LogSink* log) override {
    if (!relocated_) relocated_ = r_.relocate(log);
    return *relocated_;
  }

 private:
  Resolver& r_;
  std::optional<Status> relocated_;
};

}  // namespace

Verdict verify(const Program& program, const contract::Catalog& catalog, Resolver& resolver,
               const Options& options, LogSink* log, Facts* facts) {
  u32 insns = 0;
  u64 ns = 0;
  Once once(resolver);
  const auto run = [&](const Attempt& how) {
    if (log) log->reset(0);
    if (options.observer) options.observer->restart();
    Verdict v = attempt(program, catalog, once, options, log, facts, how);
    insns = v.stats.insns_processed += insns;
    ns = v.stats.verify_ns += ns;
    return v;
  };
  // Mis-speculation is followed path by path: not for the unprivileged.
  if (!held(options, contract::Capability::kBpf) || !held(options, contract::Capability::kPerfmon))
    return run({});

  Verdict first;
  first.error = E2BIG;
  // With a witness merging goes first, so that tests see it on small programs too.
  if (!options.observer) first = run({.insn_limit = kFirstLook});
  const bool gave_up = first.error == E2BIG;
  if (first.accepted || first.unsupported || first.error == EAGAIN || (!gave_up && !has_loop(program)))
    return first;
  Verdict merged = run({.merges = true});
  if (merged.accepted || merged.error == EAGAIN) return merged;
  Verdict full = run({});
  if (full.accepted || merged.message.empty()) return full;
  if (full.error == E2BIG) full.message = fmt::format("{}; by merging: {}", full.message, merged.message);
  if (log && options.log_level) log->write(fmt::format("native profile: {}\n", merged.message));
  return full;
}

}  // namespace osmia::verifier::native
