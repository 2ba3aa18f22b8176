// The state of one frame as one line of Linux's log: registers, then stack slots, then references.
#include "base/bits.h"
#include "btf/btf.h"
#include "verifier/domain/print.h"
#include "verifier/log/log.h"

namespace osmia::verifier {
namespace {

using Out = fmt::memory_buffer;

template <class... A>
void put(Out& o, fmt::format_string<A...> f, A&&... args) {
  fmt::format_to(fmt::appender(o), f, std::forward<A>(args)...);
}

void put_unsigned(Out& o, u64 v) {
  std::string text;
  append_unum(text, v);
  o.append(text);
}
void put_signed(Out& o, s64 v) {
  std::string text;
  append_snum(text, v);
  o.append(text);
}

// Comma-separated attributes.
struct List {
  Out& o;
  const char* sep = "";
  template <class... A>
  void add(fmt::format_string<A...> f, A&&... args) {
    put(o, "{}", sep);
    sep = ",";
    put(o, f, std::forward<A>(args)...);
  }
};

std::string_view btf_name(const btf::Btf* b, u32 id) {
  return b ? b->type(id).name() : std::string_view();
}

void put_reg(Out& o, const Env& env, u32 frameno, const RegState& r) {
  const RegType t = r.type;
  if (t == RegType(RegBase::kScalar)) {
    if (r.precise) put(o, "P");
    if (r.s.is_const()) {
      put_signed(o, static_cast<s64>(r.s.var_off.value));
      return;
    }
  }
  put(o, "{}", reg_type_str(env, t));
  if (t.base == RegBase::kArena) return;
  if (t.base == RegBase::kStack) {
    if (frameno != r.frameno) put(o, "[{}]", r.frameno);
    if (r.s.is_const()) {
      put_signed(o, static_cast<s64>(r.s.var_off.value) + r.off);
      return;
    }
  }
  if (t.base == RegBase::kBtfId) put(o, "{}", btf_name(r.btf, r.btf_id));
  put(o, "(");
  List list{o};
  if (r.id) list.add("id={}", static_cast<s32>(r.id & ~kAddConst));
  if (r.id & kAddConst) put(o, "{:+}", r.off);
  if (r.ref_obj_id) list.add("ref_obj_id={}", r.ref_obj_id);
  if (t.base == RegBase::kBtfId && t.has(contract::kNonOwnRef) && t.has(contract::kAlloc))
    list.add("non_own_ref");
  if (t.base == RegBase::kConstMapPtr || t.base == RegBase::kMapValue || t.base == RegBase::kMapKey) {
    if (!r.map->name.empty()) list.add("map={}", r.map->name);
    list.add("ks={},vs={}", r.map->key_size, r.map->value_size);
  }
  if (!r.is_scalar() && r.off) {
    list.add("off=");
    put_signed(o, r.off);
  }
  if (r.is_packet()) {
    list.add("r=");
    put_unsigned(o, static_cast<u64>(static_cast<s64>(r.range)));
  }
  if (t.base == RegBase::kMem) {
    list.add("sz=");
    put_unsigned(o, r.mem_size);
  }
  if (t.base == RegBase::kDynptr) list.add("type={}", dynptr_kind_str(r.dynptr.kind));
  if (r.s.is_const()) {
    if (r.s.var_off.value) {
      list.add("imm=");
      put_signed(o, static_cast<s64>(r.s.var_off.value));
    }
  } else {
    std::string text;
    append_ranges(text, r.s, list.sep);
    o.append(text);
  }
  put(o, ")");
}

void put_liveness(Out& o, bool read, bool written, bool done) {
  if (!(read || written || done)) return;
  put(o, "_{}{}{}", read ? "r" : "", written ? "w" : "", done ? "D" : "");
}

void put_slot(Out& o, const Env& env, const PathState& st, u32 f, int& i) {
  constexpr char kSlotChar[] = {'?', 'r', 'm', '0', 'd', 'i'};
  const Frame& fr = *st.frames[f];
  const FrameMarks& m = st.marks[f];
  auto header = [&](int slot) {
    put(o, " fp{}", (-slot - 1) * kRegSize);
    put_liveness(o, m.stack_read >> slot & 1, m.stack_written >> slot & 1, st.cleaned);
  };
  const StackSlot& slot = fr.stack[i];
  std::string types;
  bool valid = false;
  for (SlotType t : slot.type) {
    valid |= t != SlotType::kInvalid;
    types += kSlotChar[static_cast<int>(t)];
  }
  if (!valid) return;
  switch (slot.type[kRegSize - 1]) {
    case SlotType::kSpill:
      types.resize(types.find('r'));  // what is above a partial spill
      header(i);
      put(o, "={}", types);
      put_reg(o, env, fr.frameno, slot.spilled);
      break;
    case SlotType::kDynptr: {
      i += 1;  // the second slot holds the description
      const RegState& r = fr.stack[i].spilled;
      header(i);
      put(o, "=dynptr_{}(", dynptr_kind_str(r.dynptr.kind));
      List list{o};
      if (r.id) list.add("id={}", r.id);
      if (r.ref_obj_id) list.add("ref_id={}", r.ref_obj_id);
      if (r.dynptr_id) list.add("dynptr_id={}", r.dynptr_id);
      put(o, ")");
      break;
    }
    case SlotType::kIter:
      if (!slot.spilled.ref_obj_id) return;
      header(i);
      put(o, "=iter_{}(ref_id={},state={},depth={})", iter_type_str(slot.spilled.btf, slot.spilled.btf_id),
          slot.spilled.ref_obj_id, iter_state_str(slot.spilled.iter.state), slot.spilled.iter.depth);
      break;
    default: header(i); put(o, "={}", types);
  }
}

}  // namespace

void print_frame_state(Env& env, const PathState& st, u32 f, bool print_all) {
  if (!env.log_on()) return;
  Out o;
  const Frame& fr = *st.frames[f];
  const FrameMarks& m = st.marks[f];
  if (fr.frameno) put(o, " frame{}:", fr.frameno);
  for (u32 r = 0; r < 11; r++) {
    if (fr.regs[r].is_not_init()) continue;
    if (!print_all && !(env.scratched_regs[f] >> r & 1)) continue;
    put(o, " R{}", r);
    put_liveness(o, (m.read32 | m.read64) >> r & 1, m.written >> r & 1, st.cleaned && r != isa::kFp);
    put(o, "=");
    put_reg(o, env, fr.frameno, fr.regs[r]);
  }
  for (int i = 0; i < fr.stack.slots(); i++) {
    if (!print_all && !(env.scratched_slots[f] >> i & 1)) continue;
    put_slot(o, env, st, f, i);
  }
  const char* sep = " refs=";
  for (const auto& ref : st.refs) {
    put(o, "{}{}", sep, ref.id);
    sep = ",";
  }
  if (fr.in_callback) put(o, " cb");
  if (fr.in_async_callback) put(o, " async_cb");
  put(o, "\n");
  env.log_text({o.data(), o.size()});
  if (!print_all) mark_verifier_state_clean(env);
}

void mark_verifier_state_clean(Env& env) {
  env.scratched_regs.fill(0);
  env.scratched_slots.fill(0);
}

void mark_state_scratched(Env& env) {
  env.scratched_regs.fill(0x7ff);
  env.scratched_slots.fill(~0ull);
}

void print_insn_state(Env& env, const PathState& st) {
  if (!env.log_on()) return;
  if (env.prev_log_pos && env.prev_log_pos == env.sink_->end_pos()) {
    // Behind the instruction that was just printed, in column 40 where there is room.
    env.sink_->reset(env.prev_log_pos - 1);
    const u64 pos = env.prev_insn_print_pos;
    const u64 column = align_up(std::max<u64>(pos + 4, 40), 8);
    env.log("{:>{}};", ' ', column - pos - 1);
  } else {
    env.log("{}:", env.insn_idx);
  }
  print_frame_state(env, st, st.curframe, false);
}

}  // namespace osmia::verifier
