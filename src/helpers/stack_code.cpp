// The call stack of the thread that runs the program: the host application's. Frames of helpers themselves
// are left out. Where the engine's code has no unwind information, the stack ends at the program.
#include <execinfo.h>
#include <linux/bpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "helpers/code.h"
#include "helpers/running.h"
#include "maps/stack_trace.h"

namespace osmia::helpers::code {
namespace {

constexpr u32 kMaxFrames = 127, kOwnFrames = 2;  // walk() and the helper

u64 ret(s64 v) {
  return static_cast<u64>(v);
}

struct Frames {
  u64 address[kMaxFrames];
  u32 count = 0;
};
[[gnu::noinline]] void walk(Frames& f, u32 skip, u32 most) {
  void* raw[kMaxFrames + 256 + kOwnFrames];
  const int n = backtrace(raw, static_cast<int>(std::min<u32>(most + skip + kOwnFrames, std::size(raw))));
  for (int i = static_cast<int>(kOwnFrames + skip); i < n && f.count < most; i++)
    f.address[f.count++] = reinterpret_cast<u64>(raw[i]);
}

}  // namespace

u64 get_stackid(u64, u64 map, u64 flags, u64, u64) {
  auto& m = static_cast<maps::StackTraceMap&>(*reinterpret_cast<maps::Map*>(map));
  if (flags & ~u64{BPF_F_SKIP_FIELD_MASK | BPF_F_USER_STACK | BPF_F_FAST_STACK_CMP | BPF_F_REUSE_STACKID})
    return ret(-EINVAL);
  Frames f;
  walk(f, static_cast<u32>(flags & BPF_F_SKIP_FIELD_MASK), m.depth());
  if (!f.count) return ret(-EFAULT);
  return ret(m.store({f.address, f.count}, flags));
}

u64 get_stack(u64, u64 buffer, u64 size, u64 flags, u64) {
  auto* out = reinterpret_cast<u8*>(buffer);
  const u32 bytes = static_cast<u32>(size);
  const bool build_id = flags & BPF_F_USER_BUILD_ID;
  const u32 entry = build_id ? sizeof(struct bpf_stack_build_id) : 8;
  std::memset(out, 0, bytes);
  if (flags & ~u64{BPF_F_SKIP_FIELD_MASK | BPF_F_USER_STACK | BPF_F_USER_BUILD_ID} ||
      (build_id && !(flags & BPF_F_USER_STACK)) || bytes % entry)
    return ret(-EINVAL);
  Frames f;
  walk(f, static_cast<u32>(flags & BPF_F_SKIP_FIELD_MASK), std::min(bytes / entry, kMaxFrames));
  if (!f.count && bytes) return ret(-EFAULT);
  for (u32 i = 0; i < f.count; i++) {
    if (build_id) {
      struct bpf_stack_build_id e = {};
      e.status = BPF_STACK_BUILD_ID_IP;
      e.ip = f.address[i];
      std::memcpy(out + i * entry, &e, sizeof e);
    } else {
      std::memcpy(out + i * entry, &f.address[i], 8);
    }
  }
  return f.count * entry;
}

// The stacks of other threads are not this thread's to walk.
u64 get_task_stack(u64 task, u64 buffer, u64 size, u64 flags, u64) {
  const host::Task* own = current_task();
  if (own && own->address() == task) return get_stack(0, buffer, size, flags, 0);
  std::memset(reinterpret_cast<void*>(buffer), 0, static_cast<u32>(size));
  return ret(-EFAULT);
}

}  // namespace osmia::helpers::code
