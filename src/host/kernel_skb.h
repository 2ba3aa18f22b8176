// Programs at hooks inside the kernel see a packet as the kernel's struct sk_buff. A run gives them one made
// for its fields alone; kfuncs that take it find the host's buffer here.
#pragma once
#include "base/types.h"

namespace osmia::host {

struct KernelSkb {
  u64 kernel = 0;  // address of the struct sk_buff of the run on this thread; 0 = none
  u64 host = 0;    // the SkbContext behind it
};
inline KernelSkb& kernel_skb() {
  thread_local KernelSkb k;
  return k;
}

}  // namespace osmia::host
