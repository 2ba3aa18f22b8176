// The C ABI over the C++ one: handles are the C++ handles in a box, errors become -errno and a line per
// thread.
#include "osmia/osmia.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "osmia/kernel.h"

struct osmia_kernel {
  osmia::Kernel kernel;
};
struct osmia_program {
  osmia::Program program;
};
struct osmia_map {
  osmia::Map map;
};
struct osmia_object {
  osmia::Object object;
  std::vector<osmia_program> programs;
  std::vector<osmia_map> maps;
};

namespace {

thread_local std::string t_error;

int failed(const osmia::Error& e) {
  t_error = e.message.empty() ? std::strerror(e.code) : e.message;
  return -e.code;
}
int refused(const char* what) {
  return failed({EINVAL, what});
}
int done(const osmia::Status& s) {
  return s.ok() ? 0 : failed(s.error());
}

// The caller's structure, which may be older (shorter) or newer (longer, then the rest must be zero).
template <class T>
bool take(T& to, const T* from) {
  to = {};
  if (!from || from->size < sizeof(size_t)) return false;
  const auto* bytes = reinterpret_cast<const unsigned char*>(from);
  for (size_t i = sizeof(T); i < from->size; i++)
    if (bytes[i]) return false;
  std::memcpy(&to, from, std::min(from->size, sizeof(T)));
  return true;
}
template <class T>
void give(T* to, const T& from) {
  const size_t size = to->size;
  std::memcpy(to, &from, std::min(size, sizeof(T)));
  to->size = size;
}

template <class T>
std::span<const std::byte> bytes(const T* p, size_t n) {
  return {reinterpret_cast<const std::byte*>(p), p ? n : 0};
}

int load(const osmia::Result<osmia::ObjectFile>& file, osmia_object** out) {
  if (!file.ok()) return failed(file.error());
  auto object = (*file).load();
  if (!object.ok()) return failed(object.error());
  auto* made = new osmia_object{*object, {}, {}};
  for (auto& p : made->object.programs()) made->programs.push_back({p});
  for (auto& m : made->object.maps()) made->maps.push_back({m});
  *out = made;
  return 0;
}

}  // namespace

