// The three structs of the kernel's test module (tools/testing/selftests/bpf/bpf_testmod): two that are
// called once when they are taken on, and one that its kfuncs call, with code before and after its programs.
#include "base/bits.h"
#include "rewrite/build.h"
#include "struct_ops/struct_ops.h"

namespace osmia::struct_ops {
using namespace contract;
namespace {

using namespace isa;
using rewrite::build::alu;
using rewrite::build::load;
using rewrite::build::mov_reg;
using rewrite::build::store;

// tramp_1 … tramp_40 take a number and are never called.
constexpr StructOpsMember kOps[] = {
    {.name = "test_1", .stub = "bpf_testmod_test_1"},
    {.name = "test_2", .stub = "bpf_testmod_test_2"},
    {.name = "test_maybe_null", .stub = "bpf_testmod_ops__test_maybe_null"},
    {.name = "tramp_1"},
    {.name = "tramp_2"},
    {.name = "tramp_3"},
    {.name = "tramp_4"},
    {.name = "tramp_5"},
    {.name = "tramp_6"},
    {.name = "tramp_7"},
    {.name = "tramp_8"},
    {.name = "tramp_9"},
    {.name = "tramp_10"},
    {.name = "tramp_11"},
    {.name = "tramp_12"},
    {.name = "tramp_13"},
    {.name = "tramp_14"},
    {.name = "tramp_15"},
    {.name = "tramp_16"},
    {.name = "tramp_17"},
    {.name = "tramp_18"},
    {.name = "tramp_19"},
    {.name = "tramp_20"},
    {.name = "tramp_21"},
    {.name = "tramp_22"},
    {.name = "tramp_23"},
    {.name = "tramp_24"},
    {.name = "tramp_25"},
    {.name = "tramp_26"},
    {.name = "tramp_27"},
    {.name = "tramp_28"},
    {.name = "tramp_29"},
    {.name = "tramp_30"},
    {.name = "tramp_31"},
    {.name = "tramp_32"},
    {.name = "tramp_33"},
    {.name = "tramp_34"},
    {.name = "tramp_35"},
    {.name = "tramp_36"},
    {.name = "tramp_37"},
    {.name = "tramp_38"},
    {.name = "tramp_39"},
    {.name = "tramp_40"},
};
constexpr StructOpsMember kOps2[] = {{.name = "test_1", .stub = "bpf_testmod_test_1"}};

// Before: args->a += 1000. After: args->a += 10000, and twice that is the result.
constexpr Insn kPrologue[] = {load(kDw, kR6, kR1, 0), load(kDw, kR7, kR6, 0), alu(true, kAdd, kR7, 1000),
                              store(kDw, kR6, kR7, 0)};
constexpr Insn kEpilogue[] = {load(kDw, kR1, kR10, 0),     load(kDw, kR1, kR1, 0),  load(kDw, kR6, kR1, 0),
                              alu(true, kAdd, kR6, 10000), store(kDw, kR1, kR6, 0), mov_reg(kR0, kR6),
                              alu(true, kMul, kR0, 2),     rewrite::build::exit()};
constexpr StructOpsMember kStOps[] = {
    {.name = "test_prologue", .stub = "bpf_test_mod_st_ops__test_prologue", .prologue = kPrologue},
    {.name = "test_epilogue", .stub = "bpf_test_mod_st_ops__test_epilogue", .epilogue = kEpilogue},
    {.name = "test_pro_epilogue",
     .stub = "bpf_test_mod_st_ops__test_pro_epilogue",
     .prologue = kPrologue,
     .epilogue = kEpilogue},
};
constexpr WritableMember kArgs[] = {{"st_ops_args", "", true}};
constexpr WritableStruct kWritable[] = {{.name = "st_ops_args", .parts = kArgs}};

int init_data(std::string_view member, const u8* from, u8* to, u32 size) {
  return member == "data" ? copy_member(from, to, size) : 0;
}

int run(StructOpsMap& ops, std::string_view member, std::initializer_list<u64> args) {
  if (!ops.has(member)) return 0;
  const auto r0 = ops.call(member, args);
  return r0.ok() ? 0 : -r0.error().code;
}
int start(StructOpsMap& ops) {
  if (const int err = run(ops, "test_1", {})) return err;
  const auto data = ops.bytes("data");
  return run(ops, "test_2", {4, data.size() == 4 ? load_unaligned<u32>(data.data()) : 0u});
}
// The module calls it unasked: without it the kernel would fall over a null pointer.
int has_test_1(const StructOpsMap& ops, std::span<const StructOpsMapPtr>) {
  return ops.has("test_1") ? 0 : -EINVAL;
}

const StructOpsEntry kEntries[] = {
    {.def = {.name = "bpf_testmod_ops", .module = "bpf_testmod", .members = kOps},
     .code = {.init_member = init_data, .started = start}},
    {.def = {.name = "bpf_testmod_ops2", .module = "bpf_testmod", .members = kOps2},
     .code = {.admit = has_test_1, .started = [](StructOpsMap& ops) { return run(ops, "test_1", {}); }}},
    {.def = {.name = "bpf_testmod_st_ops",
             .module = "bpf_testmod",
             .members = kStOps,
             .writable = kWritable,
             .base = kStructOpsBase},
     .code = {.admit = [](const StructOpsMap&,
                          std::span<const StructOpsMapPtr> others) { return others.empty() ? 0 : -EEXIST; }}},
};

}  // namespace

std::span<const StructOpsEntry> def_bpf_testmod() {
  return kEntries;
}

}  // namespace osmia::struct_ops
