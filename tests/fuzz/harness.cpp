// Plain bpf(2) calls; nothing here knows which side it talks to.
#include "harness.h"

#include <algorithm>
#include <cstring>

#include "isa/disasm.h"

namespace osmia::fuzz {
namespace {

union bpf_attr blank() {
  union bpf_attr a;
  std::memset(&a, 0, sizeof a);
  return a;
}
u64 ptr(const void* p) {
  return reinterpret_cast<u64>(p);
}
constexpr u32 kMapHash = 1, kDeterministicMaps = 3;

}  // namespace

Target::~Target() {
  for (int fd : maps_) close_(fd);
}

bool Target::usable() {
  if (!maps_.empty()) return true;
  for (const MapSpec& m : generator_maps()) {
    auto a = blank();
    a.map_type = m.type, a.key_size = m.key_size, a.value_size = m.value_size, a.max_entries = m.max_entries;
    const long fd = bpf_(BPF_MAP_CREATE, a);
    if (fd < 0) return false;
    maps_.push_back(static_cast<int>(fd));
    if (map_object) objects_.push_back(map_object(maps_.back()));
  }
  return true;
}

long Target::load(const Program& program, u32 prog_type, std::string* log) {
  if (!usable()) return -EPERM;
  long btf = -1;
  std::vector<bpf_func_info> functions;
  auto a = blank();
  if (program.functions.size() > 1) {
    const std::vector<u8> bytes = functions_btf(program);
    a.btf = ptr(bytes.data()), a.btf_size = static_cast<u32>(bytes.size());
    btf = bpf_(BPF_BTF_LOAD, a);
    if (btf < 0) return btf;
    for (u32 i = 0; i < program.functions.size(); i++)
      functions.push_back({program.functions[i].start, function_type(i)});
  }
  a = blank();
  a.prog_type = prog_type;
  a.insns = ptr(program.insns.data()), a.insn_cnt = static_cast<u32>(program.insns.size());
  a.license = ptr("GPL");
  a.fd_array = ptr(maps_.data());
  std::memcpy(a.prog_name, "random", 7);
  if (btf >= 0) {
    a.prog_btf_fd = static_cast<u32>(btf);
    a.func_info = ptr(functions.data()), a.func_info_cnt = static_cast<u32>(functions.size());
    a.func_info_rec_size = sizeof(bpf_func_info);
  }
  std::vector<char> text;
  if (log) {
    text.resize(1 << 22);
    a.log_buf = ptr(text.data()), a.log_size = static_cast<u32>(text.size()), a.log_level = 2;
  }
  const long fd = bpf_(BPF_PROG_LOAD, a);
  if (btf >= 0) close_(btf);
  if (log) *log = text.data();
  return fd;
}

std::vector<u64> Target::keys(u32 map) {
  std::vector<u64> out;
  u64 key = 0, next = 0;
  for (bool first = true; out.size() < 64; first = false) {
    if (!objects_.empty()) {
      if (objects_[map]->next_key(first ? nullptr : &key, &next) < 0) break;
    } else {
      auto a = blank();
      a.map_fd = static_cast<u32>(maps_[map]), a.key = first ? 0 : ptr(&key), a.next_key = ptr(&next);
      if (bpf_(BPF_MAP_GET_NEXT_KEY, a) < 0) break;
    }
    out.push_back(key = next);
  }
  std::sort(out.begin(), out.end());
  return out;
}

void Target::update(u32 map, u64 key, const void* value) {
  if (!objects_.empty()) {
    objects_[map]->update(&key, value, 0);
    return;
  }
  auto a = blank();
  a.map_fd = static_cast<u32>(maps_[map]), a.key = ptr(&key), a.value = ptr(value);
  bpf_(BPF_MAP_UPDATE_ELEM, a);
}

void Target::erase(u32 map, u64 key) {
  if (!objects_.empty()) {
    objects_[map]->erase(&key);
    return;
  }
  auto a = blank();
  a.map_fd = static_cast<u32>(maps_[map]), a.key = ptr(&key);
  bpf_(BPF_MAP_DELETE_ELEM, a);
}

void Target::lookup(u32 map, u64 key, void* value) {
  if (!objects_.empty()) {
    objects_[map]->lookup_user(&key, value, 0);
    return;
  }
  auto a = blank();
  a.map_fd = static_cast<u32>(maps_[map]), a.key = ptr(&key), a.value = ptr(value);
  bpf_(BPF_MAP_LOOKUP_ELEM, a);
}

void Target::fill_maps(u64 seed) {
  if (!usable()) return;
  Choices c(seed);
  for (u32 m = 0; m < kDeterministicMaps; m++) {
    const MapSpec& spec = generator_maps()[m];
    if (spec.type == kMapHash)
      for (u64 key : keys(m)) erase(m, key);
    for (u64 key = 0; key < spec.max_entries; key++) {
      std::vector<u8> value(spec.value_size);
      for (u8& v : value) v = c.chance(30) ? 0 : static_cast<u8>(c.bits(1));
      if (spec.type == kMapHash && (key > 4 || c.chance(40))) continue;
      update(m, key, value.data());
    }
  }
}

std::vector<u8> Target::map_contents() {
  std::vector<u8> out;
  for (u32 m = 0; m < kDeterministicMaps; m++)
    for (u64 key : keys(m)) {
      std::vector<u8> value(generator_maps()[m].value_size);
      lookup(m, key, value.data());
      const u8* k = reinterpret_cast<const u8*>(&key);
      out.insert(out.end(), k, k + 8);
      out.insert(out.end(), value.begin(), value.end());
    }
  return out;
}

Outcome Target::run(long fd, u32 prog_type, const Input& input) {
  if (uses_maps) fill_maps(input.map_seed);
  Outcome out;
  auto a = blank();
  a.test.prog_fd = static_cast<u32>(fd);
  std::vector<u8> ctx = input.ctx;
  const bool packet = prog_type != BPF_PROG_TYPE_RAW_TRACEPOINT;
  if (packet) {
    out.data.resize(4096);
    a.test.data_in = ptr(input.data.data()), a.test.data_size_in = static_cast<u32>(input.data.size());
    a.test.data_out = ptr(out.data.data()), a.test.data_size_out = static_cast<u32>(out.data.size());
  }
  if (!ctx.empty()) a.test.ctx_in = ptr(ctx.data()), a.test.ctx_size_in = static_cast<u32>(ctx.size());
  if (packet && wants_ctx) {
    out.ctx.resize(256);
    a.test.ctx_out = ptr(out.ctx.data()), a.test.ctx_size_out = static_cast<u32>(out.ctx.size());
  }
  out.result = bpf_(BPF_PROG_TEST_RUN, a);
  out.retval = a.test.retval;
  out.data.resize(packet && out.result == 0 ? a.test.data_size_out : 0);
  out.ctx.resize(!out.ctx.empty() && out.result == 0 ? a.test.ctx_size_out : 0);
  if (uses_maps) out.maps = map_contents();
  return out;
}

Input random_input(Choices& c, u32 prog_type) {
  Input in;
  in.map_seed = c.bits(8);
  if (prog_type == BPF_PROG_TYPE_RAW_TRACEPOINT) {
    in.ctx.resize(96);
    for (u8& v : in.ctx) v = c.chance(40) ? 0 : static_cast<u8>(c.bits(1));
    return in;
  }
  in.data.resize(c.chance(50) ? 14 + c.below(60) : 14 + c.below(300));
  for (u8& v : in.data) v = c.chance(30) ? 0 : static_cast<u8>(c.bits(1));
  in.data[12] = in.data[13] = 0x88;  // no IP: test runs read nothing into it
  if (prog_type == BPF_PROG_TYPE_SCHED_CLS && c.chance(60)) {
    __sk_buff s{};
    s.mark = static_cast<u32>(c.bits(4));
    s.priority = static_cast<u32>(c.bits(4));
    for (u32& v : s.cb) v = c.chance(50) ? c.below(70) : static_cast<u32>(c.bits(4));
    in.ctx.resize(sizeof s);
    std::memcpy(in.ctx.data(), &s, sizeof s);
  }
  return in;
}

bool uses_maps(const Program& program) {
  return std::any_of(program.insns.begin(), program.insns.end(), [](const isa::Insn& in) {
    return isa::is_ld_imm64(in) && (in.src == isa::kPseudoMapIdx || in.src == isa::kPseudoMapIdxValue);
  });
}

std::string listing(const Program& program) {
  return isa::disasm_program(program.insns, isa::source_options());
}

}  // namespace osmia::fuzz
