// hid_bpf_ops: fixing input devices (drivers/hid/bpf/hid_bpf_struct_ops.c). Programs for it are verified, and
// the struct is checked as there; a process has no such devices, so none is found to take it on for. The
// reference kernel's BTF does not have it: it counts with the BTF of a kernel that does.
#include "base/bits.h"
#include "struct_ops/struct_ops.h"

namespace osmia::struct_ops {
using namespace contract;
namespace {

constexpr StructOpsMember kMembers[] = {
    {.name = "hid_device_event", .stub = "__hid_bpf_device_event", .may_sleep = false},
    {.name = "hid_rdesc_fixup", .stub = "__hid_bpf_rdesc_fixup"},
    {.name = "hid_hw_request", .stub = "__hid_bpf_hw_request"},
    {.name = "hid_hw_output_report", .stub = "__hid_bpf_hw_output_report"},
};
// Strings keep their last NUL.
constexpr WritableMember kContext[] = {{"hid_bpf_ctx", "retval", true}};
constexpr WritableMember kDevice[] = {
    {"hid_device", "name", true, 1}, {"hid_device", "uniq", true, 1}, {"hid_device", "phys", true, 1}};
constexpr std::string_view kOutside = "write access for struct {name} at off {off} with size {size}",
                           kReadOnly =
                               "write access at off {off} with size {size} on read-only part of {name}";
constexpr WritableStruct kWritable[] = {
    {.name = "hid_bpf_ctx",
     .parts = kContext,
     .outside = kOutside,
     .no_part = kReadOnly,
     .too_long = kReadOnly},
    {.name = "hid_device",
     .parts = kDevice,
     .outside = kOutside,
     .no_part = kReadOnly,
     .too_long = kReadOnly},
};

int init_member(std::string_view member, const u8* from, u8* to, u32 size) {
  constexpr u32 kBefore = 1u << 3;  // BPF_F_BEFORE
  if (member == "hid_id") return copy_member(from, to, size);
  if (member != "flags") return 0;
  return load_unaligned<u32>(from) & ~kBefore ? -EINVAL : copy_member(from, to, size);
}

const StructOpsEntry kEntries[] = {
    {.def = {.name = "hid_bpf_ops",
             .members = kMembers,
             .writable = kWritable,
             .write_denied = "write access to this struct is not supported",
             .base = kStructOpsBase},
     .code = {.init_member = init_member,
              .admit = [](const StructOpsMap&, std::span<const StructOpsMapPtr>) { return -EINVAL; }}},
};

}  // namespace

std::span<const StructOpsEntry> def_hid_bpf_ops() {
  return kEntries;
}

}  // namespace osmia::struct_ops
