// Text of scalars for the verifier's log: the pieces that are the domain's own. Numbers as Linux prints them:
// decimal when short, else hexadecimal.
#pragma once
#include <string>

#include "verifier/domain/scalar.h"

namespace osmia::verifier {

// Constant: as append_unum(); else "(value; mask)" in hexadecimal (Linux's tnum_strn).
void append_tnum(std::string& out, const Tnum& t);
std::string tnum_strn(const Tnum& t);
// 64 characters of 0, 1, x, most significant first (Linux's tnum_sbin).
std::string tnum_sbin(const Tnum& t);

// "%llu" up to 65535 and "%lld" for 16-bit signed, else "%#llx".
void append_unum(std::string& out, u64 v);
void append_snum(std::string& out, s64 v);

// "smin=..,smax=..": the ranges and then var_off, as in Linux's print_scalar_ranges followed by var_off;
// `sep` is what precedes the first piece (and becomes "," once one is written).
void append_ranges(std::string& out, const Scalar& s, const char*& sep);

// Linux's line for a violation(), without newline: `ctx` names the register's role ("true_reg1" ...).
std::string format_violation(const Scalar& s, const char* ctx, const char* what);

}  // namespace osmia::verifier
