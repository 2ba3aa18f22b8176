// No link and no descriptor: the file is opened where a link would open it.
#include "cli/iterate.h"

#include <fmt/format.h>
#include <linux/bpf.h>

#include <array>
#include <charconv>
#include <cstring>

#include "host/cgroup.h"
#include "runtime/iter/iter_file.h"

namespace osmia::cli {
namespace {

using runtime::IterScope;
using runtime::IterTarget;

Error expected(const IterTarget& target, const std::string& found) {
  const char* what = target.needs == IterTarget::kMap      ? "map=NAME"
                     : target.needs == IterTarget::kTasks  ? "pid=N or tid=N"
                     : target.needs == IterTarget::kCgroup ? "order=self, pre, post or up"
                                                           : "nothing";
  return {EINVAL, fmt::format("--iter of iter/{}: expected {}, found \"{}\"", target.name, what, found)};
}

// Maps of the object's own, not its variables.
std::vector<const loader::LoadedObject::MapEntry*> own_maps(const loader::LoadedObject& object) {
  std::vector<const loader::LoadedObject::MapEntry*> out;
  for (const auto& m : object.maps())
    if (m.name.find('.') == m.name.npos) out.push_back(&m);
  return out;
}

Result<IterScope> scope_of(const IterTarget& target, const runtime::Program& program,
                           const loader::LoadedObject& object, const std::string& which) {
  IterScope scope;
  const size_t equals = which.find('=');
  const std::string key = which.substr(0, equals),
                    value = equals == which.npos ? "" : which.substr(equals + 1);
  switch (target.needs) {
    case IterTarget::kNothing:
      if (!which.empty()) return expected(target, which);
      break;
    case IterTarget::kMap: {
      const auto maps = own_maps(object);
      if (which.empty() && maps.size() == 1) scope.map = maps[0]->map;
      if (key == "map") scope.map = object.map(value);
      if (!scope.map) return expected(target, which);
      if (target.check_map) {
        OSMIA_TRY(target.check_map(program, *scope.map));
      }
      break;
    }
    case IterTarget::kTasks: {
      if (which.empty()) break;
      const auto [end, bad] = std::from_chars(value.data(), value.data() + value.size(), scope.pid);
      if (bad != std::errc() || end != value.data() + value.size() || (key != "pid" && key != "tid"))
        return expected(target, which);
      scope.tasks = key == "pid" ? IterScope::kProcess : IterScope::kThread;
      break;
    }
    case IterTarget::kCgroup: {
      static constexpr std::array<const char*, 5> kOrders{"", "self", "pre", "post", "up"};
      scope.cgroup = host::own_cgroup_line().front();
      scope.cgroup_order = which.empty() ? BPF_CGROUP_ITER_DESCENDANTS_PRE : 0;
      for (u32 i = 1; i < kOrders.size(); i++)
        if (key == "order" && value == kOrders[i]) scope.cgroup_order = i;
      if (!scope.cgroup_order) return expected(target, which);
      break;
    }
  }
  return scope;
}

}  // namespace

bool is_iterator(const runtime::Program& p) {
  return p.desc.type == BPF_PROG_TYPE_TRACING && p.desc.expected_attach_type == BPF_TRACE_ITER;
}

Status iterate(runtime::Kernel& kernel, const runtime::ProgramPtr& program,
               const loader::LoadedObject& object, const std::string& which, std::string& out) {
  const IterTarget* target = runtime::iter_target(*program);
  if (!target) return Error{ENOENT, "no iterator of this name"};
  OSMIA_ASSIGN(const IterScope scope, scope_of(*target, *program, object, which));
  OSMIA_ASSIGN(const auto file, runtime::IterFile::open(kernel, program, *target, scope));
  if (const s64 err = file->read_all(out); err < 0)
    return Error{static_cast<int>(-err), fmt::format("reading stopped after {} bytes: {}", out.size(),
                                                     std::strerror(static_cast<int>(-err)))};
  return Ok{};
}

}  // namespace osmia::cli
