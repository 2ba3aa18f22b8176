// The timed loop and the context, shared by all types.
#include <algorithm>
#include <ctime>

#include "host/grace.h"
#include "host/net_device.h"
#include "host/packet.h"
#include "host/run_context.h"
#include "runtime/test_run_code.h"

namespace osmia::runtime {
namespace {

u64 now_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<u64>(t.tv_sec) * 1000000000u + static_cast<u64>(t.tv_nsec);
}

// The control-group storages that the program names, zeroed, for the runs while this lives. A run stays on
// its CPU, so a per-CPU storage needs one CPU's value.
class CgroupStorage {
 public:
  explicit CgroupStorage(const Program& p) {
    auto& slots = host::run_context().cgroup_storage;
    std::copy(std::begin(slots), std::end(slots), outer_);
    for (const verifier::MapInfo* m : p.facts.used_maps) {
      if (!m->def || !(m->def->traits & contract::kMapCgroupStorage)) continue;
      const bool percpu = m->def->traits & contract::kMapPercpu;
      value_[percpu].assign(m->value_size / 8 + 1, 0);
      slots[percpu] = reinterpret_cast<u64>(value_[percpu].data());
    }
  }
  ~CgroupStorage() { std::copy(std::begin(outer_), std::end(outer_), host::run_context().cgroup_storage); }
  CgroupStorage(const CgroupStorage&) = delete;
  CgroupStorage& operator=(const CgroupStorage&) = delete;

 private:
  u64 outer_[2];
  std::vector<u64> value_[2];
};

}  // namespace

Status check_executable(const Program& p) {
  if (p.executable) return Ok{};
  return Error{EOPNOTSUPP,
               p.not_executable.empty() ? "not supported yet: nothing here runs programs" : p.not_executable};
}

void timed_runs(Program& p, void* ctx, u32 repeat, TestRunResult& result) {
  const u32 n = repeat ? repeat : 1;
  host::RunScope scope(static_cast<const maps::ProgObject*>(&p), ctx);
  const CgroupStorage storage(p);
  const host::SkBuffView view = host::t_sk_buff;  // a program may make one of its own
  const u64 start = now_ns();
  for (u32 i = 0; i < n; i++) {
    if (i + 1 == n) host::redirect() = {};
    result.retval = static_cast<u32>(p.executable->run(ctx));
    if (i % 16 == 15) host::quiescent_point();
  }
  const u64 elapsed = now_ns() - start;
  result.redirect = host::redirect();
  result.duration_ns = static_cast<u32>(std::min<u64>(elapsed / n, 0xffffffff));
  host::t_sk_buff = view;
}

Result<ContextBytes> context_in(const TestRunRequest& r, u32 size) {
  ContextBytes out;
  if (!r.has_ctx_in && !r.wants_ctx_out) return out;
  out.has = true;
  out.bytes.resize(size);
  if (!r.has_ctx_in) return out;
  if (r.ctx_in.size() > kPage) return Error{E2BIG, "context: more than a page"};
  for (size_t i = size; i < r.ctx_in.size(); i++)
    if (r.ctx_in[i])
      return Error{E2BIG, "context: expected at most " + std::to_string(size) +
                              " bytes, found more that are not zero"};
  std::copy_n(r.ctx_in.begin(), std::min<size_t>(size, r.ctx_in.size()), out.bytes.begin());
  return out;
}

bool device_exists(u32 ifindex) {
  return host::net_device(ifindex).has_value();
}

std::map<u32, TestRunFn> test_run_table() {
  constexpr u32 kSocketFilter = 1, kSchedCls = 3, kSchedAct = 4, kXdp = 6, kCgroupSkb = 8, kLwtIn = 10,
                kLwtOut = 11, kLwtXmit = 12, kRawTracepoint = 17, kFlowDissector = 22, kTracing = 26,
                kStructOps = 27, kSkLookup = 30, kSyscall = 31, kNetfilter = 32;
  std::map<u32, TestRunFn> table;
  for (const u32 type : {kSocketFilter, kSchedCls, kSchedAct, kCgroupSkb, kLwtIn, kLwtOut, kLwtXmit})
    table[type] = test_run_skb;
  table[kXdp] = test_run_xdp;
  table[kRawTracepoint] = test_run_raw_tp;
  table[kSyscall] = test_run_syscall;
  table[kFlowDissector] = test_run_flow_dissector;
  table[kSkLookup] = test_run_sk_lookup;
  table[kTracing] = test_run_tracing;
  table[kNetfilter] = test_run_netfilter;
  table[kStructOps] = test_run_struct_ops;
  return table;
}

}  // namespace osmia::runtime
