// Runs that are Osmia's own: of program types for which Linux has no test run (bpf(2) answers ENOTSUPP for
// them here, too), for `osmia run`. They take and give what test runs do (runtime/test_run.h).
#pragma once
#include <map>

#include "runtime/kernel.h"

namespace osmia::runtime {

std::map<u32, TestRunFn> own_run_table();  // by program type
std::map<u32, TestRunFn> own_hook_runs();  // those of control groups' hooks, which the table has, too

// data_in: bytes of a stream (sk_skb) or a message (sk_msg); of a packet from its transport header on
// (sk_reuseport). ctx_in, if given: struct __sk_buff or sk_msg_md with the connection's family, addresses and
// ports, or struct sk_reuseport_md with eth_protocol, ip_protocol, bind_inany and hash; all else zero.
// data_out: the bytes afterwards. redirect: the chosen socket's map and key. Errors: EINVAL, E2BIG, ENOMEM.
Result<TestRunResult> own_run_sk_skb(Kernel& k, Program& p, const TestRunRequest& r);
Result<TestRunResult> own_run_sk_msg(Kernel& k, Program& p, const TestRunRequest& r);
Result<TestRunResult> own_run_sk_reuseport(Kernel& k, Program& p, const TestRunRequest& r);

}  // namespace osmia::runtime
