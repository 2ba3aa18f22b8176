// Hooks: functions of the host application that programs may be attached to. The application describes them
// when it makes the Kernel (their prototypes become BTF, so that programs are verified against them), and
// calls its own function through the hook: fentry programs see the arguments before it, fexit programs also
// the result after it, and where the hook allows it fmod_ret programs decide in its place. With nothing
// attached a call costs one load.
#pragma once
#include <atomic>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "osmia/export.h"
#include "osmia/result.h"

namespace osmia {

struct HookValue {
  std::uint32_t bytes = 0;  // 0: nothing (void)
  bool is_signed = false, is_bool = false, is_pointer = false;
  std::string points_to;  // a described struct; empty: a pointer that programs see as a number
};
struct HookField {
  std::string name;
  std::uint32_t offset = 0;  // bytes
  HookValue type;
};
struct HookStruct {
  std::string name;
  std::uint32_t size = 0;  // bytes
  std::vector<HookField> fields;
  const void* identity = nullptr;  // of the C++ type
};
struct HookSpec {
  std::string name;
  HookValue result;
  std::vector<HookField> parameters;
  std::vector<HookStruct> structs;
  bool may_modify = false;
};

namespace detail {

template <class T>
inline constexpr char kIdentity = 0;  // one address a type

template <class T>
concept HookType = std::is_integral_v<T> || std::is_enum_v<T> || std::is_pointer_v<T>;

template <class T>
HookValue value_of(const std::vector<HookStruct>& structs = {}) {
  HookValue v;
  if constexpr (std::is_pointer_v<T>) {
    v.bytes = 8, v.is_pointer = true;
    for (const HookStruct& s : structs)
      if (s.identity == &kIdentity<std::remove_cv_t<std::remove_pointer_t<T>>>) v.points_to = s.name;
  } else if constexpr (!std::is_void_v<T>) {
    static_assert(HookType<T>, "hooks take integers, enumerations and pointers");
    v.bytes = sizeof(T), v.is_bool = std::is_same_v<T, bool>;
    if constexpr (std::is_enum_v<T>)
      v.is_signed = std::is_signed_v<std::underlying_type_t<T>>;
    else
      v.is_signed = std::is_signed_v<T> && !v.is_bool;
  }
  return v;
}
template <HookType T>
std::uint64_t to_word(T v) {
  if constexpr (std::is_pointer_v<T>)
    return reinterpret_cast<std::uint64_t>(v);
  else
    return static_cast<std::uint64_t>(v);
}
template <HookType T>
T from_word(std::uint64_t w) {
  if constexpr (std::is_pointer_v<T>)
    return reinterpret_cast<T>(w);
  else
    return static_cast<T>(w);
}

}  // namespace detail

// A field of a struct that programs may read: {"bytes", &Request::bytes}.
template <class T>
struct FieldOf {
  template <class M>
  requires detail::HookType<M> FieldOf(std::string name, M T::*member) {
    alignas(T) static const char object[sizeof(T)] = {};
    const auto& at = reinterpret_cast<const T*>(object)->*member;
    field = {std::move(name), static_cast<std::uint32_t>(reinterpret_cast<const char*>(&at) - object),
             detail::value_of<M>()};
  }
  HookField field;
};

// How programs see a struct: under this name, with these fields, in the order of their offsets. Others stay
// unknown to them.
template <class T>
requires std::is_standard_layout_v<T> HookStruct describe(std::string name,
                                                          std::initializer_list<FieldOf<T>> fields) {
  HookStruct s{std::move(name), sizeof(T), {}, &detail::kIdentity<T>};
  for (const auto& f : fields) s.fields.push_back(f.field);
  return s;
}

template <class Function>
class Hook;
class Kernel;

enum class HookMode : std::uint8_t {
  kObserve,  // fentry and fexit
  kModify,   // also fmod_ret: a program's value other than 0 is the result, and the function does not run
};

// One hook of KernelOptions::hooks. Function is its C++ type, int(const Request*, int); parameters: their
// names.
template <class Function>
struct SpecOf;
template <class R, class... A>
struct SpecOf<R(A...)> {
  static HookSpec make(std::string name, std::vector<std::string> parameters, std::vector<HookStruct> structs,
                       HookMode mode) {
    HookSpec s;
    s.name = std::move(name);
    s.result = detail::value_of<R>(structs);
    const HookValue types[] = {detail::value_of<A>(structs)..., {}};
    for (std::size_t i = 0; i < sizeof...(A); i++)
      s.parameters.push_back(
          {i < parameters.size() ? parameters[i] : "arg" + std::to_string(i), 0, types[i]});
    s.structs = std::move(structs);
    s.may_modify = mode == HookMode::kModify;
    return s;
  }
};
template <class Function>
HookSpec hook(std::string name, std::vector<std::string> parameters = {},
              std::vector<HookStruct> structs = {}, HookMode mode = HookMode::kObserve) {
  return SpecOf<Function>::make(std::move(name), std::move(parameters), std::move(structs), mode);
}

// A hook without its types. A handle: copies mean the same hook, which lives as long as any of them.
class OSMIA_API AnyHook {
 public:
  bool idle() const { return !__atomic_load_n(attached_, __ATOMIC_ACQUIRE); }
  using Original = std::uint64_t (*)(void* context, const std::uint64_t* words);
  // What is attached, around original(context, words).
  std::uint64_t call(const std::uint64_t* words, Original original, void* context) const;

  struct Impl;  // Osmia's own
  AnyHook(std::shared_ptr<const Impl> impl, const std::uint32_t* attached)
      : impl_(std::move(impl)), attached_(attached) {}

 private:
  std::shared_ptr<const Impl> impl_;
  const std::uint32_t* attached_;
};

template <class R, class... A>
class Hook<R(A...)> {
 public:
  explicit Hook(AnyHook hook) : hook_(std::move(hook)) {}

  // Calls original(args...), and whatever programs are attached around it. Any thread, many at a time.
  // Programs may read what pointers point to while they run, so it must not go away meanwhile.
  template <class Fn>
  R operator()(Fn&& original, A... args) const {
    if (hook_.idle()) return original(args...);
    const std::uint64_t words[sizeof...(A) + 1] = {detail::to_word(args)..., 0};
    auto run = [&] {
      if constexpr (std::is_void_v<R>) {
        original(args...);
        return std::uint64_t{0};
      } else {
        return detail::to_word<R>(original(args...));
      }
    };
    const std::uint64_t result = hook_.call(
        words, [](void* c, const std::uint64_t*) { return (*static_cast<decltype(run)*>(c))(); }, &run);
    if constexpr (!std::is_void_v<R>) return detail::from_word<R>(result);
  }

 private:
  AnyHook hook_;
};

// A program attached to what it was loaded for. A handle; the program is detached when the last is gone.
class OSMIA_API Link {
 public:
  std::uint32_t id() const;
  int fd() const;  // as Map::fd()

  struct Impl;  // Osmia's own
  explicit Link(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

 private:
  std::shared_ptr<const Impl> impl_;
};

}  // namespace osmia
