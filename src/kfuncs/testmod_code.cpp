// The kernel's test module: what its kfuncs do, where that needs no kernel object.
#include <cerrno>

#include "kfuncs/code.h"

namespace osmia::kfuncs::code {
namespace {

// struct bpf_iter_testmod_seq: one value, given a number of times.
struct Sequence {
  s64 value;
  s32 count;
};
Sequence& at(u64 it) {
  return *reinterpret_cast<Sequence*>(it);
}

}  // namespace

u64 testmod_seq_new(u64 it, u64 value, u64 count, u64, u64) {
  at(it).count = static_cast<s32>(count);
  if (at(it).count < 0) return static_cast<u64>(s64{-EINVAL});
  at(it).value = static_cast<s64>(value);
  return 0;
}
u64 testmod_seq_next(u64 it, u64, u64, u64, u64) {
  if (at(it).count <= 0) return 0;
  at(it).count--;
  return reinterpret_cast<u64>(&at(it).value);
}
u64 testmod_seq_value(u64 number, u64 it, u64, u64, u64) {
  if (at(it).count < 0) return 0;
  return static_cast<u64>(s64{static_cast<s32>(number)} + at(it).value);
}
u64 testmod_seq_destroy(u64 it, u64, u64, u64, u64) {
  at(it).count = 0;
  return 0;
}

}  // namespace osmia::kfuncs::code
