// Answers that stand: who asks the same again gets the same answer from here, and JavaScript hears nothing of it.
//
// Members of idle groups send the same heartbeat every few seconds. Waking JavaScript, decoding, looking up and encoding took two thirds of the CPU time of such a
// heartbeat, all of it cold in the caches (docs/decisions/standing-answers.md). Both request and answer carry the number of the request in their bytes 4 to 7;
// everything else of them is fixed.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

namespace sluice {

// Memory that JavaScript shares: for each place a stamp and the time of the last request, in ms of JavaScript's monotonic clock. An answer stands as long as its
// place has its stamp. JavaScript thread.
class StandingPlaces {
 public:
  static constexpr std::size_t kNumbers = 2;
  // `now`: of JavaScript's clock.
  StandingPlaces(std::size_t places, double now, std::int64_t now_ms)
      : places_(places), numbers_(new double[places * kNumbers]()), since_(now - static_cast<double>(now_ms)) {}

  double* numbers() { return numbers_.get(); }
  std::size_t places() const { return places_; }
  bool holds(std::size_t place, double stamp) const { return place < places_ && numbers_[place * kNumbers] == stamp; }
  void heard(std::size_t place, std::int64_t now_ms) { numbers_[place * kNumbers + 1] = since_ + static_cast<double>(now_ms); }

 private:
  const std::size_t places_;
  const std::unique_ptr<double[]> numbers_;
  const double since_;
};

// Of one connection.
class StandingAnswer {
 public:
  // `answer` with its length.
  StandingAnswer(std::vector<std::uint8_t> request, std::vector<std::uint8_t> answer, std::size_t place, double stamp)
      : request_(std::move(request)), answer_(std::move(answer)), place_(place), stamp_(stamp) {}

  static constexpr std::size_t kLeast = 8;
  static constexpr std::size_t kMost = 1024;

  std::size_t place() const { return place_; }
  bool holds(const StandingPlaces& places) const { return places.holds(place_, stamp_); }
  bool is_asked_by(const std::uint8_t* request, std::size_t length) const {
    return length == request_.size() && std::memcmp(request, request_.data(), kNumberAt) == 0 &&
           std::memcmp(request + kLeast, request_.data() + kLeast, length - kLeast) == 0;
  }
  // The answer to `request`, which it is asked by.
  const std::vector<std::uint8_t>& to(const std::uint8_t* request) {
    std::memcpy(answer_.data() + kNumberAt, request + kNumberAt, kLeast - kNumberAt);
    return answer_;
  }

 private:
  static constexpr std::size_t kNumberAt = 4;

  const std::vector<std::uint8_t> request_;
  std::vector<std::uint8_t> answer_;
  const std::size_t place_;
  const double stamp_;
};

}  // namespace sluice
