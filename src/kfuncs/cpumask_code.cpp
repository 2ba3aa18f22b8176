// Sets of (virtual) CPUs: struct cpumask in memory of ours. Bits beyond the possible CPUs stay zero.
#include <bit>

#include "helpers/running.h"
#include "host/kernel_object.h"
#include "kfuncs/code.h"

namespace osmia::kfuncs::code {
namespace {

u64* bits(u64 mask) {
  return reinterpret_cast<u64*>(mask);
}
u64 load(u64 mask, u32 word) {
  return __atomic_load_n(bits(mask) + word, __ATOMIC_RELAXED);
}
void store(u64 mask, u32 word, u64 value) {
  __atomic_store_n(bits(mask) + word, value, __ATOMIC_RELAXED);
}
u32 words() {
  return (host::nr_cpus() + 63) / 64;
}
// The bits of a word that stand for possible CPUs.
u64 possible(u32 word) {
  const u32 n = host::nr_cpus() - word * 64;
  return n >= 64 ? ~u64{0} : (u64{1} << n) - 1;
}

template <class Op>
u32 first_of(Op word_at) {
  for (u32 w = 0; w < words(); w++)
    if (const u64 v = word_at(w) & possible(w)) return w * 64 + static_cast<u32>(std::countr_zero(v));
  return host::nr_cpus();
}
template <class Op>
bool all_zero(Op word_at) {
  return first_of(word_at) == host::nr_cpus();
}
// Each call prefers the CPU behind the one that the thread got last.
template <class Op>
u32 any_of(Op word_at) {
  thread_local u32 last = 0;
  const u32 n = host::nr_cpus();
  for (u32 i = 1; i <= n; i++) {
    const u32 cpu = (last + i) % n;
    if (word_at(cpu / 64) >> cpu % 64 & 1) return last = cpu;
  }
  return n;
}

}  // namespace

u64 cpumask_create(u64, u64, u64, u64, u64) {
  const auto& types = helpers::code::kernel_types();
  if (!types) return 0;
  auto memory = host::KernelStruct::make(*types, "bpf_cpumask");
  if (!memory.ok() || memory->size() < words() * 8) return 0;
  memory->set("usage", 1);
  const auto object =
      host::publish_object(types, std::make_shared<host::KernelObject>(
                                      host::ObjectKind::kCpumask, host::ObjectKey{}, std::move(*memory)));
  return host::acquire_object(object->address()) ? object->address() : 0;
}
u64 cpumask_first(u64 m, u64, u64, u64, u64) {
  return first_of([&](u32 w) { return load(m, w); });
}
u64 cpumask_first_zero(u64 m, u64, u64, u64, u64) {
  return first_of([&](u32 w) { return ~load(m, w); });
}
u64 cpumask_first_and(u64 a, u64 b, u64, u64, u64) {
  return first_of([&](u32 w) { return load(a, w) & load(b, w); });
}
u64 cpumask_any(u64 m, u64, u64, u64, u64) {
  return any_of([&](u32 w) { return load(m, w); });
}
u64 cpumask_any_and(u64 a, u64 b, u64, u64, u64) {
  return any_of([&](u32 w) { return load(a, w) & load(b, w); });
}
u64 cpumask_test_cpu(u64 cpu, u64 m, u64, u64, u64) {
  const u32 c = static_cast<u32>(cpu);
  return c < host::nr_cpus() && load(m, c / 64) >> c % 64 & 1;
}
u64 cpumask_test_and_set_cpu(u64 cpu, u64 m, u64, u64, u64) {
  const u32 c = static_cast<u32>(cpu);
  if (c >= host::nr_cpus()) return 0;
  return __atomic_fetch_or(bits(m) + c / 64, u64{1} << c % 64, __ATOMIC_SEQ_CST) >> c % 64 & 1;
}
u64 cpumask_test_and_clear_cpu(u64 cpu, u64 m, u64, u64, u64) {
  const u32 c = static_cast<u32>(cpu);
  if (c >= host::nr_cpus()) return 0;
  return __atomic_fetch_and(bits(m) + c / 64, ~(u64{1} << c % 64), __ATOMIC_SEQ_CST) >> c % 64 & 1;
}
u64 cpumask_set_cpu(u64 cpu, u64 m, u64, u64, u64) {
  cpumask_test_and_set_cpu(cpu, m, 0, 0, 0);
  return 0;
}
u64 cpumask_clear_cpu(u64 cpu, u64 m, u64, u64, u64) {
  cpumask_test_and_clear_cpu(cpu, m, 0, 0, 0);
  return 0;
}
u64 cpumask_setall(u64 m, u64, u64, u64, u64) {
  for (u32 w = 0; w < words(); w++) store(m, w, possible(w));
  return 0;
}
u64 cpumask_clear(u64 m, u64, u64, u64, u64) {
  for (u32 w = 0; w < words(); w++) store(m, w, 0);
  return 0;
}
u64 cpumask_and(u64 to, u64 a, u64 b, u64, u64) {
  u64 any = 0;
  for (u32 w = 0; w < words(); w++) {
    const u64 v = load(a, w) & load(b, w);
    any |= v & possible(w);
    store(to, w, v);
  }
  return any != 0;
}
u64 cpumask_or(u64 to, u64 a, u64 b, u64, u64) {
  for (u32 w = 0; w < words(); w++) store(to, w, load(a, w) | load(b, w));
  return 0;
}
u64 cpumask_xor(u64 to, u64 a, u64 b, u64, u64) {
  for (u32 w = 0; w < words(); w++) store(to, w, load(a, w) ^ load(b, w));
  return 0;
}
u64 cpumask_equal(u64 a, u64 b, u64, u64, u64) {
  return all_zero([&](u32 w) { return load(a, w) ^ load(b, w); });
}
u64 cpumask_intersects(u64 a, u64 b, u64, u64, u64) {
  return !all_zero([&](u32 w) { return load(a, w) & load(b, w); });
}
u64 cpumask_subset(u64 a, u64 b, u64, u64, u64) {
  return all_zero([&](u32 w) { return load(a, w) & ~load(b, w); });
}
u64 cpumask_empty(u64 m, u64, u64, u64, u64) {
  return all_zero([&](u32 w) { return load(m, w); });
}
u64 cpumask_full(u64 m, u64, u64, u64, u64) {
  return all_zero([&](u32 w) { return ~load(m, w); });
}
u64 cpumask_copy(u64 to, u64 from, u64, u64, u64) {
  for (u32 w = 0; w < words(); w++) store(to, w, load(from, w));
  return 0;
}
u64 cpumask_weight(u64 m, u64, u64, u64, u64) {
  u64 n = 0;
  for (u32 w = 0; w < words(); w++) n += static_cast<u64>(std::popcount(load(m, w) & possible(w)));
  return n;
}

}  // namespace osmia::kfuncs::code
