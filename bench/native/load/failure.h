// What ends a run: one line for people, printed by main, exit code 1.
#pragma once

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace load {

struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Wrong usage: exit code 2.
struct UsageFailure : Failure {
  using Failure::Failure;
};

[[noreturn]] inline void fail(const std::string& line) { throw Failure(line); }
[[noreturn]] inline void fail_errno(const std::string& what, int error = errno) { throw Failure(what + ": " + std::strerror(error)); }

}  // namespace load
