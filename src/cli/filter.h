// What `run`, `verify` and `disasm` do with classic programs: from filter text, or from a file.
#pragma once
#include <string>

#include "base/result.h"
#include "cli/session.h"

namespace CLI {
class App;
}

namespace osmia::cli {

struct FilterSource {
  std::string text;       // --filter
  std::string file;       // --classic
  std::string link_type;  // --link-type
  bool seccomp = false;   // --seccomp
  bool given() const { return !text.empty() || !file.empty(); }
};
// --filter, --classic and --seccomp; --link-type unless a capture says it.
void add_filter_options(CLI::App& app, FilterSource& source, bool with_link_type);

struct FilterRun {
  std::string pcap_in, pcap_out, data_in, ctx_in;
  u32 repeat = 1;
  bool json = false;
};
// These do the whole command and give its exit status.
int run_filter(const SessionOptions& options, const FilterSource& source, const FilterRun& run);
int verify_filter(const SessionOptions& options, const FilterSource& source, const std::string& format,
                  u32 log_level);
int disasm_filter(const SessionOptions& options, const FilterSource& source, bool jited);

}  // namespace osmia::cli
