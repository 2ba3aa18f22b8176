// Programs in text, verified as one of the built-in program types: over maps of the caller's, or (run()) with
// a hash, a ring buffer and a program array.
#pragma once
#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "btf/btf.h"
#include "isa/asm.h"
#include "runtime/catalog.h"
#include "verifier/verify.h"

namespace osmia::verifier {

class TextLog : public LogSink {
 public:
  void write(std::string_view t) override { text += t; }
  u64 end_pos() const override { return text.size(); }
  void reset(u64 pos) override { text.resize(pos); }
  std::string text;
};

class NoObjects : public Resolver {
 public:
  const MapInfo* map_by_fd(int fd) override { return fd >= 0 && fd < 4 ? maps[fd] : nullptr; }
  std::shared_ptr<const btf::Btf> btf_by_fd(int) override { return nullptr; }
  const MapInfo* maps[4] = {};
};

// int main(void), global; static int cb(void).
inline btf::BtfPtr two_functions() {
  const std::string names("\0int\0main\0cb\0", 13);
  const u32 kind = 1u << 24;
  const std::vector<u32> types = {1,  1 * kind,      4, 1u << 24 | 32,  // 1: INT, signed, 32 bits
                                  0,  13 * kind,     1,                 // 2: FUNC_PROTO returning 1
                                  5,  12 * kind | 1, 2,                 // 3: FUNC main, global
                                  10, 12 * kind,     2};                // 4: FUNC cb, static
  const u32 type_len = static_cast<u32>(types.size() * 4);
  std::vector<u32> head = {0x0001eb9f, 24, 0, type_len, type_len, static_cast<u32>(names.size())};
  std::vector<u8> bytes(24 + type_len + names.size());
  std::memcpy(bytes.data(), head.data(), 24);
  std::memcpy(bytes.data() + 24, types.data(), type_len);
  std::memcpy(bytes.data() + 24 + type_len, names.data(), names.size());
  auto btf = btf::Btf::parse(bytes);
  EXPECT_TRUE(btf.ok()) << btf.error().message;
  return *btf;
}

struct Outcome {
  Verdict verdict;
  std::string log;
  Facts facts;
};

inline const contract::Catalog& catalog() {
  static const auto one = runtime::build_catalog();
  return *one;
}

// fill: what else the program has (may be null).
inline Outcome verify_text(std::string_view text, std::string_view type, Resolver& objects,
                           const Options& options, const std::function<void(Program&)>& fill = {}) {
  isa::AsmOptions names;
  names.helper_id = [&](std::string_view n) -> std::optional<s32> {
    for (const auto* h : catalog().helpers)
      if (h->name == n) return static_cast<s32>(h->id);
    return std::nullopt;
  };
  Outcome out;
  auto insns = isa::assemble(text, names);
  if (!insns.ok()) {
    ADD_FAILURE() << insns.error().message;
    return out;
  }
  Program p;
  p.type = catalog().prog_type(type)->type;
  p.gpl_compatible = true;
  p.insns = *insns;
  if (fill) fill(p);
  TextLog log;
  out.verdict = verify(p, catalog(), objects, options, &log, &out.facts);
  out.log = std::move(log.text);
  return out;
}

// fd 1: hash (key 8, value 48); fd 2: ring buffer; fd 3: program array.
inline Outcome run(std::string_view text, const char* type = "xdp", u32 caps = ~0u, u32 log_level = 2,
                   u32 callback_at = 0, bool save_every_state = false) {
  static MapInfo hash, ring, progs;
  const auto fill = [](MapInfo& m, const char* name, u32 key, u32 value, u32 entries) {
    for (const auto* d : catalog().maps)
      if (d->name == name) m.def = d, m.type = d->type;
    m.key_size = key, m.value_size = value, m.max_entries = entries, m.name = name;
  };
  fill(hash, "hash", 8, 48, 8);
  hash.type = 1;
  fill(ring, "ringbuf", 0, 0, 4096);
  ring.type = 27;
  fill(progs, "prog_array", 4, 4, 4);
  progs.type = 3;
  NoObjects objects;
  objects.maps[1] = &hash, objects.maps[2] = &ring, objects.maps[3] = &progs;
  Options o;
  o.caps = caps;
  o.log_level = log_level;
  o.test_state_freq = save_every_state;
  return verify_text(text, type, objects, o, [callback_at](Program& p) {
    if (!callback_at) return;
    p.btf = two_functions();
    p.func_info = {{0, 3}, {callback_at, 4}};
  });
}

#define EXPECT_ACCEPT(o) EXPECT_TRUE((o).verdict.accepted) << (o).log << (o).verdict.message
#define EXPECT_REJECT(o, code, what)                                    \
  EXPECT_FALSE((o).verdict.accepted) << (o).log;                        \
  EXPECT_EQ((o).verdict.error, code) << (o).log << (o).verdict.message; \
  EXPECT_NE((o).log.find(what), std::string::npos) << (o).log

inline constexpr const char* kLookup = R"(
  r1 = 0
  *(u64 *)(r10 -8) = r1
  r2 = r10
  r2 += -8
  r1 = map[fd:1]
  call bpf_map_lookup_elem#1
)";

}  // namespace osmia::verifier
