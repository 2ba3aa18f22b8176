// The verifier's one door: (program, Catalog) -> Verdict + Facts + log. It reads the program and what its map
// and BTF descriptors mean through plain data; it mutates nothing and knows no live object.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "btf/special_fields.h"
#include "contract/catalog.h"
#include "contract/map_code.h"
#include "isa/insn.h"

namespace osmia::btf {
class Btf;
}

namespace osmia::verifier {

// What a program may know of a map. Owned by the map; must outlive the verification and the program.
struct MapInfo {
  const contract::MapDef* def = nullptr;
  u32 type = 0, id = 0, key_size = 0, value_size = 0, max_entries = 0, map_flags = 0;
  u64 map_extra = 0;
  std::string name;
  bool frozen = false;                  // MAP_FREEZE: user space can no longer write
  std::shared_ptr<const btf::Btf> btf;  // of key and value; may be null
  u32 btf_key_type_id = 0, btf_value_type_id = 0;
  std::shared_ptr<const btf::FieldRecord> record;  // special fields of the value; null if it has none
  const MapInfo* inner = nullptr;                  // template of a map of maps
  // Direct value access: host address of the value area's first byte (0 = not possible) and its length.
  u64 value_base = 0;
  u64 value_len = 0;
  u64 user_vm_start = 0;   // arena
  void* live = nullptr;    // the live map; opaque to the verifier
  contract::MapCode code;  // how engines reach the live map without asking its type; empty in templates

