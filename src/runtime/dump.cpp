// From what runs back to what people read. Each instruction of an ExecProgram knows the loaded instruction
// that it comes from; where that one named a map, a kfunc or a helper, the name comes back.
#include "runtime/dump.h"

#include <algorithm>
#include <numeric>

#include "contract/helper_def.h"
#include "rewrite/rewrite.h"
#include "runtime/program.h"
#include "runtime/symbols.h"

namespace osmia::runtime {
namespace {

using namespace isa;

struct Shape {  // what the dump is made from
  std::vector<Insn> insns;
  std::vector<u32> original;
  std::vector<u32> starts;  // of functions
  const rewrite::ExecProgram* exec = nullptr;
};

Shape shape_of(const Program& p, const rewrite::ExecProgram* exec) {
  Shape s;
  s.exec = exec;
  if (exec) {
    s.insns = exec->insns;
    s.original = exec->original;
    for (const auto& f : exec->subprogs) s.starts.push_back(f.start);
  } else {
    s.insns = p.insns;
    s.original.resize(p.insns.size());
    std::iota(s.original.begin(), s.original.end(), 0u);
    for (const auto& f : p.facts.subprogs) s.starts.push_back(f.start);
  }
  if (s.starts.empty()) s.starts.push_back(0);
  return s;
}

class Maker {
 public:
  Maker(const Program& p, const rewrite::ExecProgram* exec) : p_(p), s_(shape_of(p, exec)) {}

  Dump run() {
    Dump d;
    d.insns = s_.insns;
    for (u32 i = 0; i < d.insns.size(); i++) {
      Insn& in = d.insns[i];
      if (is_ld_imm64(in) && i + 1 < d.insns.size()) {
        if (!ld_imm64(i, in, d.insns[i + 1])) d.addresses.push_back(i);
        i++;
      } else if (in.code == (kJmp | kCall)) {
        call(i, in);
      } else if (in.cls() == kLdx && in.mode() == kProbeMem) {
        in.code = static_cast<u8>(kLdx | in.size_bits() | kMem);
      } else if ((in.cls() == kLdx || in.cls() == kStx || in.cls() == kSt) && in.mode() == kProbeMem32) {
        in.code = static_cast<u8>(in.cls() | in.size_bits() | kMem);
      }
    }
    debug_info(d);
    return d;
  }

 private:
  // The loaded instruction behind dumped instruction i, if it is an ld_imm64; null for what a pass put there.
  const Insn* loaded_ld_imm64(u32 i) const {
    const u32 o = i < s_.original.size() ? s_.original[i] : ~0u;
    return o + 1 < p_.insns.size() && is_ld_imm64(p_.insns[o]) ? &p_.insns[o] : nullptr;
  }
  u32 function_at(s64 start) const {
    const auto it = std::find(s_.starts.begin(), s_.starts.end(), start);
    return it == s_.starts.end() ? 0 : static_cast<u32>(it - s_.starts.begin());
  }

  // False: it holds a host address.
  bool ld_imm64(u32 i, Insn& lo, Insn& hi) const {
    if (lo.src == kPseudoFunc) {
      hi.imm = static_cast<s32>(function_at(s64{i} + 1 + lo.imm));
      return true;
    }
    const Insn* loaded = loaded_ld_imm64(i);
    if (loaded && !loaded->src) return true;  // a number
    const auto map_ref = [&](const verifier::MapInfo& m, bool value, u64 off) {
      lo.src = value ? kPseudoMapValue : kPseudoMapFd;
      lo.imm = static_cast<s32>(m.id);
      hi.imm = value ? static_cast<s32>(off) : 0;
      return true;
    };
    if (loaded && loaded->src != kPseudoBtfId && loaded->src != kPseudoFunc) {
      const bool value = loaded->src == kPseudoMapValue || loaded->src == kPseudoMapIdxValue;
      if (const auto* m = p_.facts.insns.at(s_.original[i]).map)
        return map_ref(*m, value, static_cast<u32>(loaded[1].imm));
    }
    const u64 imm = static_cast<u32>(lo.imm) | u64{static_cast<u32>(hi.imm)} << 32;
    const std::lock_guard lock(p_.maps_mutex);
    for (const auto& m : p_.maps) {
      const auto& info = m->info();
      if (imm == reinterpret_cast<u64>(m.get()) || imm == reinterpret_cast<u64>(info.live))
        return map_ref(info, false, 0);
      if (info.value_base && imm - info.value_base < info.value_len)
        return map_ref(info, true, imm - info.value_base);
    }
    return false;
  }

