// Verified program -> rewritten program -> machine code, or interpreter code where there is no JIT for it.
// Programs that a run reaches by tail calls live at least until its RunScope ends: program arrays see to
// that.
#include "runtime/engine.h"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <unordered_map>

#include "helpers/classic.h"
#include "helpers/code.h"
#include "helpers/helper.h"
#include "host/effects.h"
#include "host/run_context.h"
#include "interp/interp.h"
#include "kfuncs/code.h"
#include "kfuncs/kfunc.h"
#include "rewrite/rewrite.h"
#include "runtime/map_fields.h"
#include "runtime/object_types.h"
#include "runtime/test_run_code.h"

namespace osmia::runtime {
namespace {

class Interpreted final : public Executable {
 public:
  Interpreted() {
    set_entry([](void* ctx, Executable* self) {
      return static_cast<Interpreted*>(self)->code->run(reinterpret_cast<u64>(ctx));
    });
  }

  rewrite::ExecProgram program;
  std::shared_ptr<const interp::Code> code;
};

class Jitted final : public Executable {
 public:
  explicit Jitted(std::shared_ptr<const jit::Image> made) : code(std::move(made)) {
    if (!code->makes_tail_calls()) {
      set_entry(reinterpret_cast<Enter>(reinterpret_cast<void*>(code->entry())));
      return;
    }
    set_entry([](void* ctx, Executable* self) {
      u32 tail_calls = 0;
      return static_cast<Jitted*>(self)->code->entry()(reinterpret_cast<u64>(ctx), 0, 0, 0, 0, &tail_calls);
    });
  }
  const jit::Image* image() const override { return code.get(); }

