// One call of bpf(2) on its way through a command: the copied attributes and what surrounds them. Commands
// are functions `long cmd(Call&)`, one file a command family.
#pragma once
#include <linux/bpf.h>

#include <string>

#include "maps/map.h"
#include "runtime/kernel.h"
#include "syscall/fds.h"
#include "syscall/uaccess.h"

namespace osmia::syscall {

struct Call {
  runtime::Kernel& kernel;
  union bpf_attr& attr;  // zero-extended copy
  u64 user_attr;         // where it came from, for results
  u32 size;              // bytes that the caller gave (at most sizeof(bpf_attr))
  int cmd;
  runtime::Cred cred;
  FdTable& fds;

  bool capable(contract::Capability c) const { return cred.capable(c); }
  // Writes a result into the caller's attributes.
  template <class T>
  int put(size_t offset, const T& v) const {
    return put_user(user_attr + offset, v);
  }
};

// Remembers why, and gives -code.
long fail(int code, std::string why);
inline long fail(const Error& e) {
  return fail(e.code, e.message);
}

// True if every byte of the attributes behind the command's last field is zero.
bool rest_is_zero(const union bpf_attr& attr, size_t end_of_last_field);
#define OSMIA_ATTR_END(field) \
  (offsetof(union bpf_attr, field) + sizeof(static_cast<union bpf_attr*>(nullptr)->field))
#define OSMIA_CHECK_ATTR(call, field)                    \
  if (!rest_is_zero((call).attr, OSMIA_ATTR_END(field))) \
  return fail(EINVAL, "attributes of another command are not zero")

// What a descriptor is; null with *err = -EBADF (not open) or -EINVAL (something else).
maps::MapPtr get_map(int fd, int* err, Fd* entry = nullptr);
runtime::ProgramPtr get_prog(int fd, int* err);
runtime::BtfObjectPtr get_btf(int fd, int* err);
runtime::LinkPtr get_link(int fd, int* err);

// Keys or values of such maps are descriptors of sockets, tasks, files: of the process that has the Kernel.
bool names_files(u32 map_type);

// Names of maps and programs: letters, digits, '_' and '.', at most 15, NUL-terminated. False: EINVAL.
bool object_name(const char (&from)[BPF_OBJ_NAME_LEN], std::string& to);

long map_create(Call&);
long map_lookup_elem(Call&);
long map_update_elem(Call&);
long map_delete_elem(Call&);
long map_get_next_key(Call&);
long map_lookup_and_delete_elem(Call&);
long map_freeze(Call&);
long map_batch(Call&);
long btf_load(Call&);
long prog_load(Call&);
long prog_test_run(Call&);
long prog_bind_map(Call&);
long obj_get_next_id(Call&);
long obj_get_fd_by_id(Call&);
long obj_get_info_by_fd(Call&);
long obj_pin(Call&);
long obj_get(Call&);
long link_create(Call&);
long link_update(Call&);
long link_detach(Call&);
long iter_create(Call&);
long raw_tracepoint_open(Call&);
long enable_stats(Call&);
long token_create(Call&);
long prog_attach(Call&);
long prog_detach(Call&);
long prog_query(Call&);
long task_fd_query(Call&);

// Shared by PROG_LOAD and PROG info.
int read_prog_debug_info(Call&, class LogBuffer& log, verifier::Program& desc);
// PROG_LOAD's core_relos, applied to the program's instructions.
Status apply_core_relos(Call&, runtime::Program&, verifier::LogSink* log);

}  // namespace osmia::syscall
