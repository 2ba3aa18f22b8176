// A link: what keeps a program (or a map of functions) attached to something. Invariant: it is attached from
// the moment it can be seen until detach() or its destruction, whichever comes first; whoever holds it (a
// descriptor, a pin, an iterator's file) keeps it attached. One class a link type derives from it.
#pragma once
#include <memory>
#include <mutex>
#include <string>

#include "base/types.h"
#include "runtime/program.h"

struct bpf_link_info;  // uapi linux/bpf.h

namespace osmia::runtime {

class Link : public std::enable_shared_from_this<Link> {
 public:
  // type: enum bpf_link_type; name: as fdinfo has it ("tracing"). program: null where a map is attached.
  Link(u32 type, std::string_view type_name, ProgramPtr program)
      : type(type), type_name(type_name), program_(std::move(program)) {}
  virtual ~Link() = default;  // a derived destructor detaches
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  const u32 type;
  const std::string_view type_name;
  u32 id = 0;  // set before anybody can see it

  // Null where a map is attached, or once the type has taken it out.
  ProgramPtr program() const {
    std::lock_guard lock(mutex_);
    return program_;
  }

  // LINK_DETACH: 0 (also a second time) or -errno; the link stays, and does nothing from now on.
  virtual int detach() { return -EOPNOTSUPP; }
  // LINK_UPDATE: 0 or -errno. replaces: null, or what must be attached now (-EPERM if it is not).
  virtual int update_program(ProgramPtr /*with*/, const ProgramPtr& /*replaces*/) { return -EINVAL; }
  // Links that attach maps take maps instead.
  virtual bool attaches_map() const { return false; }
  virtual int update_map(maps::MapPtr /*with*/, const maps::MapPtr& /*replaces*/) { return -EINVAL; }
  // The type's own part of OBJ_GET_INFO_BY_FD: type, id and prog_id are filled in already, and the rest is
  // what the caller gave (pointers and sizes of buffers). 0 or -errno.
  virtual int fill_info(bpf_link_info&) { return 0; }
  // The type's own lines of fdinfo, each with its newline.
  virtual void show(std::string&) const {}
  // A descriptor to copy where the link can be polled; -1: there is none.
  virtual int poll_fd() const { return -1; }

 protected:
  void set_program(ProgramPtr program) {
    std::lock_guard lock(mutex_);
    program_.swap(program);
  }

 private:
  mutable std::mutex mutex_;
  ProgramPtr program_;
};
using LinkPtr = std::shared_ptr<Link>;

}  // namespace osmia::runtime