  std::shared_ptr<const jit::Image> code;
};

interp::TailTarget tail_call_target(u64 map, u32 index) {
  interp::TailTarget out;
  const auto* program = static_cast<Program*>(reinterpret_cast<maps::Map*>(map)->prog_at(index));
  Executable* const executable = program ? program->executable.get() : nullptr;
  if (!executable) return out;
  if (const jit::Image* image = executable->image())
    out.native = image->entry();
  else
    out.code = static_cast<Interpreted*>(executable)->code.get();
  return out;
}

// The interpreted program that the machine code of this thread is about to jump to.
thread_local const interp::Code* t_next;

jit::Entry jit_tail_call(u64 map, u32 index, u32* tail_calls) {
  if (*tail_calls >= jit::kMaxTailCalls) return nullptr;
  // The common case, straight from the slot: a program with machine code.
  const contract::SlotsInline& slots = reinterpret_cast<maps::Map*>(map)->info().code.slots;
  const auto* program =
      index < slots.count
          ? __atomic_load_n(reinterpret_cast<maps::ProgObject* const*>(slots.base) + index, __ATOMIC_ACQUIRE)
          : nullptr;
  if (!program) return nullptr;
  if (program->tail_entry) {
    ++*tail_calls;
    return reinterpret_cast<jit::Entry>(const_cast<void*>(program->tail_entry));
  }
  const interp::TailTarget target = tail_call_target(map, index);
  if (!target.native && !target.code) return nullptr;
  ++*tail_calls;
  if (target.native) return target.native;
  t_next = target.code;
  return [](u64 r1, u64, u64, u64, u64, u32* calls) { return t_next->run_tail(r1, calls); };
}

// Callbacks that outlive a run keep the program.
template <class Code>
void give_life(const Code& code, Program& p, size_t subprogs) {
  if (const auto self = p.weak_from_this().lock())
    for (u32 s = 0; s < subprogs; s++)
      code.callback(s).life = std::shared_ptr<const void>(self, static_cast<const maps::ProgObject*>(&p));
}

// The code of the row that holds this definition.
template <class Entry, class Def>
rewrite::NativeFn code_of(const std::vector<const Entry*>& rows, const Def& def) {
  static const auto* const by_def = [&rows] {  // one for each kind of row, of which there is one registry
    auto* all = new std::unordered_map<const Def*, rewrite::NativeFn>;
    for (const Entry* e : rows) all->emplace(&e->def, e->fn);
    return all;
  }();
  const auto it = by_def->find(&def);
  return it == by_def->end() ? nullptr : it->second;
}

// OSMIA_JIT_HARDEN, as Linux's net.core.bpf_jit_harden: 1 blinds the constants of programs that were loaded
// without privileges, 2 of all.
bool blinds(const Kernel& kernel) {
  const char* harden = std::getenv("OSMIA_JIT_HARDEN");
  if (!harden) return false;
  return *harden == '2' || (*harden == '1' && !kernel.credentials().capable(contract::Capability::kBpf));
}

// Null: Program::not_executable says why.
Result<std::shared_ptr<Executable>> compile_program(Kernel& kernel, Program& p,
                                                    rewrite::ExecProgram program) {
  if (kernel.jit != JitMode::kOff) {
    jit::Options options;
    options.tail_call = jit_tail_call;
    options.name = p.desc.name;
    options.blind_constants = blinds(kernel);
    u8* word = reinterpret_cast<u8*>(&host::run_context().cpu);
    asm("" : "+r"(word));  // linkers do not know the load that the difference would become
    options.cpu_word = static_cast<s32>(word - static_cast<u8*>(__builtin_thread_pointer()));
    options.tier = kernel.jit_tier;
    auto image = jit::compile(program, options);
    if (image.ok()) {
      give_life(**image, p, program.subprogs.size());
      return std::shared_ptr<Executable>(std::make_shared<Jitted>(std::move(*image)));
    }
    if (kernel.jit == JitMode::kOn) {
      p.not_executable = image.error().message;
      return std::shared_ptr<Executable>();
    }
  }
  auto made = std::make_shared<Interpreted>();
  made->program = std::move(program);
  OSMIA_ASSIGN(made->code, interp::Code::compile(made->program, tail_call_target));
  give_life(*made->code, p, made->program.subprogs.size());
  return std::shared_ptr<Executable>(std::move(made));
}

}  // namespace

rewrite::NativeFn helper_code(const contract::HelperDef& def) {
  for (const auto& row : helpers::classic_rows())
    if (&row.def == &def) return row.fn;
  return code_of(helpers::registry(), def);
}

rewrite::NativeFn kfunc_code(const contract::KfuncDef& def) {
  return code_of(kfuncs::registry(), def);
}

// The context as the kernel's own struct, where there is one here.
rewrite::NativeFn context_cast(const Program& p) {
  const std::string_view type = p.type_def ? p.type_def->kern_ctx_name : "";
  return type == "sk_buff" ? kfuncs::code::cast_skb : type == "xdp_buff" ? kfuncs::code::cast_xdp : nullptr;
}

// As the kernel's log says of such programs.
static void warn_of_writes(const Program& p) {
  for (const auto& f : p.facts.insns)
    if (f.seen && f.helper && f.helper->effects & contract::kWarnsOnLoad) {
      const char* how = host::permitted(host::Permission::kWriteUser) ? "may corrupt" : "wants to change";
      std::fprintf(stderr, "osmia: program \"%s\" %s this process's memory (%s)\n", p.desc.name.c_str(), how,
                   std::string(f.helper->name).c_str());
      return;
    }
}

Result<u64> Program::call(void* ctx) {
  OSMIA_TRY(check_executable(*this));
  const host::RunScope scope(static_cast<const maps::ProgObject*>(this), ctx);
  return executable->run(ctx);
}

// The program as engines run it. The same each time.
static Result<rewrite::ExecProgram> rewritten(const Kernel& kernel, Program& p) {
  rewrite::Options options;
  options.helper_code = helper_code;
  options.why_absent = helpers::absence;
  options.kfunc_code = [&p](const contract::KfuncDef& def) -> rewrite::NativeFn {
    const bool writes = p.type_def && p.type_def->traits & contract::kDirectPacketWrite;
    if (def.role == contract::KfuncRole::kDynptrFromSkb && !writes)
      return kfuncs::code::dynptr_from_skb_rdonly;
    if (def.role == contract::KfuncRole::kCastToKernCtx) return context_cast(p);
    return kfunc_code(def);
  };
  options.object_helper_code = [](const contract::HelperDef& def) -> rewrite::NativeFn {
    constexpr u32 kPerCpuPtr = 153, kThisCpuPtr = 154;  // BPF_FUNC_*
    return def.id == kPerCpuPtr    ? helpers::code::per_cpu_object
           : def.id == kThisCpuPtr ? helpers::code::this_cpu_object
                                   : nullptr;
  };
  std::map<std::pair<u32, bool>, ObjectTypePtr> types;
  options.object_type = [&](const btf::Btf& btf, u32 id, bool percpu) -> u64 {
    ObjectTypePtr& type = types[{id, percpu}];
    if (!type) {
      type = object_type(btf, id, percpu, kernel.catalog());
      if (type) p.object_types.push_back(type);
    }
    return reinterpret_cast<u64>(type.get());
  };
  options.map_field = [vmlinux = kernel.catalog().vmlinux.get()](u32 offset, u32 size) {
    return map_field(vmlinux, offset, size);
  };
  options.load_packet =
      p.type_def && p.type_def->traits & contract::kLdAbsAllowed ? helpers::code::skb_load_packet : nullptr;
  options.privileged = p.privileged;
  options.inline_loops = true;
  options.randomize_high = p.desc.prog_flags & (1u << 2);  // BPF_F_TEST_RND_HI32
  return rewrite::rewrite(p.desc, p.facts, options);
}

Status prepare_program(Kernel& kernel, Program& p) {
  p.struct_ops = kernel.struct_ops();
  p.kernel_types = kernel.catalog().vmlinux;
  warn_of_writes(p);
  p.rewritten = true;
  p.privileged = kernel.credentials().capable(contract::Capability::kBpf);
  OSMIA_ASSIGN(rewrite::ExecProgram made, rewritten(kernel, p));
  // A program of another Catalog (classic BPF) has no form on Linux: it is shown as it runs.
  if (kernel.catalog().prog_type(p.desc.type) != p.type_def) p.show_as(made);
  if (!made.missing.empty()) {
    p.not_executable = "not supported yet: " + made.missing;
    return Ok{};
  }
  p.made_from.loaded = made.original;
  p.made_from.functions.clear();
  for (const auto& f : made.subprogs) p.made_from.functions.push_back(f.start);
  OSMIA_ASSIGN(p.executable, compile_program(kernel, p, std::move(made)));
  if (const jit::Image* image = p.executable ? p.executable->image() : nullptr)
    p.tail_entry = reinterpret_cast<const void*>(image->entry());
  return Ok{};
}

Result<std::shared_ptr<Executable>> compile_again(Kernel& kernel, Program& p,
                                                  const std::function<void(rewrite::ExecProgram&)>& change) {
  OSMIA_ASSIGN(rewrite::ExecProgram made, rewritten(kernel, p));
  change(made);
  OSMIA_ASSIGN(auto executable, compile_program(kernel, p, std::move(made)));
  if (!executable) return Error{EOPNOTSUPP, p.not_executable};
  return executable;
}

void install_engine(Kernel& kernel) {
  kernel.prepare = prepare_program;
  kernel.test_runs = test_run_table();
  if (const char* jit = std::getenv("OSMIA_JIT"))
    if (const auto mode = jit_mode(jit); mode.ok()) kernel.jit = *mode;
  if (const char* allow = std::getenv("OSMIA_ALLOW"); allow && !host::permit_list(allow))
    std::fprintf(stderr, "osmia: OSMIA_ALLOW: expected signal, write-user, found \"%s\"\n", allow);
}

}  // namespace osmia::runtime
