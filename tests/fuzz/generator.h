// Random programs that are mostly valid: structured code (branches, bounded loops, subprograms, callbacks)
// over scalars, the stack, map values and the packet, in which memory is accessed through offsets that were
// bounded in one of many ways, rightly or (with some boldness) wrongly. Every choice comes from a Choices, so
// that a fuzzer's bytes steer it as well as a seed does. Nothing here knows the verifier.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "isa/insn.h"

namespace osmia::fuzz {

// A source of decisions. From bytes: they are used up one or a few a decision, then all choices are 0.
class Choices {
 public:
  explicit Choices(u64 seed) : state_(seed * 0x9e3779b97f4a7c15u + 0x1234567) {}
  explicit Choices(std::span<const u8> bytes) : bytes_(bytes), from_bytes_(true) {}
  u64 bits(u32 bytes);
  u32 below(u32 n) { return n <= 1 ? 0 : static_cast<u32>(bits(n <= 256 ? 1 : 4) % n); }
  bool chance(u32 percent) { return below(100) >= 100 - percent; }  // used-up bytes say no
  bool exhausted() const { return from_bytes_ && bytes_.empty(); }

 private:
  u64 state_ = 0;
  std::span<const u8> bytes_;
  bool from_bytes_ = false;
};

struct MapSpec {
  u32 type, key_size, value_size, max_entries;
};
// The maps of every program: instructions name them by index into fd_array (BPF_PSEUDO_MAP_IDX and
// _IDX_VALUE).
std::span<const MapSpec> generator_maps();

struct GeneratorOptions {
  u32 prog_type = 6;    // BPF_PROG_TYPE_XDP, SCHED_CLS or RAW_TRACEPOINT: what the context and packet are
  u32 statements = 24;  // of the main function; others get fewer
  u32 max_insns = 600;  // soft bound
  bool packet = true, maps = true, subprograms = true, callbacks = true, atomics = true, loops = true,
       helpers = true;
  // The result depends on the input alone: no time, random numbers, CPU, addresses, or uninitialised stack.
  bool deterministic = false;
  u32 boldness = 10;  // percent of bounds that may be wrong
  u32 idioms = 0;     // percent of statements that are what compilers emit and JITs fuse
};

struct Function {
  u32 start = 0;  // instruction
  u32 args = 0;   // number of parameters, of a global function
  bool global = false;
};
struct Program {
  std::vector<isa::Insn> insns;
  std::vector<Function> functions;  // [0] is the main one
};

Program random_program(Choices& choices, const GeneratorOptions& options);
inline Program random_program(u64 seed, const GeneratorOptions& options) {
  Choices c(seed);
  return random_program(c, options);
}
// BTF that describes the functions (type ids are given by function_type()), as BPF_BTF_LOAD takes it.
std::vector<u8> functions_btf(const Program& program);
u32 function_type(u32 function);  // of that BTF, for func_info

}  // namespace osmia::fuzz
