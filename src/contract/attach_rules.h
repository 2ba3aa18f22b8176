// Attach rules: named predicates, as data, over what a program attaches to (a kernel function, an LSM hook,
// an iterator). Grants and helpers refer to them by name. A rule is a list of clauses;
// the first clause that matches decides, and no match means "refused".
#pragma once
#include <span>
#include <string_view>

#include "base/types.h"
#include "contract/helper_def.h"

namespace osmia::contract {

struct Caller;
struct ReturnRange;

struct AttachClause {
  bool allow = true;
  std::string_view prog_type = {};  // ProgTypeDef::name; empty = any
  u64 attach_types = 0;             // bit n = expected attach type n; 0 = any
  Sleep sleep = Sleep::kAny;
  bool target_is_program = false;                  // matches only targets that are BPF programs
  std::span<const std::string_view> targets = {};  // any of these names; empty = any target
  std::string_view target_prefix = {};             // the target's name begins so; empty = any
};

struct AttachRule {
  std::string_view name;
  std::span<const AttachClause> clauses;
};

// Rules: "sleepable" (tracing and lsm targets for sleepable programs), "modify_return", "tracing_denied"
// (refused with -EINVAL and no text), "no_return" (no exit to trace), "lsm_hook", "lsm_disabled",
// "lsm_trusted" (pointer arguments are trusted), "func_entry", and those that grants, helpers and kfuncs
// name. Does the rule of this name allow the caller's attach target? An unknown name refuses.
bool target_allowed(std::string_view rule, std::string_view prog_type, const Caller& caller);

bool attach_rule_exists(std::string_view rule);

// What a program at this security hook ("bpf_lsm_…") may return, as 32 bits: 0 or 1 for boolean hooks, else 0
// or a negative errno. Hooks that return nothing (BTF tells) have no range.
ReturnRange lsm_return_range(std::string_view hook);

}  // namespace osmia::contract
