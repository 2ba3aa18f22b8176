// Calls are diverted in the rewritten program: each goes to a stub behind everything else, which stores its
// arguments and calls the attach point; that calls the function as helpers call callbacks.
#include "runtime/program_functions.h"

#include <algorithm>

#include "btf/btf.h"
#include "host/packet.h"
#include "rewrite/exec_program.h"
#include "runtime/engine.h"
#include "runtime/symbols.h"
#include "verifier/call/context_type.h"

namespace osmia::runtime {
namespace {

using isa::Insn;

constexpr u32 kBpfArguments = 5;

// Calls `call` with the point, the address of the arguments on the stub's stack, and the function, as helpers
// are given callbacks.
void add_stub(rewrite::ExecProgram& program, u32 call, u64 point, const rewrite::ExecSubprog& function) {
  const u32 start = static_cast<u32>(program.insns.size());
  const std::string name = function.name;
  const s32 target = static_cast<s32>(function.start);
  std::vector<Insn>& out = program.insns;
  for (u32 r = 1; r <= kBpfArguments; r++)
    out.push_back({.code = 0x7b, .dst = 10, .src = static_cast<u8>(r), .off = static_cast<s16>(-48 + 8 * r)});
  out.push_back({.code = 0xbf, .dst = 2, .src = 10});
  out.push_back({.code = 0x07, .dst = 2, .imm = -40});
  out.push_back({.code = 0x18, .dst = 1, .imm = static_cast<s32>(point)});
  out.push_back({.imm = static_cast<s32>(point >> 32)});
  const s32 at = static_cast<s32>(out.size());
  out.push_back({.code = 0x18, .dst = 3, .src = isa::kPseudoFunc, .imm = target - at - 1});
  out.push_back({});
  out.push_back({.code = 0x85, .imm = static_cast<s32>(call)});
  out.push_back({.code = 0x95});
  program.original.resize(out.size(), 0);
  program.subprogs.push_back({start, static_cast<u32>(out.size()), 40, name});
}

}  // namespace

template <class Fn>
u64 ProgramFunctions::through(const Point& p, const u64* args, const Fn& original) {
  if (p.function->idle()) return original();
  const host::SkBuffView view = host::t_sk_buff;
  u64 seen[kBpfArguments];
  const auto convert = [&] {
    for (u32 i = 0; i < p.function->words; i++)
      seen[i] = p.context_arguments >> i & 1 ? p.to_kernel(args[i], 0, 0, 0, 0) : args[i];
  };
  convert();
  const u64 result = p.function->call(seen, [&](const u64*) {
    const u64 value = original();
    convert();  // the same structs, as the program left them
    return value;
  });
  host::t_sk_buff = view;
  return result;
}

u64 ProgramFunctions::enter(void* ctx, Executable* self) {
  const auto& functions = *static_cast<const ProgramFunctions*>(self->attached.get());
  Executable* const second = functions.runs_.load(std::memory_order_acquire);
  const auto run = [&] { return (second ? second : self)->run_straight(ctx); };
  const u64 args[kBpfArguments] = {reinterpret_cast<u64>(ctx)};
  return through(*functions.points_[0], args, run);
}

u64 ProgramFunctions::call(u64 point, u64 args, u64 function, u64, u64) {
  const auto* a = reinterpret_cast<const u64*>(args);
  const auto* f = reinterpret_cast<const rewrite::BpfCallback*>(function);
  return through(*reinterpret_cast<const Point*>(point), a,
                 [&] { return f->call(f, a[0], a[1], a[2], a[3], a[4]); });
}

ProgramFunctions::Point& ProgramFunctions::point(Program& target, u32 n) {
  points_.resize(target.facts.subprogs.size());
  if (points_[n]) return *points_[n];
  auto made = std::make_unique<Point>();
  u32 words = kBpfArguments;  // of a function whose BTF cannot be relied on
  std::string name = target.facts.subprogs[n].name;
  if (n < target.desc.func_info.size() && target.desc.btf) {
    const btf::Btf& btf = *target.desc.btf;
    const auto type = btf.type(target.desc.func_info[n].type_id);
    name = std::string(type.name());
    const auto proto = btf.type(type.type());
    if (!target.facts.subprogs[n].unreliable && proto.is(btf::Kind::kFuncProto)) {
      words = std::min<u32>(static_cast<u32>(proto.params().size()), kBpfArguments);
      for (u32 i = 0; i < words; i++) {
        const auto t = btf.skip_modifiers(proto.params()[i].type);
        if (t.is(btf::Kind::kPtr) && target.type_def &&
            verifier::is_program_context(*target.type_def, btf, t))
          made->context_arguments |= 1u << i;
      }
      made->to_kernel = context_cast(target);
      // A context that has no kernel struct here is shown as nothing: who traces it reads zeros.
      if (!made->to_kernel) made->to_kernel = [](u64, u64, u64, u64, u64) -> u64 { return 0; };
    }
  }
  made->function = std::make_shared<TracedFunction>(std::move(name), function_symbol(target, n), words);
  points_[n] = std::move(made);
  return *points_[n];
}

Status ProgramFunctions::compile_with_points(Kernel& kernel, Program& target) {
  if (second_) return Ok{};
  const auto& functions = target.facts.subprogs;
  for (u32 n = 1; n < functions.size(); n++)
    if (functions[n].has_tail_call)
      return Error{EOPNOTSUPP, "not supported yet: tracing functions of a program that make tail calls"};
  if (target.facts.default_exception_callback ||
      std::any_of(functions.begin(), functions.end(), [](const auto& f) { return f.is_exception_cb; }))
    return Error{EOPNOTSUPP, "not supported yet: tracing functions of a program that throws"};
  for (u32 n = 0; n < functions.size(); n++) point(target, n);
  size_t count = 0;
  OSMIA_ASSIGN(second_, compile_again(kernel, target, [&](rewrite::ExecProgram& program) {
                 count = program.subprogs.size();
                 if (count > points_.size()) return;  // functions that rewriting has added stay as they are
                 const u32 native = static_cast<u32>(program.calls.size()),
                           end = static_cast<u32>(program.insns.size());
                 program.calls.push_back({.fn = call, .name = "attach point", .args = 3});
                 std::vector<u32> stub(count, 0);
                 for (u32 n = 1; n < count; n++) {
                   stub[n] = static_cast<u32>(program.insns.size());
                   add_stub(program, native, reinterpret_cast<u64>(points_[n].get()), program.subprogs[n]);
                 }
                 for (u32 i = 0; i < end; i++) {
                   Insn& in = program.insns[i];
                   if (isa::is_ld_imm64(in)) {
                     i++;
                   } else if (isa::is_pseudo_call(in)) {
                     const s64 callee = program.subprog_at(s64{i} + in.imm + 1);
                     if (callee > 0) in.imm = static_cast<s32>(stub[static_cast<size_t>(callee)] - i - 1);
                   }
                 }
               }));
  if (count != points_.size()) {
    second_ = nullptr;
    return Error{EOPNOTSUPP, "not supported yet: tracing this program's functions"};
  }
  return Ok{};
}

Result<TracedFunctionPtr> ProgramFunctions::get(Kernel& kernel, const ProgramPtr& target, u32 n) {
  if (!target->executable) return Error{EOPNOTSUPP, target->not_executable};
  if (n >= target->facts.subprogs.size()) return Error{EINVAL, "no such function"};
  std::lock_guard lock(target->attach_mutex);
  if (!target->functions) target->functions = std::make_shared<ProgramFunctions>();
  ProgramFunctions& all = *target->functions;
  Point& p = all.point(*target, n);
  all.point(*target, 0);
  if (n) {
    OSMIA_TRY(all.compile_with_points(kernel, *target));
    all.runs_.store(all.second_.get(), std::memory_order_release);
  }
  Executable& first = *target->executable;
  if (!first.attached) {
    first.attached = target->functions;
    first.enter_through(enter);
  }
  return p.function;
}

}  // namespace osmia::runtime
