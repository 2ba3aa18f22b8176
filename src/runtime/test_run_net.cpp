// Test runs of programs that see traffic without a socket buffer of their own: flow dissectors (a frame in,
// the flow's keys out) and sk_lookup (a connection's addresses in, the chosen socket's cookie out); and of
// tracing programs, where Linux calls its own test functions and only what is attached to them runs.
#include <linux/bpf.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "base/bits.h"
#include "helpers/code.h"
#include "host/packet.h"
#include "host/run_context.h"
#include "host/socket.h"
#include "runtime/test_run_code.h"

namespace osmia::runtime {
namespace {

constexpr u16 kInet = 2, kInet6 = 10;

Error invalid(const char* what) {
  return {EINVAL, what};
}
Status no_options(const TestRunRequest& r) {
  if (r.flags || r.cpu || r.batch_size)
    return invalid("flags, cpu or batch_size: not possible for this type");
  return Ok{};
}

}  // namespace

Result<TestRunResult> test_run_flow_dissector(Kernel&, Program& p, const TestRunRequest& r) {
  OSMIA_TRY(no_options(r));
  const u32 size = static_cast<u32>(r.data_in.size());
  if (size < kEthHeader) return invalid("data_in: expected at least an Ethernet header");
  if (size > kPage) return invalid("data_in: larger than a page holds");
  OSMIA_ASSIGN(ContextBytes ctx, context_in(r, sizeof(bpf_flow_keys)));
  bpf_flow_keys given{};
  if (ctx.has) {
    std::memcpy(&given, ctx.bytes.data(), sizeof given);
    bpf_flow_keys only_flags{};
    only_flags.flags = given.flags;
    if (std::memcmp(&given, &only_flags, sizeof given)) return invalid("context: expected flags and zeros");
  }
  OSMIA_TRY(check_executable(p));

  // The result keeps only the last repetition's keys; each starts from zero.
  std::vector<u8> frame = r.data_in;
  TestRunResult out;
  bpf_flow_keys keys{};
  host::SkbContext s;
  s.data = reinterpret_cast<u64>(frame.data());
  s.data_end = s.data + size;
  s.flow_keys = reinterpret_cast<u64>(&keys);
  u64 total = 0;
  for (u32 i = 0, n = std::max(r.repeat, 1u); i < n; i++) {
    keys = {};
    keys.n_proto = load_unaligned<u16>(frame.data() + 12);
    keys.nhoff = keys.thoff = kEthHeader;
    keys.flags = given.flags;
    timed_runs(p, &s, 1, out);
    total += out.duration_ns;
    keys.nhoff = static_cast<u16>(std::clamp<u32>(keys.nhoff, kEthHeader, size));
    keys.thoff = static_cast<u16>(std::clamp<u32>(keys.thoff, keys.nhoff, size));
    out.duration_ns = static_cast<u32>(total / (i + 1));
  }
  out.data_out.assign(reinterpret_cast<u8*>(&keys), reinterpret_cast<u8*>(&keys + 1));
  if (ctx.has) out.ctx_out = ctx.bytes;
  return out;
}

Result<TestRunResult> test_run_sk_lookup(Kernel&, Program& p, const TestRunRequest& r) {
  OSMIA_TRY(no_options(r));
  if (r.has_data_in || r.wants_data_out || !r.data_in.empty())
    return invalid("expected a context and no data");
  OSMIA_ASSIGN(ContextBytes ctx, context_in(r, sizeof(bpf_sk_lookup)));
  if (!ctx.has) return invalid("expected a context");
  bpf_sk_lookup given{};
  std::memcpy(&given, ctx.bytes.data(), sizeof given);
  if (given.cookie) return invalid("context: expected no socket");
  constexpr size_t kEnd = offsetof(bpf_sk_lookup, local_port) + sizeof given.local_port;
  if (std::any_of(ctx.bytes.begin() + kEnd, ctx.bytes.end(), [](u8 b) { return b != 0; }))
    return invalid("context: expected zeros behind local_port");
  if (given.local_port > 0xffff) return Error{ERANGE, "context: local_port is not a port"};
  bpf_sk_lookup fresh{};
  fresh.family = static_cast<u16>(given.family);
  fresh.protocol = static_cast<u16>(given.protocol);
  fresh.remote_port = given.remote_port;
  fresh.local_port = given.local_port;
  if (fresh.family == kInet) {
    fresh.remote_ip4 = given.remote_ip4;
    fresh.local_ip4 = given.local_ip4;
  } else if (fresh.family == kInet6) {
    std::memcpy(fresh.remote_ip6, given.remote_ip6, sizeof fresh.remote_ip6);
    std::memcpy(fresh.local_ip6, given.local_ip6, sizeof fresh.local_ip6);
  } else {
    return Error{EAFNOSUPPORT, "context: expected family AF_INET or AF_INET6"};
  }
  OSMIA_TRY(check_executable(p));
  TestRunResult out;
  // Each repetition starts without a choice.
  host::SkLookupContext seen;
  // The chosen socket may have been released by the program: it stays until this scope ends.
  host::RunScope scope(static_cast<const maps::ProgObject*>(&p));
  u64 total = 0;
  for (u32 i = 0, n = std::max(r.repeat, 1u); i < n; i++) {
    seen = {fresh};
    timed_runs(p, &seen, 1, out);
    total += out.duration_ns;
    out.duration_ns = static_cast<u32>(total / (i + 1));
  }
  const auto* chosen = reinterpret_cast<const host::Socket*>(seen.fields.cookie);
  if (chosen && chosen->reuseport && !seen.no_reuseport)
    return Error{EOPNOTSUPP, "the chosen socket shares its port: a group's choice has no test run"};
  given.cookie = helpers::code::socket_cookie(seen.fields.cookie, 0, 0, 0, 0);
  std::memcpy(ctx.bytes.data(), &given, sizeof given);
  out.ctx_out = ctx.bytes;
  return out;
}

Result<TestRunResult> test_run_tracing(Kernel& kernel, Program& p, const TestRunRequest& r) {
  OSMIA_TRY(no_options(r));
  TestRunResult out;
  switch (p.desc.expected_attach_type) {
    case BPF_TRACE_FENTRY:
    case BPF_TRACE_FEXIT:
      if (!call_traced_functions(kernel))
        return Error{EFAULT, "a function that is traced gave another value"};
      return out;
    case BPF_MODIFY_RETURN: out.retval = call_modified_functions(kernel); return out;
    default: return Error{EFAULT, "only fentry, fexit and fmod_ret programs have a test run"};
  }
}

}  // namespace osmia::runtime
