// What programs attach to by name, as data: kernel iterators with the types of their arguments, and the
// kernel structs of functions (struct_ops) that programs may implement. Source: Linux 6.12; a module's are
// listed with the module.
#pragma once
#include <span>
#include <string_view>

#include "contract/reg_type.h"

namespace osmia::contract {

// One argument of an iterator's program, 8 bytes at `offset` in its context. Arguments not listed are as BTF
// says.
struct IteratorArg {
  u16 offset = 0;
  RegType type = {};
  std::string_view btf_type = {};  // struct name, for kBtfId
};

// Attach function "bpf_iter_" + name. A program of another name is refused with -EINVAL and no text.
struct IteratorDef {
  std::string_view name;
  std::span<const IteratorArg> args = {};
};

// A member of a kernel struct that programs may write, though they otherwise only read.
struct WritableMember {
  std::string_view struct_name;  // as BTF has it; its first member's members count as its own
  std::string_view member;       // path, "icsk_ack.pending"; empty = the whole struct
  bool anywhere = false;         // writes may begin inside the member, not at its first byte only
};

struct StructOpsDef {
  std::string_view name;                               // struct, "tcp_congestion_ops"
  std::string_view module;                             // empty = vmlinux
  std::span<const std::string_view> unsupported = {};  // function members that no program may implement
  bool all_may_sleep = true;                           // else only `may_sleep`
  std::span<const std::string_view> may_sleep = {};
  // Struct pointers of the first type in the context are given as the second (a TCP socket is known to be
  // one).
  std::string_view promote_from = {}, promote_to = {};
  std::span<const WritableMember> writable = {};
  std::string_view write_denied = {};  // log line when a write hits another struct
};

const IteratorDef* iterator_target(std::string_view name);  // nullptr: unknown
const StructOpsDef* struct_ops_target(std::string_view name);

}  // namespace osmia::contract
