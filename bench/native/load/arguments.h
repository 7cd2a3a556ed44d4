// The flags of a command: --name value, --name alone for switches, and what stands without a flag.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace load {

class Arguments {
 public:
  // `switches` are the flags without a value. Throws UsageFailure for a flag without its value.
  Arguments(int argc, char** argv, int first, const std::vector<std::string>& switches);

  // Each takes a flag away. Throw UsageFailure when it is missing (without a default), not a number, or out of range.
  std::string text(const std::string& name);
  std::string text(const std::string& name, const std::string& fallback);
  std::int64_t number(const std::string& name, std::optional<std::int64_t> fallback, std::int64_t least, std::int64_t most);
  double real(const std::string& name, std::optional<double> fallback, double least, double most);
  bool on(const std::string& name);

  std::vector<std::string> rest() const { return rest_; }
  // Throws UsageFailure for a flag that nobody took.
  void end() const;

 private:
  std::optional<std::string> take(const std::string& name);

  std::map<std::string, std::string> flags_;
  std::vector<std::string> rest_;
};

}  // namespace load
