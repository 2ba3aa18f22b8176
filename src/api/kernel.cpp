// A Kernel over everything that ships, and the ways in: object files, specs, bpf(2).
#include "api/impl.h"

#include <linux/bpf.h>
#include <unistd.h>

#include <cstring>

#include "host/socket_text.h"
#include "runtime/catalog.h"
#include "runtime/engine.h"
#include "runtime/host_functions.h"
#include "syscall/bpf.h"
#include "syscall/fds.h"

namespace osmia {
namespace api {

OwnFd::OwnFd(runtime::Object object) {
  syscall::Fd entry;
  entry.object = std::move(object);
  fd_ = syscall::FdTable::instance().install(std::move(entry));
}
OwnFd::~OwnFd() {
  if (fd_ >= 0) syscall::FdTable::instance().close(fd_);
}

Error failed_call(long result, std::string what) {
  const std::string& why = syscall::last_error();
  return {static_cast<int>(-result),
          what + ": " + (why.empty() ? std::strerror(static_cast<int>(-result)) : why)};
}

}  // namespace api

namespace {

constexpr const char* kMachineBtf = "/sys/kernel/btf/vmlinux";

// Takes what a descriptor stands for, and closes it.
template <class T>
T take(long fd) {
  auto& table = syscall::FdTable::instance();
  const syscall::Fd entry = table.get(static_cast<int>(fd));
  table.close(static_cast<int>(fd));
  const T* object = std::get_if<T>(&entry.object);
  return object ? *object : nullptr;
}

bool copy_name(char (&to)[BPF_OBJ_NAME_LEN], const std::string& from) {
  if (from.size() >= sizeof to) return false;
  std::memcpy(to, from.c_str(), from.size() + 1);
  return true;
}

runtime::HostValue to_runtime(const HookValue& v) {
  return {v.bytes, v.is_signed, v.is_bool, v.is_pointer, v.points_to};
}
std::vector<runtime::HostField> to_runtime(const std::vector<HookField>& fields) {
  std::vector<runtime::HostField> out;
  for (const HookField& f : fields) out.push_back({f.name, f.offset, to_runtime(f.type)});
  return out;
}

Status add_hooks(contract::Catalog& catalog, const std::vector<HookSpec>& hooks,
                 std::map<std::string, HookSpec>& by_name) {
  std::vector<runtime::HostFunction> functions;
  for (const HookSpec& h : hooks) {
    runtime::HostFunction f{h.name, to_runtime(h.result), to_runtime(h.parameters), {}, h.may_modify};
    for (const HookStruct& s : h.structs) f.structs.push_back({s.name, s.size, to_runtime(s.fields)});
    functions.push_back(std::move(f));
    by_name[h.name] = h;
  }
  return runtime::add_host_functions(catalog, functions);
}

}  // namespace

Result<Kernel> Kernel::create(const KernelOptions& options) {
  auto impl = std::make_shared<Impl>();
  btf::BtfPtr vmlinux;
  if (!options.btf_path.empty()) {
    OSMIA_ASSIGN(vmlinux, btf::Btf::from_file(options.btf_path));
    impl->btf_path = options.btf_path;
  } else if (!options.machine_btf) {
    impl->btf_path = "/dev/null";  // else libbpf would relocate against the machine's all the same
  } else if (access(kMachineBtf, R_OK) == 0) {
    auto machine = btf::Btf::from_file(kMachineBtf);
    if (machine.ok()) vmlinux = *machine;
  }
  const auto catalog = runtime::build_catalog(vmlinux);
  std::vector<std::string> modules;
  runtime::add_known_modules(*catalog, modules, options.btf_path.empty());
  OSMIA_TRY(add_hooks(*catalog, options.hooks, impl->hooks));
  if (catalog->modules.size() > modules.size()) modules.push_back(runtime::kHostModule);
  impl->kernel = std::make_unique<runtime::Kernel>(catalog, modules);
  runtime::Kernel& k = *impl->kernel;
  runtime::install_engine(k);
  if (options.engine == Engine::kJit) k.jit = runtime::JitMode::kOn;
  if (options.engine == Engine::kInterpreter) k.jit = runtime::JitMode::kOff;
  k.native_profile = options.native_profile;
  k.state_memory_limit = options.verifier_memory;
  if (options.unprivileged) k.credentials = [] { return runtime::Cred{.caps = 1, .uid = 65534}; };
  return Kernel(std::move(impl));
}

long Kernel::bpf(int command, void* attr, unsigned size) const {
  std::unique_lock lock(impl_->loading, std::defer_lock);
  if (command == BPF_PROG_LOAD) lock.lock();
  return syscall::bpf(*impl_->kernel, command, attr, size);
}
void Kernel::close_fd(int fd) const {
  syscall::FdTable::instance().close(fd);
}
Status Kernel::give_sockets(const std::string& text) {
  OSMIA_ASSIGN(auto list, host::parse_sockets(text));
  host::set_sockets(std::move(list));
  return Ok{};
}
void Kernel::use_machine_sockets() {
  host::set_sockets(nullptr);
}

const std::string& Kernel::last_bpf_error() {
  return syscall::last_error();
}

Result<Map> Kernel::create_map(const MapSpec& spec) const {
  union bpf_attr a;
  std::memset(&a, 0, sizeof a);
  a.map_type = spec.type, a.key_size = spec.key_size, a.value_size = spec.value_size;
  a.max_entries = spec.max_entries, a.map_flags = spec.map_flags;
  if (!copy_name(a.map_name, spec.name)) return Error{EINVAL, "map name: more than 15 characters"};
  const long fd = bpf(BPF_MAP_CREATE, &a, sizeof a);
  if (fd < 0) return api::failed_call(fd, "map " + spec.name);
  return api::make_map(impl_, spec.name, take<maps::MapPtr>(fd));
}

Result<Program> Kernel::load(const ProgramSpec& spec) const {
  if (spec.instructions.empty() || spec.instructions.size() % 8)
    return Error{EINVAL, "instructions: expected a multiple of 8 bytes, found " +
                             std::to_string(spec.instructions.size())};
  union bpf_attr a;
  std::memset(&a, 0, sizeof a);
  a.prog_type = spec.type;
  a.insns = reinterpret_cast<u64>(spec.instructions.data());
  a.insn_cnt = static_cast<u32>(spec.instructions.size() / 8);
  a.license = reinterpret_cast<u64>(spec.license.c_str());
  a.expected_attach_type = spec.expected_attach_type, a.prog_flags = spec.flags;
  if (!copy_name(a.prog_name, spec.name)) return Error{EINVAL, "program name: more than 15 characters"};
  const long fd = bpf(BPF_PROG_LOAD, &a, sizeof a);
  if (fd < 0) return api::failed_call(fd, "program " + spec.name);
  return api::make_program(impl_, spec.name, take<runtime::ProgramPtr>(fd));
}

}  // namespace osmia
