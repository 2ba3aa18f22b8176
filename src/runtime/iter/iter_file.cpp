// One object after the other goes through the file's buffer. What the reader does not take at once waits
// there; only when it is empty does the program run again.
#include "runtime/iter/iter_file.h"

#include <algorithm>
#include <atomic>
#include <cerrno>

#include "host/packet.h"
#include "host/run_context.h"

namespace osmia::runtime {
namespace {

constexpr u32 kMaxObjects = 1000000;  // of one read

std::atomic<u64> g_sessions{0};

// struct bpf_iter_meta, and behind it the target's own arguments.
struct Meta {
  u64 seq, session_id, seq_num;
};

}  // namespace

IterFile::IterFile(ProgramPtr program, std::unique_ptr<host::SeqFile> seq, std::unique_ptr<IterWalk> walk)
    : program_(std::move(program)),
      seq_(std::move(seq)),
      walk_(std::move(walk)),
      session_(g_sessions.fetch_add(1) + 1) {}

Result<std::shared_ptr<IterFile>> IterFile::open(Kernel& kernel, ProgramPtr program, const IterTarget& target,
                                                 const IterScope& scope) {
  if (!program->executable)
    return Error{EOPNOTSUPP, program->not_executable.empty() ? "not supported yet: nothing here runs programs"
                                                             : program->not_executable};
  if (!target.open)
    return Error{EOPNOTSUPP,
                 "not supported: iter/" + std::string(target.name) + ": " + std::string(target.why)};
  const btf::BtfPtr& types = program->kernel_types;
  if (!types) return Error{EOPNOTSUPP, "iterators need the kernel's BTF"};
  OSMIA_ASSIGN(auto seq, host::SeqFile::make(*types));
  OSMIA_ASSIGN(auto walk, target.open(kernel, types, scope));
  return std::shared_ptr<IterFile>(new IterFile(std::move(program), std::move(seq), std::move(walk)));
}

u64 IterFile::run(const u64 (&args)[3]) {
  Meta meta{seq_->address(), session_, seq_num_};
  u64 context[4] = {reinterpret_cast<u64>(&meta), args[0], args[1], args[2]};
  const host::RunScope scope(static_cast<const maps::ProgObject*>(program_.get()), context);
  const host::SeqFile::Use use(*seq_);
  const host::SkBuffView view = host::t_sk_buff;  // a program may make one of its own
  const u64 result = program_->executable->run(context);
  host::t_sk_buff = view;
  return result;
}

int IterFile::show() {
  if (walk_->is_head()) return 1;
  u64 args[3] = {};
  if (!walk_->arguments(args)) return 1;
  return walk_->shown(run(args));
}

void IterFile::run_end() {
  if (end_shown_ || !walk_->runs_at_end()) return;
  u64 args[3] = {};
  walk_->at_end(args);
  run(args);
}

int IterFile::fill(u64 size) {
  seq_->set_from(0);
  seq_->set_count(0);
  int at = walk_->start(seq_->index());
  if (at < 0) {
    walk_->stop(false);
    return at;
  }
  // Whether what the last object printed counts. true: reading pauses before it.
  const auto show_one = [&](int& err) {
    const u64 before = seq_->count();
    err = show();
    if (err > 0) {  // the next object gets its number
      seq_num_--;
      seq_->set_count(before);
      err = 0;
      return false;
    }
    if (!err && !seq_->overflowed()) return false;
    if (!err) err = -E2BIG;
    seq_->set_count(before);
    if (before) err = 0;
    return true;
  };
  for (u32 seen = 0; at > 0; seen++) {
    // The first object is shown whatever the reader asks for; so is progress made.
    if (seen) {
      seq_num_++;
      if (seq_->count() >= size) break;
      if (seen >= kMaxObjects) {
        if (seq_->count()) break;
        walk_->stop(false);
        return -EAGAIN;
      }
    }
    int err = 0;
    if (show_one(err)) {
      if (!err) break;
      walk_->stop(false);
      return err;
    }
    at = walk_->next(seq_->index());
  }
  const u64 before = seq_->count();
  walk_->stop(at <= 0);
  if (at < 0) return before ? 0 : at;
  if (at > 0) return 0;
  run_end();
  if (!seq_->overflowed()) {
    end_shown_ = true;
    return 0;
  }
  seq_->set_count(before);
  return before ? 0 : -E2BIG;
}

s64 IterFile::give(u64 size, u64 from, maps::FnRef<int(const u8*, u64)> copy) {
  const u64 n = std::min(seq_->count(), size);
  if (n)
    if (const int err = copy(seq_->data() + from, n)) return err;
  seq_->set_count(seq_->count() - n);
  seq_->set_from(from + n);
  return static_cast<s64>(n);
}

s64 IterFile::read(u64 size, maps::FnRef<int(const u8* from, u64 n)> copy) {
  std::lock_guard lock(mutex_);
  if (seq_->count()) return give(size, seq_->from(), copy);
  if (const int err = fill(size)) {
    seq_->set_count(0);
    return err;
  }
  return give(size, 0, copy);
}

s64 IterFile::read_all(std::string& out) {
  for (;;) {
    const s64 n = read(host::SeqFile::kBufferBytes, [&](const u8* from, u64 bytes) {
      out.append(reinterpret_cast<const char*>(from), bytes);
      return 0;
    });
    if (n <= 0) return n;
  }
}

}  // namespace osmia::runtime
