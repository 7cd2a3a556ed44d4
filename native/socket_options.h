// Addresses and options of listening and accepted sockets.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "io_options.h"

namespace sluice {

// A numeric address. False: it is none.
bool parse_address(const std::string& host, std::uint16_t port, sockaddr_storage& address, socklen_t& length);

// Of a listening socket before listen(). Linux hands these on to accepted sockets: no system calls per connection.
void set_listener_options(int fd, int family, const std::string& host, const IoOptions& options);

}  // namespace sluice
