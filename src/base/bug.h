// BUG: our own mistakes, never the user's. It throws BugError, which verify() turns into a rejection with
// -EFAULT (never an acceptance) and every other room's entry point turns into an Error with EFAULT.
#pragma once
#include <stdexcept>
#include <string>

namespace osmia {

struct BugError : std::logic_error {
  using std::logic_error::logic_error;
};

[[noreturn]] inline void bug(const char* file, int line, const char* what) {
  throw BugError(std::string("verifier bug: ") + what + " (" + file + ":" + std::to_string(line) + ")");
}

}  // namespace osmia

#define OSMIA_BUG(what) ::osmia::bug(__FILE__, __LINE__, what)
#define OSMIA_BUG_IF(cond)                               \
  do {                                                   \
    if (__builtin_expect(!!(cond), 0)) OSMIA_BUG(#cond); \
  } while (0)
