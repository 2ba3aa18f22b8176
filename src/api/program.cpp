// Program: the runtime's program behind a handle, and its test run.
#include "osmia/program.h"

#include <cstring>

#include "api/impl.h"

namespace osmia {

struct Program::Impl {
  api::KernelPtr kernel;
  std::string name;
  runtime::ProgramPtr program;
  Verdict verdict;
  api::OwnFd fd;
};

namespace api {

Verdict to_public(const verifier::Verdict& v) {
  Verdict out;
  out.accepted = v.accepted;
  out.unsupported = v.unsupported;
  out.error = v.error;
  out.message = v.message;
  out.instruction = v.insn;
  out.instructions_processed = v.stats.insns_processed;
  out.total_states = v.stats.total_states;
  out.peak_states = v.stats.peak_states;
  out.stack_bytes = v.stats.stack_bytes;
  out.verify_ns = v.stats.verify_ns;
  return out;
}

Result<Program> make_program(KernelPtr kernel, std::string name, runtime::ProgramPtr program) {
  if (!program) return Error{EINVAL, "program " + name + ": not there"};
  auto impl = std::shared_ptr<Program::Impl>(new Program::Impl{std::move(kernel), std::move(name), program,
                                                               to_public(program->verdict),
                                                               OwnFd(runtime::Object(program))});
  if (impl->fd.get() < 0) return Error{-impl->fd.get(), "program " + impl->name + ": no descriptor left"};
  return Program(std::move(impl));
}

}  // namespace api

const std::string& Program::name() const {
  return impl_->name;
}
std::uint32_t Program::type() const {
  return impl_->program->desc.type;
}
std::uint32_t Program::id() const {
  return impl_->program->id;
}
const Verdict& Program::verdict() const {
  return impl_->verdict;
}
bool Program::runnable() const {
  return impl_->program->executable != nullptr;
}
const std::string& Program::reason() const {
  return impl_->program->not_executable;
}
int Program::fd() const {
  return impl_->fd.get();
}

Result<RunResult> Program::run(std::span<const std::byte> data, const RunOptions& options) const {
  runtime::Kernel& kernel = *impl_->kernel->kernel;
  const auto found = kernel.test_runs.find(type());
  if (found == kernel.test_runs.end())
    return Error{maps::kNotSupp, "program " + name() + ": its type has no test run"};
  runtime::TestRunRequest r;
  const auto copy = [](std::vector<u8>& to, std::span<const std::byte> from) {
    to.resize(from.size());
    if (!from.empty()) std::memcpy(to.data(), from.data(), from.size());
  };
  copy(r.data_in, data);
  copy(r.ctx_in, options.context);
  r.has_data_in = !data.empty();
  r.has_ctx_in = !options.context.empty();
  r.wants_data_out = r.has_data_in;
  r.wants_ctx_out = r.has_ctx_in;
  r.repeat = options.repeat;
  auto done = found->second(kernel, *impl_->program, r);
  if (!done.ok()) return Error{done.error().code, "program " + name() + ": " + done.error().message};
  RunResult out;
  out.return_value = done->retval;
  out.nanoseconds = done->duration_ns;
  const auto give = [](std::vector<std::byte>& to, const std::vector<u8>& from) {
    to.resize(from.size());
    if (!from.empty()) std::memcpy(to.data(), from.data(), from.size());
  };
  give(out.data, done->data_out);
  give(out.context, done->ctx_in_out.empty() ? done->ctx_out : done->ctx_in_out);
  return out;
}

}  // namespace osmia
