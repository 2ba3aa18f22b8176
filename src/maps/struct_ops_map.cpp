// The one element of a struct_ops map. Source: Linux 6.12, kernel/bpf/bpf_struct_ops.c (behaviour only): the
// order of the checks is that of its update, so that the errno is the same when several things are wrong.
#include <linux/bpf.h>

#include <algorithm>
#include <cstring>

#include "base/bits.h"
#include "maps/struct_ops.h"

namespace osmia::maps {
namespace {

using btf::Kind;

constexpr u32 kRefcnt = 0, kState = 4;  // of struct bpf_struct_ops_common_value, which the value begins with
constexpr u32 kCommonBytes = 8;

bool all_zero(const u8* p, size_t n) {
  return std::all_of(p, p + n, [](u8 b) { return b == 0; });
}

u32 key_of(const void* key) {
  return load_unaligned<u32>(key);
}

}  // namespace

StructOpsMap::StructOpsMap(const MapAttr& attr, StructOpsTypePtr type)
    : Map(attr), type_(std::move(type)), user_(attr.value_size), content_(std::make_shared<Content>()) {}

std::shared_ptr<const StructOpsMap::Content> StructOpsMap::content() const {
  std::lock_guard lock(content_mutex_);
  return content_;
}

// What was there may be the last to hold programs: it goes when the lock is free again.
void StructOpsMap::show(std::shared_ptr<const Content> content) {
  std::lock_guard lock(content_mutex_);
  content_.swap(content);
}

bool StructOpsMap::may_be_linked() const {
  return info_.map_flags & BPF_F_LINK && state_.load(std::memory_order_acquire) == kReady;
}

int StructOpsMap::lookup_user(const void* key, void* value, u64) {
  if (key_of(key)) return -ENOENT;
  u8* const out = static_cast<u8*>(value);
  const u32 state = state_.load(std::memory_order_acquire);
  if (state == kInit) {
    std::memset(out, 0, value_size());
    return 0;
  }
  std::lock_guard lock(mutex_);
  std::memcpy(out, user_.data(), value_size());
  store_unaligned<u32>(out + kState, state);
  const s64 held = holds_.load() + (state == kInUse);
  store_unaligned<u32>(out + kRefcnt, static_cast<u32>(std::max<s64>(held, 0)));
  return 0;
}

int StructOpsMap::next_key(const void* key, void* next) {
  if (key && key_of(key) == 0) return -ENOENT;
  store_unaligned<u32>(next, 0);
  return 0;
}

int StructOpsMap::check_holes(u32 struct_id, const u8* data) const {
  const btf::Btf& btf = *type_->btf;
  const btf::TypeView type = btf.type(struct_id);
  u64 end = 0;
  for (const btf::Member& m : type.members()) {
    const u64 start = m.bit_offset / 8;
    const auto size = btf.size_of(m.type);
    if (!size.ok()) return -EINVAL;
    if (start + *size > type.size()) return -EINVAL;
    if (start > end && !all_zero(data + end, start - end)) return -EINVAL;
    end = start + *size;
  }
  return type.size() > end && !all_zero(data + end, type.size() - end) ? -EINVAL : 0;
}

int StructOpsMap::update_user(const void* key, const void* value, u64 flags, Descriptors& fds) {
  if (flags) return -EINVAL;
  if (key_of(key)) return -E2BIG;
  const u8* const from = static_cast<const u8*>(value);
  const contract::StructOpsLayout& layout = type_->layout;
  if (const int err = check_holes(layout.value_id, from)) return err;
  if (const int err = check_holes(layout.type_id, from + layout.data_offset)) return err;
  if (!all_zero(from, kCommonBytes)) return -EINVAL;
  std::unique_lock lock(mutex_);
  if (state_.load() != kInit) return -EBUSY;
  std::memcpy(user_.data(), from, value_size());
  auto fresh = std::make_shared<Content>();
  int err = fill(*fresh, from + layout.data_offset, fds);
  if (!err) show(std::move(fresh));
  if (!err && type_->code.validate) err = type_->code.validate(*this);
  if (!err && info_.map_flags & BPF_F_LINK) {
    state_.store(kReady, std::memory_order_release);
    return 0;
  }
  if (!err) {
    // The subsystem may call the programs at once, and they may come back to maps: not under the lock. A
    // state that is not kInit keeps everybody else away.
    state_.store(kToBeFree);
    lock.unlock();
    err = type_->enroll(self());
    lock.lock();
    if (!err) {
      state_.store(kInUse, std::memory_order_release);
      return 0;
    }
  }
  show(std::make_shared<Content>());
  std::fill(user_.begin(), user_.end(), 0);
  state_.store(kInit, std::memory_order_release);
  return err;
}

int StructOpsMap::fill(Content& out, const u8* data, Descriptors& fds) {
  const btf::TypeView type = type_->btf->type(type_->layout.type_id);
  const auto members = type.members();
  out.bytes.resize(type.size());
  for (u32 i = 0; i < members.size(); i++) {
    const btf::Member m = members[i];
    const u32 at = m.bit_offset / 8;
    const auto size = type_->btf->size_of(m.type);
    if (!size.ok()) return -size.error().code;
    const btf::TypeView target = type_->btf->resolve_pointer(m.type);
    if (target.exists() && target.is(Kind::kStruct) && target.name() == "module") {
      if (!all_zero(data + at, *size))
        return -EINVAL;  // its owner is the type's module, nobody else's choice
      out.bytes[at] = 1;
      continue;
    }
    if (type_->code.init_member) {
      const int done = type_->code.init_member(m.name, data + at, out.bytes.data() + at, *size);
      if (done < 0) return done;
      if (done) continue;
    }
    if (!target.exists() || !target.is(Kind::kFuncProto)) {
      if (!all_zero(data + at, *size)) return -EINVAL;
      continue;
    }
    if (const int err = fill_member(out, i, m, fds)) return err;
  }
  return 0;
}

// A function member: the descriptor of a program that was verified for exactly this member of this struct.
int StructOpsMap::fill_member(Content& out, u32 index, const btf::Member& m, Descriptors& fds) {
  constexpr u32 kProgType = BPF_PROG_TYPE_STRUCT_OPS;
  const u32 at = m.bit_offset / 8;
  u8* const word = user_.data() + type_->layout.data_offset + at;
  const int fd = static_cast<int>(load_unaligned<u64>(word));
  if (!fd) return 0;
  auto program = fds.prog(fd);
  if (!program.ok()) return -program.error().code;
  const ProgObject& p = **program;
  if (p.prog_type() != kProgType || p.attached_btf_id() != type_->layout.type_id ||
      p.attach_type() != index || p.attached_btf() != type_->btf.get())
    return -EINVAL;
  store_unaligned<u64>(word, p.object_id());
  store_unaligned<u64>(out.bytes.data() + at, 1);
  out.programs[index] = *std::move(program);
  return 0;
}

s64 StructOpsMap::erase(const void*) {
  if (info_.map_flags & BPF_F_LINK) return -EOPNOTSUPP;
  u32 was = kInUse;
  std::unique_lock lock(mutex_);
  if (!state_.compare_exchange_strong(was, kToBeFree)) return was == kToBeFree ? -EINPROGRESS : -ENOENT;
  lock.unlock();
  type_->withdraw(self());
  return 0;
}

std::vector<u8> StructOpsMap::bytes(std::string_view member) const {
  const auto now = content();
  for (const btf::Member& m : type_->btf->type(type_->layout.type_id).members()) {
    if (m.name != member) continue;
    const auto size = type_->btf->size_of(m.type);
    const u64 at = m.bit_offset / 8;
    if (!size.ok() || at + *size > now->bytes.size()) break;
    const u8* const first = now->bytes.data() + at;
    return {first, first + *size};
  }
  return {};
}

bool StructOpsMap::has(std::string_view member) const {
  const auto b = bytes(member);
  return !all_zero(b.data(), b.size());
}

std::string StructOpsMap::text(std::string_view member) const {
  const auto b = bytes(member);
  return {b.begin(), std::find(b.begin(), b.end(), 0)};
}

Result<u64> StructOpsMap::call(std::string_view member, std::initializer_list<u64> args) const {
  const auto now = content();  // keeps the programs until they are done
  const auto members = type_->btf->type(type_->layout.type_id).members();
  for (const auto& [index, program] : now->programs) {
    if (members[index].name != member) continue;
    // As many words as a prototype can have, and one for what it returns.
    u64 ctx[13] = {};
    std::copy_n(args.begin(), std::min<size_t>(args.size(), 12), ctx);
    return program->call(ctx);
  }
  return Error{ENOENT, "no program for " + std::string(member)};
}

Result<MapPtr> create_struct_ops(const MapAttr& a) {
  if (!a.struct_ops) return Error{kNotSupp, "no kernel type that struct_ops maps hold has this value type"};
  if (a.value_size != a.struct_ops->layout.value_size)
    return Error{EINVAL, "struct_ops: value_size must be that of the kernel's value type, " +
                             std::to_string(a.struct_ops->layout.value_size)};
  return MapPtr(std::make_shared<StructOpsMap>(a, a.struct_ops));
}

}  // namespace osmia::maps
