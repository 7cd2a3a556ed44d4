// Addresses and options of listening and accepted sockets.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "io_options.h"

namespace sluice {

// A numeric address. False: it is none.
bool parse_address(const std::string& host, std::uint16_t port, sockaddr_storage& address, socklen_t& length);

bool is_loopback(const sockaddr_storage& address);

// Of a listening socket before listen(). Linux hands these on to accepted sockets: no system calls per connection.
void set_listener_options(int fd, int family, const std::string& host, const IoOptions& options);

// Of an accepted socket.
void set_peer_options(int fd, const sockaddr_storage& peer);

}  // namespace sluice
