// Each load opens the bytes anew, so that no program's load can touch the next one's maps or instructions.
#include "loader/object.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "loader/elf_check.h"
#include "loader/rebound.h"
#include "syscall/fds.h"

namespace osmia::loader {
namespace {

// libbpf prints; the thread that called it collects.
thread_local std::string* t_messages = nullptr;

int collect_print(libbpf_print_level level, const char* format, va_list args) {
  if (level != LIBBPF_WARN || !t_messages || t_messages->size() > 64 << 10) return 0;
  char line[2048];
  const int n = vsnprintf(line, sizeof line, format, args);
  t_messages->append(line, static_cast<size_t>(std::min<int>(n > 0 ? n : 0, sizeof line - 1)));
  return 0;
}

class Messages {
 public:
  explicit Messages(std::string& to) : saved_(t_messages) {
    static const bool once = (libbpf_set_print(collect_print), true);
    (void)once;
    t_messages = &to;
  }
  ~Messages() { t_messages = saved_; }

 private:
  std::string* saved_;
};

// The first line that says something: libbpf's own prefix and the log's echo are noise.
std::string one_line(const std::string& messages, int error) {
  std::string line = messages.substr(0, messages.find('\n'));
  if (line.rfind("libbpf: ", 0) == 0) line.erase(0, 8);
  if (line.empty()) line = std::strerror(error);
  return line;
}

// Maps that a stand-alone load cannot make as they are: pinning is left out, and sizes that a loader program
// would set get the smallest value.
void prepare_maps(bpf_object* o) {
  bpf_map* m;
  bpf_object__for_each_map(m, o) {
    bpf_map__set_pin_path(m, nullptr);
    if (bpf_map__max_entries(m)) continue;
    switch (bpf_map__type(m)) {
      case BPF_MAP_TYPE_STRUCT_OPS:
      case BPF_MAP_TYPE_SK_STORAGE:
      case BPF_MAP_TYPE_TASK_STORAGE:
      case BPF_MAP_TYPE_INODE_STORAGE:
      case BPF_MAP_TYPE_CGROUP_STORAGE:
      case BPF_MAP_TYPE_CGRP_STORAGE:
      case BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE: break;
      case BPF_MAP_TYPE_RINGBUF:
      case BPF_MAP_TYPE_USER_RINGBUF: bpf_map__set_max_entries(m, 4096); break;
      default: bpf_map__set_max_entries(m, 1);
    }
  }
}

// Is this member a function slot of a struct_ops type?
bool is_function_slot(const ::btf* b, u32 id) {
  const btf_type* t = btf__type_by_id(b, id);
  const auto strip = [&] {
    while (t && (btf_is_mod(t) || btf_is_typedef(t))) t = btf__type_by_id(b, t->type);
  };
  strip();
  if (!t || !btf_is_ptr(t)) return false;
  t = btf__type_by_id(b, t->type);
  strip();
  return t && btf_is_func_proto(t);
}

// libbpf loads all programs that a struct_ops map refers to. For one program alone: only the maps that use
// it, with their other slots emptied.
void isolate_struct_ops(bpf_object* o, bpf_program* target) {
  bpf_map* m;
  bpf_object__for_each_map(m, o) {
    if (bpf_map__type(m) != BPF_MAP_TYPE_STRUCT_OPS) continue;
    bool used = false;
    size_t size = 0;
    auto* data = static_cast<char*>(bpf_map__initial_value(m, &size));
    const ::btf* b = bpf_object__btf(o);
    const btf_type* t = b ? btf__type_by_id(b, bpf_map__btf_value_type_id(m)) : nullptr;
    if (bpf_program__type(target) == BPF_PROG_TYPE_STRUCT_OPS && data && t && btf_is_composite(t)) {
      const btf_member* member = btf_members(t);
      for (u32 i = 0; i < btf_vlen(t); i++, member++) {
        const u64 at = member->offset / 8;
        if (!is_function_slot(b, member->type) || at + sizeof(void*) > size) continue;
        void* slot;
        std::memcpy(&slot, data + at, sizeof slot);
        if (slot == target)
          used = true;
        else
          std::memset(data + at, 0, sizeof slot);
      }
    }
    bpf_map__set_autocreate(m, used);
  }
}

}  // namespace

LoadedObject::~LoadedObject() {
  Binding binding(kernel_);
  programs_.clear();
  maps_.clear();
  bpf_object__close(object_);
}

void LoadedObject::collect() {
  auto& fds = syscall::FdTable::instance();
  bpf_program* p;
  bpf_object__for_each_program(p, object_) {
    const int fd = bpf_program__fd(p);
    if (fd < 0) continue;
    const syscall::Fd entry = fds.get(fd);
    if (auto* prog = std::get_if<runtime::ProgramPtr>(&entry.object))
      programs_.emplace_back(bpf_program__name(p), *prog);
  }
  bpf_map* m;
  bpf_object__for_each_map(m, object_) {
    const int fd = bpf_map__fd(m);
    if (fd < 0) continue;
    const syscall::Fd entry = fds.get(fd);
    if (auto* map = std::get_if<maps::MapPtr>(&entry.object)) maps_.push_back({bpf_map__name(m), fd, *map});
  }
}

runtime::ProgramPtr LoadedObject::program(const std::string& name) const {
  for (const auto& [n, p] : programs_)
    if (n == name) return p;
  return nullptr;
}
maps::MapPtr LoadedObject::map(const std::string& name) const {
  for (const auto& m : maps_)
    if (m.name == name) return m.map;
  return nullptr;
}

Result<std::shared_ptr<ObjectFile>> ObjectFile::open(runtime::Kernel& kernel, const std::string& path,
                                                     std::string btf_path) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  if (!in) return Error{errno ? errno : ENOENT, path + ": " + std::strerror(errno ? errno : ENOENT)};
  const auto size = in.tellg();
  if (size < 0 || size > (256ll << 20))
    return Error{EINVAL, path + ": not a regular file of at most 256 MiB"};
  std::vector<u8> bytes(static_cast<size_t>(size));
  in.seekg(0);
  if (!in.read(reinterpret_cast<char*>(bytes.data()), size)) return Error{EIO, path + ": cannot be read"};
  std::string name = path.substr(path.rfind('/') + 1);
  auto r = from_bytes(kernel, std::move(bytes), std::move(name), std::move(btf_path));
  if (!r.ok()) r.error().message = path + ": " + r.error().message;
  return r;
}

