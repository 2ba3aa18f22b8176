// A loaded program: what was given, what the verifier proved, what runs. Invariant: a Program that exists was
// accepted; the maps, BTF and target programs that its instructions refer to live at least as long as it
// does.
#pragma once
#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "jit/jit.h"
#include "maps/map.h"
#include "runtime/dump.h"
#include "verifier/verify.h"

namespace osmia::maps {
class ObjectType;
}

namespace osmia::runtime {

struct BtfObject {
  btf::BtfPtr btf;
  u32 id = 0;
  bool kernel = false;
  std::string name;  // "vmlinux", a module's name, or empty
};
using BtfObjectPtr = std::shared_ptr<BtfObject>;

// What executes a program: the interpreter or a JIT's code. ctx: the host context of the program type.
class Executable {
 public:
  virtual ~Executable() = default;
  using Enter = u64 (*)(void* ctx, Executable* self);
  // r0; the caller is inside a host::RunScope
  u64 run(void* ctx) { return enter_.load(std::memory_order_acquire)(ctx, this); }
  // Past whatever is attached to the program.
  u64 run_straight(void* ctx) { return straight_(ctx, this); }
  // Every run goes through `enter` from now on; null: straight again.
  void enter_through(Enter enter) { enter_.store(enter ? enter : straight_, std::memory_order_release); }
  std::shared_ptr<void> attached;  // what `enter` needs; set once, before it
  // The machine code, null where there is none.
  virtual const jit::Image* image() const { return nullptr; }

 protected:
  // Machine code may be entered directly: `self` then is an argument that it does not look at.
  void set_entry(Enter enter) {
    straight_ = enter;
    enter_.store(enter, std::memory_order_relaxed);
  }

 private:
  std::atomic<Enter> enter_{nullptr};
  Enter straight_ = nullptr;
};

class Program final : public maps::ProgObject {
 public:
  // As loaded. desc.insns, desc.attach point into this object.
  verifier::Program desc;
  std::vector<isa::Insn> insns;  // the loader's, relocated
  std::vector<int> fd_array;
  verifier::Facts facts;
  verifier::Verdict verdict;
  u32 id = 0;
  u32 uid = 0;
  std::array<u8, 8> tag{};  // first bytes of the SHA-1 of the instructions, descriptors taken out
  u64 load_time_ns = 0;     // CLOCK_BOOTTIME
  BtfObjectPtr btf;
  BtfObjectPtr attach_btf;
  std::shared_ptr<Program> attach_program;
  const contract::ProgTypeDef* type_def = nullptr;
  std::vector<std::shared_ptr<const maps::ObjectType>> object_types;  // that its code names

  mutable std::mutex maps_mutex;
  std::vector<maps::MapPtr> maps;  // used and bound maps, under maps_mutex

  std::shared_ptr<Executable> executable;  // null: verified, but nothing here can run it
  std::string not_executable;              // then why, one line
  bool rewritten = false;                  // for engines: it is shown as Linux rewrites it
  bool privileged = true;                  // whoever loaded it
  // The instructions that the executable was made from: what loaded instruction each comes from, and where
  // each function begins.
  struct {
    std::vector<u32> loaded, functions;
  } made_from;
  // What is attached to this program's functions, once something is (runtime/program_functions.h), and
  // whether this program has been attached to the one that it was loaded for.
  mutable std::mutex attach_mutex;
  std::shared_ptr<class ProgramFunctions> functions;
  bool target_taken = false;
  std::atomic<u64> run_ns{0}, run_count{0}, recursion_misses{0};

  u32 object_id() const override { return id; }
  u32 prog_type() const override { return desc.type; }
  u32 attach_type() const override { return desc.expected_attach_type; }
  const btf::Btf* attached_btf() const override { return desc.attach.btf.get(); }
  u32 attached_btf_id() const override { return desc.attach.btf_id; }
  Result<u64> call(void* ctx) override;
  bool has_frags() const override { return desc.prog_flags & (1u << 5); }  // BPF_F_XDP_HAS_FRAGS
  u32 cgroup_storage(bool percpu) const override;
  bool tail_calls() const override;
  std::pair<u64, u32> attach_target() const override;
  // What OBJ_GET_INFO_BY_FD shows. Made when it is first asked for: most programs are never shown.
  const Dump& dump() const;
  void show_as(const rewrite::ExecProgram& exec);  // before: the dump is of this, not of what Linux shows

 private:
  mutable std::once_flag dump_once_;
  mutable Dump dump_;
};
using ProgramPtr = std::shared_ptr<Program>;

// prog->tag of Linux.
std::array<u8, 8> program_tag(std::span<const isa::Insn> insns);

}  // namespace osmia::runtime
