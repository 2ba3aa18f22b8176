// The log of BTF_LOAD and PROG_LOAD with Linux's semantics: by default the buffer keeps the end of the log
// (rolling), with BPF_LOG_FIXED its beginning. Memory is bounded by what the user's buffer holds, however
// long the log grows.
#pragma once
#include <string>
#include <string_view>

#include "verifier/verify.h"

namespace osmia::syscall {

class LogBuffer final : public verifier::LogSink {
 public:
  // -EINVAL for attributes that make no sense together (bpf_verifier_log_attr_valid).
  int init(u32 level, u64 user_buffer, u32 size);
  u32 level() const { return level_; }
  bool wanted() const { return level_ != 0; }

  void write(std::string_view text) override;
  u64 end_pos() const override { return end_; }
  void reset(u64 new_end_pos) override;

  // Hands the log to the user. true_size: bytes that a buffer must have to hold all of it, with the final NUL
  // (0: no log). 0, -ENOSPC (the log was cut), -EFAULT.
  int finish(u32& true_size);

 private:
  void write_piece(std::string_view text);
  u32 level_ = 0, size_ = 0;
  u64 user_ = 0;
  u64 start_ = 0, end_ = 0, max_ = 0;  // [start_, end_) is what a rolling buffer holds
  bool touched_ = false;
  std::string kept_;  // rolling: ring of size_ bytes indexed by position; fixed: the beginning
};

}  // namespace osmia::syscall
