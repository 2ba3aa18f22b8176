// What programs see of sockets and other objects that context fields and helpers point to: mirrors of UAPI
// structs.
#pragma once
#include <span>

#include "contract/prog_type_def.h"

namespace osmia::prog_types {

// One layout for each of kSocket, kSockCommon, kTcpSock, kXdpSock, kFlowKeys, kTpBuffer-like kinds that have
// one.
std::span<const contract::ObjectLayout> object_layouts();

}  // namespace osmia::prog_types
