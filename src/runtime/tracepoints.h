// The tracepoints of the kernel's BTF: what programs may attach to, and the few that this process itself
// causes. The others can be attached to, and nothing ever runs there.
#pragma once
#include <map>
#include <optional>
#include <span>
#include <string>

#include "contract/catalog.h"
#include "runtime/attachments.h"

namespace osmia::runtime {

// How many arguments a tracepoint has; nullopt: the Catalog's BTF knows none of this name.
std::optional<u32> tracepoint_arguments(const contract::Catalog&, std::string_view name);
// Bytes behind a tracepoint's first argument that its programs may write; 0: none.
u32 tracepoint_writable_bytes(std::string_view name);

// Tracepoints with programs, by name.
class Tracepoints {
 public:
  void add(const std::string& name, Attachment one);
  void remove(const std::string& name, const void* owner);
  bool any() const { return attached_.load(std::memory_order_acquire); }
  // Runs what is attached: args as the tracepoint's prototype has them, 8 bytes each.
  void fire(std::string_view name, std::span<u64> args) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Attachments>, std::less<>> points_;
  std::atomic<u32> attached_{0};
};

// A raw tracepoint's program over its arguments, with its cookie, as the tracepoint runs it.
void run_at_tracepoint(Program&, std::span<u64> args, u64 cookie);

}  // namespace osmia::runtime
