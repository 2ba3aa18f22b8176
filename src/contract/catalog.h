// Catalog: the one immutable thing through which the verifier sees the world. Plain data, built once (from
// the registries, or by a test, or from what a host application registers) and shared by const reference.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contract/helper_def.h"
#include "contract/kfunc_def.h"
#include "contract/map_def.h"
#include "contract/prog_type_def.h"
#include "contract/struct_ops_def.h"

namespace osmia::btf {
class Btf;
}

namespace osmia::contract {

// What decides which helpers a program may call: its attach point, its privileges, whether it may sleep.
struct Caller {
  u32 expected_attach_type = 0;
  u32 caps = 0;  // bit n = Capability n held
  bool sleepable = false;
  // What it attaches to: the function's or iterator's name ("bpf_lsm_file_open", "bpf_iter_tcp"), for
  // struct_ops the member's ("release"); empty = none.
  std::string_view target = {};
  bool target_is_program = false;            // attaches to another BPF program
  const StructOpsDef* struct_ops = nullptr;  // the struct whose member it implements; its grants count then
};

class Catalog {
 public:
  std::vector<const HelperDef*> helpers;  // any order; several may share an id
  std::vector<const MapDef*> maps;
  std::vector<const ProgTypeDef*> prog_types;
  std::vector<const KfuncDef*> kfuncs;
  std::vector<const StructOpsDef*> struct_ops;
  std::span<const KptrDestructor> kptr_destructors;      // kernel types that referenced kptrs may hold
  std::span<const ObjectLayout> objects;                 // loads through sockets, flow keys; static data
  std::shared_ptr<const btf::Btf> vmlinux;               // may be null: no kernel types known
  std::vector<std::shared_ptr<const btf::Btf>> modules;  // split BTF over vmlinux
  // What a host application offers to attach to: its BTF (vmlinux or one of modules), and the functions in it
  // whose result programs may change.
  const btf::Btf* host_types = nullptr;
  std::vector<std::string> host_modifiable;
  u32 nr_cpus = 1;  // possible CPUs, for kRetIsCpuId

  // Call once after filling the vectors; look-ups are O(1) afterwards and never fail on unknown ids
  // (nullptr).
  void index();
  const MapDef* map(u32 type) const;
  const ProgTypeDef* prog_type(u32 type) const;
  const ProgTypeDef* prog_type(std::string_view name) const;
  const KfuncDef* kfunc(std::string_view name) const;
  const ObjectLayout* object(RegBase base) const;
  // Any definition with this id (for names), or nullptr: "invalid func %s#%d" needs the name even if not
  // granted.
  const HelperDef* helper_any(u32 id) const;
  // The definition that a program of this type, attach type and capabilities may call, or nullptr.
  // caps: bit n = Capability n held.
  const HelperDef* helper_for(const ProgTypeDef& type, u32 expected_attach_type, u32 caps, u32 id) const;
  const HelperDef* helper_for(const ProgTypeDef& type, const Caller& caller, u32 id) const;
  u32 helper_count() const { return max_helper_id_ + 1; }  // ids at or above it are "invalid func unknown#N"

 private:
  std::vector<const MapDef*> map_by_type_;
  std::vector<const ProgTypeDef*> prog_by_type_;
  std::vector<std::vector<const HelperDef*>> helper_by_id_;
  u32 max_helper_id_ = 0;
};

}  // namespace osmia::contract
