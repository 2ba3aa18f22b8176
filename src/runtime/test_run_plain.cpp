// Test runs without a packet: raw tracepoints (the context is their arguments) and syscall programs (the
// context is the caller's memory, and what the program made of it goes back).
#include "host/run_context.h"
#include "runtime/test_run_code.h"

namespace osmia::runtime {
namespace {

Error invalid(const char* what) {
  return {EINVAL, what};
}

bool only_a_context(const TestRunRequest& r) {
  return !r.has_data_in && !r.wants_data_out && !r.wants_ctx_out && !r.repeat && !r.batch_size;
}

}  // namespace

Result<TestRunResult> test_run_raw_tp(Kernel&, Program& p, const TestRunRequest& r) {
  constexpr u32 kOnCpu = 1, kMaxArgs = 12 * 8;
  if (!only_a_context(r)) return invalid("expected a context and nothing else");
  if (r.ctx_in.size() < p.facts.max_ctx_offset || r.ctx_in.size() > kMaxArgs)
    return invalid("ctx_in: expected all arguments that the program reads, at most 12");
  if (!(r.flags & kOnCpu) && r.cpu) return invalid("cpu: only with BPF_F_TEST_RUN_ON_CPU");
  if (r.flags & kOnCpu && r.cpu >= host::nr_cpus()) return Error{ENXIO, "cpu: no such processor"};
  OSMIA_TRY(check_executable(p));
  u64 args[12] = {};
  std::copy(r.ctx_in.begin(), r.ctx_in.end(), reinterpret_cast<u8*>(args));
  TestRunResult out;
  timed_runs(p, args, 1, out);
  out.duration_ns = 0;
  return out;
}

Result<TestRunResult> test_run_syscall(Kernel&, Program& p, const TestRunRequest& r) {
  if (!only_a_context(r) || r.flags) return invalid("expected a context and nothing else");
  if (r.ctx_in.size() < p.facts.max_ctx_offset || r.ctx_in.size() > 0xffff)
    return invalid("ctx_in: expected all that the program reads, at most 65535 bytes");
  OSMIA_TRY(check_executable(p));
  TestRunResult out;
  out.ctx_in_out = r.ctx_in;
  timed_runs(p, out.ctx_in_out.data(), 1, out);
  out.duration_ns = 0;
  return out;
}

}  // namespace osmia::runtime
