// Result<T>: the outcome of what can fail. An Error carries the errno that bpf(2) would give (positive) and
// one line for people that says what was expected, what was found, and where. Osmia throws no exceptions.
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