Result<std::shared_ptr<ObjectFile>> ObjectFile::from_bytes(runtime::Kernel& kernel, std::vector<u8> bytes,
                                                           std::string name, std::string btf_path) {
  OSMIA_TRY(check_elf(bytes));
  std::shared_ptr<ObjectFile> f(
      new ObjectFile(kernel, std::move(bytes), std::move(name), std::move(btf_path)));
  Binding binding(kernel);
  std::string messages;
  OSMIA_ASSIGN(bpf_object * o, f->open_libbpf(messages));
  bpf_program* p;
  bpf_object__for_each_program(p, o) {
    ProgramEntry e;
    e.name = bpf_program__name(p);
    e.section = bpf_program__section_name(p);
    e.type = bpf_program__type(p);
    const char* type_name = libbpf_bpf_prog_type_str(bpf_program__type(p));
    e.type_name = type_name ? type_name : "unspec";
    e.expected_attach_type = bpf_program__expected_attach_type(p);
    e.flags = bpf_program__flags(p);
    e.insn_cnt = static_cast<u32>(bpf_program__insn_cnt(p));
    e.autoload = bpf_program__autoload(p);
    f->programs_.push_back(std::move(e));
  }
  bpf_object__close(o);
  return f;
}

Result<bpf_object*> ObjectFile::open_libbpf(std::string& messages) {
  Messages collect(messages);
  bpf_object_open_opts opts;
  std::memset(&opts, 0, sizeof opts);
  opts.sz = sizeof opts;
  std::string base = name_.substr(0, name_.find('.'));
  opts.object_name = base.empty() ? "object" : base.c_str();
  opts.btf_custom_path = btf_path_.empty() ? nullptr : btf_path_.c_str();
  bpf_object* o = bpf_object__open_mem(bytes_.data(), bytes_.size(), &opts);
  if (o) return o;
  const int err = errno ? errno : EINVAL;
  return Error{err, one_line(messages, err)};
}

