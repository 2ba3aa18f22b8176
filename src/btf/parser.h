// The two halves of Btf::parse: Parser finds the sections and the records (structure, both modes); Checker,
// in kUser mode, asks of every type what Linux's BTF_LOAD asks. Private to the room.
#pragma once
#include <string>
#include <vector>

#include "btf/btf.h"

namespace osmia::btf {

inline constexpr int kENOTSUPP =
    524;  // Linux's internal "not supported", which BTF_LOAD lets through to user space

// Where log text goes. Formatting a line is skipped by callers when nobody listens.
class LogSink {
 public:
  explicit LogSink(const ParseOptions& o) : out_(o.log_level ? o.log : nullptr) {}
  bool on() const { return out_ != nullptr; }
  void add(const std::string& text) {
    if (out_) *out_ += text;
  }

 private:
  std::string* out_;
};

class Parser {
 public:
  static Result<BtfPtr> run(std::vector<u8> bytes, BtfPtr base, const ParseOptions& options);

 private:
  Parser(Btf& btf, const ParseOptions& o) : btf_(btf), options_(o), log_(o) {}
  Status header();
  Status strings();
  Status types();
  Error fail(std::string line, int code = EINVAL);

  struct Header {
    u32 magic = 0, version = 0, flags = 0, len = 0, type_off = 0, type_len = 0, str_off = 0, str_len = 0;
  };
  Btf& btf_;
  const ParseOptions& options_;
  LogSink log_;
  Header h_;
};

// The first phase, record by record (names, vlen, flags, sizes). Linux interleaves it with finding the
// records, so that the log stops at the first bad one; `left` is the number of bytes from the record's start
// to the section's end.
Status check_meta(const Btf& btf, u32 id, const u8* record, u32 left, LogSink& log);
// The second phase: every reference resolves, sizes fit, no loops, prototypes are sound, tags are in order.
Status check_all_types(const Btf& btf, LogSink& log);

// "[3] STRUCT foo size=8 vlen=2" as Linux's log starts a line about a type.
std::string log_type_line(const Btf& btf, const TypeView& t, u32 id, bool details);
// "\tname type_id=1 bits_offset=0"
std::string log_member_line(const Btf& btf, const TypeView& t, u32 index);
std::string log_member_line(const Btf& btf, const TypeView& t, const Member& m);
std::string log_var_line(const VarSecinfo& v);
// The name, "(anon)" for offset 0, "(invalid-name-offset)" when out of range.
std::string_view log_name(const Btf& btf, u32 name_off);

}  // namespace osmia::btf
