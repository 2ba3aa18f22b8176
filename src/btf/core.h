// CO-RE relocations as the kernel applies them in PROG_LOAD: what a program's BTF calls a field, type or enum
// value is looked up by name in the kernel's BTF, and the instruction gets the kernel's number. Invariant: an
// instruction is changed only when every candidate type agrees on the number; what has no answer becomes an
// invalid call that the verifier refuses if it can be reached. Source: uapi linux/bpf.h, struct
// bpf_core_relo.
#pragma once
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "btf/btf.h"
#include "isa/insn.h"

namespace osmia::btf {

enum class CoreKind : u32 {  // enum bpf_core_relo_kind
  kFieldByteOffset = 0,
  kFieldByteSize,
  kFieldExists,
  kFieldSigned,
  kFieldLshiftU64,
  kFieldRshiftU64,
  kTypeIdLocal,
  kTypeIdTarget,
  kTypeExists,
  kTypeSize,
  kEnumvalExists,
  kEnumvalValue,
  kTypeMatches,
};

struct CoreRelo {
  u32 insn_off = 0;        // bytes from the program's first instruction
  u32 type_id = 0;         // in the program's BTF
  u32 access_str_off = 0;  // "0:1:2": members and array elements by index
  u32 kind = 0;            // CoreKind, or whatever number was there
};

// What the kernel's BTF may offer for a local type. Remembers the last names asked for, as Linux does, in 31
// slots for vmlinux and 31 for modules.
class CoreCandidates {
 public:
  struct Type {
    const Btf* btf;
    u32 id;
  };
  struct List {
    std::string name;  // without flavour
    Kind kind;
    std::vector<Type> types;
  };
  CoreCandidates(BtfPtr vmlinux, std::vector<BtfPtr> modules)
      : vmlinux_(std::move(vmlinux)), modules_(std::move(modules)) {}
  // Types of the same kind and, flavours apart, the same name: those of vmlinux, or, if it has none, those of
  // the modules. Null: there is no kernel BTF, or the type has no name. Valid until the next call.
  const List* find(const Btf& local, u32 type_id);
  std::string describe() const;  // the two lines that Linux logs at level 2

 private:
  using Slots = std::array<std::optional<List>, 31>;
  BtfPtr vmlinux_;
  std::vector<BtfPtr> modules_;
  Slots vmlinux_slots_, module_slots_;
};

// A relocation's access, spelled out on one type: every step (`raw`) and the steps that have a meaning
// (`points`: named fields, array elements, the enumerator).
struct CoreSpec {
  static constexpr size_t kMaxLength = 64;
  struct Point {
    u32 type_id = 0;
    s32 index = 0;
    std::string_view name;  // empty: an array element
  };
  const Btf* btf = nullptr;
  u32 root = 0;
  u32 kind = 0;
  std::vector<Point> points;
  std::vector<s32> raw;
  u32 bit_offset = 0;
};

using CoreLog = std::function<void(std::string_view)>;  // may be empty

// From the relocation's text. 0, or -errno.
int parse_core_spec(const Btf& local, const CoreRelo& relo, CoreSpec& spec, const CoreLog& log);
// The same access on a candidate. 1: found; 0: this type does not have it; -errno.
int match_core_spec(const CoreSpec& local, const Btf& target, u32 target_id, CoreSpec& spec);
const char* core_kind_text(u32 kind);                // "byte_off", …; "unknown"
std::string format_core_spec(const CoreSpec& spec);  // as Linux logs it, at most 255 bytes

// Applies relocation number `index` to the program's instructions. insn_off must lie inside them. 0, or
// -errno with the instructions unchanged. Text is Linux's; log_level as PROG_LOAD's.
int apply_core_relo(const Btf& local, CoreCandidates& candidates, const CoreRelo& relo, u32 index,
                    std::span<isa::Insn> insns, const CoreLog& log, u32 log_level);

}  // namespace osmia::btf
