// The door: attribute sizes, copying, and the way to the command.
#include "syscall/bpf.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>

#include "base/bug.h"
#include "syscall/call.h"

namespace osmia::syscall {
namespace {

std::string& reason() {
  thread_local std::string r;
  return r;
}

template <class T>
std::shared_ptr<T> get_object(int fd, int* err, Fd* out) {
  Fd f = FdTable::instance().get(fd);
  *err = 0;
  if (auto* p = std::get_if<std::shared_ptr<T>>(&f.object)) {
    auto object = *p;
    if (out) *out = std::move(f);
    return object;
  }
  *err = f.object.index() || FdTable::is_open(fd) ? -EINVAL : -EBADF;
  return nullptr;
}

}  // namespace

const std::string& last_error() {
  return reason();
}
long fail(int code, std::string why) {
  reason() = std::move(why);
  return -code;
}

bool rest_is_zero(const union bpf_attr& attr, size_t from) {
  const u8* p = reinterpret_cast<const u8*>(&attr);
  return std::all_of(p + from, p + sizeof attr, [](u8 b) { return b == 0; });
}

maps::MapPtr get_map(int fd, int* err, Fd* entry) {
  return get_object<maps::Map>(fd, err, entry);
}
runtime::ProgramPtr get_prog(int fd, int* err) {
  return get_object<runtime::Program>(fd, err, nullptr);
}
runtime::BtfObjectPtr get_btf(int fd, int* err) {
  return get_object<runtime::BtfObject>(fd, err, nullptr);
}
runtime::LinkPtr get_link(int fd, int* err) {
  return get_object<runtime::Link>(fd, err, nullptr);
}

bool object_name(const char (&from)[BPF_OBJ_NAME_LEN], std::string& to) {
  const void* nul = std::memchr(from, 0, sizeof from);
  if (!nul) return false;
  to.assign(from, static_cast<const char*>(nul));
  return std::all_of(to.begin(), to.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.';
  });
}

long bpf(runtime::Kernel& kernel, int cmd, void* user, unsigned size) {
  reason().clear();
  const u64 uattr = reinterpret_cast<u64>(user);
  if (const int err = check_tail_zero(uattr, sizeof(union bpf_attr), size))
    return fail(-err, "attributes longer than this version knows, and not zero there");
  union bpf_attr attr;
  std::memset(&attr, 0, sizeof attr);
  const u32 n = std::min<u32>(size, sizeof attr);
  if (copy_from_user(&attr, uattr, n)) return fail(EFAULT, "attributes cannot be read");
  try {
    Call call{kernel, attr, uattr, n, cmd, kernel.credentials(), FdTable::instance()};
    switch (cmd) {
      case BPF_MAP_CREATE: return map_create(call);
      case BPF_MAP_LOOKUP_ELEM: return map_lookup_elem(call);
      case BPF_MAP_UPDATE_ELEM: return map_update_elem(call);
      case BPF_MAP_DELETE_ELEM: return map_delete_elem(call);
      case BPF_MAP_GET_NEXT_KEY: return map_get_next_key(call);
      case BPF_MAP_FREEZE: return map_freeze(call);
      case BPF_MAP_LOOKUP_AND_DELETE_ELEM: return map_lookup_and_delete_elem(call);
      case BPF_MAP_LOOKUP_BATCH:
      case BPF_MAP_LOOKUP_AND_DELETE_BATCH:
      case BPF_MAP_UPDATE_BATCH:
      case BPF_MAP_DELETE_BATCH: return map_batch(call);
      case BPF_PROG_LOAD: return prog_load(call);
      case BPF_PROG_TEST_RUN: return prog_test_run(call);
      case BPF_PROG_BIND_MAP: return prog_bind_map(call);
      case BPF_BTF_LOAD: return btf_load(call);
      case BPF_PROG_GET_NEXT_ID:
      case BPF_MAP_GET_NEXT_ID:
      case BPF_BTF_GET_NEXT_ID:
      case BPF_LINK_GET_NEXT_ID: return obj_get_next_id(call);
      case BPF_PROG_GET_FD_BY_ID:
      case BPF_MAP_GET_FD_BY_ID:
      case BPF_BTF_GET_FD_BY_ID:
      case BPF_LINK_GET_FD_BY_ID: return obj_get_fd_by_id(call);
      case BPF_OBJ_GET_INFO_BY_FD: return obj_get_info_by_fd(call);
      case BPF_OBJ_PIN: return obj_pin(call);
      case BPF_OBJ_GET: return obj_get(call);
      case BPF_LINK_CREATE: return link_create(call);
      case BPF_LINK_UPDATE: return link_update(call);
      case BPF_LINK_DETACH: return link_detach(call);
      case BPF_ITER_CREATE: return iter_create(call);
      case BPF_ENABLE_STATS: return enable_stats(call);
      case BPF_TOKEN_CREATE: return token_create(call);
      case BPF_PROG_ATTACH: return prog_attach(call);
      case BPF_PROG_DETACH: return prog_detach(call);
      case BPF_PROG_QUERY: return prog_query(call);
      case BPF_RAW_TRACEPOINT_OPEN: return raw_tracepoint_open(call);
      case BPF_TASK_FD_QUERY: return task_fd_query(call);
      default: return fail(EINVAL, "no such command: " + std::to_string(cmd));
    }
  } catch (const BugError& e) {
    return fail(EFAULT, e.what());
  } catch (const std::bad_alloc&) {
    return fail(ENOMEM, "out of memory");
  }
}

}  // namespace osmia::syscall
