// Keeps an object that programs are given addresses of, as long as it lives: published, and with a holder.
// When it goes the object stays readable until every run has ended that began before.
#pragma once
#include <utility>

#include "host/kernel_object.h"

namespace osmia::host {

class HeldObject {
 public:
  HeldObject() = default;
  HeldObject(const btf::BtfPtr& types, ObjectPtr object) {
    if (!object) return;
    object_ = publish_object(types, std::move(object));
    acquire_object(object_->address());
  }
  HeldObject(HeldObject&& o) noexcept : object_(std::exchange(o.object_, nullptr)) {}
  HeldObject& operator=(HeldObject&& o) noexcept {
    std::swap(object_, o.object_);
    return *this;
  }
  ~HeldObject() {
    if (object_) release_object(object_->address());
  }
  const ObjectPtr& get() const { return object_; }
  u64 address() const { return object_ ? object_->address() : 0; }

 private:
  ObjectPtr object_;
};

}  // namespace osmia::host
