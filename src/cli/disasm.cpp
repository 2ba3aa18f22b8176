// `osmia disasm`: instructions in Linux's text, with source lines where BTF has them. The programs are not
// verified.
#include <fmt/format.h>
#include <linux/bpf.h>

#include <CLI/CLI.hpp>

#include "btf/btf.h"
#include "cli/commands.h"
#include "cli/filter.h"
#include "cli/jited.h"
#include "cli/session.h"
#include "isa/disasm.h"
#include "loader/object.h"

namespace osmia::cli {
namespace {

isa::DisasmOptions text_options(const runtime::Kernel& kernel) {
  isa::DisasmOptions options = isa::xlated_options();
  options.helper_name = [&kernel](s32 id) {
    const auto* h = kernel.catalog().helper_any(static_cast<u32>(id));
    return h ? std::string(h->name) : std::string();
  };
  return options;
}

void print_program(const runtime::Kernel& kernel, const loader::ProgramEntry& entry,
                   const verifier::Program& p) {
  const isa::DisasmOptions options = text_options(kernel);
  fmt::print("{} ({}, {} instructions):\n", entry.name, entry.section, p.insns.size());
  size_t line = 0;
  for (size_t i = 0; i < p.insns.size(); i++) {
    if (p.btf && line < p.line_info.size() && p.line_info[line].insn_off == i) {
      std::string_view text = p.btf->string(p.line_info[line].line_off);
      text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
      if (!text.empty()) fmt::print("; {}\n", text);
      line++;
    }
    fmt::print("{:>4}: {}\n", i, isa::disasm(p.insns, i, options));
    if (isa::is_ld_imm64(p.insns[i])) i++;
  }
}

}  // namespace

int disasm(int argc, char** argv) {
  std::string file, prog;
  SessionOptions so;
  CLI::App app("Prints programs as they are given to the verifier (after libbpf's relocations).",
               "osmia disasm");
  app.add_option("FILE", file, "BPF object (.bpf.o)");
  FilterSource filter;
  add_filter_options(app, filter, true);
  app.add_option("--prog", prog, "only the program of this name");
  bool jited = false;
  app.add_flag("--jited", jited, "verify, compile, and show the host's code under each instruction");
  std::string cpu = std::string(jited_cpu());
  app.add_option("--cpu", cpu, "with --jited: the host's CPU, x86_64 or arm64 (default: this one)");
  app.add_option("--btf", so.btf_path, "kernel BTF for CO-RE (default: the machine's)");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kOk : kUsage;
  }
  if (cpu != jited_cpu())
    return complain("disasm", "--cpu " + cpu + ": this build compiles for " + std::string(jited_cpu()) +
                                  " only (another one: cmake --preset arm64)");
  if (filter.given() == !file.empty())
    return complain("disasm", filter.given() ? "give FILE, --filter or --classic, not two of them"
                                             : "expected FILE, --filter or --classic (osmia disasm --help)");
  if (filter.given()) return disasm_filter(so, filter, jited);
  auto session = open_session(so);
  if (!session.ok()) return complain("disasm", session.error().message);
  auto object = loader::ObjectFile::open(*session->kernel, file);
  if (!object.ok()) return complain("disasm", object.error().message);
  bool found = false;
  int status = kOk;
  for (const auto& entry : (*object)->programs()) {
    if (!prog.empty() && entry.name != prog) continue;
    found = true;
    // The instructions as PROG_LOAD gets them: seen by the hook, whatever the verdict.
    bool printed = false;
    session->kernel->on_verdict = [&](const verifier::Program& p, const verifier::Verdict&) {
      // libbpf tries out small programs of its own before, to learn what there is.
      if (printed || p.name != entry.name.substr(0, BPF_OBJ_NAME_LEN - 1)) return;
      print_program(*session->kernel, entry, p);
      printed = true;
    };
    if (jited) {
      session->kernel->on_verdict = {};
      session->kernel->jit = runtime::JitMode::kOn;
      const auto r = (*object)->load_alone(entry.name);
      const auto program = r.object ? r.object->program(entry.name) : nullptr;
      if (!program) {
        const std::string& why = r.verdict.message.empty() ? r.message : r.verdict.message;
        status = complain("disasm", entry.name + ": " + why, kNegative);
        continue;
      }
      const auto text = jited_text(*program, text_options(*session->kernel));
      if (text.ok())
        fmt::print("{}", *text);
      else
        status = complain("disasm",
                          program->not_executable.empty() ? text.error().message
                                                          : entry.name + ": " + program->not_executable,
                          kNegative);
      continue;
    }
    const auto r = (*object)->load_alone(entry.name);
    if (!printed) status = complain("disasm", entry.name + ": " + r.message, kNegative);
  }
  return found ? status : complain("disasm", file + ": there is no program named '" + prog + "'");
}

}  // namespace osmia::cli
