// A program as Linux 6.12 (amd64, JIT on) shows it after its own rewriting: helpers and kfuncs that the
// verifier inlines there become the same instructions. To be read, not to be run: addresses of kernel objects
// are zero, and offsets into kernel structs are those of that kernel.
#include <linux/bpf.h>

#include <bit>
#include <cerrno>

#include "base/bits.h"
#include "btf/btf.h"
#include "isa/opcode_table.h"
#include "rewrite/build.h"
#include "rewrite/linux_names.h"
#include "rewrite/rewrite.h"

namespace osmia::rewrite {
namespace {

using namespace isa;
using namespace build;
using contract::KfuncRole;

// Offsets in bytes, from the BTF of Linux 6.12.
inline constexpr s32 kArrayValue = 264;      // struct bpf_array: value, ptrs, pptrs
inline constexpr u32 kHtabKey = 48;          // struct htab_elem
inline constexpr s32 kHtabLruRef = 35;       // struct htab_elem, lru_node.ref
inline constexpr s32 kCgrpStorageGet = 210;  // newer than Debian 12's header
inline constexpr s32 kGfpAtomic = 0x820, kGfpKernel = 0xcc0;

struct View {
  Pass& p;
  u32 i;
  Insn in;  // the call
  const verifier::InsnFacts& f;
  std::vector<Insn> out;

