// Callbacks that run later: bpf_timer and bpf_wq in map values. A field holds the address of an object of
// ours; one host thread runs the callbacks when they are due, each inside a RunScope. Invariant: a callback
// that runs has its map, and the program that it belongs to, alive; a field that was let go (its element
// deleted, its map closed by user space) never fires again, and letting go neither waits nor calls anything.
#pragma once
#include "btf/special_fields.h"
#include "maps/map.h"

namespace osmia::maps::async {

// kind: btf::kFieldTimer or btf::kFieldWorkqueue; field: the field's address in a value of `map`.
// Errors as Linux: -EINVAL (clock, no record), -EBUSY (initialised already), -EPERM (no descriptor or pin
// holds the map: nobody would ever stop the timer).
s64 init(void* field, Map& map, btf::FieldKind kind, u64 flags);
// callback: a rewrite::BpfCallback. -EINVAL, -EPERM as above; -ENOENT: its program is going away.
s64 set_callback(void* field, u64 callback);
// When: nanoseconds from now, or with BPF_F_TIMER_ABS the time of the timer's clock. -EINVAL.
s64 start(void* field, u64 nanoseconds, u64 flags);
// Stops it and waits for a running callback. 1: it was going to fire. -EINVAL, -EDEADLK (from its own
// callback).
s64 cancel(void* field);

}  // namespace osmia::maps::async
