// Classic programs on the command line. Filter text means what libpcap means by it (dialect kCapture); a file
// is a program for Linux: a socket's filter, or a seccomp filter.
#include "cli/filter.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/capture.h"
#include "cli/classic_file.h"
#include "cli/jited.h"
#include "isa/decode.h"
#include "isa/disasm.h"
#include "runtime/classic.h"
#include "runtime/symbols.h"

namespace osmia::cli {
namespace {

using isa::ClassicDialect;

struct Loaded {
  Session session;
  runtime::ClassicProgram filter;
  std::string name;
  std::string log;
};

ClassicDialect dialect_of(const FilterSource& s) {
  return s.seccomp        ? ClassicDialect::kSeccomp
         : s.text.empty() ? ClassicDialect::kSocket
                          : ClassicDialect::kCapture;
}

Result<std::vector<isa::ClassicInsn>> instructions(const FilterSource& source, int link_type) {
  if (source.text.empty()) return read_classic(source.file);
  return compile_filter(source.text, link_type);
}

Result<int> link_type(const FilterSource& source) {
  return source.link_type.empty() ? Result<int>(kEthernet) : link_type_of(source.link_type);
}

Result<Loaded> load(const SessionOptions& options, const FilterSource& source, int link, u32 log_level = 0) {
  Loaded out;
  out.name = source.text.empty() ? source.file : source.text;
  OSMIA_ASSIGN(const auto classic, instructions(source, link));
  OSMIA_ASSIGN(out.session, open_session(options));
  auto made = runtime::load_classic(*out.session.kernel, classic, dialect_of(source), log_level, &out.log);
  if (!made.ok())
    return Error{made.error().code, source.text.empty()
                                        ? out.name + ": " + made.error().message
                                        : "filter '" + out.name + "': " + made.error().message};
  out.filter = std::move(*made);
  return out;
}

// Calls are by number in what is verified, by symbol in what runs.
isa::DisasmOptions text_options() {
  isa::DisasmOptions options = isa::xlated_options();
  options.helper_name = [](s32 id) -> std::string {
    constexpr const char* kNames[] = {"LD_ABS", "pay_offset", "nlattr", "nlattr_nest", "cpu", "random"};
    if (id > 0 && id < static_cast<s32>(std::size(kNames))) return kNames[id];
    for (const char* name : kNames)
      if (runtime::helper_symbol(name) == id) return name;
    return {};
  };
  return options;
}

u64 now_ns() {
  return static_cast<u64>(std::chrono::steady_clock::now().time_since_epoch().count());
}

// Bytes of the link header, and where the type of what follows stands: what socket filters may ask about.
runtime::ClassicPacket view_of(const Packet& p, int link) {
  runtime::ClassicPacket out;
  out.bytes = p.bytes;
  out.wire_length = p.wire_length;
  const auto be16 = [&](size_t at) {
    return at + 2 <= p.bytes.size() ? static_cast<u16>(p.bytes[at] << 8 | p.bytes[at + 1]) : u16{0};
  };
  constexpr int kRaw = 12, kSll = 113;
  if (link == kEthernet) {
    out.protocol = be16(12);
  } else if (link == kRaw) {
    out.link_header = 0;
    out.hatype = 0xfffe;  // ARPHRD_NONE
    out.protocol = !p.bytes.empty() && p.bytes[0] >> 4 == 6 ? 0x86dd : 0x0800;
  } else if (link == kSll) {
    out.link_header = 16;
    out.protocol = be16(14);
  } else {
    out.link_header = 0;
  }
  return out;
}

int run_seccomp_filter(const Loaded& l, const FilterRun& run) {
  if (run.ctx_in.empty())
    return complain("run", "a seccomp filter needs --ctx-in FILE: the 64 bytes of struct seccomp_data");
  std::ifstream in(run.ctx_in, std::ios::binary);
  if (!in) return complain("run", run.ctx_in + ": cannot be read");
  const std::vector<u8> data(std::istreambuf_iterator<char>(in), {});
  if (data.size() != isa::kSeccompDataSize)
    return complain("run", fmt::format("{}: expected the {} bytes of struct seccomp_data, found {}",
                                       run.ctx_in, isa::kSeccompDataSize, data.size()));
  const u32 value = runtime::run_seccomp(l.filter, std::span<const u8, isa::kSeccompDataSize>(data));
  const std::string action = runtime::seccomp_action(value);
  if (run.json)
    fmt::print("{}\n",
               nlohmann::ordered_json{{"filter", l.name}, {"retval", value}, {"action", action}}.dump());
  else
    fmt::print("{}: {} ({:#x})\n", l.name, action, value);
  return kOk;
}

int run_packets(const Loaded& l, const FilterRun& run, const Capture& capture) {
  std::unique_ptr<CaptureWriter> writer;
  if (!run.pcap_out.empty()) {
    auto w = CaptureWriter::open(run.pcap_out, capture.link_type);
    if (!w.ok()) return complain("run", w.error().message);
    writer = std::move(*w);
  }
  u64 matched = 0, total_ns = 0;
  for (const Packet& p : capture.packets) {
    const auto view = view_of(p, capture.link_type);
    u32 keep = 0;
    const u64 start = now_ns();
    for (u32 i = 0; i < run.repeat; i++) keep = runtime::run_classic(l.filter, view);
    total_ns += now_ns() - start;
    if (!keep) continue;
    matched++;
    if (writer) {
      Packet kept = p;
      kept.bytes.resize(
          std::min<size_t>(kept.bytes.size(), keep));  // what the filter returns is how much it keeps
      writer->write(kept);
    }
  }
  if (writer)
    if (auto s = writer->finish(); !s.ok()) return complain("run", s.error().message);
  const u64 packets = capture.packets.size();
  const double each = packets ? static_cast<double>(total_ns) / static_cast<double>(packets * run.repeat) : 0;
  if (run.json) {
    nlohmann::ordered_json j = {{"filter", l.name},
                                {"link_type", link_type_name(capture.link_type)},
                                {"classic_instructions", l.filter.classic.size()},
                                {"instructions", l.filter.program->insns.size()},
                                {"packets", packets},
                                {"matched", matched},
                                {"unmatched", packets - matched}};
    if (packets) j["ns_per_packet"] = each;
    fmt::print("{}\n", j.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    return kOk;
  }
  fmt::print("{} ({}, {} classic instructions, {} converted): {} packet{}\n", l.name,
             link_type_name(capture.link_type), l.filter.classic.size(), l.filter.program->insns.size(),
             packets, packets == 1 ? "" : "s");
  fmt::print("  {:<20} {:>10}\n  {:<20} {:>10}\n", "matched", matched, "not matched", packets - matched);
  if (packets) fmt::print("  {:.1f} ns per packet\n", each);
  if (writer) fmt::print("  {} matched packets written to {}\n", matched, run.pcap_out);
  return kOk;
}

}  // namespace

void add_filter_options(CLI::App& app, FilterSource& s, bool with_link_type) {
  auto* text = app.add_option("--filter", s.text, "tcpdump's filter text, 'tcp port 80', in place of FILE");
  auto* file =
      app.add_option(
             "--classic", s.file,
             "classic program in place of FILE: struct sock_filter bytes, JSON, or tcpdump -ddd's text")
          ->excludes(text);
  app.add_flag("--seccomp", s.seccomp, "--classic is a seccomp filter (else a socket's)")->needs(file);
  if (with_link_type)
    app.add_option("--link-type", s.link_type, "what --filter is for, by libpcap's name (default: EN10MB)")
        ->needs(text);
}

int run_filter(const SessionOptions& options, const FilterSource& source, const FilterRun& run) {
  Capture capture;
  if (!source.seccomp && !run.pcap_in.empty()) {
    auto read = read_any_capture(run.pcap_in);
    if (!read.ok()) return complain("run", read.error().message);
    capture = std::move(*read);
  } else if (!source.seccomp && !run.data_in.empty()) {
    std::ifstream in(run.data_in, std::ios::binary);
    if (!in) return complain("run", run.data_in + ": cannot be read");
    capture.packets.push_back({{std::istreambuf_iterator<char>(in), {}}});
  } else if (!source.seccomp) {
    return complain("run", "a filter needs packets: --pcap or --data-in");
  }
  auto loaded = load(options, source, capture.link_type);
  if (!loaded.ok()) return complain("run", loaded.error().message);
  const auto& program = *loaded->filter.program;
  if (!program.executable) return complain("run", loaded->name + ": " + program.not_executable);
  return source.seccomp ? run_seccomp_filter(*loaded, run) : run_packets(*loaded, run, capture);
}

int verify_filter(const SessionOptions& options, const FilterSource& source, const std::string& format,
                  u32 log_level) {
  auto link = link_type(source);
  if (!link.ok()) return complain("verify", link.error().message);
  auto classic = instructions(source, *link);
  if (!classic.ok()) return complain("verify", classic.error().message);
  auto session = open_session(options);
  if (!session.ok()) return complain("verify", session.error().message);
  std::string log;
  const auto made = runtime::load_classic(*session->kernel, *classic, dialect_of(source),
                                          log_level                ? log_level
                                          : format == "kernel-log" ? 1
                                                                   : 0,
                                          &log);
  const std::string name = source.text.empty() ? source.file : source.text;
  const char* kind = source.seccomp ? "seccomp" : "socket";
  if (format == "json") {
    nlohmann::ordered_json j = {{"filter", name},
                                {"dialect", source.text.empty() ? kind : "capture"},
                                {"verdict", made.ok() ? "success" : "failure"},
                                {"errno", made.ok() ? 0 : made.error().code},
                                {"message", made.ok() ? "" : made.error().message},
                                {"classic_instructions", classic->size()}};
    if (made.ok()) {
      j["instructions"] = made->program->insns.size();
      j["insns_processed"] = made->program->verdict.stats.insns_processed;
    }
    fmt::print("{}\n", j.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  } else {
    if (format == "kernel-log" || log_level) fmt::print("{}", log);
    if (made.ok())
      fmt::print("PASS  {}: {} classic instructions, {} converted, {} processed\n", name, classic->size(),
                 made->program->insns.size(), made->program->verdict.stats.insns_processed);
    else
      fmt::print("FAIL  {}: {}\n", name, made.error().message);
  }
  return made.ok() ? kOk : kNegative;
}

int disasm_filter(const SessionOptions& options, const FilterSource& source, bool jited) {
  auto link = link_type(source);
  if (!link.ok()) return complain("disasm", link.error().message);
  SessionOptions wanted = options;
  if (jited) wanted.jit = "on";
  auto loaded = load(wanted, source, *link);
  if (!loaded.ok()) return complain("disasm", loaded.error().message);
  const auto& filter = loaded->filter;
  const isa::DisasmOptions names = text_options();
  if (jited) {
    const auto text = jited_text(*filter.program, names);
    if (!text.ok()) return complain("disasm", text.error().message);
    fmt::print("{}", *text);
    return kOk;
  }
  const auto& insns = filter.program->insns;
  fmt::print("{} ({} classic instructions, {} converted):\n", loaded->name, filter.classic.size(),
             insns.size());
  const u32 none = static_cast<u32>(filter.classic.size());
  u32 shown = none;
  for (size_t i = 0; i < insns.size(); i++) {
    const u32 from = filter.original[i];
    if (from != shown && i >= 3) {  // three instructions set A, X and the context up
      fmt::print("; ({:03}) {}\n", from, isa::disasm_classic(filter.classic[from], from));
      shown = from;
    }
    fmt::print("{:>4}: {}\n", i, isa::disasm(insns, i, names));
  }
  return kOk;
}

}  // namespace osmia::cli
