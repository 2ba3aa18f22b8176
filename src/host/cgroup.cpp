// A group's place follows from the path of its directory below the mount.
#include "host/cgroup.h"

#include <dirent.h>
#include <sys/stat.h>

#include <cstdlib>
#include <ctime>
#include <functional>

#include "host/proc_file.h"
#include "host/task.h"

namespace osmia::host {
namespace {

constexpr u64 kRootId = 1;
constexpr s64 kRemembered = 10000000;  // nanoseconds

// Where cgroup2 is mounted; empty: nowhere.
const std::string& mount_point() {
  static const std::string point = [] {
    const std::string text = read_file("/proc/self/mountinfo");
    for (size_t at = 0; at < text.size();) {
      const size_t end = std::min(text.find('\n', at), text.size());
      const std::string line = text.substr(at, end - at);
      at = end + 1;
      if (line.find(" - cgroup2 ") == line.npos) continue;
      size_t field = 0;
      for (int i = 0; i < 4; i++) field = line.find(' ', field) + 1;
      return line.substr(field, line.find(' ', field) - field);
    }
    return std::string();
  }();
  return point;
}

struct Place {
  u64 device = 0;
  std::vector<u64> line;
  std::vector<std::string> names;  // of each level
};

// The place of "/a/b" below the mount.
Place place_of(const std::string& path) {
  Place out;
  struct stat st;
  const std::string& root = mount_point();
  if (root.empty() || stat(root.c_str(), &st)) return {0, {kRootId}, {"/"}};
  out.device = st.st_dev;
  out.line.push_back(st.st_ino);
  out.names.push_back("/");
  for (size_t at = 1; at < path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    if (end > at) {
      if (stat((root + path.substr(0, end)).c_str(), &st)) break;
      out.line.push_back(st.st_ino);
      out.names.push_back(path.substr(at, end - at));
    }
    at = end + 1;
  }
  return out;
}

std::string path_of_task(u32 tid) {
  const std::string text = "\n" + read_file("/proc/" + std::to_string(tid) + "/cgroup");
  const size_t at = text.find("\n0::");
  return at == text.npos ? "/" : text.substr(at + 4, text.find('\n', at + 1) - at - 4);
}

std::shared_ptr<Cgroup> make(const btf::BtfPtr& types, const Place& place, size_t level) {
  if (!types || level >= place.line.size()) return nullptr;
  const ObjectKey key{place.device, place.line[level]};
  if (const ObjectPtr there = find_object(types, ObjectKind::kCgroup, key))
    return std::static_pointer_cast<Cgroup>(there);
  auto memory = KernelStruct::make(*types, "cgroup", static_cast<u32>((level + 1) * 8));
  auto node = KernelStruct::make(*types, "kernfs_node");
  if (!memory.ok() || !node.ok()) return nullptr;
  auto made = std::make_shared<Cgroup>(ObjectKind::kCgroup, key, std::move(*memory));
  made->line.assign(place.line.begin(), place.line.begin() + static_cast<ptrdiff_t>(level) + 1);
  KernelStruct& c = made->memory;
  node->set("id", key.number);
  node->set("count", 1);
  made->name = place.names[level];
  node->set("name", reinterpret_cast<u64>(made->name.c_str()));
  c.set("kn", node->address());
  c.set("level", level);
  c.set("self.refcnt.percpu_count_ptr", 1);
  c.set("self.cgroup", c.address());
  c.set("self.flags", 8);  // CSS_ONLINE is bit 1; the root's CSS_NO_REF is bit 0
  if (level) {
    auto above = make(types, place, level - 1);
    if (above) {
      c.set("self.parent", above->address());  // cgroup_subsys_state lies first in a cgroup
      for (u32 i = 0; i < level; i++) {
        const auto other = make(types, place, i);
        if (other) c.set_element("ancestors", i, other->address());
      }
      made->others.push_back(std::move(above));
    }
  }
  c.set_element("ancestors", static_cast<u32>(level), c.address());
  c.set("dom_cgrp", c.address());
  c.set("old_dom_cgrp", c.address());
  made->parts.push_back(std::move(*node));
  return std::static_pointer_cast<Cgroup>(publish_object(types, std::move(made)));
}

using Visit = std::function<bool(const std::string& path, u64 id)>;

// Visits the group at a path below the mount and all below it until `visit` says true. Gives what it said.
bool walk(const std::string& path, bool parents_first, const Visit& visit, u32 depth = 0) {
  constexpr u32 kDeepest = 64;
  struct stat st;
  const std::string folder = mount_point() + path;
  if (depth > kDeepest || stat(folder.c_str(), &st)) return false;
  if (parents_first && visit(path, st.st_ino)) return true;
  std::vector<std::string> children;
  if (DIR* d = opendir(folder.c_str())) {
    while (const dirent* e = readdir(d))
      if (e->d_type == DT_DIR && e->d_name[0] != '.') children.emplace_back(e->d_name);
    closedir(d);
  }
  for (const std::string& child : children)
    if (walk(path == "/" ? path + child : path + "/" + child, parents_first, visit, depth + 1)) return true;
  return !parents_first && visit(path, st.st_ino);
}

std::string path_by_id(u64 id) {
  if (mount_point().empty()) return id == kRootId ? "/" : "";
  std::string found;
  walk("/", true, [&](const std::string& path, u64 inode) {
    if (inode == id) found = path;
    return inode == id;
  });
  return found;
}

}  // namespace

std::vector<u64> cgroup_line(u32 tid) {
  return place_of(path_of_task(tid)).line;
}

std::vector<u64> own_cgroup_line() {
  struct Last {
    u32 tid = 0;
    timespec at{};
    std::vector<u64> line;
  };
  thread_local Last last;
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  const s64 age = (now.tv_sec - last.at.tv_sec) * 1000000000 + (now.tv_nsec - last.at.tv_nsec);
  if (last.tid != own_tid() || age > kRemembered) last = {own_tid(), now, cgroup_line(own_tid())};
  return last.line;
}

std::shared_ptr<Cgroup> cgroup_of_task(const btf::BtfPtr& types, u32 tid) {
  const Place place = place_of(path_of_task(tid));
  return make(types, place, place.line.size() - 1);
}

std::shared_ptr<Cgroup> cgroup_by_id(const btf::BtfPtr& types, u64 id) {
  const std::string path = path_by_id(id);
  if (path.empty()) return nullptr;
  const Place place = place_of(path);
  return place.line.back() == id ? make(types, place, place.line.size() - 1) : nullptr;
}

std::vector<u64> cgroup_tree(u64 id, bool parents_first) {
  std::vector<u64> out;
  const std::string path = path_by_id(id);
  if (path.empty()) return out;
  if (mount_point().empty()) return {id};
  walk(path, parents_first, [&](const std::string&, u64 inode) {
    out.push_back(inode);
    return false;
  });
  return out;
}

std::vector<u32> cgroup_members(u64 id, bool threads) {
  std::vector<u32> out;
  const std::string path = path_by_id(id);
  if (path.empty() || mount_point().empty()) return out;
  const std::string text = read_file(mount_point() + path + (threads ? "/cgroup.threads" : "/cgroup.procs"));
  const char* at = text.c_str();
  for (char* end; const unsigned long n = std::strtoul(at, &end, 10); at = end)
    out.push_back(static_cast<u32>(n));
  return out;
}

}  // namespace osmia::host
