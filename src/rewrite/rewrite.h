// rewrite(): from a verified program and its Facts to what engines run. Each pass is a file; none proves
// anything again, they only use what the verifier proved.
#pragma once
#include <functional>
#include <string>

#include "rewrite/editor.h"
#include "rewrite/exec_program.h"
#include "verifier/verify.h"

namespace osmia::rewrite {

// A load of the kernel's struct bpf_map through a pointer to a live map.
struct MapField {
  enum Kind : u8 { kUnknown, kPointer, kHost } kind = kUnknown;
  s16 host_offset = 0;  // kHost: from the live map's address
  std::string name;     // "max_entries"; empty if there is no such field
};

struct Options {
  // The code of a helper or kfunc; a null function means that it cannot run here.
  std::function<NativeFn(const contract::HelperDef&)> helper_code;
  std::function<NativeFn(const contract::KfuncDef&)> kfunc_code;
  // Helpers that LD_ABS and LD_IND become: (ctx, offset, size in bytes) -> value, or negative: the program
  // ends with 0.
  NativeFn load_packet = nullptr;
  bool privileged = true;  // dead code is removed; else it becomes a trap
  // Calls of helpers with the fastcall effect change r0 and their arguments only, so that the spills around
  // them may go. A backend whose calls clobber r1 to r5 must leave this off.
  bool calls_keep_registers = false;
  // Where the live map keeps what the kernel's struct bpf_map has at this byte (offset and size of the load).
  std::function<MapField(u32 offset, u32 size)> map_field;
  bool insert_zext = false;  // for backends whose 32-bit operations leave the upper half alone
};

Result<ExecProgram> rewrite(const verifier::Program& program, const verifier::Facts& facts,
                            const Options& options);

// -- the passes, in order (each over the same editor)
struct Pass {
  const verifier::Program& program;
  const verifier::Facts& facts;
  const Options& options;
  Editor& editor;
  ExecProgram& out;
};
void remove_dead_code(Pass& p);       // dead_code.cpp
Status convert_context(Pass& p);      // context.cpp
void resolve_immediates(Pass& p);     // immediates.cpp
Status resolve_calls(Pass& p);        // calls.cpp
void expand_packet_loads(Pass& p);    // packet_loads.cpp: LD_ABS, LD_IND
void mark_probing_loads(Pass& p);     // probing.cpp: loads that may fault
void convert_map_fields(Pass& p);     // map_fields.cpp: loads through pointers to maps
Status convert_arena(Pass& p);        // arena.cpp: accesses through the arena's window, casts
void insert_zero_extension(Pass& p);  // zext.cpp

}  // namespace osmia::rewrite
