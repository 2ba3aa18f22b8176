// PROG_TEST_RUN and PROG_BIND_MAP.
#include <algorithm>

#include "runtime/tracepoints.h"
#include "syscall/call.h"
#include "syscall/prog_door.h"

namespace osmia::syscall {
namespace {
constexpr u64 kMaxInput = 1u << 20;  // far above a page and a jumbo frame; a type's own limit is smaller

// Most test runs end at a tracepoint whose programs see the result, and may change it.
long finish(const Call& c, u32 type, long result) {
  if (type == BPF_PROG_TYPE_RAW_TRACEPOINT || type == BPF_PROG_TYPE_SYSCALL ||
      type == BPF_PROG_TYPE_STRUCT_OPS)
    return result;
  int err = static_cast<int>(result);
  u64 args[] = {reinterpret_cast<u64>(&err)};
  c.kernel.tracepoints->fire("bpf_test_finish", args);
  return err;
}
}  // namespace

long prog_test_run(Call& c) {
  OSMIA_CHECK_ATTR(c, test.batch_size);
  const auto& t = c.attr.test;
  if (!t.ctx_size_in != !t.ctx_in || !t.ctx_size_out != !t.ctx_out)
    return fail(EINVAL, "a context needs pointer and size");
  int err;
  auto p = get_prog(static_cast<int>(t.prog_fd), &err);
  if (!p) return fail(-err, "prog_fd is not a program");
  const auto it = c.kernel.test_runs.find(p->desc.type);
  if (it == c.kernel.test_runs.end()) return fail(maps::kNotSupp, "this program type has no test run");
  runtime::TestRunRequest r;
  r.repeat = t.repeat, r.flags = t.flags, r.cpu = t.cpu, r.batch_size = t.batch_size;
  r.has_data_in = t.data_in, r.has_ctx_in = t.ctx_in;
  r.wants_data_out = t.data_out, r.wants_ctx_out = t.ctx_out;
  r.data_out_capacity = t.data_size_out, r.ctx_out_capacity = t.ctx_size_out;
  if (t.data_size_in > kMaxInput || t.ctx_size_in > kMaxInput)
    return fail(EINVAL, "test run input larger than 1 MiB");
  r.data_in.resize(t.data_size_in);
  r.copy_in = copy_from_user, r.copy_out = copy_to_user;
  r.ctx_in.resize(t.ctx_size_in);
  if (copy_from_user(r.data_in.data(), t.data_in, r.data_in.size()) ||
      copy_from_user(r.ctx_in.data(), t.ctx_in, r.ctx_in.size()))
    return fail(EFAULT, "test run input cannot be read");
  ProgDoor door(c.kernel);
  const helpers::SyscallDoorScope scope(p->desc.type == BPF_PROG_TYPE_SYSCALL ? &door : nullptr);
  auto done = it->second(c.kernel, *p, r);
  if (!done.ok()) return fail(done.error());
  if (c.kernel.stats_users.load(std::memory_order_relaxed)) {
    const u64 runs = std::max(t.repeat, 1u);
    p->run_count += runs;
    p->run_ns += runs * done->duration_ns;
  }
  // Sizes are the true ones; what does not fit is cut and the call ends with ENOSPC, as bpf_test_finish() has
  // it. A size of 0 with a buffer asks for no limit.
  long result = 0;
  const auto give = [&](u64 user, u32 room, const std::vector<u8>& all) -> bool {
    u64 n = all.size();
    if (room && n > room) n = room, result = -ENOSPC;
    return !user || !copy_to_user(user, all.data(), n);
  };
  if (!done->ctx_in_out.empty() && copy_to_user(t.ctx_in, done->ctx_in_out.data(), done->ctx_in_out.size()))
    return -EFAULT;
  if (!give(t.data_out, t.data_size_out, done->data_out)) return -EFAULT;
  if (t.ctx_out && !give(t.ctx_out, t.ctx_size_out, done->ctx_out)) return -EFAULT;
  if (c.put(offsetof(union bpf_attr, test.data_size_out), static_cast<u32>(done->data_out.size())) ||
      c.put(offsetof(union bpf_attr, test.retval), done->retval) ||
      c.put(offsetof(union bpf_attr, test.duration), done->duration_ns))
    return -EFAULT;
  if (t.ctx_out && c.put(offsetof(union bpf_attr, test.ctx_size_out), static_cast<u32>(done->ctx_out.size())))
    return -EFAULT;
  return finish(c, p->desc.type, result);
}

long prog_bind_map(Call& c) {
  OSMIA_CHECK_ATTR(c, prog_bind_map.flags);
  const auto& b = c.attr.prog_bind_map;
  if (b.flags) return fail(EINVAL, "prog_bind_map flags");
  int err;
  auto p = get_prog(static_cast<int>(b.prog_fd), &err);
  if (!p) return fail(-err, "prog_fd is not a program");
  auto m = get_map(static_cast<int>(b.map_fd), &err);
  if (!m) return fail(-err, "map_fd is not a map");
  std::lock_guard lock(p->maps_mutex);
  for (const auto& used : p->maps)
    if (used == m) return 0;
  p->maps.push_back(std::move(m));
  return 0;
}

}  // namespace osmia::syscall
