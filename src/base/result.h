// Result<T>: the outcome of what can fail. An Error carries the errno that bpf(2) would give (positive) and
// one line for people that says what was expected, what was found, and where. No room throws across its edge.
#pragma once
#include <cerrno>
#include <string>
#include <utility>
#include <variant>

namespace osmia {

struct [[nodiscard]] Error {
  int code = EINVAL;    // a positive errno
  std::string message;  // one line, no trailing newline
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : v_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : v_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return v_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& operator*() & { return std::get<0>(v_); }
  const T& operator*() const& { return std::get<0>(v_); }
  T&& operator*() && { return std::get<0>(std::move(v_)); }
  T* operator->() { return &std::get<0>(v_); }
  const T* operator->() const { return &std::get<0>(v_); }
  const Error& error() const { return std::get<1>(v_); }
  Error& error() { return std::get<1>(v_); }

 private:
  std::variant<T, Error> v_;
};

struct Ok {};
using Status = Result<Ok>;

}  // namespace osmia

// OSMIA_TRY(x): returns x's error from the enclosing function, else goes on.
#define OSMIA_TRY(expr)                              \
  do {                                               \
    auto osmia_try_ = (expr);                        \
    if (!osmia_try_.ok()) return osmia_try_.error(); \
  } while (0)

// OSMIA_ASSIGN(decl, x): decl = *x, or returns x's error.
#define OSMIA_ASSIGN(decl, expr) OSMIA_ASSIGN_I(decl, expr, __COUNTER__)
#define OSMIA_ASSIGN_I(decl, expr, n) OSMIA_ASSIGN_II(decl, expr, n)
#define OSMIA_ASSIGN_II(decl, expr, n)                         \
  auto osmia_assign_##n = (expr);                              \
  if (!osmia_assign_##n.ok()) return osmia_assign_##n.error(); \
  decl = *std::move(osmia_assign_##n)
