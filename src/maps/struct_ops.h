// Live struct_ops: kernel structs of functions whose members programs implement. A map holds one such struct;
// a type is what the subsystem behind the struct does with it: take it on, refuse it, call it. Invariant: a
// struct that its type has taken on does not change until the type has let it go, and its programs live as
// long as its map.
#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <span>

#include "contract/struct_ops.h"
#include "maps/map.h"

namespace osmia::maps {

class StructOpsMap;
using StructOpsMapPtr = std::shared_ptr<StructOpsMap>;

// What a subsystem does, each null where there is nothing to do. Results: 0 or a negative errno.
struct StructOpsCode {
  // One member on its way from the user's struct to the kernel's: both at the member, `size` bytes. 1: done;
  // 0: not known here (it then has to be zero, or a function).
  int (*init_member)(std::string_view member, const u8* from, u8* to, u32 size) = nullptr;
  // Is the whole struct one that could be taken on?
  int (*validate)(const StructOpsMap&) = nullptr;
  // May it be taken on beside those that are? Neither this nor `may_replace` may call programs.
  int (*admit)(const StructOpsMap&, std::span<const StructOpsMapPtr> enrolled) = nullptr;
  // It has been taken on: the place to call its programs. An error lets it go again.
  int (*started)(StructOpsMap&) = nullptr;
  // May `with` take the place of `old`? Null: this type replaces nothing (EOPNOTSUPP).
  int (*may_replace)(const StructOpsMap& with, const StructOpsMap& old) = nullptr;
};

// A type as one row: what the verifier sees, and what happens.
struct StructOpsEntry {
  contract::StructOpsDef def;
  StructOpsCode code;
};

// A type in one kernel's BTF, with the structs that it has taken on.
class StructOpsType {
 public:
  StructOpsType(StructOpsCode code, contract::StructOpsLayout layout, btf::BtfPtr btf)
      : code(code), layout(layout), btf(std::move(btf)) {}

  const StructOpsCode code;
  const contract::StructOpsLayout layout;
  const btf::BtfPtr btf;
  u32 btf_object_id = 0;

  int enroll(const StructOpsMapPtr& map);
  void withdraw(const StructOpsMapPtr& map);  // nothing if it is not enrolled
  int replace(const StructOpsMapPtr& with, const StructOpsMapPtr& old);
  StructOpsMapPtr newest() const;  // null: none is enrolled
  void clear();

 private:
  mutable std::mutex mutex_;
  std::vector<StructOpsMapPtr> enrolled_;
};
using StructOpsTypePtr = std::shared_ptr<StructOpsType>;

// All types of one kernel. Filled before use, constant from then on.
class StructOpsTypes {
 public:
  std::vector<StructOpsTypePtr> all;
  StructOpsTypePtr by_value(const btf::Btf& btf, u32 value_id) const;
  StructOpsTypePtr by_name(std::string_view name) const;
  // Lets everything go: what is enrolled holds programs, and they hold this.
  void clear();
};

// BPF_MAP_TYPE_STRUCT_OPS: one element under key 0. What is written is a struct with program descriptors in
// its function members; what is read has their ids, a state and a count of the kernel's references.
class StructOpsMap final : public Map {
 public:
  enum State : u32 { kInit, kInUse, kToBeFree, kReady };  // enum bpf_struct_ops_state

  StructOpsMap(const MapAttr& attr, StructOpsTypePtr type);

  StructOpsType& ops() const { return *type_; }
  StructOpsMapPtr self() { return std::static_pointer_cast<StructOpsMap>(shared_from_this()); }
  bool may_be_linked() const;  // BPF_F_LINK and whole

  // -- what subsystems see, from any thread. Members by name; of one that does not exist: false, empty.
  bool has(std::string_view member) const;
  std::vector<u8> bytes(std::string_view member) const;
  std::string text(std::string_view member) const;  // up to the NUL
  // Runs the program of a member; gives r0. Errors: ENOENT if there is none, EOPNOTSUPP if it cannot run
  // here.
  Result<u64> call(std::string_view member, std::initializer_list<u64> args) const;

  void hold() { holds_.fetch_add(1); }  // by a link: counted for who reads the element
  void release() { holds_.fetch_sub(1); }

  int lookup_user(const void* key, void* value, u64 flags) override;
  int update_user(const void* key, const void* value, u64 flags, Descriptors& fds) override;
  s64 erase(const void* key) override;
  int next_key(const void* key, void* next) override;
  bool may_be_inner() const override { return false; }

 private:
  // What a subsystem sees. It never changes: an update that fails leaves it to whoever still looks at it.
  struct Content {
    std::vector<u8> bytes;                                // the struct; a function member is zero or not
    std::map<u32, std::shared_ptr<ProgObject>> programs;  // by member
  };
  int fill(Content& out, const u8* data, Descriptors& fds);
  int fill_member(Content& out, u32 index, const btf::Member& m, Descriptors& fds);
  int check_holes(u32 struct_id, const u8* data) const;
  std::shared_ptr<const Content> content() const;
  void show(std::shared_ptr<const Content> content);

  const StructOpsTypePtr type_;
  mutable std::mutex mutex_;  // of user_, and of who updates
  std::atomic<u32> state_{kInit};
  std::atomic<s64> holds_{0};
  std::vector<u8> user_;  // the whole value, programs as ids
  mutable std::mutex content_mutex_;
  std::shared_ptr<const Content> content_;
};

Result<MapPtr> create_struct_ops(const MapAttr& a);

}  // namespace osmia::maps
