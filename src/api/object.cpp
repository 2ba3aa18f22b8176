// Object files through the loader room: libbpf over the in-process bpf(2).
#include "osmia/object.h"

#include "api/impl.h"

namespace osmia {

struct ObjectFile::Impl {
  api::KernelPtr kernel;
  std::shared_ptr<loader::ObjectFile> file;
};
struct Object::Impl {
  std::string file;
  std::vector<Program> programs;
  std::vector<Map> maps;
};

Result<ObjectFile> Kernel::open(const std::string& path) const {
  std::lock_guard lock(impl_->loading);
  OSMIA_ASSIGN(auto file, loader::ObjectFile::open(*impl_->kernel, path, impl_->btf_path));
  return ObjectFile(std::shared_ptr<ObjectFile::Impl>(new ObjectFile::Impl{impl_, std::move(file)}));
}
Result<ObjectFile> Kernel::open(std::span<const std::byte> elf, std::string name) const {
  std::lock_guard lock(impl_->loading);
  const auto* bytes = reinterpret_cast<const u8*>(elf.data());
  OSMIA_ASSIGN(auto file,
               loader::ObjectFile::from_bytes(*impl_->kernel, std::vector<u8>(bytes, bytes + elf.size()),
                                              std::move(name), impl_->btf_path));
  return ObjectFile(std::shared_ptr<ObjectFile::Impl>(new ObjectFile::Impl{impl_, std::move(file)}));
}

const std::string& ObjectFile::name() const {
  return impl_->file->name();
}

std::vector<ProgramInfo> ObjectFile::programs() const {
  std::vector<ProgramInfo> out;
  for (const loader::ProgramEntry& e : impl_->file->programs())
    out.push_back({e.name, e.section, e.type_name, e.type, e.insn_cnt, e.autoload});
  return out;
}

Result<Verdict> ObjectFile::verify(std::string_view program, const VerifyOptions& options) const {
  std::lock_guard lock(impl_->kernel->loading);
  loader::LoadOptions o;
  o.log_level = options.log_level;
  loader::LoadResult r = impl_->file->load_alone(std::string(program), o);
  if (!r.reached_verifier && r.error) return Error{r.error, name() + ": " + r.message};
  Verdict v = api::to_public(r.verdict);
  if (r.error && v.accepted) {  // the verifier was content, what followed was not
    v.accepted = false;
    v.error = r.error;
    v.message = r.message;
  }
  v.log = std::move(r.log);
  return v;
}

Result<Object> ObjectFile::load() const {
  std::lock_guard lock(impl_->kernel->loading);
  auto loaded = impl_->file->load_all();
  if (!loaded.ok()) return Error{loaded.error().code, name() + ": " + loaded.error().message};
  auto out = std::make_shared<Object::Impl>();
  out->file = name();
  for (const auto& [program_name, program] : (*loaded)->programs()) {
    OSMIA_ASSIGN(Program p, api::make_program(impl_->kernel, program_name, program));
    out->programs.push_back(std::move(p));
  }
  for (const auto& entry : (*loaded)->maps()) {
    OSMIA_ASSIGN(Map m, api::make_map(impl_->kernel, entry.name, entry.map));
    out->maps.push_back(std::move(m));
  }
  return Object(std::shared_ptr<const Object::Impl>(std::move(out)));
}

std::vector<Program> Object::programs() const {
  return impl_->programs;
}
std::vector<Map> Object::maps() const {
  return impl_->maps;
}

Result<Program> Object::program(std::string_view name) const {
  for (const Program& p : impl_->programs)
    if (p.name() == name) return p;
  return Error{ENOENT, impl_->file + ": no loaded program named " + std::string(name)};
}

Result<Map> Object::map(std::string_view name) const {
  for (const Map& m : impl_->maps)
    if (m.name() == name) return m;
  if (name.starts_with('.'))  // libbpf puts a part of the object's name in front
    for (const Map& m : impl_->maps)
      if (m.name().size() > name.size() && m.name().ends_with(name)) return m;
  return Error{ENOENT, impl_->file + ": no map named " + std::string(name)};
}

}  // namespace osmia
