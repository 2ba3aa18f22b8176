// A lock for a few instructions. A waiter spins a little and then lets others run: virtual CPUs are threads,
// and the holder may have been taken off its CPU.
#pragma once
#include <sched.h>
#include <unistd.h>

#include "base/types.h"
#include "maps/value.h"

namespace osmia::maps {

class Backoff {
 public:
  void wait() {
    spins_++;
    if (spins_ % 128)
      relax();
    else if (spins_ < 128 * 64)
      sched_yield();
    else
      usleep(20);  // the holder may need this very CPU
  }

 private:
  u32 spins_ = 0;
};

class SpinLock {
 public:
  void lock() {
    if (!__atomic_exchange_n(&word_, u8{1}, __ATOMIC_ACQUIRE)) return;
    Backoff backoff;
    for (;;) {
      while (__atomic_load_n(&word_, __ATOMIC_RELAXED)) backoff.wait();
      if (!__atomic_exchange_n(&word_, u8{1}, __ATOMIC_ACQUIRE)) return;
    }
  }
  void unlock() { __atomic_store_n(&word_, u8{0}, __ATOMIC_RELEASE); }

 private:
  u8 word_ = 0;
};

}  // namespace osmia::maps