  // errno of taking the address of byte `off` of the value area: 0, EINVAL outside it, ENOTSUPP-like for
  // keyless maps.
  int direct_value_error(u32 off) const {
    if (type_specific_direct_error) return type_specific_direct_error;
    return off < value_len ? 0 : direct_value_range_error;
  }
  int type_specific_direct_error = 0;  // array with max_entries != 1: ENOTSUPP (524)
  int direct_value_range_error = EINVAL;
};

class Observer;  // path/observer.h

// How descriptors in instructions and attributes become data. Implemented by the syscall room (and by tests).
class Resolver {
 public:
  virtual ~Resolver() = default;
  virtual const MapInfo* map_by_fd(int fd) = 0;           // nullptr: not a map
  virtual int map_fd_error(int /*fd*/) { return EBADF; }  // why: EBADF closed, EINVAL something else
  virtual std::shared_ptr<const btf::Btf> btf_by_fd(
      int fd) = 0;  // nullptr: not BTF (module BTF of kfunc calls)
  virtual u64 percpu_or_ksym_addr(u32 /*btf_id*/) { return 0; }  // host address of a kernel variable
  // Called once, after the program's debug information was found sound and before its pseudo instructions are
  // resolved: the place where Linux applies CO-RE relocations. It may rewrite what Program::insns refers to
  // (same length), which is then read again. The text of an error has been written to `log` (may be null).
  virtual Status relocate(class LogSink* /*log*/) { return Ok{}; }
};

struct FuncInfo {
  u32 insn_off, type_id;
};
struct LineInfo {
  u32 insn_off, file_name_off, line_off, line_col;
};  // line_col = line << 10 | column

// What an extension or a tracing program attaches to.
struct AttachTarget {
  std::shared_ptr<const btf::Btf> btf;  // vmlinux, a module's, or the target program's
  u32 btf_id = 0;
  const struct Program* program = nullptr;  // set for targets that are BPF programs
  const struct Facts* facts = nullptr;      // what was proved of that program
};

struct Program {
  u32 type = 0, expected_attach_type = 0, prog_flags = 0;  // UAPI values
  std::string name;                                        // at most 15 characters
  bool gpl_compatible = false;
  std::span<const isa::Insn> insns;
  std::span<const int> fd_array;  // BPF_PSEUDO_MAP_IDX, kfunc module BTFs (copied from user space already)
  std::shared_ptr<const btf::Btf> btf;
  std::vector<FuncInfo> func_info;
  std::vector<LineInfo> line_info;
  AttachTarget attach;
};

struct Options {
  u32 log_level = 0;  // 1 = states at branches, 2 = every instruction, 4 = statistics
  u32 caps = ~0u;     // bit n = contract::Capability n held by the loader
  // Token or privilege derived: pointer leaks allowed etc. follow from caps as on Linux (CAP_PERFMON).
  bool strict_alignment = false;     // BPF_F_STRICT_ALIGNMENT
  bool any_alignment = false;        // BPF_F_ANY_ALIGNMENT
  bool test_state_freq = false;      // BPF_F_TEST_STATE_FREQ
  bool test_reg_invariants = false;  // BPF_F_TEST_REG_INVARIANTS
  bool jit_requested = true;  // Linux with its JIT on: decides what kfunc calls, callbacks and blinding need
  bool native_profile = false;                        // --native: may accept more than Linux where sound
  u64 state_memory_limit = 512ull << 20;              // bytes of explored states; beyond it -ENOMEM
  std::function<bool(u64 insns_processed)> progress;  // called now and then; false = cancel with -EAGAIN
  Observer* observer = nullptr;                       // soundness tests: told of every state explored
};

struct Stats {
  u32 insns_processed = 0, total_states = 0, peak_states = 0, max_states_per_insn = 0,
      longest_mark_read_walk = 0;
  u32 stack_bytes = 0;             // of the main program's deepest chain as Linux reports ("stack depth")
  std::vector<u32> subprog_stack;  // per subprogram, bytes
  u64 verify_ns = 0;
  u64 peak_state_bytes = 0;
};

// How pointer arithmetic is to be masked (InsnFacts::alu_state): which operand is the offset, whether it is
// negative or a constant; kMaskNone marks arithmetic without pointers.
enum AluMask : u8 { kMaskSrc = 1, kMaskDst = 2, kMaskNegative = 4, kMaskNone = 8, kMaskConstant = 16 };

// What the verifier proved about one instruction, for rewrite/ and the JITs. Plain data; index = original
// insn index. No fact depends on the value of a scalar that was not precise where paths were pruned: what
// operands can be is answered by rewrite/operand_facts.h (docs/facts.md).
struct InsnFacts {
  bool seen = false;      // reached on some path (false = dead code)
  bool zext_dst = false;  // the 32-bit result's upper half is read later
  bool nospec = false;    // speculation barrier after this (Spectre v4)
  bool helper_args_const_key = false;
  bool inlinable_loop = false;  // bpf_loop without flags, callback_subprog on every path
  bool arena_cast_needed = false, arena_access = false;
  bool storage_get_atomic = false;  // a local storage may be made here, and nobody may sleep
  bool map_ptr_poisoned = false;
  bool removable = false;           // a spill or fill around a fastcall call that need not happen
  contract::RegType ptr_type = {};  // memory instructions: what the address is
  const contract::CtxField* ctx_field = nullptr;  // context access to convert
  const contract::HelperDef* helper = nullptr;
  const contract::KfuncDef* kfunc = nullptr;
  const MapInfo* map = nullptr;  // the one map that a call or ld_imm64 uses (null when several)
  u64 map_key = 0;               // with helper_args_const_key
  s32 map_value_off = -1;        // ld_imm64 of a map value
  s32 callback_subprog = -1;
  u32 alu_limit = 0;  // Spectre v1: masking bound
  u8 alu_state = 0;   // Spectre v1: how to mask, AluMask (0 = no)
  u64 imm64 = 0;      // resolved immediate of ld_imm64 (BTF variables)
  u32 mem_size = 0;
  // Calls on objects that programs allocate: the object's type where the call makes one, and how far into its
  // object the pointer argument points (bytes) where the call must find the object again.
  const btf::Btf* object_btf = nullptr;
  u32 object_btf_id = 0;
  s32 object_off = 0;
  bool percpu_object = false;  // bpf_per_cpu_ptr and its like: of such an object, not of a variable
};

// Stack that the context takes which an epilogue needs.
inline constexpr u32 kContextSlotBytes = 8;
// Stack that an inlined bpf_loop takes: r6 to r8 are saved below everything else of the frame.
inline constexpr u32 kLoopSpillBytes = 24;

struct SubprogFacts {
  u32 start = 0, end = 0;  // original instruction range
  u16 stack_depth = 0;     // bytes, as Linux counts: without the spills that are `removable`
  u16 frame_bytes = 0;     // bytes, with them
  u16 stack_extra = 0;     // bytes more that Linux's rewriting takes (inlined loops, may_goto)
  // Bit n: some access reaches slot n, bytes [fp-8*(n+1), fp-8*n), other than by a load or store at r10 and
  // a constant. What nothing else reaches is private to those instructions.
  u64 addressed_slots = 0;
  bool has_tail_call = false, has_ld_abs = false, is_global = false, is_callback = false, is_async_cb = false,
       is_exception_cb = false, changes_packet_data = false, priv_stack = false;
  bool unreliable = false;  // called otherwise than its BTF says
  bool keep_fastcall_stack = false;
  s16 fastcall_stack_off = 0;
  std::string name;
};

struct Facts {
  std::vector<InsnFacts> insns;
  std::vector<SubprogFacts> subprogs;
  std::vector<const MapInfo*> used_maps;
  std::vector<std::shared_ptr<const btf::Btf>> used_btfs;
  bool dst_needed = false, cb_access = false, needs_packet_prologue = false, has_tail_call = false,
       uses_arena = false,
       default_exception_callback = false;  // bpf_throw without a callback: its argument is the result
  u32 max_ctx_offset = 0, max_pkt_offset = 0, max_tp_access = 0;
  const contract::StructOpsDef* struct_ops = nullptr;  // the struct that it implements a member of
  const contract::StructOpsMember* struct_ops_member = nullptr;
  u32 attach_proto = 0;  // FUNC_PROTO of what it attaches to, in the attach target's BTF; 0 = unknown
  // How far the program reaches into what an iterator gives it, read-only (keys) and writable (values):
  // whoever attaches it compares that with the map.
  u32 max_key_access = 0, max_value_access = 0;
};

struct Verdict {
  bool accepted = false;
  int error = 0;  // positive errno of a rejection
  bool unsupported =
      false;            // refused because Osmia does not model something yet (never because of Linux's rules)
  std::string message;  // the reason, one line (the log's last error line)
  s32 insn = -1;        // instruction at which it was refused, or -1
  Stats stats;
};

// Where the log goes. Bounded: it keeps what a user buffer of the given size would keep. Positions count
// bytes as if nothing had been dropped.
class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void write(std::string_view text) = 0;
  virtual u64 end_pos() const = 0;  // bytes written so far (after resets)
  virtual void reset(
      u64 new_end_pos) = 0;  // forgets what was written from this position on (a path proved safe)
};

// Verifies. Never throws: our own mistakes come back as a rejection with EFAULT. Facts are filled only on
// acceptance.
Verdict verify(const Program& program, const contract::Catalog& catalog, Resolver& resolver,
               const Options& options, LogSink* log, Facts* facts);

}  // namespace osmia::verifier
