// The argument of ioLimitAddresses: addresses with a zero character between them, and as many numbers.
#pragma once

#include <algorithm>
#include <unordered_map>

#include "../connection.h"
#include "../socket_options.h"
#include "arguments.h"

namespace sluice {

// By address_key.
inline std::unordered_map<std::string, std::int64_t> address_limits(const Napi::CallbackInfo& info) {
  const std::string hosts = string_argument(info, 0);
  const Doubles most = doubles_argument(info, 1, 0);
  std::unordered_map<std::string, std::int64_t> limits;
  std::size_t at = 0;
  for (std::size_t i = 0; i < most.length; i++) {
    const std::size_t end = std::min(hosts.find('\0', at), hosts.size());
    sockaddr_storage address;
    socklen_t length;
    if (!parse_address(hosts.substr(at, end - at), 0, address, length)) throw std::invalid_argument("not a numeric address");
    limits[address_key(address)] = static_cast<std::int64_t>(std::clamp(most.data[i], 0.0, kMaxSafeInteger));
    at = std::min(end + 1, hosts.size());
  }
  return limits;
}

}  // namespace sluice
