// What a test run of tracing programs does: it calls the kernel's functions for testing, and whatever is
// attached to them runs (the program under test too, if it is attached). Arguments and expected values are
// Linux 6.12's.
#include "runtime/kernel_functions.h"
#include "runtime/test_run_code.h"

namespace osmia::runtime {

bool call_traced_functions(const Kernel& k) {
  const u64 null_member = 0;
  const u32 zero = 0;
  const auto gives = [&](std::string_view name, std::initializer_list<u64> args, u32 expected) {
    return static_cast<u32>(call_kernel_function(k, name, args)) == expected;
  };
  return gives("bpf_fentry_test1", {1}, 2) && gives("bpf_fentry_test2", {2, 3}, 5) &&
         gives("bpf_fentry_test3", {4, 5, 6}, 15) && gives("bpf_fentry_test4", {7, 8, 9, 10}, 34) &&
         gives("bpf_fentry_test5", {11, 12, 13, 14, 15}, 65) &&
         gives("bpf_fentry_test6", {16, 17, 18, 19, 20, 21}, 111) && gives("bpf_fentry_test7", {0}, 0) &&
         gives("bpf_fentry_test8", {reinterpret_cast<u64>(&null_member)}, 0) &&
         gives("bpf_fentry_test9", {reinterpret_cast<u64>(&zero)}, 0);
}

u32 call_modified_functions(const Kernel& k) {
  u32 side_effects = 0;
  int b = 2;
  const u64 address = reinterpret_cast<u64>(&b);
  u64 sum = call_kernel_function(k, "bpf_modify_return_test", {1, address});
  side_effects += b != 2;
  b = 2;
  sum += call_kernel_function(k, "bpf_modify_return_test2", {1, address, 3, 4, 5, 6, 7});
  side_effects += b != 2;
  return side_effects << 16 | static_cast<u16>(sum);
}

}  // namespace osmia::runtime
