// Cow<T>: a shared, copy-on-write value with an intrusive count. One verification runs on one thread, so the
// count is not atomic. Invariant: a T that more than one Cow shares is never written; mut() makes it private
// first.
#pragma once
#include <new>
#include <utility>

#include "base/types.h"

namespace osmia::verifier {

// Bytes held by this thread's copy-on-write values.
inline u64& cow_live_bytes() {
  static thread_local u64 bytes = 0;
  return bytes;
}

template <class T>
class Cow {
 public:
  Cow() = default;
  Cow(const Cow& o) : p_(o.p_) {
    if (p_) ++p_->refs;
  }
  Cow(Cow&& o) noexcept : p_(std::exchange(o.p_, nullptr)) {}
  Cow& operator=(Cow o) noexcept {
    std::swap(p_, o.p_);
    return *this;
  }
  ~Cow() { reset(); }

  static Cow make() {
    Cow c;
    c.p_ = new Box;
    return c;
  }
  explicit operator bool() const { return p_ != nullptr; }
  const T& operator*() const { return p_->value; }
  const T* operator->() const { return &p_->value; }
  T& mut() {
    if (p_->refs != 1) {
      Box* copy = new Box(p_->value);
      --p_->refs;
      p_ = copy;
    }
    return p_->value;
  }
  bool same(const Cow& o) const { return p_ == o.p_; }
  void reset() {
    if (p_ && --p_->refs == 0) delete p_;
    p_ = nullptr;
  }

 private:
  struct Box {
    u32 refs = 1;
    T value;
    Box() { cow_live_bytes() += sizeof(Box); }
    explicit Box(const T& v) : value(v) { cow_live_bytes() += sizeof(Box); }
    ~Box() { cow_live_bytes() -= sizeof(Box); }
  };
  Box* p_ = nullptr;
};

}  // namespace osmia::verifier
