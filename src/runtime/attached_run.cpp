// The programs that run on this thread are a list through the stack: a program that traces what it calls
// itself finds itself there.
#include "runtime/attached_run.h"

#include "host/packet.h"
#include "host/run_context.h"

namespace osmia::runtime {
namespace {

struct Running {
  const Program* program;
  const Running* outer;
};
constinit thread_local const Running* t_running = nullptr;

}  // namespace

std::optional<u64> run_attached(Program& p, void* ctx, u64 cookie) {
  if (!p.executable) return std::nullopt;
  for (const Running* r = t_running; r; r = r->outer)
    if (r->program == &p) return p.recursion_misses.fetch_add(1, std::memory_order_relaxed), std::nullopt;
  const Running self{&p, t_running};
  t_running = &self;
  u64 result;
  {
    const host::RunScope scope(static_cast<const maps::ProgObject*>(&p), ctx);
    host::run_context().attach_cookie = cookie;
    const host::SkBuffView view = host::t_sk_buff;  // a program may make one of its own
    result = p.executable->run(ctx);
    host::t_sk_buff = view;
  }
  t_running = self.outer;
  return result;
}

}  // namespace osmia::runtime
