// A ring of the user's buffer size, indexed by log position; only finish() writes to the user.
#include "syscall/log_buffer.h"

#include <linux/bpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "syscall/uaccess.h"

namespace osmia::syscall {
namespace {
constexpr u32 kLevelMask = 1 | 2 | 4 | 8;
constexpr u32 kFixed = 8;
constexpr u64 kPiece = 1023;  // Linux formats one message into 1024 bytes
}  // namespace

int LogBuffer::init(u32 level, u64 user_buffer, u32 size) {
  level_ = level, user_ = user_buffer, size_ = size;
  if (!user_ != !size_ || (user_ && !level_) || level_ & ~kLevelMask || size_ > 0xffffffffu >> 2)
    return -EINVAL;
  return 0;
}

void LogBuffer::write(std::string_view text) {
  if (!level_) return;
  do {
    write_piece(text.substr(0, kPiece));
    text.remove_prefix(std::min<size_t>(text.size(), kPiece));
  } while (!text.empty());
}

void LogBuffer::write_piece(std::string_view text) {
  touched_ = true;
  const u64 with_nul = end_ + text.size() + 1;
  max_ = std::max(max_, std::min<u64>(with_nul, 0xffffffffu));
  if (level_ & kFixed) {
    if (user_ && end_ < size_) {
      kept_.resize(end_);
      kept_.append(text.substr(0, size_ - end_ - 1));
    }
  } else {
    if (with_nul - start_ >= size_) start_ = with_nul - size_;
    if (user_) {
      const u64 skip = text.size() > size_ ? text.size() - size_ : 0;
      for (u64 i = skip; i < text.size();) {
        const u64 at = (end_ + i) % size_, n = std::min<u64>(text.size() - i, size_ - at);
        if (kept_.size() < at + n) kept_.resize(at + n);
        std::memcpy(&kept_[at], text.data() + i, n);
        i += n;
      }
    }
  }
  end_ += text.size();
}

void LogBuffer::reset(u64 new_end) {
  if (!level_ || new_end > end_) return;
  touched_ = true;
  end_ = new_end;
  if (end_ < start_) start_ = end_;
  if (level_ & kFixed && kept_.size() > end_) kept_.resize(end_);
}

int LogBuffer::finish(u32& true_size) {
  true_size = 0;
  if (!level_) return 0;
  true_size = static_cast<u32>(max_);
  if (!user_ || !touched_) return 0;
  std::string out;
  if (level_ & kFixed) {
    out = kept_;
  } else {
    const u64 n = end_ - start_;
    out.reserve(n + 1);
    for (u64 p = start_; p < end_;) {
      const u64 at = p % size_, len = std::min<u64>(end_ - p, size_ - at);
      out.append(kept_, at, len);
      p += len;
    }
  }
  out.push_back('\0');
  if (out.size() > size_) out.resize(size_), out.back() = '\0';
  if (copy_to_user(user_, out.data(), out.size())) return -EFAULT;
  return max_ > size_ ? -ENOSPC : 0;
}

}  // namespace osmia::syscall
