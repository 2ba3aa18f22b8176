// Hooks of control groups, run once on what the caller describes: a device access, a sysctl, a socket option
// or address of a socket that is opened for it.
#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

#include "host/hook_run.h"
#include "host/run_context.h"
#include "host/socket_facts.h"
#include "runtime/own_run.h"
#include "runtime/test_run_code.h"

namespace osmia::runtime {
namespace {

Error invalid(const std::string& what) {
  return {EINVAL, what};
}
Status check_request(Program& p, const TestRunRequest& r) {
  if (r.flags || r.cpu || r.batch_size || r.repeat > 1)
    return invalid("flags, cpu, batch_size or repeat: not possible for this type");
  return check_executable(p);
}
template <class T>
Result<T> context_of(const TestRunRequest& r, const char* expected) {
  OSMIA_ASSIGN(const ContextBytes ctx, context_in(r, sizeof(T)));
  if (!ctx.has) return invalid(std::string("expected a context: ") + expected);
  T out{};
  std::memcpy(&out, ctx.bytes.data(), sizeof out);
  return out;
}
template <class T>
void give_context(const TestRunRequest& r, const T& ctx, TestRunResult& out) {
  if (!r.wants_ctx_out) return;
  const auto* bytes = reinterpret_cast<const u8*>(&ctx);
  out.ctx_out.assign(bytes, bytes + sizeof ctx);
}

// A socket of this process, closed with the run.
class OwnSocket {
 public:
  OwnSocket(int family, int type, int protocol) : fd_(socket(family, type | SOCK_CLOEXEC, protocol)) {
    socket_.family = static_cast<u32>(family);
    socket_.type = static_cast<u32>(type);
    if (const auto f = fd_ < 0 ? std::nullopt : host::facts_of_descriptor(fd_)) {
      socket_.protocol = f->protocol;
      socket_.state = f->state;
      socket_.cookie = f->cookie;
      socket_.mark = f->mark;
      socket_.priority = f->priority;
      socket_.tcp_fields = f->tcp;
    }
    if (socket_.protocol == host::kProtocolTcp) socket_.tcp = reinterpret_cast<u64>(&socket_.tcp_fields);
  }
  ~OwnSocket() {
    if (fd_ >= 0) close(fd_);
  }
  OwnSocket(const OwnSocket&) = delete;
  OwnSocket& operator=(const OwnSocket&) = delete;
  int fd() const { return fd_; }
  const host::Socket* get() const { return &socket_; }
  u64 address() const { return reinterpret_cast<u64>(&socket_); }

