#include "lanes.h"

#include <map>

namespace load {

std::vector<Lane> make_lanes(const Topic& topic, std::size_t connections, bool everything) {
  const std::size_t partitions = topic.leaders.size();
  std::vector<Lane> lanes;
  for (std::size_t connection = 0; connection < connections; connection++) {
    std::map<std::string, std::vector<int>> by_leader;
    for (std::size_t partition = 0; partition < partitions; partition++) {
      const bool mine = connections >= partitions ? connection % partitions == partition : partition % connections == connection;
      if (mine || everything) by_leader[topic.leaders[partition]].push_back(static_cast<int>(partition));
    }
    for (const auto& [leader, served] : by_leader) lanes.push_back({leader, served});
  }
  return lanes;
}

}  // namespace load
