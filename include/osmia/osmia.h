/* Osmia for C, and for languages that call C. Handles are opaque. Functions that can fail return 0 or a
 * negative errno (bpf(2)'s), and osmia_last_error() then has one line for people. Programs and maps belong to
 * the object they come from and go with it; free what you create, kernel last or first, as you like. Threads:
 * as in osmia/kernel.h. */
#ifndef OSMIA_H
#define OSMIA_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define OSMIA_C_API __attribute__((visibility("default")))
#else
#define OSMIA_C_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct osmia_kernel osmia_kernel;
typedef struct osmia_object osmia_object;
typedef struct osmia_program osmia_program;
typedef struct osmia_map osmia_map;

/* "0.1.0" */
OSMIA_C_API const char* osmia_version(void);
/* Of this thread's last call that failed; valid until its next call; never NULL. */
OSMIA_C_API const char* osmia_last_error(void);

/* ---- kernel. Structures begin with their size, so that they can grow: set it to sizeof, zero the rest. */
struct osmia_kernel_options {
  size_t size;
  const char* btf_path; /* kernel BTF; NULL: the machine's, if it shows one */
  int no_machine_btf;   /* 1: without btf_path there are no kernel types */
  int engine;           /* 0 JIT where it can, 1 JIT only, 2 interpreter */
  int unprivileged;     /* 1: loads are judged as those of a user without capabilities */
};
/* options may be NULL. */
OSMIA_C_API int osmia_kernel_create(const struct osmia_kernel_options* options, osmia_kernel** out);
OSMIA_C_API void osmia_kernel_free(osmia_kernel* kernel);
/* bpf(2) on this kernel: its return value, errors as -errno. */
OSMIA_C_API long osmia_bpf(osmia_kernel* kernel, int command, void* attr, unsigned size);

/* ---- verify one program of an object file on its own */
struct osmia_verdict {
  size_t size;
  int accepted;
  int error;       /* errno of a refusal */
  int unsupported; /* refused by a limit of Osmia's, not by Linux's rules */
  uint32_t instructions_processed;
  uint32_t total_states;
  uint32_t stack_bytes;
  uint64_t verify_ns;
};
/* A refusal is a verdict, not an error; osmia_last_error() then has its reason. log (may be NULL) takes the
 * verifier's log, cut to log_size bytes with the NUL. */
OSMIA_C_API int osmia_verify(osmia_kernel* kernel, const char* path, const char* program,
                             struct osmia_verdict* out, char* log, size_t log_size);

/* ---- objects */
OSMIA_C_API int osmia_object_load(osmia_kernel* kernel, const char* path, osmia_object** out);
OSMIA_C_API int osmia_object_load_bytes(osmia_kernel* kernel, const void* elf, size_t size, const char* name,
                                        osmia_object** out);
OSMIA_C_API void osmia_object_free(osmia_object* object);
OSMIA_C_API size_t osmia_object_program_count(const osmia_object* object);
OSMIA_C_API size_t osmia_object_map_count(const osmia_object* object);
/* NULL: no such index or name. ".bss", ".data" and ".rodata" find the object's global data. */
OSMIA_C_API osmia_program* osmia_object_program_at(osmia_object* object, size_t index);
OSMIA_C_API osmia_program* osmia_object_program(osmia_object* object, const char* name);
OSMIA_C_API osmia_map* osmia_object_map_at(osmia_object* object, size_t index);
OSMIA_C_API osmia_map* osmia_object_map(osmia_object* object, const char* name);

/* ---- programs */
struct osmia_run {
  size_t size;
  const void* data; /* packet, or what the type takes; may be NULL */
  size_t data_size;
  const void* context; /* what the context begins with (struct xdp_md …); may be NULL */
  size_t context_size;
  uint32_t repeat; /* 0 counts as 1 */
  /* results */
  uint32_t return_value;
  uint32_t nanoseconds; /* of one repetition */
  void* data_out;       /* room for the data as the program left it; may be NULL */
  size_t data_out_size; /* in: bytes of room; out: true size. More than the room: -ENOSPC, the rest is cut */
};
OSMIA_C_API int osmia_program_run(osmia_program* program, struct osmia_run* run);
OSMIA_C_API const char* osmia_program_name(const osmia_program* program);
OSMIA_C_API uint32_t osmia_program_type(const osmia_program* program);
/* A descriptor for osmia_bpf(), valid as long as the object. */
OSMIA_C_API int osmia_program_fd(const osmia_program* program);

/* ---- maps. Keys are osmia_map_key_size() bytes, values osmia_map_whole_value_size() (per-CPU maps: every
 * CPU's value, each rounded up to 8 bytes). */
OSMIA_C_API const char* osmia_map_name(const osmia_map* map);
OSMIA_C_API uint32_t osmia_map_type(const osmia_map* map);
OSMIA_C_API uint32_t osmia_map_key_size(const osmia_map* map);
OSMIA_C_API uint32_t osmia_map_value_size(const osmia_map* map);
OSMIA_C_API uint32_t osmia_map_whole_value_size(const osmia_map* map);
OSMIA_C_API uint32_t osmia_map_max_entries(const osmia_map* map);
OSMIA_C_API int osmia_map_fd(const osmia_map* map);
OSMIA_C_API int osmia_map_lookup(const osmia_map* map, const void* key, void* value);
/* flags: BPF_ANY 0, BPF_NOEXIST 1, BPF_EXIST 2 */
OSMIA_C_API int osmia_map_update(const osmia_map* map, const void* key, const void* value, uint64_t flags);
OSMIA_C_API int osmia_map_delete(const osmia_map* map, const void* key);
/* key NULL: the first. -ENOENT: there is no next. */
OSMIA_C_API int osmia_map_next_key(const osmia_map* map, const void* key, void* next);

#ifdef __cplusplus
}
#endif
#endif
