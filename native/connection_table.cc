#include "connection_table.h"

#include <stdexcept>

#include "connection.h"

namespace sluice {

std::uint64_t ConnectionTable::reserve() {
  std::lock_guard lock(mutex_);
  std::uint32_t index;
  if (free_.empty()) {
    if (slots_.size() == std::size_t{1} << kSlotBits) throw std::length_error("connections");
    index = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  return (std::uint64_t{slots_[index].generation} << kSlotBits) | index;
}

ConnectionTable::Slot* ConnectionTable::slot_of(std::uint64_t id) {
  const std::uint64_t index = id & ((std::uint64_t{1} << kSlotBits) - 1);
  if (index >= slots_.size() || slots_[index].generation != id >> kSlotBits) return nullptr;
  return &slots_[index];
}

void ConnectionTable::set(std::uint64_t id, std::shared_ptr<Connection> connection) {
  std::lock_guard lock(mutex_);
  if (Slot* slot = slot_of(id)) slot->connection = std::move(connection);
}

std::shared_ptr<Connection> ConnectionTable::find(std::uint64_t id) {
  std::lock_guard lock(mutex_);
  Slot* slot = slot_of(id);
  return slot ? slot->connection : nullptr;
}

void ConnectionTable::erase(std::uint64_t id) {
  std::shared_ptr<Connection> gone;
  std::lock_guard lock(mutex_);
  Slot* slot = slot_of(id);
  if (!slot) return;
  gone = std::move(slot->connection);
  slot->connection = nullptr;
  if (++slot->generation == 0) slot->generation = 1;
  free_.push_back(static_cast<std::uint32_t>(id & ((std::uint64_t{1} << kSlotBits) - 1)));
}

std::vector<std::shared_ptr<Connection>> ConnectionTable::all() {
  std::vector<std::shared_ptr<Connection>> connections;
  std::lock_guard lock(mutex_);
  for (const Slot& slot : slots_)
    if (slot.connection) connections.push_back(slot.connection);
  return connections;
}

}  // namespace sluice
