#include "arguments.h"

#include <algorithm>
#include <cstdlib>

#include "failure.h"

namespace load {

Arguments::Arguments(int argc, char** argv, int first, const std::vector<std::string>& switches) {
  for (int at = first; at < argc; at++) {
    const std::string word = argv[at];
    if (!word.starts_with("--")) {
      rest_.push_back(word);
      continue;
    }
    const std::string name = word.substr(2);
    if (std::find(switches.begin(), switches.end(), name) != switches.end()) {
      flags_[name] = "";
    } else {
      if (at + 1 == argc) throw UsageFailure(word + " needs a value");
      flags_[name] = argv[++at];
    }
  }
}

std::optional<std::string> Arguments::take(const std::string& name) {
  const auto found = flags_.extract(name);
  if (found.empty()) return std::nullopt;
  return found.mapped();
}

std::string Arguments::text(const std::string& name) {
  const auto value = take(name);
  if (!value) throw UsageFailure("--" + name + " is missing");
  return *value;
}

std::string Arguments::text(const std::string& name, const std::string& fallback) { return take(name).value_or(fallback); }

double Arguments::real(const std::string& name, std::optional<double> fallback, double least, double most) {
  const auto value = take(name);
  if (!value) {
    if (!fallback) throw UsageFailure("--" + name + " is missing");
    return *fallback;
  }
  char* end = nullptr;
  const double number = std::strtod(value->c_str(), &end);
  if (value->empty() || *end != '\0' || !(number >= least && number <= most)) {
    throw UsageFailure("--" + name + " " + *value + " is not a number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return number;
}

std::int64_t Arguments::number(const std::string& name, std::optional<std::int64_t> fallback, std::int64_t least, std::int64_t most) {
  const auto value = take(name);
  if (!value) {
    if (!fallback) throw UsageFailure("--" + name + " is missing");
    return *fallback;
  }
  char* end = nullptr;
  const std::int64_t number = std::strtoll(value->c_str(), &end, 10);
  if (value->empty() || *end != '\0' || number < least || number > most) {
    throw UsageFailure("--" + name + " " + *value + " is not a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return number;
}

bool Arguments::on(const std::string& name) { return take(name).has_value(); }

void Arguments::end() const {
  if (!flags_.empty()) throw UsageFailure("--" + flags_.begin()->first + " is unknown here");
}

}  // namespace load
