// Classic programs made to run: checked by Linux's rules, converted, proved by the verifier against a Catalog
// of their own, rewritten and compiled as any program. The verifier's proof is over what runs, so a mistake
// in the conversion is a refusal.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "isa/classic.h"
#include "runtime/kernel.h"

namespace osmia::runtime {

struct ClassicProgram {
  std::vector<isa::ClassicInsn> classic;
  std::vector<u32> original;  // per instruction of program->insns: the classic one that it comes from
  isa::ClassicDialect dialect = isa::ClassicDialect::kSocket;
  ProgramPtr program;  // in no table: it has no id and no descriptor
};

// Uses the kernel's engine (Kernel::jit) and nothing else of it. log: the verifier's, or null. Errors: EINVAL
// as Linux's checks say; what the verifier or the engine refuses.
Result<ClassicProgram> load_classic(Kernel& kernel, std::span<const isa::ClassicInsn> prog,
                                    isa::ClassicDialect dialect, u32 log_level = 0,
                                    std::string* log = nullptr);

// What the filter gives for a packet, bytes to keep (0: none). `packet` starts at the link header and holds
// what was captured of wire_length bytes; loads behind it end the program with 0. hatype: ARPHRD_*, for
// socket filters; link_header: bytes of it. The caller holds no RunScope.
struct ClassicPacket {
  std::span<const u8> bytes;
  u32 wire_length = 0;
  u32 link_header = 14;
  u16 protocol = 0;  // of the network layer, host order
  u16 hatype = 1;
};
u32 run_classic(const ClassicProgram& filter, const ClassicPacket& packet);
// data: struct seccomp_data.
u32 run_seccomp(const ClassicProgram& filter, std::span<const u8, isa::kSeccompDataSize> data);

// "SECCOMP_RET_ERRNO(13)", as the value's action is read on Linux: an unknown one kills the process.
std::string seccomp_action(u32 value);

}  // namespace osmia::runtime
