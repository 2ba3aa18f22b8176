// Generated programs through a bpf(2): Osmia's or the running kernel's. Both get the same maps, map contents,
// packets and contexts, so that what comes back can be compared.
#pragma once
#include <linux/bpf.h>

#include <functional>
#include <string>
#include <vector>

#include "generator.h"
#include "maps/map.h"

namespace osmia::fuzz {

struct Outcome {
  long result = 0;  // of the test run: 0 or a negative errno
  u32 retval = 0;
  std::vector<u8> data, ctx;  // the packet and the context afterwards
  std::vector<u8> maps;       // contents of all maps afterwards
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

  // Optional: the live map behind a descriptor, whose elements are then reached without bpf(2).
  std::function<std::shared_ptr<maps::Map>(int fd)> map_object;
  bool wants_ctx = false;  // Outcome::ctx is filled
  bool uses_maps = true;   // false: the programs run use none, so they are neither filled nor read

  bool usable();  // can it make the maps at all?
  // A descriptor or a negative errno. log: the verifier's, if wanted.
  long load(const Program& program, u32 prog_type, std::string* log = nullptr);
  void close(long fd) { close_(fd); }
  Outcome run(long fd, u32 prog_type, const Input& input);
  void fill_maps(u64 seed);

 private:
  std::vector<u64> keys(u32 map);  // sorted
  void update(u32 map, u64 key, const void* value);
  void erase(u32 map, u64 key);
  void lookup(u32 map, u64 key, void* value);
  std::vector<u8> map_contents();
  Bpf bpf_;
  std::function<void(long)> close_;
  std::vector<int> maps_;
  std::vector<std::shared_ptr<maps::Map>> objects_;  // as maps_; empty: bpf(2) is asked
};

Input random_input(Choices& c, u32 prog_type);
bool uses_maps(const Program& program);
std::string listing(const Program& program);  // disassembly, one instruction a line

}  // namespace osmia::fuzz
