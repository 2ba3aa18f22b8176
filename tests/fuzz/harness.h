// Generated programs through a bpf(2): Osmia's or the running kernel's. Both get the same maps, map contents,
// packets and contexts, so that what comes back can be compared.
#pragma once
#include <linux/bpf.h>

#include <functional>
#include <string>
#include <vector>

#include "generator.h"

namespace osmia::fuzz {

struct Outcome {
  long result = 0;  // of the test run: 0 or a negative errno
  u32 retval = 0;
  std::vector<u8> data;
  std::vector<u8> maps;  // contents of all maps afterwards
  bool operator==(const Outcome&) const = default;
};

struct Input {
  std::vector<u8> data, ctx;
  u64 map_seed = 0;
};

class Target {
 public:
  using Bpf = std::function<long(int cmd, union bpf_attr& attr)>;  // negative errno
  Target(Bpf bpf, std::function<void(long fd)> close) : bpf_(std::move(bpf)), close_(std::move(close)) {}
  ~Target();
  Target(const Target&) = delete;

  bool usable();  // can it make the maps at all?
  // A descriptor or a negative errno. log: the verifier's, if wanted.
  long load(const Program& program, u32 prog_type, std::string* log = nullptr);
  void close(long fd) { close_(fd); }
  Outcome run(long fd, u32 prog_type, const Input& input);
  void fill_maps(u64 seed);

 private:
  std::vector<u64> keys(u32 map);  // sorted
  std::vector<u8> map_contents();
  Bpf bpf_;
  std::function<void(long)> close_;
  std::vector<int> maps_;
};

Input random_input(Choices& c, u32 prog_type);
std::string listing(const Program& program);  // disassembly, one instruction a line

}  // namespace osmia::fuzz
