// Memory of a known size (ring-buffer records, dynptr slices, global functions' arguments, map keys), and the
// buffers of iterators and writable tracepoints, whose size is checked when the program is attached.
#include "verifier/access/region.h"
#include "verifier/domain/print.h"

namespace osmia::verifier {
namespace {

constexpr u64 kFlowKeysSize = 56;  // sizeof(struct bpf_flow_keys), UAPI

void check_one_offset(Env& env, u32 regno, s64 wide_off, s32 size, u32 mem_size, bool zero_ok,
                      const char* which) {
  const s32 off = static_cast<s32>(wide_off);
  const bool size_ok = size > 0 || (size == 0 && zero_ok);
  if (off >= 0 && size_ok && static_cast<u64>(off) + size <= mem_size) return;
  const RegState& r = env.reg(regno);
  if (is_exactly(r.type, RegBase::kMapKey)) {
    say(env, "invalid access to map key, key_size={} off={} size={}", static_cast<s32>(mem_size), off, size);
  } else if (is_exactly(r.type, RegBase::kMapValue)) {
    say(env, "invalid access to map value, value_size={} off={} size={}", static_cast<s32>(mem_size), off,
        size);
  } else {
    say(env, "invalid access to memory, mem_size={} off={} size={}", mem_size, off, size);
  }
  env.reject(EACCES, "R{} {} value is outside of the allowed memory range", regno, which);
}

}  // namespace

void check_mem_region(Env& env, u32 regno, s32 off, s32 size, u32 mem_size, bool zero_size_allowed) {
  const RegState& r = env.reg(regno);
  const s64 smin = r.s.smin;
  // Both ends of the variable part are tried; a floor below zero (or one that overflows) has no proof.
  if (smin < 0) {
    const s64 sum = static_cast<s64>(static_cast<u64>(smin) + static_cast<u64>(static_cast<s64>(off)));
    if (smin == INT64_MIN || sum != static_cast<s32>(sum) || sum < 0)
      env.reject(EACCES, "R{} min value is negative, either use unsigned index or do a if (index >=0) check.",
                 regno);
  }
  check_one_offset(env, regno, static_cast<s64>(static_cast<u64>(smin) + static_cast<u64>(s64{off})), size,
                   mem_size, zero_size_allowed, "min");
  if (r.s.umax >= static_cast<u64>(kMaxVarOff))
    env.reject(EACCES, "R{} unbounded memory access, make sure to bounds check any such access", regno);
  check_one_offset(env, regno, static_cast<s64>(r.s.umax) + off, size, mem_size, zero_size_allowed, "max");
}

void check_buffer(Env& env, std::string_view what, u32 regno, s32 off, s32 size) {
  const RegState& r = env.reg(regno);
  if (off < 0) env.reject(EACCES, "R{} invalid {} buffer access: off={}, size={}", regno, what, off, size);
  if (!r.s.is_const() || r.s.var_off.value)
    env.reject(EACCES, "R{} invalid variable buffer offset: off={}, var_off={}", regno, off,
               tnum_strn(r.s.var_off));
}

void check_iter_buffer(Env& env, u32 regno, s32 off, s32 size, bool read_only) {
  check_buffer(env, read_only ? "rdonly" : "rdwr", regno, off, size);
  const u32 end = static_cast<u32>(off) + static_cast<u32>(size);
  u32& most = read_only ? env.max_key_access : env.max_value_access;
  if (end > most) most = end;
}

void touch_map_key(Env& env, const Touch& t) {
  if (t.writes()) env.reject(EACCES, "write to change key R{} not allowed", t.regno);
  check_mem_region(env, t.regno, t.off, t.size, env.reg(t.regno).map->key_size, false);
  if (t.value_regno >= 0) mark_unknown(env, t.value_regno);
}

void touch_mem(Env& env, const Touch& t) {
  const RegType type = env.reg(t.regno).type;
  const bool read_only = type.has(contract::kRdOnly);
  if (type.maybe_null()) env.reject(EACCES, "R{} invalid mem access '{}'", t.regno, reg_type_name(env, type));
  if (t.writes() && read_only)
    env.reject(EACCES, "R{} cannot write into {}", t.regno, reg_type_name(env, type));
  if (stores_pointer(env, t)) env.reject(EACCES, "R{} leaks addr into mem", t.value_regno);
  check_mem_region(env, t.regno, t.off, t.size, env.reg(t.regno).mem_size, false);
  if (t.loads_reg()) mark_unknown(env, t.value_regno);
}

void touch_buf(Env& env, const Touch& t) {
  const RegType type = env.reg(t.regno).type;
  const bool read_only = type.has(contract::kRdOnly);
  if (read_only && t.writes())
    env.reject(EACCES, "R{} cannot write into {}", t.regno, reg_type_name(env, type));
  check_iter_buffer(env, t.regno, t.off, t.size, read_only);
  if (t.loads_reg()) mark_unknown(env, t.value_regno);
}

void touch_tp_buffer(Env& env, const Touch& t) {
  check_buffer(env, "tracepoint", t.regno, t.off, t.size);
  const u32 end = static_cast<u32>(t.off + t.size);
  if (end > env.max_tp_access) env.max_tp_access = end;
  if (t.loads_reg()) mark_unknown(env, t.value_regno);
}

void touch_flow_keys(Env& env, const Touch& t) {
  if (stores_pointer(env, t)) env.reject(EACCES, "R{} leaks addr into flow keys", t.value_regno);
  if (t.off < 0 || static_cast<u64>(t.off) + t.size > kFlowKeysSize)
    env.reject(EACCES, "invalid access to flow keys off={} size={}", t.off, t.size);
  if (t.loads_reg()) mark_unknown(env, t.value_regno);
}

}  // namespace osmia::verifier
