// Helpers about the attach point: what the words around the context say, or the probe that runs.
#include "helpers/attach_point.h"

#include <cerrno>
#include <cstring>

#include "helpers/code.h"
#include "helpers/running.h"
#include "linux/bpf.h"

namespace osmia::helpers {

constinit thread_local AttachPoint* t_attach_point = nullptr;

namespace code {
namespace {

const u64* words(u64 ctx) {
  return reinterpret_cast<const u64*>(ctx);
}
void put(u64 to, u64 value) {
  std::memcpy(reinterpret_cast<void*>(to), &value, sizeof value);
}

}  // namespace

u64 get_func_arg(u64 ctx, u64 n, u64 value, u64, u64) {
  const bool there = static_cast<u32>(n) < words(ctx)[-1];
  put(value, there ? words(ctx)[static_cast<u32>(n)] : 0);
  return there ? 0 : result(-EINVAL);
}

u64 get_func_ret(u64 ctx, u64 value, u64, u64, u64) {
  const auto* p = static_cast<const maps::ProgObject*>(host::run_context().program);
  const u32 type = p ? p->attach_type() : 0;
  const bool there = type == BPF_TRACE_FEXIT || type == BPF_MODIFY_RETURN;
  put(value, there ? words(ctx)[words(ctx)[-1]] : 0);
  return there ? 0 : result(-EOPNOTSUPP);
}

u64 get_func_arg_cnt(u64 ctx, u64, u64, u64, u64) {
  return words(ctx)[-1];
}

u64 get_func_ip_tracing(u64 ctx, u64, u64, u64, u64) {
  return words(ctx)[-2];
}

u64 get_func_ip_probe(u64, u64, u64, u64, u64) {
  return t_attach_point ? t_attach_point->address : 0;
}

// The probe's registers as they are when the function returns; where nothing may be overridden, nobody could
// attach.
u64 override_return(u64, u64 value, u64, u64, u64) {
  if (t_attach_point && t_attach_point->may_override) {
    t_attach_point->overridden = true;
    t_attach_point->value = value;
  }
  return 0;
}

}  // namespace code
}  // namespace osmia::helpers