extern "C" {

const char* osmia_version(void) {
  return OSMIA_VERSION;
}
const char* osmia_last_error(void) {
  return t_error.c_str();
}

int osmia_kernel_create(const struct osmia_kernel_options* options, osmia_kernel** out) {
  osmia_kernel_options o{};
  if (!out) return refused("osmia_kernel_create: out is NULL");
  if (options && !take(o, options))
    return refused("osmia_kernel_options: size is not that of a known version");
  if (o.engine < 0 || o.engine > 2) return refused("osmia_kernel_options: engine must be 0, 1 or 2");
  osmia::KernelOptions k;
  if (o.btf_path) k.btf_path = o.btf_path;
  k.machine_btf = !o.no_machine_btf;
  k.engine = static_cast<osmia::Engine>(o.engine);
  k.unprivileged = o.unprivileged;
  auto made = osmia::Kernel::create(k);
  if (!made.ok()) return failed(made.error());
  *out = new osmia_kernel{*made};
  return 0;
}
void osmia_kernel_free(osmia_kernel* kernel) {
  delete kernel;
}
long osmia_bpf(osmia_kernel* kernel, int command, void* attr, unsigned size) {
  if (!kernel) return refused("osmia_bpf: kernel is NULL");
  const long r = kernel->kernel.bpf(command, attr, size);
  if (r < 0) failed({static_cast<int>(-r), osmia::Kernel::last_bpf_error()});
  return r;
}

int osmia_verify(osmia_kernel* kernel, const char* path, const char* program, struct osmia_verdict* out,
                 char* log, size_t log_size) {
  osmia_verdict v{};
  if (!kernel || !path || !program || !out || !take(v, out))
    return refused("osmia_verify: an argument is missing");
  auto file = kernel->kernel.open(path);
  if (!file.ok()) return failed(file.error());
  auto verdict = (*file).verify(program);
  if (!verdict.ok()) return failed(verdict.error());
  v.accepted = verdict->accepted, v.error = verdict->error, v.unsupported = verdict->unsupported;
  v.instructions_processed = verdict->instructions_processed, v.total_states = verdict->total_states;
  v.stack_bytes = verdict->stack_bytes, v.verify_ns = verdict->verify_ns;
  give(out, v);
  if (!verdict->accepted) t_error = verdict->message;
  if (log && log_size) {
    const size_t n = std::min(verdict->log.size(), log_size - 1);
    std::memcpy(log, verdict->log.data(), n);
    log[n] = '\0';
  }
  return 0;
}

int osmia_object_load(osmia_kernel* kernel, const char* path, osmia_object** out) {
  if (!kernel || !path || !out) return refused("osmia_object_load: an argument is NULL");
  return load(kernel->kernel.open(path), out);
}
int osmia_object_load_bytes(osmia_kernel* kernel, const void* elf, size_t size, const char* name,
                            osmia_object** out) {
  if (!kernel || !elf || !out) return refused("osmia_object_load_bytes: an argument is NULL");
  return load(kernel->kernel.open(bytes(elf, size), name ? name : "object"), out);
}
void osmia_object_free(osmia_object* object) {
  delete object;
}
size_t osmia_object_program_count(const osmia_object* object) {
  return object->programs.size();
}
size_t osmia_object_map_count(const osmia_object* object) {
  return object->maps.size();
}
osmia_program* osmia_object_program_at(osmia_object* object, size_t index) {
  return index < object->programs.size() ? &object->programs[index] : nullptr;
}
osmia_program* osmia_object_program(osmia_object* object, const char* name) {
  for (auto& p : object->programs)
    if (p.program.name() == name) return &p;
  failed({ENOENT, std::string("no loaded program named ") + name});
  return nullptr;
}
osmia_map* osmia_object_map_at(osmia_object* object, size_t index) {
  return index < object->maps.size() ? &object->maps[index] : nullptr;
}
osmia_map* osmia_object_map(osmia_object* object, const char* name) {
  const auto found = object->object.map(name);
  if (!found.ok()) return failed(found.error()), nullptr;
  for (auto& m : object->maps)
    if (m.map.id() == (*found).id()) return &m;
  return nullptr;
}

int osmia_program_run(osmia_program* program, struct osmia_run* run) {
  osmia_run r{};
  if (!program || !take(r, run))
    return refused("osmia_program_run: an argument is missing, or its size unknown");
  osmia::RunOptions o;
  o.context = bytes(r.context, r.context_size);
  o.repeat = r.repeat ? r.repeat : 1;
  auto result = program->program.run(bytes(r.data, r.data_size), o);
  if (!result.ok()) return failed(result.error());
  r.return_value = result->return_value;
  r.nanoseconds = result->nanoseconds;
  const size_t room = r.data_out ? r.data_out_size : 0;
  if (room) std::memcpy(r.data_out, result->data.data(), std::min(room, result->data.size()));
  r.data_out_size = result->data.size();
  give(run, r);
  if (r.data_out && result->data.size() > room)
    return failed({ENOSPC, "the data does not fit into data_out"});
  return 0;
}
const char* osmia_program_name(const osmia_program* program) {
  return program->program.name().c_str();
}
uint32_t osmia_program_type(const osmia_program* program) {
  return program->program.type();
}
int osmia_program_fd(const osmia_program* program) {
  return program->program.fd();
}

const char* osmia_map_name(const osmia_map* map) {
  return map->map.name().c_str();
}
uint32_t osmia_map_type(const osmia_map* map) {
  return map->map.type();
}
uint32_t osmia_map_key_size(const osmia_map* map) {
  return map->map.key_size();
}
uint32_t osmia_map_value_size(const osmia_map* map) {
  return map->map.value_size();
}
uint32_t osmia_map_whole_value_size(const osmia_map* map) {
  return map->map.whole_value_size();
}
uint32_t osmia_map_max_entries(const osmia_map* map) {
  return map->map.max_entries();
}
int osmia_map_fd(const osmia_map* map) {
  return map->map.fd();
}
int osmia_map_lookup(const osmia_map* map, const void* key, void* value) {
  if (!value) return refused("osmia_map_lookup: value is NULL");
  return done(map->map.lookup(bytes(key, map->map.key_size()),
                              {static_cast<std::byte*>(value), map->map.whole_value_size()}));
}
int osmia_map_update(const osmia_map* map, const void* key, const void* value, uint64_t flags) {
  if (!value) return refused("osmia_map_update: value is NULL");
  return done(map->map.update(bytes(key, map->map.key_size()), bytes(value, map->map.whole_value_size()),
                              static_cast<osmia::Update>(flags)));
}
int osmia_map_delete(const osmia_map* map, const void* key) {
  return done(map->map.erase(bytes(key, map->map.key_size())));
}
int osmia_map_next_key(const osmia_map* map, const void* key, void* next) {
  if (!next) return refused("osmia_map_next_key: next is NULL");
  return done(map->map.next_key(bytes(key, map->map.key_size()),
                                {static_cast<std::byte*>(next), map->map.key_size()}));
}

}  // extern "C"
