// Live sockets for programs: one host::Socket for each real (or given) one that was looked up, by its cookie,
// so that two look-ups give one address and local storage stays with the socket. Invariant: a Socket stays
// while it has references or a run that saw it goes on; its fields are those of the last look-up.
#pragma once
#include "host/socket.h"
#include "host/socket_facts.h"

namespace osmia::host {

// A reference that release_socket() gives back, or null. full: only a full socket; a request stands for its
// listener then.
Socket* find_socket(const SocketQuery& q, bool full);
// Of a descriptor of this process whose cookie is known; null if it is another socket now, or not TCP or UDP.
Socket* socket_of_descriptor(int fd, u64 cookie);
// Sockets that were not looked up are left alone.
void release_socket(Socket* s);
// Does this id name the calling process' own network namespace?
bool own_network_namespace(s32 id);
// Looked-up sockets that exist now; for tests of leaks.
u32 live_sockets();

}  // namespace osmia::host
