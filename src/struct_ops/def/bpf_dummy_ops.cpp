// bpf_dummy_ops: the kernel's own struct for test runs (net/bpf/bpf_dummy_struct_ops.c). It is never taken
// on; its programs run under BPF_PROG_TEST_RUN alone and call no helpers.
#include "struct_ops/struct_ops.h"

namespace osmia::struct_ops {
using namespace contract;
namespace {

constexpr StructOpsMember kMembers[] = {
    {.name = "test_1", .stub = "bpf_dummy_ops__test_1", .may_sleep = false},
    {.name = "test_2", .stub = "bpf_dummy_test_2", .may_sleep = false},
    {.name = "test_sleepable", .stub = "bpf_dummy_test_sleepable"},
};
constexpr WritableMember kState[] = {{"bpf_dummy_ops_state", "", true}};
constexpr std::string_view kBeyond = "write access at off {off} with size {size}";
constexpr WritableStruct kWritable[] = {
    {.name = "bpf_dummy_ops_state", .parts = kState, .outside = kBeyond, .no_part = kBeyond}};

const StructOpsEntry kEntries[] = {
    {.def = {.name = "bpf_dummy_ops",
             .members = kMembers,
             .writable = kWritable,
             .write_denied = "only access to bpf_dummy_ops_state is supported"},
     .code = {.init_member = [](std::string_view, const u8*, u8*, u32) { return -EOPNOTSUPP; },
              .admit = [](const StructOpsMap&, std::span<const StructOpsMapPtr>) { return -EOPNOTSUPP; }}},
};

}  // namespace

std::span<const StructOpsEntry> def_bpf_dummy_ops() {
  return kEntries;
}

}  // namespace osmia::struct_ops