  void call(u32 i, Insn& in) const {
    if (in.src == kPseudoCall) {
      const s32 distance = in.imm;
      in.imm = static_cast<s32>(function_at(s64{i} + 1 + distance));
      in.off = static_cast<s16>(distance);
      return;
    }
    const u32 o = i < s_.original.size() ? s_.original[i] : ~0u;
    const verifier::InsnFacts* f = o < p_.facts.insns.size() ? &p_.facts.insns[o] : nullptr;
    if (!s_.exec) {
      if (in.src == kHelperCall && f && f->helper) in.imm = helper_symbol(f->helper->name);
      return;
    }
    const auto index = static_cast<size_t>(in.imm);
    const std::string_view name =
        index < s_.exec->calls.size() ? std::string_view(s_.exec->calls[index].name) : "unknown";
    if (index < s_.exec->calls.size() && s_.exec->calls[index].tail_call) {
      in.imm = static_cast<s32>(f && f->helper ? f->helper->id : 0);  // shown by number, it is no function
      return;
    }
    if (f && f->kfunc && name == f->kfunc->name)
      in = p_.insns[o];  // a kfunc keeps its BTF id
    else
      in.imm = helper_symbol(name);
  }

  // Lines of what was removed go to the next instruction that stays, the last of them counts.
  void debug_info(Dump& d) const {
    const auto position = [&](u32 original) {
      return static_cast<u32>(std::lower_bound(s_.original.begin(), s_.original.end(), original) -
                              s_.original.begin());
    };
    const auto& subs = p_.facts.subprogs;
    for (const auto& line : p_.desc.line_info) {
      verifier::LineInfo moved = line;
      moved.insn_off = position(line.insn_off);
      if (moved.insn_off >= d.insns.size()) continue;
      if (!d.line_info.empty() && d.line_info.back().insn_off == moved.insn_off) {
        d.line_info.pop_back();
        d.line_loaded.pop_back();
      }
      d.line_info.push_back(moved);
      d.line_loaded.push_back(line.insn_off);
    }
    for (size_t s = 0; s < std::max<size_t>(subs.size(), 1); s++) {
      Dump::Function f;
      f.tag = p_.tag;
      f.name = p_.desc.name;
      f.loaded_end = static_cast<u32>(p_.insns.size());
      if (s < subs.size()) {
        const u32 start = position(subs[s].start), end = position(subs[s].end);
        if (s && start == end) continue;
        f.start = start;
        f.loaded_start = subs[s].start, f.loaded_end = subs[s].end;
        if (subs.size() > 1 && subs[s].end <= p_.insns.size())
          f.tag = program_tag(std::span(p_.insns).subspan(subs[s].start, subs[s].end - subs[s].start));
        if (s < p_.desc.func_info.size()) {
          d.func_info.push_back({start, p_.desc.func_info[s].type_id});
          if (!subs[s].name.empty()) f.name = subs[s].name;
        } else if (s) {
          f.name = "F";  // Linux's name for a function without BTF
        }
      }
      d.functions.push_back(std::move(f));
    }
  }

  const Program& p_;
  Shape s_;
};

}  // namespace

Dump make_dump(const Program& p, const rewrite::ExecProgram* exec) {
  return Maker(p, exec).run();
}

void Program::show_as(const rewrite::ExecProgram& exec) {
  std::call_once(dump_once_, [&] { dump_ = make_dump(*this, &exec); });
}

const Dump& Program::dump() const {
  std::call_once(dump_once_, [this] {
    if (rewritten) {
      if (const auto view = rewrite::linux_view(desc, facts, privileged); view.ok()) {
        dump_ = make_dump(*this, &*view);
        return;
      }
    }
    dump_ = make_dump(*this, nullptr);
  });
  return dump_;
}

}  // namespace osmia::runtime
