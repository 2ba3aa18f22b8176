// Walks over what a Kernel has by id: maps, programs, links. Upwards from an id that is kept while the reader
// pauses, so that what is made or goes meanwhile is met or not, as on Linux.
#pragma once
#include "host/held_object.h"
#include "runtime/iter/iterator.h"

namespace osmia::runtime {

template <class T>
class IdWalk final : public IterWalk {
 public:
  using Show = host::ObjectPtr (*)(const btf::BtfPtr&, const std::shared_ptr<T>&);
  IdWalk(const IdTable<T>& table, btf::BtfPtr types, Show show)
      : table_(table), types_(std::move(types)), show_(show) {}

  int start(u64& index) override {
    if (!seek()) return 0;
    if (!index) index = 1;
    return 1;
  }
  int next(u64& index) override {
    index++;
    id_++;
    return seek();
  }
  void stop(bool) override {
    shown_ = {};
    object_.reset();
  }
  bool arguments(u64 (&args)[3]) override {
    shown_ = host::HeldObject(types_, show_(types_, object_));
    args[0] = shown_.address();
    return true;
  }

 private:
  int seek() {
    shown_ = {};
    while (const u32 id = table_.next_after(id_ - 1)) {
      id_ = id;
      if ((object_ = table_.find(id))) return 1;
      id_++;
    }
    object_.reset();
    return 0;
  }
  const IdTable<T>& table_;
  const btf::BtfPtr types_;
  const Show show_;
  u32 id_ = 1;
  std::shared_ptr<T> object_;
  host::HeldObject shown_;
};

}  // namespace osmia::runtime
