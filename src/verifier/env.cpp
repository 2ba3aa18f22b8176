// Env: privileges from capabilities, the log, and the one way to reject.
#include "verifier/env.h"

namespace osmia::verifier {
namespace {
bool held(u32 caps, contract::Capability c) {
  return caps >> static_cast<u32>(c) & 1;
}
}  // namespace

Env::Env(const Program& p, const contract::Catalog& c, Resolver& r, const Options& o, LogSink* sink)
    : prog(p), cat(c), resolver(r), opt(o), sink_(o.log_level ? sink : nullptr) {
  bpf_capable = held(o.caps, contract::Capability::kBpf);
  const bool perfmon = held(o.caps, contract::Capability::kPerfmon);
  allow_ptr_leaks = allow_uninit_stack = bypass_spec_v1 = bypass_spec_v4 = perfmon;
  prog_sleepable = p.prog_flags & (1u << 4);  // BPF_F_SLEEPABLE
  strict_alignment = o.strict_alignment && !o.any_alignment;
}

void Env::log_text(std::string_view text) {
  if (sink_) sink_->write(text);
}

void Env::note_reason(std::string_view line) {
  reason.assign(line);
}

void Env::reject_text(int error, std::string line) {
  reason = std::move(line);
  if (sink_) {
    sink_->write(reason);
    sink_->write("\n");
  }
  throw Rejection{error};
}

void Env::unsupported(std::string_view what) {
  reason = fmt::format("not supported yet: {}", what);
  if (sink_) {
    sink_->write(reason);
    sink_->write("\n");
  }
  throw Rejection{EOPNOTSUPP, true};
}

}  // namespace osmia::verifier
