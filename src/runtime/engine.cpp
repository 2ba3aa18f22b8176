// Verified program -> rewritten program -> interpreter code. A program holds on to both for as long as it
// lives; programs that a run reaches by tail calls are held until the run ends.
#include "runtime/engine.h"

#include <unordered_map>

#include "helpers/code.h"
#include "helpers/helper.h"
#include "host/run_context.h"
#include "interp/interp.h"
#include "rewrite/rewrite.h"
#include "runtime/test_run_code.h"

namespace osmia::runtime {
namespace {

thread_local std::vector<std::shared_ptr<maps::ProgObject>> t_reached;

class Interpreted final : public Executable {
 public:
  u64 run(void* ctx) override {
    const size_t held = t_reached.size();
    const u64 r0 = code->run(reinterpret_cast<u64>(ctx));
    t_reached.resize(held);
    return r0;
  }

  rewrite::ExecProgram program;
  std::shared_ptr<const interp::Code> code;
};

const interp::Code* tail_call_target(u64 map, u32 index) {
  auto target = reinterpret_cast<maps::Map*>(map)->lookup_prog(index);
  auto* program = dynamic_cast<Program*>(target.get());
  const auto* executable = program ? dynamic_cast<Interpreted*>(program->executable.get()) : nullptr;
  if (!executable) return nullptr;
  t_reached.push_back(std::move(target));
  return executable->code.get();
}

}  // namespace

rewrite::NativeFn helper_code(const contract::HelperDef& def) {
  static const auto* const by_def = [] {
    auto* all = new std::unordered_map<const contract::HelperDef*, rewrite::NativeFn>;
    for (const auto* e : helpers::registry()) all->emplace(&e->def, e->fn);
    return all;
  }();
  const auto it = by_def->find(&def);
  return it == by_def->end() ? nullptr : it->second;
}

Status prepare_program(Kernel& kernel, Program& p) {
  rewrite::Options options;
  options.helper_code = helper_code;
  options.load_packet =
      p.type_def && p.type_def->traits & contract::kLdAbsAllowed ? helpers::code::skb_load_packet : nullptr;
  options.privileged = kernel.credentials().capable(contract::Capability::kBpf);
  auto made = std::make_shared<Interpreted>();
  OSMIA_ASSIGN(made->program, rewrite::rewrite(p.desc, p.facts, options));
  make_dump(p, &made->program);
  if (!made->program.missing.empty()) {
    p.not_executable = "not supported yet: " + made->program.missing;
    return Ok{};
  }
  OSMIA_ASSIGN(made->code, interp::Code::compile(made->program, tail_call_target));
  p.executable = std::move(made);
  return Ok{};
}

void install_engine(Kernel& kernel) {
  kernel.prepare = prepare_program;
  kernel.test_runs = test_run_table();
}

}  // namespace osmia::runtime
