// Links of tracepoint programs to the perf events of system calls (syscall/tracepoint_events.h). Whoever
// makes the calls runs the programs; the event's descriptor may be closed meanwhile.
#include <linux/bpf.h>

#include "runtime/tracepoints.h"
#include "syscall/link_type.h"
#include "syscall/tracepoint_events.h"

namespace osmia::syscall::links {
namespace {

class TracepointEventLink final : public runtime::Link {
 public:
  TracepointEventLink(runtime::Kernel& kernel, runtime::ProgramPtr program, std::string name, u64 cookie)
      : Link(BPF_LINK_TYPE_PERF_EVENT, "perf_event", program),
        points_(kernel.tracepoints),
        name_(std::move(name)) {
    points_->add(name_, {std::move(program), cookie, this});
  }
  ~TracepointEventLink() override { points_->remove(name_, this); }

  int fill_info(bpf_link_info& info) override {
    auto& tp = info.perf_event.tracepoint;
    if (!tp.tp_name != !tp.name_len) return -EINVAL;
    const std::string event = name_.substr(name_.find('/') + 1);
    const u64 user = tp.tp_name;
    const u32 room = tp.name_len;
    info.perf_event.type = BPF_PERF_EVENT_TRACEPOINT;
    tp.name_len = static_cast<u32>(event.size() + 1);
    return user ? put_name(user, room, event) : 0;
  }

 private:
  const std::shared_ptr<runtime::Tracepoints> points_;
  const std::string name_;  // "category/event"
};

u32 event_of(const LinkRequest& r) {
  return r.call.fds.get(static_cast<int>(r.call.attr.link_create.target_fd)).tracepoint_event;
}

const LinkType kTypes[] = {{
    .takes =
        [](const LinkRequest& r) {
          if (r.opened || r.attach_type != BPF_PERF_EVENT || r.prog_type() != BPF_PROG_TYPE_TRACEPOINT)
            return false;
          return event_of(r) || !FdTable::is_open(static_cast<int>(r.call.attr.link_create.target_fd));
        },
    .create = [](LinkRequest& r) -> Result<runtime::LinkPtr> {
      const u32 event = event_of(r);
      if (!event) return Error{EBADF, "target_fd is not open"};
      if (r.call.attr.link_create.flags) return Error{EINVAL, "unknown flags"};
      return runtime::LinkPtr(
          std::make_shared<TracepointEventLink>(r.call.kernel, r.program, tracepoint_event_name(event),
                                                r.call.attr.link_create.perf_event.bpf_cookie));
    },
}};
}  // namespace

// The file sorts before elsewhere.cpp, which refuses all other perf events.
std::span<const LinkType> def_call_tracepoint() {
  return kTypes;
}

}  // namespace osmia::syscall::links
