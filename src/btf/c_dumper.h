// The state of one C dump. Two halves share it: c_order.cpp decides which definitions come first (a
// topological sort in which a link through a pointer to a named type is weak), c_emit.cpp writes
// declarations. Invariant: every walk takes from one budget and one depth limit, so that time and output stay
// proportional to the input.
#pragma once
#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

#include "btf/btf.h"

namespace osmia::btf {

class CDumper {
 public:
  explicit CDumper(const Btf& btf);

  // Appends the definition of `id` and of everything it needs that has not been written yet.
  void dump_type(u32 id);
  // Appends one declaration: `extern` functions of kfuncs, type names.
  void emit_decl(u32 id, std::string_view name, int level);
  // Anonymous structs are named, not defined, in declarations from now on.
  void skip_anonymous_definitions() { skip_anon_defs_ = true; }

  std::string out;
  bool exhausted() const { return exhausted_; }

 private:
  enum OrderState : u8 { kUnordered, kOrdering, kOrdered };
  enum EmitState : u8 { kNotEmitted, kEmitting, kEmitted };
  struct State {
    u8 order = kUnordered;
    u8 emit = kNotEmitted;
    bool fwd_emitted = false;
    bool name_resolved = false;
    bool referenced = false;
    u8 align = 0xff;  // not computed yet
    u32 alias = 0;    // index + 1 into aliases_
  };
  enum Link { kWeak, kStrong, kBroken };

  // c_order.cpp
  void mark_referenced();
  Link order(u32 id, bool through_ptr, int depth);
  u32 align_of(u32 id, int depth = 0);
  bool is_packed(const TypeView& t);
  using Names = std::unordered_map<std::string_view, u32>;
  u32 count_name(Names& names, std::string_view name) { return ++names[name]; }
  std::string_view resolve_name(const TypeView& t, Names& names);
  std::string_view type_name(const TypeView& t) { return resolve_name(t, type_names_); }
  std::string_view ident_name(const TypeView& t) { return resolve_name(t, ident_names_); }

  // c_emit.cpp
  void emit_type(u32 id, u32 container, int depth);
  void emit_typedef(const TypeView& t, int level);
  void emit_struct_fwd(const TypeView& t);
  void emit_struct(const TypeView& t, int level);
  void emit_enum(const TypeView& t, int level);
  void emit_fwd(const TypeView& t);
  void emit_padding(s64 from, s64 to, u32 next_align, bool in_bitfield, int level);
  struct Chain {
    const u32* ids;
    size_t count;
  };
  void emit_chain(Chain& chain, std::string_view name, int level);
  void emit_mods(Chain& chain);
  void drop_mods(Chain& chain);
  void emit_name(std::string_view name, bool after_pointer);
  void indent(int level) { out.append(static_cast<size_t>(std::min(level, 13)), '\t'); }
  template <class... A>
  void put(const A&... parts) {
    (out.append(parts), ...);
  }

  bool spend() {
    if (budget_ == 0 || out.size() > max_out_) return exhausted_ = true, false;
    --budget_;
    return true;
  }

  const Btf& btf_;
  std::vector<State> states_;
  std::vector<u32> queue_;
  std::vector<std::string> aliases_;
  Names type_names_, ident_names_;
  u64 budget_, max_out_;
  int decl_depth_ = 0;
  bool skip_anon_defs_ = false;
  bool exhausted_ = false;
};

}  // namespace osmia::btf
