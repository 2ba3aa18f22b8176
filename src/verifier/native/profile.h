// The native profile: which ways of verification are tried, and whose verdict counts.
#pragma once
#include "verifier/verify.h"

namespace osmia::verifier {

// One way of verifying a program from beginning to end (verify.cpp).
struct Attempt {
  bool merges = false;  // by merged states
  u32 insn_limit = isa::kComplexityLimitInsns;
};
Verdict attempt(const Program& program, const contract::Catalog& catalog, Resolver& resolver,
                const Options& options, LogSink* log, Facts* facts, const Attempt& how);

namespace native {

// verify() with Options::native_profile: accepts what Linux's way accepts, and what merging proves.
Verdict verify(const Program& program, const contract::Catalog& catalog, Resolver& resolver,
               const Options& options, LogSink* log, Facts* facts);

}  // namespace native
}  // namespace osmia::verifier
