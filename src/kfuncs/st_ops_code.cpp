// The kfuncs of the kernel's test module that call the struct of functions which is attached to it, and the
// one that its programs call. Nothing is locked while a program runs: one that calls back (on Linux it would
// wait for itself for ever) ends at a fixed depth.
#include "host/run_context.h"
#include "kfuncs/code.h"
#include "maps/struct_ops.h"

namespace osmia::kfuncs::code {
namespace {

constexpr u64 kNone = static_cast<u64>(s64{-1});  // what the module returns when there is nothing to call
constexpr u32 kMaxDepth = 4;

u64 call(std::string_view member, u64 args) {
  thread_local u32 depth = 0;
  const auto* program = static_cast<const maps::ProgObject*>(host::run_context().program);
  if (!program || !program->struct_ops || depth >= kMaxDepth) return kNone;
  const auto type = program->struct_ops->by_name("bpf_testmod_st_ops");
  const auto ops = type ? type->newest() : nullptr;  // kept alive until the call is over
  if (!ops || !ops->has(member)) return kNone;
  depth++;
  const auto r0 = ops->call(member, {args});
  depth--;
  return r0.ok() ? static_cast<u64>(s64{static_cast<s32>(*r0)}) : kNone;
}

}  // namespace

u64 st_ops_test_prologue(u64 args, u64, u64, u64, u64) {
  return call("test_prologue", args);
}
u64 st_ops_test_epilogue(u64 args, u64, u64, u64, u64) {
  return call("test_epilogue", args);
}
u64 st_ops_test_pro_epilogue(u64 args, u64, u64, u64, u64) {
  return call("test_pro_epilogue", args);
}
u64 st_ops_inc10(u64 args, u64, u64, u64, u64) {
  u64& a = *reinterpret_cast<u64*>(args);  // struct st_ops_args
  a += 10;
  return static_cast<u64>(s64{static_cast<s32>(a)});
}

}  // namespace osmia::kfuncs::code
