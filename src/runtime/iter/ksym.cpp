// iter/ksym: the symbols that programs see, as struct kallsym_iter: ours, then the machine's.
#include <cstdio>
#include <cstdlib>

#include "host/kernel_struct.h"
#include "host/proc_file.h"
#include "runtime/iter/iterator.h"
#include "runtime/symbols.h"

namespace osmia::runtime::iter_targets {
namespace {

class SymbolWalk final : public IterWalk {
 public:
  SymbolWalk(btf::BtfPtr types, host::KernelStruct memory, std::string text)
      : types_(std::move(types)), memory_(std::move(memory)), text_(std::move(text)) {}
  int start(u64& index) override {
    if (!parse()) return 0;
    if (!index) index = 1;
    return 1;
  }
  int next(u64& index) override {
    index++;
    at_ = text_.find('\n', at_) + 1;
    number_++;
    return parse();
  }
  bool arguments(u64 (&args)[3]) override {
    args[0] = memory_.address();
    return true;
  }

 private:
  // "ffffffff81200000 T name\t[module]" at at_. False: the end.
  bool parse() {
    const size_t end = text_.find('\n', at_);
    if (at_ >= text_.size() || end == text_.npos || end < at_ + 20) return false;
    const std::string_view line = std::string_view(text_).substr(at_, end - at_);
    const size_t tab = line.find('\t');
    const std::string_view name = line.substr(19, tab == line.npos ? tab : tab - 19);
    std::string_view module = tab == line.npos ? "" : line.substr(tab + 1);
    if (module.starts_with('[') && module.ends_with(']')) module = module.substr(1, module.size() - 2);
    const bool bpf = module == "bpf";
    memory_.set("pos", number_ + 1);
    // A part whose end is known is over.
    memory_.set("pos_mod_end", bpf ? 1 : 0);
    memory_.set("pos_ftrace_mod_end", bpf ? 1 : 0);
    memory_.set("value", std::strtoull(text_.c_str() + at_, nullptr, 16));
    memory_.set("type", static_cast<u8>(line[17]));
    memory_.set("show_value", 1);
    memory_.set("exported", line[17] >= 'A' && line[17] <= 'Z');
    memory_.set_text("name", name);
    memory_.set_text("module_name", module);
    return true;
  }
  const btf::BtfPtr types_;  // the struct's
  host::KernelStruct memory_;
  const std::string text_;
  size_t at_ = 0;
  u64 number_ = 0;
};

Result<std::unique_ptr<IterWalk>> open(Kernel& kernel, const btf::BtfPtr& types, const IterScope&) {
  OSMIA_ASSIGN(auto memory, host::KernelStruct::make(*types, "kallsym_iter"));
  std::string machine = host::read_file("/proc/kallsyms");
  std::FILE* file = machine.empty() ? nullptr : ::fmemopen(machine.data(), machine.size(), "r");
  std::string text = symbol_table(kernel, file);
  if (file) std::fclose(file);
  return std::unique_ptr<IterWalk>(new SymbolWalk(types, std::move(memory), std::move(text)));
}

}  // namespace

constexpr IterTarget kKsym{.name = "ksym", .open = open};

}  // namespace osmia::runtime::iter_targets
