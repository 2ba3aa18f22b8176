// Values go in as by MAP_UPDATE_ELEM. Where a value has a descriptor, of a program, its name stands for it:
// in devmap and cpumap values ("3/NAME") and program arrays ("/NAME").
#include "cli/map_set.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/bpf.h>

#include <cstring>

#include "base/bits.h"
#include "cli/map_sockets.h"
#include "contract/map_def.h"

namespace osmia::cli {
namespace {

using Bytes = std::vector<u8>;

constexpr s32 kNamed = 1;  // the one descriptor that there is: the program that the value names

class OneProgram final : public maps::Descriptors {
 public:
  explicit OneProgram(std::shared_ptr<maps::ProgObject> program) : program_(std::move(program)) {}

 private:
  Result<maps::MapPtr> map(int) override { return Error{EBADF, "there are no descriptors"}; }
  Result<std::shared_ptr<maps::ProgObject>> prog(int fd) override {
    if (!program_ || fd != kNamed) return Error{EBADF, "there are no descriptors"};
    return program_;
  }
  std::shared_ptr<maps::ProgObject> program_;
};

bool takes_program(u32 type) {
  return type == BPF_MAP_TYPE_DEVMAP || type == BPF_MAP_TYPE_DEVMAP_HASH || type == BPF_MAP_TYPE_CPUMAP ||
         type == BPF_MAP_TYPE_PROG_ARRAY;
}

Result<Bytes> bytes_of(const std::string& text, u32 size, const char* what) {
  const auto bad = [&](const std::string& why) {
    return Error{EINVAL, fmt::format("{} \"{}\": {}", what, text, why)};
  };
  Bytes out(size);
  if (text.starts_with("hex:")) {
    const std::string digits = text.substr(4);
    if (digits.size() != size * 2 || digits.find_first_not_of("0123456789abcdefABCDEF") != digits.npos)
      return bad(fmt::format("expected {} hexadecimal digits", size * 2));
    for (u32 i = 0; i < size; i++) out[i] = static_cast<u8>(std::stoul(digits.substr(i * 2, 2), nullptr, 16));
    return out;
  }
  u8 address[16];
  if (inet_pton(AF_INET, text.c_str(), address) == 1 || inet_pton(AF_INET6, text.c_str(), address) == 1) {
    const u32 n = text.find(':') == text.npos ? 4 : 16;
    if (n != size) return bad(fmt::format("{} bytes, expected {}", n, size));
    std::memcpy(out.data(), address, n);
    return out;
  }
  char* end = nullptr;
  errno = 0;
  const bool negative = text.starts_with("-");
  const u64 v =
      negative ? static_cast<u64>(std::strtoll(text.c_str(), &end, 0)) : std::strtoull(text.c_str(), &end, 0);
  if (text.empty() || *end || errno) return bad("expected a number, an address or hex:BYTES");
  const u64 high = size >= 8 ? 0 : v >> (size * 8);
  if (high && !(negative && size < 8 && static_cast<s64>(v) >= -(s64{1} << (size * 8 - 1))))
    return bad(fmt::format("does not fit {} bytes", size));
  for (u32 i = 0; i < size; i++) out[i] = i < 8 ? static_cast<u8>(v >> (i * 8)) : negative ? 0xff : 0;
  return out;
}

}  // namespace

std::string program_in_element(const std::string& text) {
  const size_t value = text.find("]="), slash = text.find('/', value);
  return value == text.npos || slash == text.npos ? "" : text.substr(slash + 1);
}

Status set_map_element(const loader::LoadedObject& object, const std::string& text) {
  const size_t open = text.find('['), close = text.find("]=");
  if (open == text.npos || close == text.npos || close < open)
    return Error{EINVAL, "--map-set \"" + text + "\": expected NAME[KEY]=VALUE"};
  const std::string name = text.substr(0, open);
  const maps::MapPtr map = object.map(name);
  if (!map) return Error{ENOENT, "--map-set: the program has no map '" + name + "'"};
  OSMIA_ASSIGN(const Bytes key, bytes_of(text.substr(open + 1, close - open - 1), map->key_size(), "key"));
  std::string given = text.substr(close + 2);
  if (const u32 type = map->type(); type == BPF_MAP_TYPE_SOCKMAP || type == BPF_MAP_TYPE_SOCKHASH ||
                                    type == BPF_MAP_TYPE_REUSEPORT_SOCKARRAY)
    if (auto opened = socket_for(given, type == BPF_MAP_TYPE_REUSEPORT_SOCKARRAY)) {
      if (!opened->ok())
        return Error{opened->error().code, "--map-set \"" + text + "\": " + opened->error().message};
      given = std::to_string(**opened);
    }
  std::shared_ptr<maps::ProgObject> program;
  Bytes value;
  if (const std::string wanted = program_in_element(text); !wanted.empty() && takes_program(map->type())) {
    program = object.program(wanted);
    if (!program) return Error{ENOENT, "--map-set: the object has no program '" + wanted + "'"};
    given.resize(given.find('/'));
    const bool alone = map->type() == BPF_MAP_TYPE_PROG_ARRAY;
    if (!alone && map->value_size() != 8)
      return Error{EINVAL, "--map-set: the values of map '" + name + "' have no room for a program"};
    if (alone != given.empty())
      return Error{EINVAL, "--map-set \"" + text + "\": expected " + (alone ? "/PROGRAM" : "NUMBER/PROGRAM")};
    if (!alone) {
      OSMIA_ASSIGN(value, bytes_of(given, 4, "value"));
    }
    value.resize(value.size() + 4);
    store_unaligned<s32>(&value[value.size() - 4], kNamed);
  } else {
    OSMIA_ASSIGN(value, bytes_of(given, map->value_size(), "value"));
  }
  if (map->info().def->traits & contract::kMapPercpu) {  // every CPU gets it
    value.resize(align_up(value.size(), 8));
    Bytes all;
    while (all.size() < map->user_value_size()) all.insert(all.end(), value.begin(), value.end());
    value = std::move(all);
  }
  OneProgram descriptors(program);
  const maps::WriteGuard guard(*map);
  if (const int err = map->update_user(key.data(), value.data(), 0, descriptors))
    return Error{-err, fmt::format("--map-set \"{}\": {}", text, std::strerror(-err))};
  return Ok{};
}

}  // namespace osmia::cli
