// func_info and line_info of PROG_LOAD: record sizes, unknown tails and copying. What the records say is
// checked by the verifier, which knows the subprograms.
#include <algorithm>
#include <cstring>

#include "syscall/call.h"
#include "syscall/log_buffer.h"

namespace osmia::syscall {
namespace {

constexpr u32 kMaxRecord = 252;
constexpr u32 kMaxRecords = 1u << 24;  // far above what a million instructions can use

// Copies `count` records of `rec` bytes into fixed ones. Text is Linux's when a tail is not zero.
template <class T>
int read_records(Call& c, LogBuffer& log, u64 user, u32 rec, u32 count, size_t rec_size_field,
                 const char* tail_text, std::vector<T>& out) {
  const u32 known = sizeof(T), n = std::min<u32>(known, rec);
  if (count > kMaxRecords) return -ENOMEM;
  std::vector<u8> chunk;
  constexpr u32 kAtOnce = 256;
  for (u32 i = 0; i < count; i += kAtOnce) {
    const u32 some = std::min(kAtOnce, count - i);
    chunk.resize(u64{some} * rec);
    if (copy_from_user(chunk.data(), user + u64{i} * rec, chunk.size())) return -EFAULT;
    for (u32 k = 0; k < some; k++) {
      const u8* p = &chunk[u64{k} * rec];
      if (rec > known && std::any_of(p + known, p + rec, [](u8 b) { return b != 0; })) {
        log.write(tail_text);
        return c.put(rec_size_field, n) ? -EFAULT : -E2BIG;
      }
      T t{};
      std::memcpy(&t, p, n);
      out.push_back(t);
    }
  }
  return 0;
}

}  // namespace

int read_prog_debug_info(Call& c, LogBuffer& log, verifier::Program& desc) {
  const auto& a = c.attr;
  if (a.func_info_cnt) {
    const u32 rec = a.func_info_rec_size;
    if (rec < 8 || rec > kMaxRecord || rec % 4) {
      log.write("invalid func info rec size " + std::to_string(rec) + "\n");
      return -EINVAL;
    }
    if (const int e = read_records(c, log, a.func_info, rec, a.func_info_cnt,
                                   offsetof(union bpf_attr, func_info_rec_size),
                                   "nonzero tailing record in func info", desc.func_info))
      return e;
  }
  if (a.line_info_cnt) {
    const u32 rec = a.line_info_rec_size;
    if (a.line_info_cnt > 0x7fffffff / 16 || rec < 16 || rec > kMaxRecord || rec % 4) return -EINVAL;
    if (const int e = read_records(c, log, a.line_info, rec, a.line_info_cnt,
                                   offsetof(union bpf_attr, line_info_rec_size),
                                   "nonzero tailing record in line_info", desc.line_info))
      return e;
  }
  return 0;
}

}  // namespace osmia::syscall
