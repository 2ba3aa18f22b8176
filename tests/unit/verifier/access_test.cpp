// Memory accesses, arithmetic and jumps as the verifier judges them: verdict, the last line in Linux 6.12's
// words, and what the facts say. One row is one small program; whole selftests are compared with golden
// tables elsewhere.
#include <gtest/gtest.h>

#include "harness.h"

namespace osmia::verifier {
namespace {

constexpr u32 kPrivileged = ~0u, kUnprivileged = 0;

// fd 1: array of one 48-byte value; fd 2: the same, read-only and frozen, holding `kFrozen`.
constexpr u64 kFrozen[6] = {0x1122334455667788, 7};
class TwoMaps : public Resolver {
 public:
  TwoMaps(const contract::Catalog& catalog) {
    for (MapInfo* m : {&plain, &frozen}) {
      m->type = 2;
      m->def = catalog.map(2);
      if (!m->def) m->def = &array;
      m->key_size = 4, m->value_size = 48, m->max_entries = 1;
      m->value_base = reinterpret_cast<u64>(kFrozen), m->value_len = 48;
    }
    frozen.map_flags = 1u << 7;  // BPF_F_RDONLY_PROG
    frozen.frozen = true;
  }
  const MapInfo* map_by_fd(int fd) override { return fd == 1 ? &plain : fd == 2 ? &frozen : nullptr; }
  std::shared_ptr<const btf::Btf> btf_by_fd(int) override { return nullptr; }
  contract::MapDef array{
      .type = 2, .name = "array", .traits = contract::kMapDirectValue | contract::kMapIsArray};
  MapInfo plain, frozen;
};

Outcome run_over(std::string_view text, std::string_view type = "socket_filter", u32 caps = kPrivileged,
                 bool strict = false) {
  TwoMaps maps(catalog());
  Options o;
  o.caps = caps;
  o.log_level = 2;
  o.strict_alignment = strict;
  return verify_text(text, type, maps, o);
}

struct Row {
  const char* name;
  const char* text;
  const char* line;  // the reason of the rejection; "" = accepted
  int error = EACCES;
  const char* type = "socket_filter";
  u32 caps = kPrivileged;
  bool strict = false;
};

class Access : public testing::TestWithParam<Row> {};

TEST_P(Access, Verdict) {
  const Row& row = GetParam();
  const Outcome out = run_over(row.text, row.type, row.caps, row.strict);
  EXPECT_EQ(out.verdict.accepted, !*row.line) << out.log;
  EXPECT_EQ(out.verdict.message, row.line) << out.log;
  if (*row.line) {
    EXPECT_EQ(out.verdict.error, row.error) << out.log;
  }
}

const Row kRows[] = {
    // -- stack
    {"store_and_fill", "*(u64 *)(r10 -8) = r1\nr0 = *(u64 *)(r10 -8)\nr0 = *(u32 *)(r0 +0)\nr0 = 0\nexit",
     ""},
    {"above_frame", "r0 = 0\n*(u64 *)(r10 +8) = r0\nexit", "invalid write to stack R10 off=8 size=8"},
    {"below_limit", "r0 = 0\n*(u64 *)(r10 -520) = r0\nexit", "invalid write to stack R10 off=-520 size=8"},
    {"misaligned_stack", "r0 = 0\n*(u64 *)(r10 -12) = r0\nexit",
     "misaligned stack access off 0+0+-12 size 8"},
    {"uninitialized_unprivileged", "r0 = *(u8 *)(r10 -1)\nexit", "invalid read from stack R10 off=-1 size=1",
     EACCES, "socket_filter", kUnprivileged},
    {"corrupt_pointer", "*(u64 *)(r10 -8) = r1\n*(u32 *)(r10 -8) = 5\nr0 = 0\nexit",
     "attempt to corrupt spilled pointer on stack", EACCES, "socket_filter", kUnprivileged},
    {"part_of_pointer", "*(u64 *)(r10 -8) = r1\nr0 = *(u32 *)(r10 -8)\nexit",
     "invalid size of register fill"},
    // r7 is -1 where r6 is 2^32-1: what is learnt of r6 must not be said of r7. (Linux up to 6.18 accepts
    // it.)
    {"sign_extending_fill_is_no_copy",
     "r6 = *(u32 *)(r1 +8)\n*(u64 *)(r10 -8) = r6\nr7 = *(s32 *)(r10 -8)\nif w6 != -1 goto out\nr7 >>= "
     "63\nr1 = map[fd:1][0]+47\nr1 += r7\nr0 = *(u8 *)(r1 +0)\nout: r0 = 0\nexit",
     "R1 max value is outside of the allowed memory range"},
    {"leak_by_atomic", "*(u64 *)(r10 -8) = r1\nr2 = 1\nlock *(u64 *)(r10 -8) += r2\nr0 = 0\nexit",
     "leaking pointer from stack off -8", EACCES, "socket_filter", kUnprivileged},
    // -- context
    {"cb_any_size", "r2 = *(u64 *)(r1 +48)\nr2 = *(u16 *)(r1 +54)\nr0 = 0\nexit", ""},
    {"ctx_outside", "r0 = *(u32 *)(r1 +192)\nexit", "invalid bpf_context access off=192 size=4"},
    {"ctx_modified", "r1 += 4\nr0 = *(u32 *)(r1 +0)\nexit",
     "dereference of modified ctx ptr R1 off=4 disallowed"},
    {"ctx_leak", "*(u64 *)(r1 +48) = r1\nr0 = 0\nexit", "R1 leaks addr into ctx", EACCES, "socket_filter",
     kUnprivileged},
    {"ctx_read_only", "r0 = 0\n*(u32 *)(r1 +0) = r0\nexit", "invalid bpf_context access off=0 size=4"},
    {"tracepoint_record", "r0 = *(u32 *)(r1 +12)\nr0 = 0\nexit", "", 0, "tracepoint"},
    {"tracepoint_hidden", "r0 = *(u64 *)(r1 +0)\nexit", "invalid bpf_context access off=0 size=8", EACCES,
     "tracepoint"},
    // -- packet
    {"packet_checked",
     "r2 = *(u32 *)(r1 +0)\nr3 = *(u32 *)(r1 +4)\nr4 = r2\nr4 += 8\nif r4 > r3 goto out\nr0 = *(u64 *)(r2 "
     "+0)\nout: r0 = "
     "0\nexit",
     "", 0, "xdp"},
    {"packet_one_byte_more",
     "r2 = *(u32 *)(r1 +0)\nr3 = *(u32 *)(r1 +4)\nr4 = r2\nr4 += 8\nif r4 > r3 goto out\nr0 = *(u8 *)(r2 "
     "+8)\nout: r0 = "
     "0\nexit",
     "R2 offset is outside of the packet", EACCES, "xdp"},
    {"packet_end_reversed",
     "r2 = *(u32 *)(r1 +0)\nr3 = *(u32 *)(r1 +4)\nr4 = r2\nr4 += 8\nif r3 >= r4 goto ok\nr0 = 0\nexit\nok: "
     "r0 = *(u64 "
     "*)(r2 +0)\nr0 = 0\nexit",
     "", 0, "xdp"},
    {"packet_strict",
     "r2 = *(u32 *)(r1 +0)\nr3 = *(u32 *)(r1 +4)\nr4 = r2\nr4 += 8\nif r4 > r3 goto out\nr0 = *(u32 *)(r2 "
     "+0)\nout: r0 = "
     "0\nexit",
     "misaligned packet access off 2+0+0+0 size 4", EACCES, "xdp", kPrivileged, true},
    // -- arithmetic
    {"pointer_pointer", "r1 += r1\nr0 = 0\nexit", "R1 pointer += pointer prohibited"},
    {"pointer_and", "r1 &= 8\nr0 = 0\nexit", "R1 bitwise operator &= on pointer prohibited"},
    {"pointer_times", "r1 *= 8\nr0 = 0\nexit", "R1 pointer arithmetic with *= operator prohibited"},
    {"pointer_32", "w1 += 8\nr0 = 0\nexit", "R1 32-bit pointer arithmetic prohibited"},
    {"frame_minus", "r2 = r10\nr2 -= 8\nr0 = 0\nexit", "R2 subtraction from stack pointer prohibited"},
    {"huge_offset", "r2 = 1073741824\nr1 += r2\nr0 = 0\nexit",
     "math between ctx pointer and 1073741824 is not allowed", EINVAL},
    {"partial_copy", "w2 = w1\nr0 = 0\nexit", "R1 partial copy of pointer", EACCES, "socket_filter",
     kUnprivileged},
    {"shift_count", "r0 = 1\nr0 <<= 64\nexit", "invalid shift 64", EINVAL},
    {"zero_divisor", "r0 = 1\nr0 /= 0\nexit", "div by zero", EINVAL},
    // -- jumps
    {"compare_leak", "r0 = 0\nif r1 == 5 goto out\nout: exit", "R1 pointer comparison prohibited", EACCES,
     "socket_filter", kUnprivileged},
    {"dead_edge", "r0 = 1\nif r0 == 1 goto out\nr9 = *(u64 *)(r9 +0)\nout: exit", ""},
    {"linked_copy",
     "r6 = *(u32 *)(r1 +8)\nr7 = r6\nif r6 > 47 goto out\nr1 = map[fd:1][0]+0\nr1 += r7\nr0 = *(u8 *)(r1 "
     "+0)\nout: r0 = "
     "0\nexit",
     ""},
    {"linked_with_distance",
     "r6 = *(u32 *)(r1 +8)\nr7 = r6\nr7 += 4\nif r6 > 43 goto out\nr1 = map[fd:1][0]+0\nr1 += r7\nr0 = *(u8 "
     "*)(r1 "
     "+0)\nout: r0 = 0\nexit",
     ""},
    {"linked_one_too_far",
     "r6 = *(u32 *)(r1 +8)\nr7 = r6\nr7 += 4\nif r6 > 44 goto out\nr1 = map[fd:1][0]+0\nr1 += r7\nr0 = *(u8 "
     "*)(r1 "
     "+0)\nout: r0 = 0\nexit",
     "R1 max value is outside of the allowed memory range"},
    // -- atomics, ld_abs
    {"atomic_ctx", "r2 = 1\nlock *(u32 *)(r1 +48) += r2\nr0 = 0\nexit",
     "BPF_ATOMIC stores into R1 ctx is not allowed"},
    {"ld_abs_without_skb", "r6 = 0\nr0 = *(u8 *)skb[4]\nexit",
     "at the time of BPF_LD_ABS|IND R6 != pointer to skb", EINVAL},
    {"ld_abs_type", "r6 = r1\nr0 = *(u8 *)skb[4]\nexit",
     "BPF_LD_[ABS|IND] instructions not allowed for this program type", EINVAL, "xdp"},
};

// A map that nobody can write any more is data: the loads below are constants, so the jump is decided.
TEST(AccessFacts, FrozenMapIsConstant) {
  const std::string jump =
      "r2 = *(u64 *)(r1 +8)\nif r2 == 7 goto out\nr9 = *(u64 *)(r9 +0)\nout: r0 = 0\nexit";
  EXPECT_TRUE(run_over("r1 = map[fd:2][0]+0\n" + jump).verdict.accepted);
  EXPECT_EQ(run_over("r1 = map[fd:1][0]+0\n" + jump).verdict.message, "R9 !read_ok");
}

// Loads through the context name their field, so that the rewriter can convert them.
TEST(AccessFacts, ContextField) {
  const Outcome out = run_over("r0 = *(u32 *)(r1 +8)\nexit");
  ASSERT_TRUE(out.verdict.accepted) << out.log;
  ASSERT_NE(out.facts.insns[0].ctx_field, nullptr);
  EXPECT_EQ(out.facts.insns[0].ctx_field->name, "mark");
  EXPECT_EQ(out.facts.insns[0].ptr_type, contract::RegType(contract::RegBase::kCtx));
}

// The unprivileged may add an unknown offset to a map value only under a mask, whose limit is noted.
TEST(AccessFacts, SpectreMask) {
  const Outcome out = run_over(
      "r6 = *(u32 *)(r1 +8)\nr6 &= 15\nr1 = map[fd:1][0]+0\nr1 += r6\n*(u8 *)(r1 +0) = 1\nr0 = 0\nexit",
      "socket_filter", kUnprivileged);
  ASSERT_TRUE(out.verdict.accepted) << out.log;
  EXPECT_NE(out.facts.insns[4].alu_state, 0);  // the addition; ld_imm64 takes two slots
  EXPECT_EQ(out.facts.insns[4].alu_limit, 15u);
}

INSTANTIATE_TEST_SUITE_P(Rows, Access, testing::ValuesIn(kRows),
                         [](const testing::TestParamInfo<Row>& i) { return std::string(i.param.name); });

}  // namespace
}  // namespace osmia::verifier
