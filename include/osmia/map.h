// A live map. Keys and values are bytes as the program sees them (host byte order, the C layout of its
// types); the typed calls take any trivially copyable type of the right size. A Map is a handle: copies mean
// the same map, which lives as long as any handle, object or program uses it. Every call may come from any
// thread.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "osmia/export.h"
#include "osmia/result.h"

namespace osmia {

template <class T>
concept Plain = std::is_trivially_copyable_v<T> && !std::is_pointer_v<T>;

enum class Update : std::uint64_t { kAny = 0, kIfAbsent = 1, kIfPresent = 2 };  // BPF_ANY, NOEXIST, EXIST

// A map that no object file declares (uapi BPF_MAP_CREATE).
struct MapSpec {
  std::uint32_t type = 0;                      // enum bpf_map_type
  std::uint32_t key_size = 0, value_size = 0;  // bytes
  std::uint32_t max_entries = 0, map_flags = 0;
  std::string name;  // letters, digits, '_', '.', at most 15
};

class OSMIA_API Map {
 public:
  const std::string& name() const;
  std::uint32_t type() const;
  std::uint32_t id() const;
  std::uint32_t key_size() const;    // bytes
  std::uint32_t value_size() const;  // bytes that one CPU's program sees
  std::uint32_t max_entries() const;
  // Bytes that lookup and update take: value_size(), or for per-CPU maps every CPU's value, each rounded up
  // to a multiple of 8 bytes.
  std::uint32_t whole_value_size() const;
  bool is_per_cpu() const;
  // A descriptor of this process, valid for Kernel::bpf() while this handle lives.
  int fd() const;

  // Errors: EINVAL (a span of the wrong size), ENOENT (no such key), and what Linux answers for the map's
  // type.
  Status lookup(std::span<const std::byte> key, std::span<std::byte> value) const;
  Status update(std::span<const std::byte> key, std::span<const std::byte> value,
                Update how = Update::kAny) const;
  Status erase(std::span<const std::byte> key) const;
  // The key after `key` (empty: the first) into `next`. ENOENT: there is none.
  Status next_key(std::span<const std::byte> key, std::span<std::byte> next) const;

  // -- typed: sizes must be the map's own
  template <Plain V, Plain K>
  Result<V> get(const K& key) const {
    V value{};
    if (auto s = lookup(bytes(key), writable(value)); !s.ok()) return s.error();
    return value;
  }
  template <Plain K, Plain V>
  Status put(const K& key, const V& value, Update how = Update::kAny) const {
    return update(bytes(key), bytes(value), how);
  }
  template <Plain K>
  Status remove(const K& key) const {
    return erase(bytes(key));
  }
  // Every CPU's value of a per-CPU map.
  template <Plain V, Plain K>
  Result<std::vector<V>> get_per_cpu(const K& key) const {
    if (!is_per_cpu() || sizeof(V) != value_size())
      return Error{EINVAL, "map " + name() + ": not a per-CPU map of values of this size"};
    std::vector<std::byte> all(whole_value_size());
    if (auto s = lookup(bytes(key), all); !s.ok()) return s.error();
    const std::size_t stride = (sizeof(V) + 7) / 8 * 8;
    std::vector<V> out(all.size() / stride);
    for (std::size_t i = 0; i < out.size(); i++) copy(&out[i], all.data() + i * stride, sizeof(V));
    return out;
  }
  // Calls fn(key, value) for each element, until it returns false if it returns anything. Elements that come
  // or go meanwhile may be seen or not; a key that goes may start the walk over.
  template <Plain K, Plain V, class Fn>
  Status for_each(Fn fn) const {
    if (sizeof(K) != key_size() || sizeof(V) != whole_value_size())
      return Error{EINVAL, "map " + name() + ": keys or values are of another size"};
    return each([&](std::span<const std::byte> k, std::span<const std::byte> v) {
      K key;
      V value;
      copy(&key, k.data(), sizeof(K));
      copy(&value, v.data(), sizeof(V));
      if constexpr (std::is_void_v<decltype(fn(key, value))>)
        return fn(key, value), true;
      else
        return static_cast<bool>(fn(key, value));
    });
  }
  // The same over bytes: fn(std::span<const std::byte> key, std::span<const std::byte> value) -> bool.
  template <class Fn>
  Status each(Fn fn) const {
    std::vector<std::byte> key(key_size()), next(key_size()), value(whole_value_size());
    for (Status s = next_key({}, next);; s = next_key(key, next)) {
      if (!s.ok()) return s.error().code == ENOENT ? Status(Ok{}) : s;
      key = next;
      if (lookup(key, value).ok() && !fn(std::span<const std::byte>(key), std::span<const std::byte>(value)))
        return Ok{};
    }
  }

  struct Impl;  // Osmia's own
  explicit Map(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

 private:
  template <class T>
  static std::span<const std::byte> bytes(const T& v) {
    return std::as_bytes(std::span<const T, 1>(&v, 1));
  }
  template <class T>
  static std::span<std::byte> writable(T& v) {
    return std::as_writable_bytes(std::span<T, 1>(&v, 1));
  }
  static void copy(void* to, const void* from, std::size_t n) { __builtin_memcpy(to, from, n); }
  std::shared_ptr<const Impl> impl_;
};

}  // namespace osmia
