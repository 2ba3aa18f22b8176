// The kernel's test module: what its kfuncs do, where that needs no kernel object.
#include <cerrno>
#include <cstring>
#include <optional>

#include "helpers/running.h"
#include "host/kernel_object.h"
#include "kfuncs/code.h"

namespace osmia::kfuncs::code {
namespace {

// struct bpf_iter_testmod_seq: one value, given a number of times.
struct Sequence {
  s64 value;
  s32 count;
};
Sequence& at(u64 it) {
  return *reinterpret_cast<Sequence*>(it);
}

u64 value(s64 n) {
  return static_cast<u64>(n);
}

// The one struct prog_test_ref_kfunc that all callers get; its count is one more than its holders.
class RefObject final : public host::KernelObject {
 public:
  explicit RefObject(host::KernelStruct bytes)
      : KernelObject(host::ObjectKind::kOther, kKey, std::move(bytes)), count(memory.find("cnt")) {
    memory.set("a", 42);
    memory.set("b", 108);
    memory.set("next", address());
    held_by(0);
  }
  void held_by(u32 holders) override {
    if (!count || count->size != sizeof holders) return;
    __atomic_store_n(reinterpret_cast<u32*>(memory.bytes() + count->offset), holders + 1, __ATOMIC_RELAXED);
  }
  static constexpr host::ObjectKey kKey{0x7465'7374'6d6f'6400, 1};
  const std::optional<host::KernelStruct::Place> count;
};

u64 ref_object() {
  const auto& types = helpers::code::kernel_types();
  if (!types) return 0;
  auto object = host::find_object(types, host::ObjectKind::kOther, RefObject::kKey);
  if (!object) {
    auto bytes = host::KernelStruct::make(*types, "prog_test_ref_kfunc");
    if (!bytes.ok()) return 0;
    object = host::publish_object(types, std::make_shared<RefObject>(std::move(*bytes)));
  }
  return host::acquire_object(object->address()) ? object->address() : 0;
}

}  // namespace

u64 testmod_test1(u64, u64 a, u64 b, u64 c, u64 d) {
  return static_cast<u32>(a) + b + static_cast<u32>(c) + d;
}
u64 testmod_test2(u64, u64 a, u64 b, u64, u64) {
  return value(static_cast<s32>(a + b));
}
u64 testmod_test4(u64 a, u64 b, u64 c, u64 d, u64) {
  return value(static_cast<s8>(a)) + value(static_cast<s16>(b)) + value(static_cast<s32>(c)) + d;
}
u64 testmod_first_argument(u64 a, u64, u64, u64, u64) {
  return static_cast<u32>(a);
}

u64 testmod_acquire(u64, u64, u64, u64, u64) {
  return ref_object();
}
u64 testmod_release(u64 object, u64, u64, u64, u64) {
  host::release_object(object);
  return 0;
}
// The object's first bytes, as memory of a size: two ints, at most.
u64 testmod_get_mem(u64 object, u64 size, u64, u64, u64) {
  return static_cast<u32>(size) > 2 * sizeof(s32) ? 0 : object;
}

// struct bpf_testmod_ctx: an RCU head, then the count, which nobody but its creator changes.
u64 testmod_ctx_create(u64 error, u64, u64, u64, u64) {
  const auto& types = helpers::code::kernel_types();
  if (types)
    if (auto bytes = host::KernelStruct::make(*types, "callback_head", 8); bytes.ok()) {
      const u32 one = 1;
      std::memcpy(bytes->bytes() + bytes->size() - 8, &one, sizeof one);
      const auto object =
          host::publish_object(types, std::make_shared<host::KernelObject>(
                                          host::ObjectKind::kOther, host::ObjectKey{}, std::move(*bytes)));
      if (host::acquire_object(object->address())) return object->address();
    }
  *reinterpret_cast<s32*>(error) = -ENOMEM;
  return 0;
}

u64 testmod_seq_new(u64 it, u64 value, u64 count, u64, u64) {
  at(it).count = static_cast<s32>(count);
  if (at(it).count < 0) return static_cast<u64>(s64{-EINVAL});
  at(it).value = static_cast<s64>(value);
  return 0;
}
u64 testmod_seq_next(u64 it, u64, u64, u64, u64) {
  if (at(it).count <= 0) return 0;
  at(it).count--;
  return reinterpret_cast<u64>(&at(it).value);
}
u64 testmod_seq_value(u64 number, u64 it, u64, u64, u64) {
  if (at(it).count < 0) return 0;
  return static_cast<u64>(s64{static_cast<s32>(number)} + at(it).value);
}
u64 testmod_seq_destroy(u64 it, u64, u64, u64, u64) {
  at(it).count = 0;
  return 0;
}

}  // namespace osmia::kfuncs::code
