// rewrite(): from a verified program and its Facts to what engines run. Each pass is a file; none proves
// anything again, they only use what the verifier proved.
#pragma once
#include <functional>
#include <string>
#include <type_traits>

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
  // The code of a helper whose argument is a per-CPU object that a program allocated.
  std::function<NativeFn(const contract::HelperDef&)> object_helper_code;
  // What the allocating kfunc is given for objects of this struct; it must outlive the rewritten program.
  std::function<u64(const btf::Btf& btf, u32 struct_id, bool percpu)> object_type;
  // Why a helper has no code, for people; null or empty: the name says it all.
  std::string_view (*why_absent)(std::string_view name) = nullptr;
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
  // Division by zero and MIN / -1 become tests and moves, for backends whose division traps.
  bool guard_divisions = false;
  bool expand_may_goto = false;  // to a counter in the frame, for backends that have none of their own
  // bpf_loop with one known callback becomes a loop that calls it. The frame grows.
  bool inline_loops = false;
  // Masks and barriers of unprivileged loads (they use the hidden register AX and ST | NOSPEC).
  bool harden = true;
  u32 max_frame_bytes = 512;  // a loop is not inlined where the frame would outgrow this
  // Upper halves that the verifier found unused get random bits (BPF_F_TEST_RND_HI32).
  bool randomize_high = false;
  bool linux_view = false;  // linux_view() sets it: calls are inlined as there, LD_ABS and LD_IND stay
};

Result<ExecProgram> rewrite(const verifier::Program& program, const verifier::Facts& facts,
                            const Options& options);

// The program as Linux 6.12 shows it to bpftool. Not to be run. Calls that stay are indexes into `calls`, as
// in any ExecProgram.
Result<ExecProgram> linux_view(const verifier::Program& program, const verifier::Facts& facts,
                               bool privileged);

// -- the passes, in order (each over the same editor)
struct Pass {
  const verifier::Program& program;
  const verifier::Facts& facts;
  const Options& options;
  Editor& editor;
  ExecProgram& out;
  std::vector<u32> frame;  // bytes of each of facts.subprogs' frames so far
  s32 context_slot = 0;    // where an epilogue finds the context, from r10
};
void inline_loops(Pass& p);             // loops.cpp
void remove_dead_code(Pass& p);         // dead_code.cpp
void reserve_context_slot(Pass& p);     // wrapping.cpp
Status convert_context(Pass& p);        // context.cpp
void convert_map_fields(Pass& p);       // map_fields.cpp: loads through pointers to maps
Status convert_arena(Pass& p);          // arena.cpp: accesses through the arena's window, casts
void insert_barriers(Pass& p);          // barriers.cpp: Spectre v4
void mask_pointer_arithmetic(Pass& p);  // masks.cpp: Spectre v1
void mask_tail_calls(Pass& p);          // masks.cpp: of the unprivileged, after resolve_calls
void guard_divisions(Pass& p);          // division.cpp
void expand_may_goto(Pass& p);          // may_goto.cpp
void resolve_immediates(Pass& p);       // immediates.cpp
Status resolve_calls(Pass& p);          // calls.cpp
void pass_object_arguments(Pass& p);    // objects.cpp: after resolve_calls
void guard_percpu_objects(Pass& p);     // objects.cpp
void inline_calls_as_linux(Pass& p);    // linux_view.cpp
void expand_packet_loads(Pass& p);      // packet_loads.cpp: LD_ABS, LD_IND
void mark_probing_loads(Pass& p);       // probing.cpp: loads that may fault
void insert_zero_extension(Pass& p);    // zext.cpp
void randomize_high_halves(Pass& p);    // random_high.cpp
void wrap_program(Pass& p);             // wrapping.cpp: prologues and epilogues of struct_ops

// -- what passes share
// f(index, instruction as loaded), for every instruction that runs and is still there. A 64-bit load comes
// once, by its first half. f gives nothing, or a Status that ends the walk.
template <class F>
using LiveResult =
    std::conditional_t<std::is_void_v<std::invoke_result_t<F&, u32, const isa::Insn&>>, void, Status>;
template <class F>
LiveResult<F> for_each_live(const Pass& p, F&& f) {
  for (u32 i = 0; i < p.program.insns.size(); i++) {
    const isa::Insn& in = p.program.insns[i];
    if (p.facts.insns[i].seen && !p.editor.removed(i)) {
      if constexpr (std::is_void_v<LiveResult<F>>)
        f(i, in);
      else
        OSMIA_TRY(f(i, in));
    }
    i += isa::is_ld_imm64(in);
  }
  if constexpr (!std::is_void_v<LiveResult<F>>) return Ok{};
}
// The index of this call in the program's table, which it joins if it is new.
s32 call_index(ExecProgram& out, ExecCall call);
// Bytes of the frames that the engines must provide for the program as it is counted so far.
std::vector<u32> frames_of(const verifier::Facts& facts, bool without_removable_spills);

}  // namespace osmia::rewrite
