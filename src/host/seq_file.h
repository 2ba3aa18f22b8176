// The kernel's sequential file as programs see it: struct seq_file over a buffer of fixed size that they
// print into. Invariant: count never passes size; count == size means that something did not fit, and what
// was there before it stays. One thread at a time uses a file, and while it runs a program the file is that
// thread's current one: a program's pointer means that file or none.
#pragma once
#include <memory>

#include "base/result.h"
#include "host/kernel_struct.h"

namespace osmia::host {

class SeqFile {
 public:
  static constexpr u64 kBufferBytes = 8 * 4096;  // an iterator's, fixed

  // Errors: EOPNOTSUPP if the types have no struct seq_file.
  static Result<std::unique_ptr<SeqFile>> make(const btf::Btf& types);

  u64 address() const { return memory_.address(); }
  const u8* data() const { return buffer_.get(); }
  u64 count() const { return *count_; }
  void set_count(u64 n) { *count_ = n; }
  bool overflowed() const { return *count_ == kBufferBytes; }
  // Appends all of it, or nothing and overflowed(): the last byte of the buffer is never filled.
  bool write(const void* from, u64 n);
  // Position of the reader, which programs may look at.
  void set_from(u64 n) { *from_ = n; }
  u64 from() const { return *from_; }
  u64& index() { return *index_; }

  // The file at an address that the running program gives, or null.
  static SeqFile* current(u64 address);

  // Makes the file the thread's current one while it lives.
  class Use {
   public:
    explicit Use(SeqFile& file);
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

   private:
    SeqFile* outer_;
  };

 private:
  explicit SeqFile(KernelStruct memory) : memory_(std::move(memory)) {}

  KernelStruct memory_;
  std::unique_ptr<u8[]> buffer_;
  u64 unseen_[3] = {};  // for fields that the types do not have
  u64 *count_ = nullptr, *from_ = nullptr, *index_ = nullptr;
};

}  // namespace osmia::host
