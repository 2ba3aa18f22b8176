// The expected attach types (enum bpf_attach_type, UAPI) that rules outside the program types' own files
// speak of.
#pragma once
#include "base/types.h"

namespace osmia::contract {

enum AttachType : u32 {
  kTraceRawTp = 23,
  kTraceFentry = 24,
  kTraceFexit = 25,
  kModifyReturn = 26,
  kLsmMac = 27,
  kTraceIter = 28,
  kLsmCgroup = 43,
  kTraceKprobeSession = 56,
};

}  // namespace osmia::contract
