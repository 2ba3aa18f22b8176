// An iterator's open file: what BPF_ITER_CREATE gives, or opening a pinned iterator. The program runs on the
// thread that reads, as far as the reader's buffer asks for. Invariant: the bytes that come out do not
// depend on the sizes of the reads (as long as the objects stay the same). Source: Linux 6.12,
// bpf_seq_read() (behaviour only).
#pragma once
#include <memory>
#include <mutex>

#include "host/seq_file.h"
#include "maps/fn_ref.h"
#include "runtime/iter/iterator.h"

namespace osmia::runtime {

class IterFile {
 public:
  // Errors: EOPNOTSUPP, ENOMEM.
  static Result<std::shared_ptr<IterFile>> open(Kernel& kernel, ProgramPtr program, const IterTarget& target,
                                                const IterScope& scope);

  // read(2): up to `size` bytes through `copy` (0, or -EFAULT). Bytes; 0 at the end; or -E2BIG (one object's
  // output passes the buffer), -EAGAIN (the program asks for the same object again and nothing came before),
  // -EFAULT, or what the objects answer.
  s64 read(u64 size, maps::FnRef<int(const u8* from, u64 n)> copy);
  // All that is left. Errors: what read() would have answered; the text before it stays in `out`.
  s64 read_all(std::string& out);

  const Program& program() const { return *program_; }

 private:
  IterFile(ProgramPtr program, std::unique_ptr<host::SeqFile> seq, std::unique_ptr<IterWalk> walk);
  int show();      // 0, -EAGAIN; 1: skipped
  void run_end();  // the program without an object
  u64 run(const u64 (&args)[3]);
  s64 give(u64 size, u64 from, maps::FnRef<int(const u8*, u64)> copy);
  int fill(u64 size);  // runs until there is something to give. 0, or a negative errno

  const ProgramPtr program_;
  const std::unique_ptr<host::SeqFile> seq_;
  const std::unique_ptr<IterWalk> walk_;
  const u64 session_;
  std::mutex mutex_;
  u64 seq_num_ = 0;
  bool end_shown_ = false;
};

}  // namespace osmia::runtime
