#include "socket_options.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cstring>

namespace sluice {

namespace {

// The system's congestion control where it is BBR, else empty.
//
// BBR paces: between two segments of one response the kernel sets a timer. On loopback, where there is nothing to pace, that timer cost a third of the
// CPU time of a fetch of 64 KiB. Pacing can not be taken from a connection that BBR has begun. So listeners accept with Reno, and a peer that comes
// over a network gets the system's choice back.
const std::string& pacing_control() {
  static const std::string name = [] {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return std::string();
    char text[16] = {};
    socklen_t length = sizeof text - 1;
    const bool known = getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, text, &length) == 0;
    ::close(fd);
    return known && std::strncmp(text, "bbr", 3) == 0 ? std::string(text) : std::string();
  }();
  return name;
}

void set_option(int fd, int level, int name, int value) { setsockopt(fd, level, name, &value, sizeof value); }

void set_congestion_control(int fd, const std::string& name) {
  setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name.data(), static_cast<socklen_t>(name.size()));
}

}  // namespace

bool parse_address(const std::string& host, std::uint16_t port, sockaddr_storage& address, socklen_t& length) {
  std::memset(&address, 0, sizeof address);
  auto& v4 = reinterpret_cast<sockaddr_in&>(address);
  if (inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    length = sizeof v4;
    return true;
  }
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
  if (inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    length = sizeof v6;
    return true;
  }
  return false;
}

bool is_loopback(const sockaddr_storage& address) {
  constexpr std::uint8_t kLoopbackNet = 127;
  if (address.ss_family == AF_INET)
    return reinterpret_cast<const std::uint8_t*>(&reinterpret_cast<const sockaddr_in&>(address).sin_addr)[0] == kLoopbackNet;
  const in6_addr& v6 = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == kLoopbackNet);
}

void set_listener_options(int fd, int family, const std::string& host, const IoOptions& options) {
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  if (options.send_buffer_bytes > 0) set_option(fd, SOL_SOCKET, SO_SNDBUF, options.send_buffer_bytes);
  if (options.receive_buffer_bytes > 0) set_option(fd, SOL_SOCKET, SO_RCVBUF, options.receive_buffer_bytes);
  if (!pacing_control().empty()) set_congestion_control(fd, "reno");
  if (family == AF_INET6) set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, host == "::" ? 0 : 1);
}

void set_peer_options(int fd, const sockaddr_storage& peer) {
  if (!pacing_control().empty() && !is_loopback(peer)) set_congestion_control(fd, pacing_control());
}

}  // namespace sluice
