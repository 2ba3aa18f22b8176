// One BTF object: the raw bytes as they came, an offset table, and views over them. Invariant: a Btf that
// exists is structurally sound (every record lies inside the type section, the string section ends in NUL),
// it never changes, and every accessor is total: an id, name offset or index out of range yields void, "" or
// zero. So no caller has to check before it asks, and no bytes can crash one. Lookups build their indexes
// once, thread-safe.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "btf/types.h"

namespace osmia::btf {

class Btf;
using BtfPtr = std::shared_ptr<const Btf>;

// A computed sequence: `Items<Member>` yields members by value, unpacked from the raw record on access.
template <class T>
class Items {
 public:
  using Get = T (*)(const Btf&, const u8* record, u32 index);
  class Iterator {
   public:
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    Iterator(const Items* items, u32 i) : items_(items), i_(i) {}
    T operator*() const { return (*items_)[i_]; }
    Iterator& operator++() { return ++i_, *this; }
    Iterator operator++(int) {
      auto old = *this;
      ++i_;
      return old;
    }
    bool operator==(const Iterator& o) const { return i_ == o.i_; }

   private:
    const Items* items_;
    u32 i_;
  };
  Items(const Btf* btf, const u8* record, u32 count, Get get)
      : btf_(btf), record_(record), count_(count), get_(get) {}
  u32 size() const { return count_; }
  bool empty() const { return count_ == 0; }
  T operator[](u32 i) const { return i < count_ ? get_(*btf_, record_, i) : T{}; }
  Iterator begin() const { return {this, 0}; }
  Iterator end() const { return {this, count_}; }

 private:
  const Btf* btf_;
  const u8* record_;
  u32 count_;
  Get get_;
};

// One type record. Cheap to copy; valid while its Btf lives. Asking a kind for what it has not gives zero or
// empty.
class TypeView {
 public:
  TypeView() = default;
  TypeView(const Btf* btf, u32 id, const u8* record) : btf_(btf), record_(record), id_(id) {}

  u32 id() const { return id_; }
  const Btf& btf() const { return *btf_; }
  // False for an id that the BTF does not have. Void (id 0) exists.
  bool exists() const { return record_ != nullptr; }
  explicit operator bool() const { return exists(); }

  Kind kind() const;
  bool is(Kind k) const { return kind() == k; }
  std::string_view name() const;
  u32 name_off() const;
  u32 vlen() const;
  bool kind_flag() const;
  u32 info() const;          // the raw info word
  u32 size_or_type() const;  // the raw third word
  u32 size() const;          // bytes; INT, STRUCT, UNION, ENUM, ENUM64, FLOAT, DATASEC, else 0
  u32 type() const;  // referenced id; PTR, TYPEDEF, CV, TYPE_TAG, FUNC, FUNC_PROTO, VAR, DECL_TAG, else 0

  bool is_struct_or_union() const { return is(Kind::kStruct) || is(Kind::kUnion); }
  bool is_any_enum() const { return is(Kind::kEnum) || is(Kind::kEnum64); }
  bool is_modifier() const;  // TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG

  IntInfo int_info() const;
  ArrayInfo array() const;
  Items<Member> members() const;           // STRUCT, UNION
  Items<Enumerator> enumerators() const;   // ENUM, ENUM64
  Items<Param> params() const;             // FUNC_PROTO
  Items<VarSecinfo> var_secinfos() const;  // DATASEC
  FuncLinkage func_linkage() const;        // FUNC (raw vlen)
  u32 var_linkage() const;                 // VAR: VarLinkage, or whatever number was there
  int component_idx() const;               // DECL_TAG: member or argument index, -1 for the type itself
  u32 record_size() const;                 // bytes of the record with what follows it

