// A .bpf.o through libbpf: ELF, BTF-defined maps, global data, linking and CO-RE are libbpf's, the kernel
// behind it is ours. An ObjectFile is the checked bytes; loading makes a LoadedObject with live programs and
// maps that go when it goes.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/kernel.h"

struct bpf_object;

namespace osmia::loader {

struct ProgramEntry {
  std::string name;
  std::string section;
  std::string type_name;  // as libbpf prints it: "xdp"
  u32 type = 0, expected_attach_type = 0, flags = 0;
  u32 insn_cnt = 0;
  bool autoload = true;  // false: the object says "?section"
};

struct LoadOptions {
  u32 log_level = 1;         // as PROG_LOAD's; 0 = the log is asked for only when the load fails
  u64 log_size = 16u << 20;  // bytes
  u32 extra_flags = 0;       // prog_flags added to the program's
  u32 cleared_flags = 0;
  bool with_auxiliary = false;  // also load the programs that `also` names
  std::vector<std::string> also;
};

class LoadedObject {
 public:
  ~LoadedObject();
  LoadedObject(const LoadedObject&) = delete;
  struct MapEntry {
    std::string name;
    int fd = -1;
    maps::MapPtr map;
  };
  // Programs and maps that exist now, in the object's order.
  const std::vector<std::pair<std::string, runtime::ProgramPtr>>& programs() const { return programs_; }
  const std::vector<MapEntry>& maps() const { return maps_; }
  runtime::ProgramPtr program(const std::string& name) const;
  maps::MapPtr map(const std::string& name) const;

 private:
  friend class ObjectFile;
  LoadedObject(runtime::Kernel& k, bpf_object* o) : kernel_(k), object_(o) {}
  void collect();
  runtime::Kernel& kernel_;
  bpf_object* object_;
  std::vector<std::pair<std::string, runtime::ProgramPtr>> programs_;
  std::vector<MapEntry> maps_;
};

struct LoadResult {
  ProgramEntry entry;
  int error = 0;                         // positive errno; 0 = loaded
  bool reached_verifier = false;         // false: the object could not even be prepared (setup failure)
  std::string message;                   // libbpf's or our own reason, one line
  std::string log;                       // the program's verifier log
  verifier::Verdict verdict;             // valid if reached_verifier
  std::shared_ptr<LoadedObject> object;  // if loaded
};

class ObjectFile {
 public:
  // Errors: what reading gives, or one line on what is unsound. btf_path: kernel BTF for CO-RE in place of
  // the machine's.
  static Result<std::shared_ptr<ObjectFile>> open(runtime::Kernel& kernel, const std::string& path,
                                                  std::string btf_path = {});
  static Result<std::shared_ptr<ObjectFile>> from_bytes(runtime::Kernel& kernel, std::vector<u8> bytes,
                                                        std::string name, std::string btf_path = {});

  const std::string& name() const { return name_; }
  const std::vector<ProgramEntry>& programs() const { return programs_; }

  // One program on its own, with fresh maps.
  LoadResult load_alone(const std::string& program, const LoadOptions& options = {});
  // Each in turn; `done` sees every result (and may drop its objects). False stops.
  void load_each_alone(const LoadOptions& options, const std::function<bool(LoadResult&)>& done);
  // All programs that the object loads by itself, together.
  Result<std::shared_ptr<LoadedObject>> load_all(const LoadOptions& options = {});

 private:
  ObjectFile(runtime::Kernel& k, std::vector<u8> bytes, std::string name, std::string btf_path)
      : kernel_(k), bytes_(std::move(bytes)), name_(std::move(name)), btf_path_(std::move(btf_path)) {}
  Result<bpf_object*> open_libbpf(std::string& messages);
  runtime::Kernel& kernel_;
  std::vector<u8> bytes_;
  std::string name_, btf_path_;
  std::vector<ProgramEntry> programs_;
};

}  // namespace osmia::loader
