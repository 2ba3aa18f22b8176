// The batch commands. Hash maps go bucket by bucket (the opaque position is a bucket number), others key by
// key (the position is a key), as Linux's do.
#include "syscall/call.h"

namespace osmia::syscall {
namespace {

using maps::Map;

class NoFds final : public maps::Descriptors {
 public:
  Result<maps::MapPtr> map(int fd) override {
    int err;
    if (auto m = get_map(fd, &err)) return m;
    return Error{-err, "not a map"};
  }
  Result<std::shared_ptr<maps::ProgObject>> prog(int) override { return Error{EINVAL, "not a program"}; }
};

constexpr size_t kCount = offsetof(union bpf_attr, batch.count);

long by_bucket(Call& c, Map& m, bool take) {
  const auto& b = c.attr.batch;
  if (b.flags) return fail(EINVAL, "batch flags");
  if (!b.count) return 0;
  if (c.put(kCount, u32{0})) return -EFAULT;
  u32 bucket = 0;
  if (b.in_batch && copy_from_user(&bucket, b.in_batch, sizeof bucket)) return -EFAULT;
  const u32 ks = m.key_size(), vs = m.user_value_size();
  u32 total = 0;
  long err = 0;
  bool started = false;
  for (;;) {
    std::vector<u8> got;
    err = m.bucket_batch(bucket, b.count - total, take, b.elem_flags, got);
    if (err == -ENOENT && !started) return -ENOENT;
    started = true;
    if (err == -ENOSPC && total) {
      err = 0;
      break;
    }
    if (err) break;
    for (size_t at = 0; at < got.size(); at += ks + vs, total++)
      if (copy_to_user(b.keys + u64{total} * ks, &got[at], ks) ||
          copy_to_user(b.values + u64{total} * vs, &got[at + ks], vs))
        return -EFAULT;
    bucket++;
    std::vector<u8> probe;
    if (m.bucket_batch(bucket, 0, false, 0, probe) == -ENOENT) {
      err = -ENOENT;
      break;
    }
  }
  if (copy_to_user(b.out_batch, &bucket, sizeof bucket) || c.put(kCount, total)) return -EFAULT;
  return err;
}

long lookup_by_key(Call& c, Map& m) {
  const auto& b = c.attr.batch;
  if (!b.count) return 0;
  if (c.put(kCount, u32{0})) return -EFAULT;
  const u32 ks = m.key_size(), vs = m.user_value_size();
  std::vector<u8> prev(ks), key(ks), value(vs);
  bool have_prev = b.in_batch;
  if (have_prev && copy_from_user(prev.data(), b.in_batch, ks)) return -EFAULT;
  u32 done = 0;
  long err = 0;
  while (done < b.count) {
    err = m.next_key(have_prev ? prev.data() : nullptr, key.data());
    if (err) break;
    err = m.lookup_user(key.data(), value.data(), b.elem_flags);
    if (err && err != -ENOENT) return err;
    if (!err) {
      if (copy_to_user(b.keys + u64{done} * ks, key.data(), ks) ||
          copy_to_user(b.values + u64{done} * vs, value.data(), vs))
        return -EFAULT;
      done++;
    }
    have_prev = true;
    prev.swap(key);
  }
  if (c.put(kCount, done) || (done && copy_to_user(b.out_batch, prev.data(), ks))) return -EFAULT;
  return err;
}

long write_by_key(Call& c, Map& m, bool update) {
  const auto& b = c.attr.batch;
  if (!b.count) return 0;
  if (c.put(kCount, u32{0})) return -EFAULT;
  const u32 ks = m.key_size(), vs = m.user_value_size();
  std::vector<u8> key(ks), value(vs);
  NoFds fds;
  u32 done = 0;
  long err = 0;
  for (; done < b.count; done++) {
    err = -EFAULT;
    if (copy_from_user(key.data(), b.keys + u64{done} * ks, ks)) break;
    if (update && copy_from_user(value.data(), b.values + u64{done} * vs, vs)) break;
    err = update ? m.update_user(key.data(), value.data(), b.elem_flags, fds) : m.erase_user(key.data());
    if (err) break;
  }
  if (c.put(kCount, done)) err = -EFAULT;
  return err;
}

}  // namespace

long map_batch(Call& c) {
  OSMIA_CHECK_ATTR(c, batch.flags);
  const bool read = c.cmd == BPF_MAP_LOOKUP_BATCH || c.cmd == BPF_MAP_LOOKUP_AND_DELETE_BATCH;
  const bool write = c.cmd != BPF_MAP_LOOKUP_BATCH;
  int e;
  Fd entry;
  auto m = get_map(static_cast<int>(c.attr.batch.map_fd), &e, &entry);
  if (!m) return fail(-e, "map_fd is not a map");
  if (m->info().frozen) entry.writable = false;
  if ((read && !entry.readable) || (write && !entry.writable))
    return fail(EPERM, "the descriptor or a frozen map does not allow this");
  if (user_process() && names_files(m->type()))
    return fail(EOPNOTSUPP, "not supported yet: a forked process's files in such a map");
  if (write) m->write_begin();
  const std::unique_ptr<Map, void (*)(Map*)> guard(write ? m.get() : nullptr, [](Map* p) { p->write_end(); });
  const u8 can = m->batches();
  const bool buckets = can & Map::kBucketBatch;
  const bool supported = c.cmd == BPF_MAP_LOOKUP_BATCH ? can & (Map::kLookupBatch | Map::kBucketBatch)
                         : c.cmd == BPF_MAP_LOOKUP_AND_DELETE_BATCH ? buckets
                         : c.cmd == BPF_MAP_UPDATE_BATCH            ? can & Map::kUpdateBatch
                                                                    : can & Map::kDeleteBatch;
  if (!supported) return fail(maps::kNotSupp, "this map type has no such batch command");
  const u64 flags = c.attr.batch.elem_flags;
  if (flags & ~u64{BPF_F_LOCK} ||
      (flags & BPF_F_LOCK && !(m->record() && m->record()->has(btf::kFieldSpinLock))))
    return fail(EINVAL, "elem_flags");
  switch (c.cmd) {
    case BPF_MAP_LOOKUP_BATCH: return buckets ? by_bucket(c, *m, false) : lookup_by_key(c, *m);
    case BPF_MAP_LOOKUP_AND_DELETE_BATCH: return by_bucket(c, *m, true);
    case BPF_MAP_UPDATE_BATCH: return write_by_key(c, *m, true);
    default: return write_by_key(c, *m, false);
  }
}

}  // namespace osmia::syscall
