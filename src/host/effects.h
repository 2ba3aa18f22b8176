// What programs do to the world besides their packet and their maps: lines for people, records for perf
// readers, a redirection. The runtime or a test says where they go; each sink is called on the thread that
// runs the program.
#pragma once
#include <functional>
#include <span>
#include <string_view>

#include "base/types.h"

namespace osmia::host {

// Lines of bpf_trace_printk, without a newline at the end. Unset: standard error.
using TraceSink = std::function<void(std::string_view line)>;
void set_trace_sink(TraceSink sink);
void trace_line(std::string_view line);

// Records of bpf_perf_event_output: the map (its live address), the CPU, the bytes. Unset: the helper answers
// -ENOENT, as for a slot that no reader has opened.
using EventSink = std::function<bool(u64 map, u32 cpu, std::span<const u8> bytes)>;
void set_event_sink(EventSink sink);
s64 event_output(u64 map, u32 cpu, std::span<const u8> bytes);  // 0 or -ENOENT

// What a program may do to its process beyond the memory and the maps that it was given. Nothing of this
// until the host says so (`osmia`: OSMIA_ALLOW=signal,write-user); the helpers answer -EPERM.
enum class Permission : u8 { kSignals, kWriteUser };
void permit(Permission what, bool may);
bool permitted(Permission what);
// A comma-separated list of "signal" and "write-user". False: another word is in it.
bool permit_list(std::string_view words);

// The last redirection that the running program asked for on this thread, and the clones that it sent.
enum class RedirectBy : u8 { kDevice, kPeer, kNeighbour, kMap, kSocket };
struct Redirect {
  bool set = false;
  RedirectBy by = RedirectBy::kDevice;
  u32 ifindex = 0;  // of the device; 0 if it does not go to one device
  u64 flags = 0;
  u64 map =
      0;  // kMap, kSocket: live address of the map that it goes by (devices, CPUs, XDP sockets; sockets)
  u32 key = 0;                        // in that map; of longer keys the first bytes
  u32 clones = 0, clone_ifindex = 0;  // copies sent by bpf_clone_redirect(), the last one's device
};
Redirect& redirect();

}  // namespace osmia::host
