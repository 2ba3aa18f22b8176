// What a program finds behind pointers (aux, names) belongs to the object that it got.
#include "runtime/iter/kernel_view.h"

#include <cstring>

#include "btf/btf.h"

namespace osmia::runtime {
namespace {

class View final : public host::KernelObject {
 public:
  using KernelObject::KernelObject;
  std::vector<std::unique_ptr<std::string>> texts;

  // The address of a copy that lives as long as the object.
  u64 text(std::string_view t) {
    texts.push_back(std::make_unique<std::string>(t));
    return reinterpret_cast<u64>(texts.back()->c_str());
  }
};

std::shared_ptr<View> make(const btf::BtfPtr& types, const char* name) {
  if (!types) return nullptr;
  auto memory = host::KernelStruct::make(*types, name);
  if (!memory.ok()) return nullptr;
  return std::make_shared<View>(host::ObjectKind::kOther, host::ObjectKey{}, std::move(*memory));
}

// Only one level of the programs that programs attach to: chains end there.
host::ObjectPtr program_object(const btf::BtfPtr& types, const Program& p, s64 references, bool outermost) {
  auto object = make(types, "bpf_prog");
  if (!object) return nullptr;
  host::KernelStruct& m = object->memory;
  m.set("type", p.desc.type);
  m.set("expected_attach_type", p.desc.expected_attach_type);
  m.set("len", p.dump().insns.size());
  m.set_bits("gpl_compatible", p.desc.gpl_compatible);
  if (p.executable && p.executable->image()) {
    m.set_bits("jited", 1);
    m.set("jited_len", p.executable->image()->bytes().size());
  }
  if (const auto tag = m.find("tag"); tag && tag->size == p.tag.size())
    std::memcpy(m.bytes() + tag->offset, p.tag.data(), p.tag.size());

  auto aux = make(types, "bpf_prog_aux");
  if (!aux) return object;
  host::KernelStruct& a = aux->memory;
  a.set("id", p.id);
  a.set("refcnt.counter", static_cast<u64>(references));
  a.set("func_cnt", p.dump().functions.size() > 1 ? p.dump().functions.size() : 0);
  a.set("load_time", p.load_time_ns);
  a.set("verified_insns", p.verdict.stats.insns_processed);
  a.set("attach_btf_id", p.desc.attach.btf_id);
  a.set("prog", object->address());
  a.set_text("name", p.desc.name);
  {
    std::lock_guard lock(p.maps_mutex);
    a.set("used_map_cnt", p.maps.size());
  }
  if (p.desc.attach.btf && p.desc.attach.btf_id)
    a.set("attach_func_name", aux->text(p.desc.attach.btf->type(p.desc.attach.btf_id).name()));
  if (outermost && p.attach_program)
    if (auto target = program_object(types, *p.attach_program, 1, false)) {
      a.set("dst_prog", target->address());
      aux->others.push_back(std::move(target));
    }
  m.set("aux", aux->address());
  object->others.push_back(std::move(aux));
  return object;
}

}  // namespace

host::ObjectPtr make_program_object(const btf::BtfPtr& types, const ProgramPtr& p) {
  return program_object(types, *p, p.use_count(), true);
}

host::ObjectPtr make_link_object(const btf::BtfPtr& types, const LinkPtr& link) {
  auto object = make(types, "bpf_link");
  if (!object) return nullptr;
  object->memory.set("type", link->type);
  object->memory.set("id", link->id);
  object->memory.set("refcnt.counter", static_cast<u64>(link.use_count()));
  if (const auto attached = link->program())
    if (auto program = make_program_object(types, attached)) {
      object->memory.set("prog", program->address());
      object->others.push_back(std::move(program));
    }
  return object;
}

host::ObjectPtr make_btf_object(const btf::BtfPtr& types, const BtfObject& btf) {
  auto object = make(types, "btf");
  if (!object) return nullptr;
  object->memory.set("id", btf.id);
  object->memory.set("kernel_btf", btf.kernel);
  object->memory.set_text("name", btf.name);
  return object;
}

}  // namespace osmia::runtime