 private:
  const Btf* btf_ = nullptr;
  const u8* record_ = nullptr;
  u32 id_ = 0;
};

enum class ParseMode {
  kTrusted,  // structure only: for vmlinux and for what a trusted builder made
  kUser,     // everything that Linux's BTF_LOAD checks
};

struct ParseOptions {
  ParseMode mode = ParseMode::kTrusted;
  u32 log_level = 0;           // BTF_LOAD's btf_log_level: 0 none, 1 what was checked and the error line
  std::string* log = nullptr;  // Linux's log text is appended; may be null
};

class Btf {
 public:
  // Takes the bytes. `base` makes this a split BTF: ids and string offsets go on from the base's.
  // Errors: the errno of BTF_LOAD (EINVAL, ENOTSUPP 524, E2BIG, EEXIST, ELOOP, …), message = the log's error
  // line.
  static Result<BtfPtr> parse(std::vector<u8> bytes, BtfPtr base = nullptr, const ParseOptions& options = {});
  static Result<BtfPtr> parse(std::vector<u8> bytes, BtfPtr base, ParseMode mode);
  // Reads a raw BTF file such as /sys/kernel/btf/vmlinux (trusted mode).
  static Result<BtfPtr> from_file(const std::string& path, BtfPtr base = nullptr);

  Btf(const Btf&) = delete;
  Btf& operator=(const Btf&) = delete;
  ~Btf();

  std::span<const u8> bytes() const { return bytes_; }  // as they were given
  const BtfPtr& base() const { return base_; }
  u32 start_id() const { return start_id_; }  // first id of its own: 1, or the base's end_id()
  u32 end_id() const { return start_id_ + static_cast<u32>(offsets_.size()); }  // one past the last id
  u32 own_types() const { return static_cast<u32>(offsets_.size()); }
  u32 start_string_offset() const { return start_str_off_; }
  u32 end_string_offset() const { return start_str_off_ + str_len_; }

  TypeView type(u32 id) const;                // base types included; !exists() when out of range
  std::string_view string(u32 offset) const;  // "" when out of range
  bool has_string(u32 offset) const { return offset < end_string_offset(); }

  // The lowest id with this name and kind (base first), 0 if none. O(1) after the first call.
  u32 find(std::string_view name, Kind kind) const;
  u32 find_own(std::string_view name, Kind kind) const;  // without the base
  // Every own id with this name, whatever the kind, ascending.
  std::vector<u32> find_all_own(std::string_view name) const;

  // Through TYPEDEF, VOLATILE, CONST, RESTRICT and TYPE_TAG. A chain that loops or leaves the table ends in
  // void.
  TypeView skip_modifiers(u32 id) const;
  // The same, but stops at a TYPEDEF.
  TypeView skip_qualifiers(u32 id) const;
  // If id (behind modifiers) is a pointer: what it points to, behind modifiers. Else a view that does not
  // exist.
  TypeView resolve_pointer(u32 id) const;
  // If id is a pointer to FUNC_PROTO (behind modifiers): the prototype. Else a view that does not exist.
  TypeView resolve_func_pointer(u32 id) const;
  // Bytes of an object of this type: arrays multiplied out, pointers 8. EINVAL for void, functions, forwards;
  // E2BIG for more than 32 nested steps or 32-bit overflow.
  Result<u32> size_of(u32 id) const;
  // Natural C alignment in bytes (1 where it has none).
  u32 align_of(u32 id) const;

  // Names of the TYPE_TAGs right behind a pointer, outermost first (`int __user __rcu *`).
  std::vector<std::string_view> type_tags(u32 pointer_id) const;
  // Values of the DECL_TAGs on (type, component); component -1 is the type itself. Ascending by id.
  std::vector<std::string_view> decl_tags(u32 type_id, int component = -1) const;
  // Ids of the same, so that callers can go on from there.
  std::vector<u32> decl_tag_ids(u32 type_id, int component = -1) const;

 private:
  friend class Parser;
  struct NameIndex;
  struct TagIndex;
  Btf();
  const NameIndex& names() const;
  const TagIndex& tags() const;

  std::vector<u8> bytes_;
  std::vector<u32> offsets_;  // offsets_[id - start_id_]: the record's offset in bytes_
  BtfPtr base_;
  u32 start_id_ = 1;
  u32 start_str_off_ = 0;
  u32 str_off_ = 0;  // string section's offset in bytes_
  u32 str_len_ = 0;
  struct Lazy;
  std::unique_ptr<Lazy> lazy_;
};

// True where Linux takes the name: a C identifier (dots allowed inside, as LLVM makes them), at most 512
// bytes.
bool is_valid_identifier(std::string_view name);

}  // namespace osmia::btf
