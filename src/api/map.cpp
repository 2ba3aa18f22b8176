// Map: every call is the bpf(2) command of its name, so that it answers as Linux does.
#include "osmia/map.h"

#include <linux/bpf.h>

#include <cstring>

#include "api/impl.h"
#include "syscall/bpf.h"

namespace osmia {

struct Map::Impl {
  api::KernelPtr kernel;
  std::string name;
  maps::MapPtr map;
  api::OwnFd fd;

  Status call(int command, std::span<const std::byte> key, const void* value, u64 flags) const {
    if (key.size() != map->key_size() && !(key.empty() && command == BPF_MAP_GET_NEXT_KEY))
      return Error{EINVAL, "map " + name + ": key of " + std::to_string(key.size()) + " bytes, expected " +
                               std::to_string(map->key_size())};
    union bpf_attr a;
    std::memset(&a, 0, sizeof a);
    a.map_fd = static_cast<u32>(fd.get());
    a.key = key.empty() ? 0 : reinterpret_cast<u64>(key.data());
    a.value = reinterpret_cast<u64>(value);
    a.flags = flags;
    const long r = syscall::bpf(*kernel->kernel, command, &a, sizeof a);
    if (r < 0) return api::failed_call(r, "map " + name);
    return Ok{};
  }
  Status value_fits(size_t given) const {
    if (given == map->user_value_size()) return Ok{};
    return Error{EINVAL, "map " + name + ": value of " + std::to_string(given) + " bytes, expected " +
                             std::to_string(map->user_value_size())};
  }
};

namespace api {

Result<Map> make_map(KernelPtr kernel, std::string name, maps::MapPtr map) {
  if (!map) return Error{EINVAL, "map " + name + ": not there"};
  auto impl = std::shared_ptr<Map::Impl>(
      new Map::Impl{std::move(kernel), std::move(name), map, OwnFd(runtime::Object(map))});
  if (impl->fd.get() < 0) return Error{-impl->fd.get(), "map " + impl->name + ": no descriptor left"};
  return Map(std::move(impl));
}

}  // namespace api

const std::string& Map::name() const {
  return impl_->name;
}
std::uint32_t Map::type() const {
  return impl_->map->type();
}
std::uint32_t Map::id() const {
  return impl_->map->info().id;
}
std::uint32_t Map::key_size() const {
  return impl_->map->key_size();
}
std::uint32_t Map::value_size() const {
  return impl_->map->value_size();
}
std::uint32_t Map::max_entries() const {
  return impl_->map->max_entries();
}
std::uint32_t Map::whole_value_size() const {
  return impl_->map->user_value_size();
}
bool Map::is_per_cpu() const {
  switch (type()) {
    case BPF_MAP_TYPE_PERCPU_HASH:
    case BPF_MAP_TYPE_PERCPU_ARRAY:
    case BPF_MAP_TYPE_LRU_PERCPU_HASH:
    case BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE: return true;
    default: return false;
  }
}
int Map::fd() const {
  return impl_->fd.get();
}

Status Map::lookup(std::span<const std::byte> key, std::span<std::byte> value) const {
  OSMIA_TRY(impl_->value_fits(value.size()));
  return impl_->call(BPF_MAP_LOOKUP_ELEM, key, value.data(), 0);
}
Status Map::update(std::span<const std::byte> key, std::span<const std::byte> value, Update how) const {
  OSMIA_TRY(impl_->value_fits(value.size()));
  return impl_->call(BPF_MAP_UPDATE_ELEM, key, value.data(), static_cast<u64>(how));
}
Status Map::erase(std::span<const std::byte> key) const {
  return impl_->call(BPF_MAP_DELETE_ELEM, key, nullptr, 0);
}
Status Map::next_key(std::span<const std::byte> key, std::span<std::byte> next) const {
  if (next.size() != key_size())
    return Error{EINVAL, "map " + name() + ": room for a key of " + std::to_string(next.size()) +
                             " bytes, expected " + std::to_string(key_size())};
  return impl_->call(BPF_MAP_GET_NEXT_KEY, key, next.data(), 0);
}

}  // namespace osmia
