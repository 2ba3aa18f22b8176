// StructOpsDef: a kernel struct of functions that programs may implement, as data: which members, what their
// arguments promise, what their programs may call and write, what runs before and after them. The prototypes
// are BTF. Source: Linux 6.12, kernel/bpf/bpf_struct_ops.c and each type's own file (behaviour only).
#pragma once
#include <span>
#include <string_view>

#include "contract/helper_def.h"
#include "isa/insn.h"

namespace osmia::contract {

// A function member that programs may implement; a member that is not listed is refused. In prologue and
// epilogue a load at r10 with offset 0 gives the program's context; an epilogue ends in an exit.
struct StructOpsMember {
  std::string_view name;
  // Function of the same BTF whose parameters "…__nullable" say which arguments may be null; empty: none may.
  std::string_view stub = {};
  bool may_sleep = true;
  u16 nullable_args = 0;  // bit n: argument n may be null, whatever the stub says
  std::span<const isa::Insn> prologue = {};
  std::span<const isa::Insn> epilogue = {};  // in place of every exit of the main program
};

// A context argument that may be null.
struct NullableArg {
  s32 offset = 0;  // in the context, bytes
  u32 btf_id = 0;  // the struct that it points to
};
// A part of a kernel struct that programs may write, though they otherwise only read.
struct WritableMember {
  std::string_view struct_name;  // from whose start the member's offset counts
  std::string_view member;       // path, "icsk_ack.pending"; empty = the whole struct
  bool anywhere = false;         // writes may begin inside the member, not at its first byte only
  u32 spare = 0;                 // bytes at its end that stay read-only
};
// What programs may write through a pointer to one struct. Texts may hold {off}, {size}, {end} (of the part)
// and {name} (of the struct); an empty one is not logged. Refusals are EACCES.
struct WritableStruct {
  std::string_view name;
  std::span<const WritableMember> parts;
  std::string_view outside = {};   // runs beyond the struct; empty: not told from the next two
  std::string_view no_part = {};   // begins in no part
  std::string_view too_long = {};  // begins in a part and runs beyond it
};

struct StructOpsGrant {
  std::string_view tag;
  Capability capability = Capability::kNone;
  std::span<const std::string_view> except = {};  // members whose programs may not call it
};
// What bpf_base_func_proto() grants.
inline constexpr StructOpsGrant kStructOpsBase[] = {{"core"},
                                                    {"base"},
                                                    {"base_bpf", Capability::kBpf},
                                                    {"trace_printk", Capability::kPerfmon},
                                                    {"base_perfmon", Capability::kPerfmon}};

struct StructOpsDef {
  std::string_view name;    // struct, "tcp_congestion_ops"
  std::string_view module;  // empty = vmlinux
  std::span<const StructOpsMember> members = {};
  // Struct pointers of the first type in the context are given as the second (a TCP socket is known to be
  // one).
  std::string_view promote_from = {}, promote_to = {};
  std::span<const WritableStruct> writable = {};  // empty: programs only read
  std::string_view write_denied = {};             // text of a write to any other struct; empty = none
  std::span<const StructOpsGrant> grants = {};    // helper tags of its own, before `base`
  std::span<const StructOpsGrant> base = {};      // kStructOpsBase, or nothing: no helpers at all

  const StructOpsMember* member(std::string_view member_name) const {
    for (const StructOpsMember& m : members)
      if (m.name == member_name) return &m;
    return nullptr;
  }
};

}  // namespace osmia::contract
