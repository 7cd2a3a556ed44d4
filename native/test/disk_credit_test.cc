#include "../disk_credit.h"

#include "check.h"

using namespace sluice;

namespace {

constexpr std::int64_t kMiB = 1024 * 1024;
constexpr std::uint64_t kFetch = 64 * 1024;
constexpr std::uint64_t kAhead = 128 * 1024;

// Sends what it reads, from the start to the end, as those do who catch up.
void reader_of_the_disk() {
  DiskCredit credit;
  std::int64_t sent = 0;
  for (int i = 0; i < 1000; i++) {
    CHECK(!credit.pay(sent, kFetch + kAhead));
    sent += kFetch + kAhead;
  }
}

void reader_of_memory() {
  DiskCredit credit;
  std::int64_t sent = 0;
  for (int i = 0; i < 1000; i++) {
    sent += 2 * kMiB;
    CHECK(credit.pay(sent, kFetch + kAhead));
  }
}

// After a time of memory alone, several MiB may be gone at once; but what was earned long ago does not pay for ever.
void eviction_at_once() {
  DiskCredit credit;
  const std::int64_t sent = 10'000 * kMiB;
  int paid = 0;
  while (credit.pay(sent, kMiB) && paid < 1000) paid++;
  CHECK_EQ(paid, 16);
}

}  // namespace

int main() {
  reader_of_the_disk();
  reader_of_memory();
  eviction_at_once();
}
