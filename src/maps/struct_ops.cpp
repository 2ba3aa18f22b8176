// Taking on and letting go. A struct is enrolled before its programs are called, so that what they call finds
// it; nothing is called under a lock.
#include "maps/struct_ops.h"

#include <algorithm>

namespace osmia::maps {

int StructOpsType::enroll(const StructOpsMapPtr& map) {
  {
    std::lock_guard lock(mutex_);
    if (code.admit)
      if (const int err = code.admit(*map, enrolled_)) return err;
    enrolled_.push_back(map);
  }
  const int err = code.started ? code.started(*map) : 0;
  if (err) withdraw(map);
  return err;
}

void StructOpsType::withdraw(const StructOpsMapPtr& map) {
  std::lock_guard lock(mutex_);
  const auto it = std::find(enrolled_.begin(), enrolled_.end(), map);
  if (it != enrolled_.end()) enrolled_.erase(it);
}

int StructOpsType::replace(const StructOpsMapPtr& with, const StructOpsMapPtr& old) {
  if (!code.may_replace) return -EOPNOTSUPP;
  std::lock_guard lock(mutex_);
  if (const int err = code.may_replace(*with, *old)) return err;
  const auto it = std::find(enrolled_.begin(), enrolled_.end(), old);
  if (it == enrolled_.end()) return -EINVAL;
  *it = with;
  return 0;
}

StructOpsMapPtr StructOpsType::newest() const {
  std::lock_guard lock(mutex_);
  return enrolled_.empty() ? nullptr : enrolled_.back();
}

void StructOpsType::clear() {
  std::vector<StructOpsMapPtr> gone;
  std::lock_guard lock(mutex_);
  gone.swap(enrolled_);
}

StructOpsTypePtr StructOpsTypes::by_value(const btf::Btf& btf, u32 value_id) const {
  for (const StructOpsTypePtr& t : all)
    if (t->btf.get() == &btf && t->layout.value_id == value_id) return t;
  return nullptr;
}

StructOpsTypePtr StructOpsTypes::by_name(std::string_view name) const {
  for (const StructOpsTypePtr& t : all)
    if (t->layout.def->name == name) return t;
  return nullptr;
}

void StructOpsTypes::clear() {
  for (const StructOpsTypePtr& t : all) t->clear();
}

}  // namespace osmia::maps
