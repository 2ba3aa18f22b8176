// A function that programs may be attached to: one of the kernel's that this process implements, a function
// of a loaded program, or a hook of the host application. A call runs what is attached in Linux's order:
// probes, fentry, fmod_ret (the first that gives another value than zero decides, and the function does not
// run), the function, fexit. Invariant: with nothing attached a call costs one load. Source: Linux 6.12,
// trampolines (behaviour only).
#pragma once
#include <map>
#include <span>
#include <string>

#include "runtime/attachments.h"

namespace osmia::runtime {

enum class AttachKind : u8 { kEntry, kModifyReturn, kExit, kProbe, kReturnProbe };
inline constexpr u32 kAttachKinds = 5;
inline constexpr u32 kMaxArgWords = 12;
inline constexpr u32 kMaxAttached = 38;  // of the first three kinds together

class TracedFunction {
 public:
  // address: what programs see as the function's (runtime/symbols.h). words: of its arguments, 8 bytes each.
  TracedFunction(std::string name, u64 address, u32 words, bool may_override = false)
      : name(std::move(name)), address(address), words(words), may_override(may_override) {}
  TracedFunction(const TracedFunction&) = delete;
  TracedFunction& operator=(const TracedFunction&) = delete;

  const std::string name;
  const u64 address;
  const u32 words;
  const bool may_override;  // by bpf_override_return()

  // The number of what is attached, to be read with acquire order.
  const u32* attached_word() const {
    static_assert(sizeof(std::atomic<u32>) == sizeof(u32));
    return reinterpret_cast<const u32*>(&attached_);
  }
  bool idle() const { return !attached_.load(std::memory_order_acquire); }
  // 0; -EBUSY: the program is attached so already; -E2BIG: too many.
  int attach(AttachKind, Attachment);
  void detach(AttachKind, const void* owner);  // nothing if it is not attached

  // args: `words` of them. original(const u64* args) is the function.
  template <class Fn>
  u64 call(const u64* args, const Fn& original) const {
    if (idle()) return original(args);
    return call_traced(
        args, [](const void* fn, const u64* a) -> u64 { return (*static_cast<const Fn*>(fn))(a); },
        &original);
  }

 private:
  using Original = u64 (*)(const void* fn, const u64* args);
  u64 call_traced(const u64* args, Original, const void* fn) const;

  std::mutex mutex_;  // of changes
  Attachments programs_[kAttachKinds];
  std::atomic<u32> attached_{0};
};
using TracedFunctionPtr = std::shared_ptr<TracedFunction>;

// The functions of a Kernel by what they are attached to: BTF object << 32 | type.
class TracedFunctions {
 public:
  TracedFunctionPtr find(u64 key) const;  // null: nobody has asked for it yet
  template <class Make>
  TracedFunctionPtr get(u64 key, Make make) {
    std::lock_guard lock(mutex_);
    auto& f = functions_[key];
    if (!f) f = make();
    return f;
  }

 private:
  mutable std::mutex mutex_;
  std::map<u64, TracedFunctionPtr> functions_;
};

// Words that a function's arguments take in a program's context: eight bytes each, structs as many as they
// fill.
u32 argument_words(const btf::Btf& btf, u32 function);

}  // namespace osmia::runtime
