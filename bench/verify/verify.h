/* Shared by the programs that are hard to verify: they are loaded, never run for time. */
#ifndef VERIFY_H
#define VERIFY_H
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;
#define INLINE static inline __attribute__((always_inline))
#define NOINLINE static __attribute__((noinline))
#define MAP(name, ty, kt, vt, n) \
  struct {                       \
    __uint(type, ty);            \
    __uint(max_entries, n);      \
    __type(key, kt);             \
    __type(value, vt);           \
  } name SEC(".maps")
char _license[] SEC("license") = "GPL";
#endif
