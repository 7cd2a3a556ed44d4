// What is to go slowly or wrong: rules by operation and file name, settable at any time.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace slowfs {

enum class Operation : unsigned { Read, Write, Fsync, Open, Create, Truncate, Rename, Unlink };
inline constexpr std::size_t kOperations = 8;
// "read", "write", …; false when there is none of that name.
bool operation_named(const std::string& name, Operation& out);
const char* name_of(Operation operation);

struct Fate {
  int error = 0;  // errno, or 0
  std::chrono::milliseconds delay{0};
};

struct Rule {
  Operation operation = Operation::Read;
  std::string match;  // part of the file's name below the mount; empty: every file
  Fate fate;
  std::int64_t times = -1;  // so often, then the rule is gone; -1: always
};

// How often an operation began, and how many of them wait for their delay to pass.
struct Tally {
  std::uint64_t begun = 0;
  std::uint64_t waiting = 0;
  std::uint64_t bytes = 0;
};

// Thread-safe.
class Rules {
 public:
  // Replaces the rule for the same operation and match. A fate of nothing takes it away.
  void set(Rule rule);
  void clear();
  // True while a rule for the operation exists: only then a name has to be found out.
  bool concern(Operation operation) const;
  // What happens to an operation on the file that begins now. The longest match wins.
  Fate decide(Operation operation, const std::string& name);

  void begun(Operation operation, std::uint64_t bytes);
  void waits(Operation operation, int change);
  std::array<Tally, kOperations> tallies() const;

 private:
  mutable std::mutex mutex_;
  std::vector<Rule> rules_;
  std::array<Tally, kOperations> tallies_{};
};

}  // namespace slowfs
