#include "rules.h"

#include <algorithm>

namespace slowfs {
namespace {

constexpr std::array<const char*, kOperations> kNames = {"read", "write", "fsync", "open", "create", "truncate", "rename", "unlink"};

}  // namespace

bool operation_named(const std::string& name, Operation& out) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return false;
  out = static_cast<Operation>(found - kNames.begin());
  return true;
}

const char* name_of(Operation operation) { return kNames[static_cast<std::size_t>(operation)]; }

void Rules::set(Rule rule) {
  std::lock_guard lock(mutex_);
  std::erase_if(rules_, [&](const Rule& each) { return each.operation == rule.operation && each.match == rule.match; });
  if (rule.fate.error == 0 && rule.fate.delay.count() == 0) return;
  rules_.push_back(std::move(rule));
  std::stable_sort(rules_.begin(), rules_.end(), [](const Rule& a, const Rule& b) { return a.match.size() > b.match.size(); });
}

void Rules::clear() {
  std::lock_guard lock(mutex_);
  rules_.clear();
}

bool Rules::concern(Operation operation) const {
  std::lock_guard lock(mutex_);
  return std::any_of(rules_.begin(), rules_.end(), [&](const Rule& rule) { return rule.operation == operation; });
}

Fate Rules::decide(Operation operation, const std::string& name) {
  std::lock_guard lock(mutex_);
  const auto found = std::find_if(rules_.begin(), rules_.end(), [&](const Rule& rule) {
    return rule.operation == operation && name.find(rule.match) != std::string::npos;
  });
  if (found == rules_.end()) return {};
  const Fate fate = found->fate;
  if (found->times > 0 && --found->times == 0) rules_.erase(found);
  return fate;
}

void Rules::begun(Operation operation, std::uint64_t bytes) {
  std::lock_guard lock(mutex_);
  Tally& tally = tallies_[static_cast<std::size_t>(operation)];
  tally.begun++;
  tally.bytes += bytes;
}

void Rules::waits(Operation operation, int change) {
  std::lock_guard lock(mutex_);
  tallies_[static_cast<std::size_t>(operation)].waiting += static_cast<std::uint64_t>(change);
}

std::array<Tally, kOperations> Rules::tallies() const {
  std::lock_guard lock(mutex_);
  return tallies_;
}

}  // namespace slowfs
