// A reference to something callable: two words, no allocation. Lives no longer than what it refers to, so it
// is for arguments only.
#pragma once
#include <memory>
#include <type_traits>
#include <utility>

namespace osmia::maps {

template <class Signature>
class FnRef;

template <class R, class... Args>
class FnRef<R(Args...)> {
 public:
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, FnRef> && std::is_invocable_r_v<R, F&, Args...>)
      FnRef(F&& f)
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))),
        call_([](void* o, Args... args) -> R {
          return (*static_cast<std::remove_reference_t<F>*>(o))(std::forward<Args>(args)...);
        }) {}
  R operator()(Args... args) const { return call_(object_, std::forward<Args>(args)...); }

 private:
  void* object_;
  R (*call_)(void*, Args...);
};

}  // namespace osmia::maps
