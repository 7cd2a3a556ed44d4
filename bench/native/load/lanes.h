// Which connection serves which partitions.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "client.h"

namespace load {

struct Lane {
  std::string leader;
  std::vector<int> partitions;
};

// With at least as many connections as partitions, connection i serves partition i modulo partitions; with fewer, partitions are dealt, and a
// lane is split where leaders differ (so there may be more lanes than `connections`). `everything`: each lane serves all partitions of a leader.
std::vector<Lane> make_lanes(const Topic& topic, std::size_t connections, bool everything);

}  // namespace load