 private:
  host::Socket socket_;
  int fd_;
};

void run_once(Program& p, void* ctx, const host::HookRun& hook, TestRunResult& out) {
  const host::HookScope scope(hook);
  timed_runs(p, ctx, 1, out);
}
void show_retval(s32 retval, TestRunResult& out) {
  if (retval) out.shown.emplace_back("hook returns", retval);
}

Result<TestRunResult> run_device(Kernel&, Program& p, const TestRunRequest& r) {
  OSMIA_TRY(check_request(p, r));
  OSMIA_ASSIGN(bpf_cgroup_dev_ctx ctx, context_of<bpf_cgroup_dev_ctx>(r, "struct bpf_cgroup_dev_ctx"));
  TestRunResult out;
  s32 retval = 0;
  run_once(p, &ctx, {.retval = &retval}, out);
  show_retval(retval, out);
  return out;
}

// data_in: NAME of a read, NAME=VALUE of a write; the present value is the machine's.
Result<TestRunResult> run_sysctl(Kernel&, Program& p, const TestRunRequest& r) {
  OSMIA_TRY(check_request(p, r));
  std::string text(r.data_in.begin(), r.data_in.end());
  while (text.ends_with('\n')) text.pop_back();
  host::Sysctl s;
  const size_t equals = text.find('=');
  s.name = text.substr(0, equals);
  if (s.name.find('/') == s.name.npos) std::replace(s.name.begin(), s.name.end(), '.', '/');
  s.writes = equals != text.npos;
  if (s.writes) s.next = text.substr(equals + 1);
  if (s.name.empty() || s.name.find("..") != s.name.npos || s.name[0] == '/' || s.next.size() > kPage - 1)
    return invalid("data_in: expected NAME, or NAME=VALUE, of a sysctl");
  const int fd = open(("/proc/sys/" + s.name).c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Error{errno, "sysctl " + s.name + ": " + std::strerror(errno)};
  char value[kPage];
  const ssize_t n = read(fd, value, sizeof value);
  close(fd);
  if (n > 0) s.current.assign(value, static_cast<size_t>(n));
  bpf_sysctl ctx{};
  ctx.write = s.writes;
  TestRunResult out;
  s32 retval = 0;
  run_once(p, &ctx, {.retval = &retval, .sysctl = &s}, out);
  if (s.replaced) out.data_out.assign(s.next.begin(), s.next.end());
  if (ctx.file_pos) out.shown.emplace_back("file_pos", ctx.file_pos);
  show_retval(retval, out);
  return out;
}

// The hook of setsockopt sees data_in; the one of getsockopt what the kernel answers for a new socket, or
// data_in if there is any.
Result<TestRunResult> run_sockopt(Kernel&, Program& p, const TestRunRequest& r) {
  OSMIA_TRY(check_request(p, r));
  OSMIA_ASSIGN(bpf_sockopt ctx, context_of<bpf_sockopt>(r, "struct bpf_sockopt with level, optname, optlen"));
  if (ctx.optlen < 0 || static_cast<u32>(ctx.optlen) > kPage)
    return invalid("context: expected optlen in a page");
  const OwnSocket own(AF_INET, SOCK_STREAM, 0);
  if (own.fd() < 0) return Error{errno, "no socket for the run"};
  const bool get = p.desc.expected_attach_type == BPF_CGROUP_GETSOCKOPT;
  std::vector<u8> value(std::max<size_t>({r.data_in.size(), static_cast<size_t>(ctx.optlen), 1}));
  std::copy(r.data_in.begin(), r.data_in.end(), value.begin());
  ctx.retval = 0;
  if (get && r.data_in.empty()) {
    socklen_t n = static_cast<socklen_t>(ctx.optlen);
    if (getsockopt(own.fd(), ctx.level, ctx.optname, value.data(), &n))
      ctx.retval = -errno;
    else
      ctx.optlen = static_cast<s32>(n);
  } else if (!ctx.optlen) {
    ctx.optlen = static_cast<s32>(r.data_in.size());
  }
  const u64 begin = reinterpret_cast<u64>(value.data());
  u64 words[3] = {own.address(), begin, begin + value.size()};
  if (value.size() > static_cast<u32>(ctx.optlen)) words[2] = begin + static_cast<u32>(ctx.optlen);
  std::memcpy(&ctx, words, sizeof words);
  const s32 before = ctx.optlen;
  TestRunResult out;
  run_once(p, &ctx, {.socket = own.get(), .fd = own.fd(), .retval = &ctx.retval}, out);
  // -1: the kernel's own handling is passed by; larger than the buffer is the hook's error.
  if (ctx.optlen > static_cast<s64>(words[2] - begin) || ctx.optlen < -1)
    out.shown.emplace_back("optlen out of range", ctx.optlen);
  else if (ctx.optlen != before)
    out.shown.emplace_back("optlen", ctx.optlen);
  const s64 length = std::clamp<s64>(ctx.optlen, 0, static_cast<s64>(words[2] - begin));
  out.data_out.assign(value.begin(), value.begin() + length);
  show_retval(ctx.retval, out);
  return out;
}

Result<TestRunResult> run_sock_addr(Kernel&, Program& p, const TestRunRequest& r) {
  OSMIA_TRY(check_request(p, r));
  OSMIA_ASSIGN(bpf_sock_addr ctx,
               context_of<bpf_sock_addr>(r, "struct bpf_sock_addr with family, type and the user's address"));
  const OwnSocket own(static_cast<int>(ctx.family), static_cast<int>(ctx.type),
                      static_cast<int>(ctx.protocol));
  if (own.fd() < 0) return Error{errno, "context: no socket of this family, type and protocol"};
  const u64 sk = own.address();
  std::memcpy(reinterpret_cast<u8*>(&ctx) + offsetof(bpf_sock_addr, sk), &sk, sizeof sk);
  TestRunResult out;
  s32 retval = 0;
  run_once(p, &ctx, {.socket = own.get(), .fd = own.fd(), .retval = &retval}, out);
  std::memset(reinterpret_cast<u8*>(&ctx) + offsetof(bpf_sock_addr, sk), 0, sizeof sk);
  if (const auto f = host::facts_of_descriptor(own.fd()); f && f->local_port)
    out.shown.emplace_back("bound to port", f->local_port);
  give_context(r, ctx, out);
  show_retval(retval, out);
  return out;
}

}  // namespace

std::map<u32, TestRunFn> own_hook_runs() {
  return {{BPF_PROG_TYPE_CGROUP_DEVICE, run_device},
          {BPF_PROG_TYPE_CGROUP_SYSCTL, run_sysctl},
          {BPF_PROG_TYPE_CGROUP_SOCKOPT, run_sockopt},
          {BPF_PROG_TYPE_CGROUP_SOCK_ADDR, run_sock_addr}};
}

}  // namespace osmia::runtime
