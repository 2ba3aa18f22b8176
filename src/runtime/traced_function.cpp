// The context of tracing programs is a row of words: address, count, arguments, return value; probes see
// registers instead.
#include "runtime/traced_function.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "btf/btf.h"
#include "helpers/attach_point.h"
#include "runtime/attached_run.h"

namespace osmia::runtime {
namespace {

// struct pt_regs of x86-64, by word.
constexpr u32 kRegs = 21, kAx = 10, kIp = 16;
constexpr u32 kArgument[] = {14, 13, 12, 11, 9, 8};  // di, si, dx, cx, r8, r9

class ProbeScope {
 public:
  explicit ProbeScope(helpers::AttachPoint* at) : outer_(std::exchange(helpers::t_attach_point, at)) {}
  ~ProbeScope() { helpers::t_attach_point = outer_; }
  ProbeScope(const ProbeScope&) = delete;
  ProbeScope& operator=(const ProbeScope&) = delete;

 private:
  helpers::AttachPoint* outer_;
};

}  // namespace

int TracedFunction::attach(AttachKind kind, Attachment one) {
  std::lock_guard lock(mutex_);
  Attachments& list = programs_[static_cast<u32>(kind)];
  const bool probe = kind == AttachKind::kProbe || kind == AttachKind::kReturnProbe;
  if (!probe) {
    if (programs_[0].size() + programs_[1].size() + programs_[2].size() >= kMaxAttached) return -E2BIG;
    if (list.has(*one.program)) return -EBUSY;
  }
  list.add(std::move(one), !probe);  // what came last runs first
  attached_++;
  return 0;
}

void TracedFunction::detach(AttachKind kind, const void* owner) {
  std::lock_guard lock(mutex_);
  Attachments& list = programs_[static_cast<u32>(kind)];
  const size_t before = list.size();
  list.remove(owner);
  attached_ -= static_cast<u32>(before - list.size());
}

u64 TracedFunction::call_traced(const u64* args, Original original, const void* fn) const {
  const auto list = [this](AttachKind kind) { return programs_[static_cast<u32>(kind)].get(); };
  const auto probes = list(AttachKind::kProbe), return_probes = list(AttachKind::kReturnProbe);
  u64 regs[kRegs] = {};
  helpers::AttachPoint point{address, may_override};
  if (probes || return_probes) {
    for (u32 i = 0; i < std::min<u32>(words, std::size(kArgument)); i++) regs[kArgument[i]] = args[i];
    regs[kIp] = address;
  }
  if (probes) {
    const ProbeScope scope(&point);
    for (const Attachment& a : *probes) run_attached(*a.program, regs, a.cookie);
    if (point.overridden) return point.value;
  }
  u64 row[2 + kMaxArgWords + 1] = {address, words};
  u64* const ctx = row + 2;
  u64& value = ctx[words];
  std::memcpy(ctx, args, words * sizeof(u64));
  if (const auto entries = list(AttachKind::kEntry))
    for (const Attachment& a : *entries) run_attached(*a.program, ctx, a.cookie);
  bool modified = false;
  if (const auto modifiers = list(AttachKind::kModifyReturn))
    for (const Attachment& a : *modifiers) {
      value = run_attached(*a.program, ctx, a.cookie).value_or(0);
      if ((modified = value)) break;
    }
  if (!modified) value = original(fn, args);
  if (const auto exits = list(AttachKind::kExit))
    for (const Attachment& a : *exits) run_attached(*a.program, ctx, a.cookie);
  if (return_probes) {
    const ProbeScope scope(&point);
    regs[kAx] = value;
    for (const Attachment& a : *return_probes) run_attached(*a.program, regs, a.cookie);
  }
  return value;
}

TracedFunctionPtr TracedFunctions::find(u64 key) const {
  std::lock_guard lock(mutex_);
  const auto it = functions_.find(key);
  return it == functions_.end() ? nullptr : it->second;
}

u32 argument_words(const btf::Btf& btf, u32 function) {
  const auto proto = btf.type(btf.type(function).type());
  u32 words = 0;
  if (proto.is(btf::Kind::kFuncProto))
    for (const auto& p : proto.params()) {
      const auto size = btf.size_of(p.type);
      words += size.ok() ? (*size + 7) / 8 : 1;
    }
  return std::min(words, kMaxArgWords);
}

}  // namespace osmia::runtime
