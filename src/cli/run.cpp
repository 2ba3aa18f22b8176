// `osmia run`: a program over packets, as Linux's test run would have it, and what became of them.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/capture.h"
#include "cli/commands.h"
#include "cli/filter.h"
#include "cli/iterate.h"
#include "cli/map_dump.h"
#include "cli/map_set.h"
#include "cli/network_file.h"
#include "cli/read_file.h"
#include "cli/redirects.h"
#include "cli/session.h"
#include "cli/stream_input.h"
#include "cli/type_view.h"
#include "host/socket_text.h"
#include "loader/object.h"
#include "runtime/own_run.h"

namespace osmia::cli {
namespace {

struct Arguments {
  std::string file, prog, pcap_in, pcap_out, data_in, ctx_in, fib, sockets, iter, format = "text";
  std::vector<std::string> map_set;
  SessionOptions session;
  u32 repeat = 1, ifindex = 0;
  bool dump_maps = false;
};

struct Outcome {
  std::map<u32, u64> counts;  // by return value
  u64 packets = 0, refused = 0, changed = 0, written = 0;
  u64 total_ns = 0, with_metadata = 0;
  std::string first_refusal;
  std::string details_text;  // of a single run
  nlohmann::ordered_json details;
};

Result<std::vector<u8>> slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error{ENOENT, path + ": cannot be read"};
  return std::vector<u8>(std::istreambuf_iterator<char>(in), {});
}

Status give_sockets(const std::string& path) {
  OSMIA_ASSIGN(const std::string text, read_file(path, 16u << 20));
  auto list = host::parse_sockets(text);
  if (!list.ok()) return Error{list.error().code, path + ": " + list.error().message};
  host::set_sockets(std::move(*list));
  return Ok{};
}

std::string code_name(const contract::ProgTypeDef& type, u32 value) {
  for (const auto& c : type.codes)
    if (static_cast<u32>(c.code) == value) return std::string(c.name);
  return {};
}

// Packets that the program lets through stay out of --pcap-out unless it changed them.
bool is_drop(const std::string& name) {
  return name.find("DROP") != name.npos || name.starts_with("drop") || name.find("ABORTED") != name.npos ||
         name.find("SHOT") != name.npos;
}

// The program asked for, or the object's only one.
Result<std::string> choose(const loader::ObjectFile& object, const std::string& wanted) {
  std::string names;
  for (const auto& p : object.programs()) {
    if (p.name == wanted) return wanted;
    names += (names.empty() ? "" : ", ") + p.name;
  }
  if (!wanted.empty())
    return Error{ENOENT, object.name() + ": there is no program named '" + wanted + "'; it has " + names};
  if (object.programs().size() == 1) return object.programs().front().name;
  return Error{EINVAL, object.name() + ": choose one of its programs with --prog: " + names};
}

Status run_packets(const Arguments& args, runtime::Kernel& kernel, runtime::Program& program,
                   std::vector<Packet> packets, bool has_data, CaptureWriter* writer, Outcome& out,
                   Redirects& redirects) {
  runtime::TestRunFn run = nullptr;
  for (const auto& table : {kernel.test_runs, runtime::own_run_table()})
    if (const auto found = table.find(program.desc.type); found != table.end() && !run) run = found->second;
  if (!run)
    return Error{
        524, fmt::format("programs of type {} have no test run, on Linux neither", program.type_def->name)};
  const bool payload = sees_socket_data(program) && !args.pcap_in.empty();
  if (!program.executable)
    return Error{EOPNOTSUPP, "not supported yet: running it needs " + program.not_executable};
  std::vector<u8> ctx;
  if (!args.ctx_in.empty()) {
    OSMIA_ASSIGN(ctx, slurp(args.ctx_in));
  }
  for (const Packet& p : packets) {
    RunInput input{p.bytes, ctx, has_data, !ctx.empty(), args.ifindex, args.repeat};
    out.packets++;
    if (payload) {
      auto taken = socket_input(program, std::move(input));
      if (!taken.ok()) {
        if (packets.size() == 1) return taken.error();
        if (!out.refused++)
          out.first_refusal = fmt::format("packet {}: {}", out.packets, taken.error().message);
        continue;
      }
      input = std::move(*taken);
    }
    OSMIA_ASSIGN(const runtime::TestRunRequest request, request_for(program, std::move(input)));
    auto r = run(kernel, program, request);
    if (!r.ok()) {
      if (packets.size() == 1) return r.error();
      // One packet that Linux's test run would refuse too (shorter than an Ethernet header, say).
      if (!out.refused++) out.first_refusal = fmt::format("packet {}: {}", out.packets, r.error().message);
      continue;
    }
    out.counts[r->retval]++;
    redirects.count(r->retval, code_name(*program.type_def, r->retval), *r);
    out.total_ns += r->duration_ns;
    const RunView view = view_of(program, request, *r);
    out.changed += view.changed;
    out.with_metadata += view.metadata != 0;
    if (writer && (view.changed || is_drop(code_name(*program.type_def, r->retval)))) {
      writer->write({view.has_packet ? view.packet : p.bytes, p.sec, p.usec});
      out.written++;
    }
    if (packets.size() == 1) {
      out.details_text = details_text(program, request, *r, !ctx.empty());
      out.details = details_json(program, request, *r, !ctx.empty());
    }
  }
  return Ok{};
}

bool worth_showing(const std::string& name) {
  return !name.ends_with(".rodata") && name.find(".rodata.") == name.npos;
}

void print_text(const Arguments& args, const runtime::Program& program, const Outcome& o,
                const loader::LoadedObject& object, const Redirects& redirects) {
  const bool data = !args.pcap_in.empty() || !args.data_in.empty();
  fmt::print("{} ({}): {} {}{}\n", program.desc.name, program.type_def->name, o.packets,
             data ? "packet" : "run", o.packets == 1 ? "" : "s");
  for (const auto& [value, n] : o.counts) {
    std::string name = code_name(*program.type_def, value);
    if (name.empty()) name = fmt::format("return {}", static_cast<s32>(value));
    fmt::print("  {:<20} {:>10}\n{}", name, n, redirects.text(value));
  }
  fmt::print("{}", redirects.clones_text());
  if (o.refused) fmt::print("  {:<20} {:>10}   ({})\n", "not run", o.refused, o.first_refusal);
  if (o.changed) fmt::print("  {:<20} {:>10}\n", "changed", o.changed);
  if (o.with_metadata) fmt::print("  {:<20} {:>10}\n", "with metadata", o.with_metadata);
  fmt::print("{}", o.details_text);
  if (o.packets > o.refused && o.total_ns)  // some types' test runs take no time, as on Linux
    fmt::print("  {:.1f} ns per {}\n",
               static_cast<double>(o.total_ns) / static_cast<double>(o.packets - o.refused),
               data ? "packet" : "run");
  if (!args.pcap_out.empty())
    fmt::print("  {} dropped or changed packets written to {}\n", o.written, args.pcap_out);
  if (!args.dump_maps) return;
  for (const auto& m : object.maps())
    if (worth_showing(m.name)) fmt::print("{}", dump_map_text(*m.map, m.name));
}

void print_json(const Arguments& args, const runtime::Program& program, const Outcome& o,
                const loader::LoadedObject& object, const Redirects& redirects) {
  nlohmann::ordered_json counts = nlohmann::ordered_json::array();
  for (const auto& [value, n] : o.counts) {
    counts.push_back({{"retval", value}, {"name", code_name(*program.type_def, value)}, {"packets", n}});
    if (auto targets = redirects.json(value); !targets.empty()) counts.back()["targets"] = std::move(targets);
  }
  nlohmann::ordered_json j = {
      {"object", args.file},  {"program", program.desc.name}, {"prog_type", program.type_def->name},
      {"packets", o.packets}, {"not_run", o.refused},         {"changed", o.changed},
      {"counts", counts}};
  if (o.with_metadata) j["with_metadata"] = o.with_metadata;
  if (!o.details.empty()) j["details"] = o.details;
  if (auto clones = redirects.clones_json(); !clones.empty()) j["clones"] = std::move(clones);
  if (o.packets > o.refused)
    j["ns_per_packet"] = static_cast<double>(o.total_ns) / static_cast<double>(o.packets - o.refused);
  if (args.dump_maps) {
    j["maps"] = nlohmann::ordered_json::array();
    for (const auto& m : object.maps())
      if (worth_showing(m.name)) j["maps"].push_back(dump_map_json(*m.map, m.name));
  }
  fmt::print("{}\n", j.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

void print_iterator_json(const Arguments& args, const runtime::Program& program, const std::string& text,
                         const loader::LoadedObject& object) {
  nlohmann::ordered_json j = {{"object", args.file}, {"program", program.desc.name}, {"iterator", text}};
  if (args.dump_maps) {
    j["maps"] = nlohmann::ordered_json::array();
    for (const auto& m : object.maps())
      if (worth_showing(m.name)) j["maps"].push_back(dump_map_json(*m.map, m.name));
  }
  fmt::print("{}\n", j.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace

int run(int argc, char** argv) {
  Arguments args;
  CLI::App app("Runs a program over packets as Linux's BPF_PROG_TEST_RUN does.", "osmia run");
  app.add_option("FILE", args.file, "BPF object (.bpf.o)");
  FilterSource filter;
  add_filter_options(app, filter, false);
  app.add_option("--prog", args.prog, "the program to run (needed if the object has several)");
  auto* pcap =
      app.add_option("--pcap", args.pcap_in, "capture with the packets (Ethernet; a filter takes any)");
  app.add_option("--pcap-out", args.pcap_out,
                 "capture to write the dropped or changed packets to (of a filter: the matched ones)")
      ->needs(pcap);
  app.add_option("--data-in", args.data_in, "file with one packet's bytes")->excludes(pcap);
  app.add_option("--ctx-in", args.ctx_in, "file with the context's bytes");
  app.add_option("--repeat", args.repeat, "runs per packet")->check(CLI::Range(1u, 100000000u));
  app.add_option("--ifindex", args.ifindex, "device that the packets come in by");
  app.add_option("--fib", args.fib,
                 "routes for bpf_fib_lookup, neighbours and devices: what `ip route`, `ip neigh`, `ip addr` "
                 "print, text or JSON");
  app.add_option("--sockets", args.sockets,
                 "sockets for look-ups, in place of this machine's: what `ss -tuane` prints");
  app.add_option("--iter", args.iter,
                 "what an iterator program walks: map=NAME, pid=N, tid=N, order=self|pre|post|up");
  app.add_option("--map-set", args.map_set,
                 "element to put into a map first: 'NAME[KEY]=VALUE' (can be repeated)")
      ->take_all();
  app.add_flag("--dump-maps", args.dump_maps, "print the maps afterwards");
  app.add_option("--format", args.format, "text or json")->check(CLI::IsMember({"text", "json"}));
  app.add_option("--jit", args.session.jit, "machine code: auto (default), on, or off (the interpreter)")
      ->check(CLI::IsMember({"auto", "on", "off"}));
  app.add_option("--btf", args.session.btf_path, "kernel BTF (default: the machine's)");
  app.add_flag("--native", args.session.native,
               "verify by the profile for embedding, which may accept more than Linux");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kOk : kUsage;
  }
  if (filter.given() == !args.file.empty())
    return complain("run", filter.given() ? "give FILE, --filter or --classic, not two of them"
                                          : "expected FILE, --filter or --classic (osmia run --help)");
  if (filter.given())
    return run_filter(
        args.session, filter,
        {args.pcap_in, args.pcap_out, args.data_in, args.ctx_in, args.repeat, args.format == "json"});
  auto session = open_session(args.session);
  if (!session.ok()) return complain("run", session.error().message);
  auto object = loader::ObjectFile::open(*session->kernel, args.file);
  if (!object.ok()) return complain("run", object.error().message);
  auto name = choose(**object, args.prog);
  if (!name.ok()) return complain("run", name.error().message);

  std::vector<Packet> packets(1);
  bool has_data = false;
  if (!args.pcap_in.empty()) {
    auto read = read_capture(args.pcap_in);
    if (!read.ok()) return complain("run", read.error().message);
    packets = std::move(*read);
    has_data = true;
  } else if (!args.data_in.empty()) {
    auto read = slurp(args.data_in);
    if (!read.ok()) return complain("run", read.error().message);
    packets[0].bytes = std::move(*read);
    has_data = true;
  }
  std::unique_ptr<CaptureWriter> writer;
  if (!args.pcap_out.empty()) {
    auto w = CaptureWriter::open(args.pcap_out);
    if (!w.ok()) return complain("run", w.error().message);
    writer = std::move(*w);
  }
  if (!args.fib.empty()) {
    auto network = read_network(args.fib);
    if (!network.ok()) return complain("run", network.error().message);
    host::set_network(std::move(*network));
  }
  if (!args.sockets.empty())
    if (auto s = give_sockets(args.sockets); !s.ok()) return complain("run", s.error().message);
  loader::LoadOptions options;
  for (const std::string& element : args.map_set)
    if (std::string program = program_in_element(element); !program.empty())
      options.also.push_back(std::move(program)), options.with_auxiliary = true;
  const loader::LoadResult loaded = (*object)->load_alone(*name, options);
  if (loaded.error) {
    const std::string why = !loaded.verdict.message.empty() ? loaded.verdict.message : loaded.message;
    return complain("run", fmt::format("{}: {}: {}", args.file, *name, why),
                    loaded.reached_verifier && !loaded.verdict.unsupported ? kNegative : kUsage);
  }
  runtime::ProgramPtr program = loaded.object->program(*name);
  if (!program) return complain("run", args.file + ": " + *name + " was not loaded");
  for (const std::string& element : args.map_set)
    if (auto set = set_map_element(*loaded.object, element); !set.ok())
      return complain("run", set.error().message);
  if (is_iterator(*program)) {
    std::string text;
    const Status read = iterate(*session->kernel, program, *loaded.object, args.iter, text);
    if (args.format == "json")
      print_iterator_json(args, *program, text, *loaded.object);
    else
      std::fwrite(text.data(), 1, text.size(), stdout);
    if (!read.ok()) return complain("run", fmt::format("{}: {}: {}", args.file, *name, read.error().message));
    if (args.dump_maps && args.format != "json")
      for (const auto& m : loaded.object->maps())
        if (worth_showing(m.name)) fmt::print("{}", dump_map_text(*m.map, m.name));
    return kOk;
  }
  if (!args.iter.empty()) return complain("run", "--iter is for iterator programs; " + *name + " is none");
  Outcome outcome;
  Redirects redirects(*loaded.object);
  if (auto s = run_packets(args, *session->kernel, *program, std::move(packets), has_data, writer.get(),
                           outcome, redirects);
      !s.ok())
    return complain("run", fmt::format("{}: {}: {}", args.file, *name, s.error().message));
  if (writer)
    if (auto s = writer->finish(); !s.ok()) return complain("run", s.error().message);
  if (args.format == "json")
    print_json(args, *program, outcome, *loaded.object, redirects);
  else
    print_text(args, *program, outcome, *loaded.object, redirects);
  return kOk;
}

}  // namespace osmia::cli
