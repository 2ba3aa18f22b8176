// The classic Catalog, and contexts for its two types.
#include "runtime/classic.h"

#include "helpers/classic.h"
#include "host/packet.h"
#include "host/run_context.h"
#include "prog_types/classic.h"
#include "runtime/dump.h"

namespace osmia::runtime {
namespace {

const contract::Catalog& catalog() {
  static const contract::Catalog* const c = [] {
    auto* made = new contract::Catalog;
    made->prog_types = {&prog_types::classic_socket(), &prog_types::classic_seccomp()};
    for (const auto& row : helpers::classic_rows()) made->helpers.push_back(&row.def);
    made->index();
    return made;
  }();
  return *c;
}

class NoDescriptors final : public verifier::Resolver {
 public:
  const verifier::MapInfo* map_by_fd(int) override { return nullptr; }
  std::shared_ptr<const btf::Btf> btf_by_fd(int) override { return nullptr; }
};

class StringLog final : public verifier::LogSink {
 public:
  explicit StringLog(std::string& text) : text_(text) {}
  void write(std::string_view text) override { text_ += text; }
  u64 end_pos() const override { return text_.size(); }
  void reset(u64 end) override { text_.resize(end); }

 private:
  std::string& text_;
};

}  // namespace

Result<ClassicProgram> load_classic(Kernel& kernel, std::span<const isa::ClassicInsn> prog,
                                    isa::ClassicDialect dialect, u32 log_level, std::string* log) {
  OSMIA_ASSIGN(isa::ConvertedClassic converted, isa::convert_classic(prog, dialect));
  ClassicProgram out;
  out.classic.assign(prog.begin(), prog.end());
  out.original = std::move(converted.original);
  out.dialect = dialect;
  auto p = std::make_shared<Program>();
  p->insns = std::move(converted.insns);
  p->type_def = dialect == isa::ClassicDialect::kSeccomp ? &prog_types::classic_seccomp()
                                                         : &prog_types::classic_socket();
  p->desc.type = p->type_def->type;
  p->desc.name = "filter";
  p->desc.gpl_compatible = true;
  p->desc.insns = p->insns;
  p->tag = program_tag(p->insns);
  NoDescriptors none;
  verifier::Options options;
  options.log_level = log ? log_level : 0;
  options.state_memory_limit = kernel.state_memory_limit;
  std::string text;
  StringLog sink(log ? *log : text);
  p->verdict =
      verifier::verify(p->desc, catalog(), none, options, log_level && log ? &sink : nullptr, &p->facts);
  if (!p->verdict.accepted)
    return Error{p->verdict.error ? p->verdict.error : EINVAL,
                 "the converted program was refused: " + p->verdict.message};
  if (kernel.prepare) OSMIA_TRY(kernel.prepare(kernel, *p));
  out.program = std::move(p);
  return out;
}

u32 run_classic(const ClassicProgram& filter, const ClassicPacket& packet) {
  host::SkbContext s;
  s.data = s.head = s.mac_header = reinterpret_cast<u64>(packet.bytes.data());
  const u32 captured = static_cast<u32>(packet.bytes.size());
  s.len = std::max(packet.wire_length, captured);
  s.missing = s.len - captured;
  s.tail_limit = s.data + captured;
  s.network_header = s.data + packet.link_header;
  s.protocol = __builtin_bswap16(packet.protocol);
  s.ifindex = 1;
  s.dev_type = packet.hatype;
  host::RunScope scope(static_cast<const maps::ProgObject*>(filter.program.get()), &s);
  return static_cast<u32>(filter.program->executable->run(&s));
}

u32 run_seccomp(const ClassicProgram& filter, std::span<const u8, isa::kSeccompDataSize> data) {
  alignas(8) u8 context[isa::kSeccompDataSize];
  std::copy(data.begin(), data.end(), context);
  host::RunScope scope(static_cast<const maps::ProgObject*>(filter.program.get()), context);
  return static_cast<u32>(filter.program->executable->run(context));
}

std::string seccomp_action(u32 value) {
  constexpr u32 kActions = 0xffff0000, kData = 0xffff;
  for (const auto& code : prog_types::classic_seccomp().codes) {
    if (static_cast<u32>(code.code) != (value & kActions)) continue;
    const bool has_data =
        code.name.ends_with("ERRNO") || code.name.ends_with("TRAP") || code.name.ends_with("TRACE");
    return std::string(code.name) + (has_data ? "(" + std::to_string(value & kData) + ")" : "");
  }
  return "SECCOMP_RET_KILL_PROCESS";
}

}  // namespace osmia::runtime
