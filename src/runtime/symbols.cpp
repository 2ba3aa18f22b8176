// Layout: kfuncs lie at call base + BTF id (at most 2^20), helpers behind them in the order in which they
// were first named, programs 256 MiB each in a region of their own; a function lies as far behind its
// program's first as its machine code does.
#include "runtime/symbols.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "jit/jit.h"
#include "runtime/kernel_functions.h"

namespace osmia::runtime {
namespace {

constexpr u64 kCallBase = 0xffffffff81200000;
constexpr u32 kHelpers = 0x1000000, kHelperStep = 16;
constexpr u32 kModuleBits = 20, kMaxModules = 14;  // between vmlinux's functions and the helpers
constexpr u64 kPrograms = 0xffffc00000000000;
constexpr u32 kProgramBits = 28, kIdMask = 0x1ffff;
constexpr u64 kFunctionStep = 0x40;  // without machine code

constexpr u64 kData = 0xffffffff82600000, kDataStep = 0x100;
constexpr std::string_view kDataNames[] = {"bpf_iter_fops", "bpf_link_fops", "bpf_map_fops", "bpf_prog_fops",
                                           "btf_fops"};

struct Table {
  std::mutex mutex;
  std::map<std::string, s32, std::less<>> by_name;
};
Table& table() {
  static auto* t = new Table;  // outlives static destructors, as programs may
  return *t;
}

}  // namespace

s32 helper_symbol(std::string_view name) {
  Table& t = table();
  std::lock_guard lock(t.mutex);
  const auto it = t.by_name.find(name);
  if (it != t.by_name.end()) return it->second;
  const s32 at = static_cast<s32>(kHelpers + kHelperStep * t.by_name.size());
  t.by_name.emplace(name, at);
  return at;
}

u64 data_symbol(std::string_view name) {
  for (size_t i = 0; i < std::size(kDataNames); i++)
    if (kDataNames[i] == name) return kData + i * kDataStep;
  return 0;
}

u64 function_symbol(const Program& p, u32 function) {
  const u64 start = kPrograms + (u64{p.id & kIdMask} << kProgramBits);
  const jit::Image* image = p.executable ? p.executable->image() : nullptr;
  if (!image || image->subprogs().size() != p.dump().functions.size() + 1)
    return start + kFunctionStep * function;
  return start + image->subprogs()[function];
}

u64 kernel_symbol(const Kernel& kernel, const BtfObject& btf, u32 type) {
  u64 module = 0;  // 0: vmlinux
  const auto& modules = kernel.catalog().modules;
  for (size_t m = 0; m < modules.size(); m++)
    if (modules[m] == btf.btf) module = m + 1;
  return kCallBase + (module << kModuleBits) + type;
}

u32 kernel_function_at(const Kernel& kernel, u64 address) {
  const auto& vmlinux = kernel.catalog().vmlinux;
  const u64 type = address - kCallBase;
  if (!vmlinux || type >> kModuleBits || !vmlinux->type(static_cast<u32>(type)).is(btf::Kind::kFunc))
    return 0;
  return static_cast<u32>(type);
}

std::string kallsyms(Kernel& kernel) {
  std::string out = fmt::format("{:016x} T __bpf_call_base\n", kCallBase);
  for (const std::string_view name : kDataNames)
    out += fmt::format("{:016x} D {}\n", data_symbol(name), name);
  const auto& catalog = kernel.catalog();
  for (const auto* h : catalog.helpers) helper_symbol(h->name);
  std::set<std::string_view> functions(kernel_function_names().begin(), kernel_function_names().end());
  for (const auto* k : catalog.kfuncs) functions.insert(k->name);
  if (catalog.vmlinux)
    for (const std::string_view name : functions)
      if (const u32 id = catalog.vmlinux->find(name, btf::Kind::kFunc))
        out += fmt::format("{:016x} T {}\n", kCallBase + id, name);
  // Modules' functions behind vmlinux's: programs name them as they name kernel symbols.
  for (size_t m = 0; m < std::min<size_t>(catalog.modules.size(), kMaxModules); m++) {
    const btf::Btf& btf = *catalog.modules[m];
    for (u32 id = btf.start_id(); id < btf.end_id(); id++)
      if (btf.type(id).is(btf::Kind::kFunc))
        out += fmt::format("{:016x} t {}\n", kCallBase + ((m + 1) << kModuleBits) + id, btf.type(id).name());
  }
  {
    Table& t = table();
    std::lock_guard lock(t.mutex);
    for (const auto& [name, at] : t.by_name)
      out += fmt::format("{:016x} T {}\n", kCallBase + static_cast<u64>(at), name);
  }
  for (u32 id = 0; (id = kernel.programs.next_after(id));)
    if (const auto p = kernel.programs.find(id))
      for (u32 f = 0; f < p->dump().functions.size(); f++) {
        std::string tag;
        for (const u8 b : p->dump().functions[f].tag) tag += fmt::format("{:02x}", b);
        out += fmt::format("{:016x} t bpf_prog_{}{}{}\t[bpf]\n", function_symbol(*p, f), tag,
                           p->dump().functions[f].name.empty() ? "" : "_", p->dump().functions[f].name);
      }
  return out;
}

std::string symbol_table(Kernel& kernel, std::FILE* machine) {
  const std::string own = kallsyms(kernel);
  if (!machine) return own;
  std::set<std::string_view> ours;
  for (size_t at = 0; at < own.size();) {
    const size_t end = own.find('\n', at);
    const std::string_view line = std::string_view(own).substr(at, end - at);
    at = end + 1;
    if (line.size() > 19) ours.insert(line.substr(19, line.find('\t') - 19));
  }
  std::string text = own;
  char buffer[1024];
  while (std::fgets(buffer, sizeof buffer, machine)) {
    const std::string_view line = buffer;
    const size_t type = line.find(' '), name = type == line.npos ? line.npos : line.find(' ', type + 1);
    if (name == line.npos) continue;
    const std::string_view symbol = line.substr(name + 1, line.find_first_of("\t\n", name + 1) - name - 1);
    if (!ours.count(symbol) && symbol.substr(0, 9) != "bpf_prog_") text += line;
  }
  return text;
}

}  // namespace osmia::runtime
