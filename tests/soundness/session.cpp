// Wires the observer and the interpreter into a Kernel's hooks.
#include "session.h"

#include "rewritten.h"
#include "runtime/catalog.h"
#include "runtime/engine.h"

namespace osmia::soundness {

Session::Session(btf::BtfPtr vmlinux, u64 seed)
    : kernel_(std::make_unique<runtime::Kernel>(runtime::build_catalog(std::move(vmlinux)))), random_(seed) {
  runtime::install_engine(*kernel_);
  kernel_->state_memory_limit = 4ull << 30;  // the recording keeps every state
  kernel_->observe = [this](const verifier::Program&) -> verifier::Observer* {
    recording_ = std::make_unique<Recording>();
    return recording_.get();
  };
  kernel_->prepare = [this](runtime::Kernel& kernel, runtime::Program& program) -> Status {
    OSMIA_TRY(runtime::prepare_program(kernel, program));
    auto checked = std::make_shared<CheckedProgram>(program, std::move(*recording_), counters_, random_());
    recording_.reset();
    program.not_executable = checked->missing();
    checked->plain = program.executable;
    checked->plain_runs = &plain_runs;
    std::string why;
    checked->rewritten = RewrittenProgram::make(kernel, program, counters_, random_(), &why);
    if (program.not_executable.empty()) program.executable = checked;
    last_ = std::move(checked);
    return Ok{};
  };
}

bool Session::check(runtime::Program& program, u32 runs) {
  const auto type = std::string(program.type_def ? program.type_def->name : "?");
  const auto entry = kernel_->test_runs.find(program.desc.type);
  if (entry == kernel_->test_runs.end()) {
    skipped_["no test run for " + type]++;
    return false;
  }
  if (!program.not_executable.empty()) {
    skipped_["needs " + program.not_executable]++;
    return false;
  }
  bool ran = false;
  std::string why;
  for (u32 i = 0; i < runs; i++) {
    const auto result = entry->second(
        *kernel_, program, random_request(program.desc.type, program.facts.max_ctx_offset, random_));
    if (result.ok())
      ran = true;
    else
      why = result.error().message;
  }
  if (!ran) skipped_[why]++;
  return ran;
}

}  // namespace osmia::soundness
