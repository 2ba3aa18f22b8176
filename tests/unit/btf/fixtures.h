// Shared by the tests of this room: parse or die, and files that not every machine has.
#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>

#include "base/bits.h"
#include "btf/btf.h"
#include "btf/write.h"

namespace osmia::btf {

inline BtfPtr must_parse(const Writer& w, BtfPtr base = nullptr, ParseMode mode = ParseMode::kUser) {
  auto r = Btf::parse(w.bytes(), std::move(base), mode);
  if (!r.ok()) {
    ADD_FAILURE() << r.error().message;
    return *Btf::parse([] {
      Writer e;
      e.add_int("int", 4, kIntSigned);
      return e.bytes();
    }());
  }
  return *r;
}

// What user mode says: {errno, log}. errno 0: accepted.
struct Judged {
  int code = 0;
  std::string log;
  std::string message;
};
inline Judged judge(std::vector<u8> bytes, BtfPtr base = nullptr) {
  Judged j;
  ParseOptions o;
  o.mode = ParseMode::kUser;
  o.log_level = 1;
  o.log = &j.log;
  auto r = Btf::parse(std::move(bytes), std::move(base), o);
  if (!r.ok()) {
    j.code = r.error().code;
    j.message = r.error().message;
  }
  return j;
}

}  // namespace osmia::btf
