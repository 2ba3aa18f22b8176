// Arguments come as 8-byte words and are narrowed as the prototypes say. Source: Linux 6.12,
// net/bpf/test_run.c (what each function computes).
#include "runtime/kernel_functions.h"

#include <algorithm>

#include "btf/btf.h"
#include "runtime/symbols.h"
#include "runtime/tracepoints.h"

namespace osmia::runtime {
namespace {

struct Function {
  std::string_view name;
  u64 (*code)(const Kernel&, const u64* a);
};

template <class T>
T* at(u64 address) {
  return reinterpret_cast<T*>(address);
}
u64 as_int(u64 v) {
  return static_cast<u32>(v);
}
u64 as_char(u64 v) {
  return static_cast<u64>(static_cast<s8>(v));
}
u64 as_short(u64 v) {
  return static_cast<u64>(static_cast<s16>(v));
}

constexpr Function kFunctions[] = {
    {"bpf_fentry_test1", [](const Kernel&, const u64* a) { return as_int(a[0] + 1); }},
    {"bpf_fentry_test2", [](const Kernel&, const u64* a) { return as_int(a[0] + a[1]); }},
    {"bpf_fentry_test3", [](const Kernel&, const u64* a) { return as_int(as_char(a[0]) + a[1] + a[2]); }},
    {"bpf_fentry_test4",
     [](const Kernel&, const u64* a) { return as_int(a[0] + as_char(a[1]) + a[2] + a[3]); }},
    {"bpf_fentry_test5",
     [](const Kernel&, const u64* a) { return as_int(a[0] + a[1] + as_short(a[2]) + a[3] + a[4]); }},
    {"bpf_fentry_test6",
     [](const Kernel&, const u64* a) { return as_int(a[0] + a[1] + as_short(a[2]) + a[3] + a[4] + a[5]); }},
    {"bpf_fentry_test7", [](const Kernel&, const u64* a) { return as_int(a[0]); }},
    {"bpf_fentry_test8", [](const Kernel&, const u64* a) { return as_int(*at<const u64>(a[0])); }},
    {"bpf_fentry_test9", [](const Kernel&, const u64* a) -> u64 { return *at<const u32>(a[0]); }},
    {"bpf_fentry_test_sinfo", [](const Kernel&, const u64*) -> u64 { return 0; }},
    {"bpf_fentry_shadow_test", [](const Kernel&, const u64* a) { return as_int(a[0] + 1); }},
    {"bpf_modify_return_test",
     [](const Kernel&, const u64* a) {
       const int b = *at<int>(a[1]) += 1;
       return as_int(a[0] + static_cast<u64>(b));
     }},
    {"bpf_modify_return_test2",
     [](const Kernel&, const u64* a) {
       const int b = *at<int>(a[1]) += 1;
       return as_int(a[0] + static_cast<u64>(b) + as_short(a[2]) + a[3] + a[4] + as_char(a[5]) + a[6]);
     }},
    {"bpf_modify_return_test_tp",
     [](const Kernel& kernel, const u64* a) {
       u64 args[] = {as_int(a[0])};
       kernel.tracepoints->fire("bpf_trigger_tp", args);
       return as_int(a[0]);
     }},
};

const Function* find(std::string_view name) {
  const auto* const it = std::find_if(std::begin(kFunctions), std::end(kFunctions),
                                      [&](const Function& f) { return f.name == name; });
  return it == std::end(kFunctions) ? nullptr : it;
}

u64 key_of(const BtfObject& btf, u32 type) {
  return u64{btf.id} << 32 | type;
}

}  // namespace

const std::vector<std::string_view>& kernel_function_names() {
  static const auto* const names = [] {
    auto* all = new std::vector<std::string_view>;
    for (const Function& f : kFunctions) all->push_back(f.name);
    return all;
  }();
  return *names;
}

bool implemented(std::string_view name) {
  return find(name);
}

u64 call_kernel_function(const Kernel& kernel, std::string_view name, std::initializer_list<u64> args) {
  const Function* f = find(name);
  if (!f) return 0;
  const auto original = [&](const u64* a) { return f->code(kernel, a); };
  const auto& vmlinux = kernel.vmlinux();
  const u32 type = vmlinux ? vmlinux->btf->find(name, btf::Kind::kFunc) : 0;
  const auto traced = type ? kernel.functions->find(key_of(*vmlinux, type)) : nullptr;
  if (!traced || traced->words != args.size()) return original(args.begin());
  return traced->call(args.begin(), original);
}

TracedFunctionPtr kernel_function(const Kernel& kernel, const BtfObject& btf, u32 type) {
  const auto t = btf.btf->type(type);
  if (!t.is(btf::Kind::kFunc)) return nullptr;
  return kernel.functions->get(key_of(btf, type), [&] {
    return std::make_shared<TracedFunction>(std::string(t.name()), kernel_symbol(kernel, btf, type),
                                            argument_words(*btf.btf, type));
  });
}

}  // namespace osmia::runtime
