// Classic BPF: struct sock_filter programs, checked by Linux's rules and turned into eBPF. One table knows
// the instructions. Invariant: what convert_classic() gives for a checked program has no unreachable
// instruction, reads no uninitialised register or stack byte, and only jumps forward, so the verifier proves
// it again.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "isa/insn.h"

namespace osmia::isa {

// struct sock_filter of <linux/filter.h>, struct bpf_insn of libpcap.
struct ClassicInsn {
  u16 code = 0;
  u8 jt = 0, jf = 0;
  u32 k = 0;
  friend constexpr bool operator==(const ClassicInsn&, const ClassicInsn&) = default;
};
static_assert(sizeof(ClassicInsn) == 8);

// Who runs the program, which decides what loads mean.
enum class ClassicDialect : u8 {
  kSocket,   // Linux's socket filters: negative offsets (SKF_NET_OFF, SKF_LL_OFF, SKF_AD_*), 32-bit
             // wrap-around
  kSeccomp,  // Linux's seccomp: ld [k] reads struct seccomp_data, no packet, no MOD
  kCapture,  // libpcap's own interpreter: offsets are unsigned, shifts by 32 bits and more give zero
};

inline constexpr u32 kMaxClassicInsns = 4096;  // BPF_MAXINSNS
inline constexpr u32 kClassicMemWords = 16;    // BPF_MEMWORDS
inline constexpr u32 kSeccompDataSize = 64;    // sizeof(struct seccomp_data)

// The helpers that converted socket programs call, numbers of the classic Catalog alone. All take
// (context, A, X).
enum class ClassicHelper : u8 { kPayOffset = 1, kNlattr, kNlattrNest, kCpu, kRandom };
// Byte offset of dev->type (SKF_AD_HATYPE) in the classic context: behind the UAPI's struct __sk_buff.
inline constexpr u16 kClassicHatype = 192;

// Linux's checks (bpf_check_classic, seccomp_check_filter). EINVAL, with the instruction and what is wrong,
// for everything that Linux refuses; a capture's program obeys the socket rules but those on negative
// offsets.
Status check_classic(std::span<const ClassicInsn> prog, ClassicDialect dialect);

struct ConvertedClassic {
  std::vector<Insn> insns;
  std::vector<u32> original;  // original[i]: the classic instruction that i comes from
};
// Checks and converts: A is r0, X is r7, the context r6, M[n] the word at fp - 4 - 4n.
Result<ConvertedClassic> convert_classic(std::span<const ClassicInsn> prog, ClassicDialect dialect);

// Little-endian slots; EINVAL if the length is not a multiple of 8 bytes.
Result<std::vector<ClassicInsn>> decode_classic(std::span<const u8> bytes);

// One instruction as `tcpdump -d` writes it, "ldh      [12]"; jumps name the instruction that they go to.
std::string disasm_classic(const ClassicInsn& insn, u32 at);

}  // namespace osmia::isa
