// The window through which a program's instructions reach its arena (Linux 6.12, kernel/bpf/arena.c,
// behaviour only). A program holds 32-bit arena addresses: the low half of the address that user space sees.
// Invariant: 4 GiB behind `base`, and 32 KiB before and after them, are reserved for the arena alone, so that
// no address plus a 16-bit offset leaves the reservation; bytes may be touched only where present() says so:
// elsewhere a load gives 0 and a store is dropped.
#pragma once
#include <atomic>

#include "base/types.h"

namespace osmia::contract {

inline constexpr u64 kArenaPage = 4096, kArenaWindow = 1ull << 32, kArenaGuard = 1ull << 15;

struct ArenaSpace {
  u8* base = nullptr;                 // host address of arena address 0
  u64 user_start = 0, user_end = 0;   // what user space mapped; both 0 before it did
  bool no_user_conv = false;          // BPF_F_NO_USER_CONV: casts to user addresses leave 32 bits
  std::atomic<u64>* pages = nullptr;  // a bit for each page from user_start on: known to be there
  // A page whose bit is not set may have been touched by user space since: true if it is there now.
  bool (*find_page)(const ArenaSpace&, u64 page) = nullptr;

  // May `bytes` bytes (1 to 8) at `address` (a 32-bit arena address plus an instruction's offset) be touched?
  bool present(s64 address, u32 bytes) const {
    const u64 at = static_cast<u64>(address) - static_cast<u32>(user_start);
    const u64 size = user_end - user_start;
    if (at >= size || size - at < bytes) return false;
    const u64 first = at / kArenaPage, last = (at + bytes - 1) / kArenaPage;
    return has_page(first) && (first == last || has_page(last));
  }
  // What a cast to the user's address space gives.
  u64 user_address(u64 pointer) const {
    const u32 low = static_cast<u32>(pointer);
    return low && !no_user_conv ? (user_start >> 32 << 32 | low) : low;
  }

 private:
  bool has_page(u64 page) const {
    return pages[page / 64].load(std::memory_order_acquire) >> page % 64 & 1 || find_page(*this, page);
  }
};

}  // namespace osmia::contract