LoadResult ObjectFile::load_alone(const std::string& name, const LoadOptions& options) {
  LoadResult r;
  for (const auto& e : programs_)
    if (e.name == name) r.entry = e;
  Binding binding(kernel_);
  std::string messages;
  auto opened = open_libbpf(messages);
  if (!opened.ok()) {
    r.error = opened.error().code, r.message = opened.error().message;
    return r;
  }
  bpf_object* o = *opened;
  std::shared_ptr<LoadedObject> holder(new LoadedObject(kernel_, o));
  prepare_maps(o);
  bpf_program *p, *target = nullptr;
  bpf_object__for_each_program(p, o) {
    bool on = name == bpf_program__name(p);
    if (on) target = p;
    if (options.with_auxiliary)
      for (const auto& a : options.also) on |= a == bpf_program__name(p);
    bpf_program__set_autoload(p, on);
  }
  if (!target) {
    r.error = ENOENT, r.message = "no program named " + name + " in " + name_;
    return r;
  }
  isolate_struct_ops(o, target);
  std::vector<char> log(options.log_level ? options.log_size : 0);
  if (options.log_level) {
    log[0] = '\0';
    bpf_program__set_log_buf(target, log.data(), log.size());
    bpf_program__set_log_level(target, options.log_level);
  }
  bpf_program__set_flags(target, (bpf_program__flags(target) | options.extra_flags) & ~options.cleared_flags);
  // libbpf's own probes load programs too: the target's verdict is the last one with its name, type and
  // length.
  const std::string short_name = name.substr(0, 15);
  auto previous = std::move(kernel_.on_verdict);
  kernel_.on_verdict = [&](const verifier::Program& prog, const verifier::Verdict& v) {
    if (prog.name == short_name) r.verdict = v, r.reached_verifier = true;
    if (previous) previous(prog, v);
  };
  int err;
  {
    Messages collect(messages);
    err = bpf_object__load(o);
  }
  kernel_.on_verdict = std::move(previous);
  if (!log.empty()) r.log.assign(log.data(), strnlen(log.data(), log.size()));
  if (err == -ENOSPC && options.log_level && r.reached_verifier && r.verdict.accepted) {
    // Accepted, but the log is longer than its buffer: that is no verdict. Once more without a log.
    LoadOptions unlogged = options;
    unlogged.log_level = 0;
    LoadResult again = load_alone(name, unlogged);
    again.log = std::move(r.log);
    return again;
  }
  if (err) {
    r.error = -err;
    r.message =
        r.reached_verifier && !r.verdict.message.empty() ? r.verdict.message : one_line(messages, -err);
    return r;
  }
  holder->collect();
  r.object = std::move(holder);
  return r;
}

void ObjectFile::load_each_alone(const LoadOptions& options, const std::function<bool(LoadResult&)>& done) {
  for (const auto& e : programs_) {
    LoadResult r = load_alone(e.name, options);
    if (!done(r)) return;
  }
}

Result<std::shared_ptr<LoadedObject>> ObjectFile::load_all(const LoadOptions& options) {
  Binding binding(kernel_);
  std::string messages;
  OSMIA_ASSIGN(bpf_object * o, open_libbpf(messages));
  std::shared_ptr<LoadedObject> holder(new LoadedObject(kernel_, o));
  prepare_maps(o);
  bpf_program* p;
  bpf_object__for_each_program(p, o)
      bpf_program__set_flags(p, (bpf_program__flags(p) | options.extra_flags) & ~options.cleared_flags);
  int err;
  {
    Messages collect(messages);
    err = bpf_object__load(o);
  }
  if (err) return Error{-err, one_line(messages, -err)};
  holder->collect();
  return holder;
}

}  // namespace osmia::loader