  template <class... I>
  void emit(I... insns) {
    (out.push_back(insns), ...);
  }
  void load_address(u8 reg) { emit(Insn{.code = kLd | kDw | kImm, .dst = reg}, Insn{}); }
};

Insn percpu(u8 reg) {
  return {.code = kAlu64 | kMov | kX, .dst = reg, .src = reg, .off = kAddrPercpu};
}
void array_lookup(View& v) {
  const verifier::MapInfo& m = *v.f.map;
  const bool masked = !v.p.options.privileged;
  const bool percpu_map = m.type == BPF_MAP_TYPE_PERCPU_ARRAY, of_maps = m.type == BPF_MAP_TYPE_ARRAY_OF_MAPS;
  const u32 elem = static_cast<u32>(align_up(m.value_size, 8));
  v.emit(alu(true, kAdd, kR1, kArrayValue), load(kW, kR0, kR2, 0));
  const s16 rest = percpu_map || of_maps ? 5 : 3;
  v.emit(jump_if(true, kJge, kR0, static_cast<s32>(m.max_entries), static_cast<s16>(rest + masked)));
  if (masked) v.emit(alu(false, kAnd, kR0, index_mask(m.max_entries)));
  if (percpu_map)
    v.emit(alu(true, kLsh, kR0, 3));
  else if (std::has_single_bit(elem))
    v.emit(alu(true, kLsh, kR0, std::countr_zero(elem)));
  else
    v.emit(alu(true, kMul, kR0, static_cast<s32>(elem)));
  v.emit(alu_reg(true, kAdd, kR0, kR1));
  if (percpu_map) v.emit(load(kDw, kR0, kR0, 0), percpu(kR0));
  if (of_maps) v.emit(load(kDw, kR0, kR0, 0), jump_if(true, kJeq, kR0, 0, 1));
  v.emit(jump(1), mov(kR0, 0));
}

void hash_lookup(View& v) {
  const verifier::MapInfo& m = *v.f.map;
  const Insn value = alu(true, kAdd, kR0, static_cast<s32>(kHtabKey + align_up(m.key_size, 8)));
  v.emit(v.in);
  switch (m.type) {
    case BPF_MAP_TYPE_LRU_HASH:
      v.emit(jump_if(true, kJeq, kR0, 0, 4), load(kB, kR1, kR0, kHtabLruRef), jump_if(true, kJne, kR1, 0, 1),
             store_imm(kB, kR0, 1, kHtabLruRef), value);
      break;
    case BPF_MAP_TYPE_PERCPU_HASH:
      v.emit(jump_if(true, kJeq, kR0, 0, 3), value, load(kDw, kR0, kR0, 0), percpu(kR0));
      break;
    case BPF_MAP_TYPE_HASH_OF_MAPS:
      v.emit(jump_if(true, kJeq, kR0, 0, 2), value, load(kDw, kR0, kR0, 0));
      break;
    default: v.emit(jump_if(true, kJeq, kR0, 0, 1), value);
  }
}

void lookup(View& v) {
  if (!v.f.map || v.f.map_ptr_poisoned) return;
  const bool inner = v.f.map->map_flags & BPF_F_INNER_MAP;
  switch (v.f.map->type) {
    case BPF_MAP_TYPE_ARRAY:
    case BPF_MAP_TYPE_PERCPU_ARRAY:
      if (!inner) array_lookup(v);
      break;
    case BPF_MAP_TYPE_ARRAY_OF_MAPS: array_lookup(v); break;
    case BPF_MAP_TYPE_HASH:
    case BPF_MAP_TYPE_LRU_HASH:
    case BPF_MAP_TYPE_PERCPU_HASH:
    case BPF_MAP_TYPE_HASH_OF_MAPS: hash_lookup(v); break;
    default: break;
  }
}

// Tracing programs find the number of arguments before their context, the address before that.
void tracing_args(View& v) {
  switch (v.in.imm) {
    case BPF_FUNC_get_func_arg:
      v.emit(load(kDw, kR0, kR1, -8), jump_if_reg(false, kJge, kR2, kR0, 6), alu(true, kLsh, kR2, 3),
             alu_reg(true, kAdd, kR2, kR1), load(kDw, kR0, kR2, 0), store(kDw, kR3, kR0, 0), mov(kR0, 0),
             jump(1), mov(kR0, -EINVAL));
      break;
    case BPF_FUNC_get_func_ret: {
      const u32 at = v.p.program.expected_attach_type;
      if (at != BPF_TRACE_FEXIT && at != BPF_MODIFY_RETURN) return v.emit(mov(kR0, -EOPNOTSUPP));
      v.emit(load(kDw, kR0, kR1, -8), alu(true, kLsh, kR0, 3), alu_reg(true, kAdd, kR0, kR1),
             load(kDw, kR3, kR0, 0), store(kDw, kR2, kR3, 0), mov(kR0, 0));
      break;
    }
    case BPF_FUNC_get_func_arg_cnt: v.emit(load(kDw, kR0, kR1, -8)); break;
    default: v.emit(load(kDw, kR0, kR1, -16)); break;
  }
}

void helper(View& v) {
  switch (v.in.imm) {
    case BPF_FUNC_map_lookup_elem: return lookup(v);
    case BPF_FUNC_timer_set_callback: v.load_address(kR3); return v.emit(v.in);
    case BPF_FUNC_sk_storage_get:
    case BPF_FUNC_inode_storage_get:
    case BPF_FUNC_task_storage_get:
    case kCgrpStorageGet: {
      const bool may_sleep = v.p.program.prog_flags & BPF_F_SLEEPABLE && !v.f.storage_get_atomic;
      return v.emit(mov(kR5, may_sleep ? kGfpKernel : kGfpAtomic), v.in);
    }
    case BPF_FUNC_jiffies64: v.load_address(kR0); return v.emit(load(kDw, kR0, kR0, 0));
    case BPF_FUNC_get_smp_processor_id: return v.emit(mov32(kR0, 0), percpu(kR0), load(kW, kR0, kR0, 0));
    case BPF_FUNC_get_func_arg:
    case BPF_FUNC_get_func_ret:
    case BPF_FUNC_get_func_arg_cnt:
    case BPF_FUNC_get_func_ip:
      if (v.p.program.type == BPF_PROG_TYPE_TRACING) tracing_args(v);
      return;
    case BPF_FUNC_get_branch_snapshot:
      // A multiplication and a shift divide the size by 24, the size of an entry.
      return v.emit(jump_if(true, kJne, kR3, 0, 7), mov32(kR0, static_cast<s32>(0xaaaaaaab)),
                    alu_reg(true, kMul, kR2, kR0), alu(true, kRsh, kR2, 36), v.in,
                    jump_if(true, kJeq, kR0, 0, 4), alu(false, kMul, kR0, 24), jump(3), mov(kR0, -EINVAL),
                    jump(1), mov(kR0, -ENOENT));
    case BPF_FUNC_per_cpu_ptr:
    case BPF_FUNC_this_cpu_ptr:
      if (v.f.percpu_object) v.emit(load(kDw, kR1, kR1, 0), v.in);
      return;
    case BPF_FUNC_kptr_xchg:
      return v.emit(mov_reg(kR0, kR2),
                    Insn{.code = kStx | kAtomic | kDw, .dst = kR1, .src = kR0, .imm = kXchg});
    default: return;
  }
}

void kfunc(View& v) {
  if (v.in.off || !v.f.kfunc) return;
  switch (v.f.kfunc->role) {
    case KfuncRole::kCastToKernCtx:
    case KfuncRole::kRdonlyCast: return v.emit(mov_reg(kR0, kR1));
    case KfuncRole::kObjNew:
    case KfuncRole::kPercpuObjNew:
      v.emit(mov(kR1, v.f.object_btf ? static_cast<s32>(v.f.object_btf->type(v.f.object_btf_id).size()) : 0));
      [[fallthrough]];
    case KfuncRole::kObjDrop:
    case KfuncRole::kPercpuObjDrop:
    case KfuncRole::kRefcountAcquire: v.load_address(kR2); return v.emit(v.in);
    case KfuncRole::kListPushFront:
    case KfuncRole::kListPushBack: v.load_address(kR3); return v.emit(mov(kR4, v.f.object_off), v.in);
    case KfuncRole::kRbtreeAdd: v.load_address(kR4); return v.emit(mov(kR5, v.f.object_off), v.in);
    default: break;
  }
  if (v.f.kfunc->callback == contract::CallbackShape::kWq) {
    v.load_address(kR4);
    v.emit(v.in);
  }
}

}  // namespace

void inline_calls_as_linux(Pass& p) {
  for_each_live(p, [&](u32 i, const Insn& in) {
    if (in.code == (kStx | kAtomic | kW) && in.imm == kCmpxchg && p.facts.insns[i].zext_dst) {
      const Insn zext{.code = kAlu | kMov | kX, .dst = kR0, .src = kR0, .imm = 1};
      return p.editor.insert_after(i, std::span(&zext, 1));
    }
    if (in.code != (kJmp | kCall) || in.src == kPseudoCall || p.editor.pieces(i).size() != 1) return;
    View v{p, i, in, p.facts.insns[i], {}};
    Insn call = p.editor.at(i);  // refers to the call table already
    if (in.src == kHelperCall) {
      helper(v);
      if (v.f.map && !v.f.map_ptr_poisoned)
        if (const auto name = linux_map_function(v.f.map->type, in.imm); !name.empty()) {
          call.imm = call_index(p.out, ExecCall{.name = std::string(name)});
          p.editor.set(i, call);
        }
    } else {
      kfunc(v);
    }
    if (v.out.empty()) return;
    std::vector<Piece> pieces;
    for (Insn piece : v.out) {
      if (piece.code == (kJmp | kCall)) piece = call;
      pieces.push_back({piece});
    }
    p.editor.replace(i, std::move(pieces));
  });
  if (p.facts.default_exception_callback) {
    const Insn hidden[] = {mov_reg(kR0, kR1), exit()};
    p.editor.append(hidden);
  }
}

Result<ExecProgram> linux_view(const verifier::Program& program, const verifier::Facts& facts,
                               bool privileged) {
  Options o;
  o.privileged = privileged;
  o.calls_keep_registers = o.guard_divisions = o.expand_may_goto = o.inline_loops = true;
  o.max_frame_bytes = ~0u;
  o.randomize_high = program.prog_flags & BPF_F_TEST_RND_HI32;
  o.linux_view = true;
  return rewrite(program, facts, o);
}

}  // namespace osmia::rewrite
