// What the test runs of all types share: the timed loop, the context in and out, the table of them.
// Source: Linux 6.12, net/bpf/test_run.c (behaviour only).
#pragma once
#include <map>

#include "runtime/kernel.h"

namespace osmia::runtime {

std::map<u32, TestRunFn> test_run_table();  // by program type

Result<TestRunResult> test_run_xdp(Kernel& k, Program& p, const TestRunRequest& r);
Result<TestRunResult> test_run_skb(Kernel& k, Program& p, const TestRunRequest& r);
Result<TestRunResult> test_run_raw_tp(Kernel& k, Program& p, const TestRunRequest& r);
Result<TestRunResult> test_run_flow_dissector(Kernel& k, Program& p, const TestRunRequest& r);
Result<TestRunResult> test_run_sk_lookup(Kernel& k, Program& p, const TestRunRequest& r);
Result<TestRunResult> test_run_tracing(Kernel& k, Program& p, const TestRunRequest& r);
Result<TestRunResult> test_run_netfilter(Kernel& k, Program& p, const TestRunRequest& r);
Result<TestRunResult> test_run_struct_ops(Kernel& k, Program& p, const TestRunRequest& r);
Result<TestRunResult> test_run_syscall(Kernel& k, Program& p, const TestRunRequest& r);

inline constexpr u32 kPage = 4096;
inline constexpr u32 kEthHeader = 14;
inline constexpr u32 kSharedInfo =
    320;  // what Linux keeps behind packet data: struct skb_shared_info, aligned

// The kernel's functions for testing what is attached to them (test_run_tracing.cpp). False: one of them gave
// another value than its own code does.
bool call_traced_functions(const Kernel& k);
// The sum of two functions' values, with how many had a side effect in the upper half.
u32 call_modified_functions(const Kernel& k);

// EOPNOTSUPP with the missing helpers' names if nothing here can run the program.
Status check_executable(const Program& p);

// Runs r.repeat times (0 counts as 1); fills retval and the average duration.
void timed_runs(Program& p, void* ctx, u32 repeat, TestRunResult& result);

// The caller's context as Linux takes it: `size` bytes, zero where the caller gave less; E2BIG if there is
// more than `size` and not all zero. has = false: the caller neither gives nor wants one.
struct ContextBytes {
  bool has = false;
  std::vector<u8> bytes;
};
Result<ContextBytes> context_in(const TestRunRequest& r, u32 size);

// The loopback device of every network namespace, and the ones that this machine has.
bool device_exists(u32 ifindex);

}  // namespace osmia::runtime
