// Connections by generation-tagged id, for all threads.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace sluice {

class Connection;

// Thread-safe. An id is below 2^53 and is not used again before 2^32 connections went through its slot.
class ConnectionTable {
 public:
  static constexpr std::uint64_t kSlotBits = 20;
  static constexpr std::int64_t kMost = (std::int64_t{1} << kSlotBits) - 1024;  // connections at once; some slots more for those on their way

  std::uint64_t reserve();
  void set(std::uint64_t id, std::shared_ptr<Connection> connection);
  std::shared_ptr<Connection> find(std::uint64_t id);
  void erase(std::uint64_t id);
  std::vector<std::shared_ptr<Connection>> all();

 private:
  struct Slot {
    std::uint32_t generation = 1;
    std::shared_ptr<Connection> connection{};
  };
  Slot* slot_of(std::uint64_t id);

  std::mutex mutex_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace sluice
