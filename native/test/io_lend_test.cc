// Sockets that somebody else owns and lends for a while: bytes arrive, the owner gets his socket back in one piece, whatever happens.
#include <signal.h>

#include <random>

#include "io_support.h"

using namespace sluice;

namespace {

// Two ends of a TCP connection; the near one is what an owner would lend.
struct Pair {
  int near = -1, far = -1;
  Pair() {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    CHECK_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), length), 0);
    CHECK_EQ(listen(listener, 1), 0);
    CHECK_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length), 0);
    far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_EQ(connect(far, reinterpret_cast<sockaddr*>(&address), length), 0);
    near = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    CHECK(near >= 0);
    close(listener);
  }
  ~Pair() {
    if (near >= 0) close(near);
    if (far >= 0) close(far);
  }
  std::vector<std::uint8_t> receive(std::size_t bytes) const {
    std::vector<std::uint8_t> got(bytes);
    for (std::size_t at = 0; at < bytes;) {
      const ssize_t part = recv(far, got.data() + at, bytes - at, 0);
      CHECK(part > 0);
      at += static_cast<std::size_t>(part);
    }
    return got;
  }
};

struct Loan {
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  int status = 1;
  std::int64_t bytes = -1;

  std::function<void(int, std::int64_t)> returned() {
    return [this](int with, std::int64_t sent) {
      std::lock_guard lock(mutex);
      CHECK(!done);
      done = true;
      status = with;
      bytes = sent;
      changed.notify_one();
    };
  }
  bool finished() {
    std::lock_guard lock(mutex);
    return done;
  }
  void wait() {
    std::unique_lock lock(mutex);
    CHECK(changed.wait_for(lock, std::chrono::seconds(20), [&] { return done; }));
  }
};

std::vector<RegionPart> part(FileRegion region) {
  std::vector<RegionPart> parts;
  parts.push_back({0, std::move(region)});
  return parts;
}

// One loan after the other, with the owner's own writes between them.
void back_and_forth() {
  Broker broker;
  const std::vector<std::uint8_t> bytes = random_bytes(5'000'000, 5);
  TempFile file(bytes);
  Pair pair;
  std::mt19937 random(6);
  for (int i = 0; i < 30; i++) {
    CHECK_EQ(send(pair.near, "own", 3, MSG_NOSIGNAL), 3);
    const std::size_t from = random() % 4'000'000, length = 1 + random() % 900'000;
    Loan loan;
    CHECK(broker.io->lend(pair.near, part(file.region(from, length)), loan.returned()) > 0);
    CHECK(pair.receive(3) == std::vector<std::uint8_t>({'o', 'w', 'n'}));
    CHECK(pair.receive(length) == std::vector<std::uint8_t>(bytes.begin() + static_cast<std::ptrdiff_t>(from), bytes.begin() + static_cast<std::ptrdiff_t>(from + length)));
    loan.wait();
    CHECK_EQ(loan.status, 0);
    CHECK_EQ(loan.bytes, static_cast<std::int64_t>(length));
  }
  // It reads, too.
  CHECK_EQ(send(pair.far, "back", 4, MSG_NOSIGNAL), 4);
  char got[4];
  CHECK_EQ(recv(pair.near, got, 4, 0), 4);
  CHECK_EQ(broker.opened + broker.closed, 0);
}

void ended_early() {
  Broker broker;
  TempFile file(random_bytes(40'000'000, 5));
  {
    Pair pair;  // by its owner
    Loan loan;
    const std::int64_t id = broker.io->lend(pair.near, part(file.region(0, 40'000'000)), loan.returned());
    pair.receive(100'000);
    CHECK(broker.io->close(static_cast<std::uint64_t>(id), false));
    loan.wait();
    CHECK_EQ(loan.status, -ECANCELED);
    CHECK(!broker.io->close(static_cast<std::uint64_t>(id), false));
  }
  {
    Pair pair;  // by the peer, with a reset
    Loan loan;
    CHECK(broker.io->lend(pair.near, part(file.region(0, 40'000'000)), loan.returned()) > 0);
    close(pair.far);
    pair.far = -1;
    loan.wait();
    CHECK_EQ(loan.status, -ECONNRESET);
  }
  {
    Pair pair;  // by a cut of the file
    Loan loan;
    CHECK(broker.io->lend(pair.near, part(file.region(0, 40'000'000)), loan.returned()) > 0);
    pair.receive(100'000);
    file.file->begin_truncation();
    file.file->publish_end(10);
    std::vector<std::uint8_t> rest(1 << 20);
    while (!loan.finished()) recv(pair.far, rest.data(), rest.size(), MSG_DONTWAIT);
    loan.wait();
    CHECK_EQ(loan.status, -EIO);
  }
}

void refused() {
  Broker broker;
  TempFile file(random_bytes(1000, 5));
  const auto never = [](int, std::int64_t) { CHECK(false); };
  CHECK_EQ(broker.io->lend(file.file->fd(), part(file.region(0, 10)), never), -ENOTSOCK);
  CHECK_EQ(broker.io->lend(1'000'000, part(file.region(0, 10)), never), -EBADF);
  const int unconnected = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  CHECK_EQ(broker.io->lend(unconnected, part(file.region(0, 10)), never), -ENOTCONN);
  close(unconnected);
  Pair pair;  // the far end blocks
  CHECK_EQ(broker.io->lend(pair.far, part(file.region(0, 10)), never), -EINVAL);
}

// The server ends while sockets are lent: each comes back.
void server_ends() {
  TempFile file(random_bytes(40'000'000, 5));
  Loan loans[8];
  Pair pairs[8];
  {
    Broker broker;
    for (int i = 0; i < 8; i++) CHECK(broker.io->lend(pairs[i].near, part(file.region(0, 40'000'000)), loans[i].returned()) > 0);
    pairs[0].receive(1'000'000);
  }
  for (Loan& loan : loans) {
    loan.wait();
    CHECK_EQ(loan.status, -ECANCELED);
  }
}

}  // namespace

int main() {
  signal(SIGPIPE, SIG_IGN);
#define RUN(test) (std::fprintf(stderr, "%s\n", #test), test)
  RUN(back_and_forth)();
  RUN(ended_early)();
  RUN(refused)();
  RUN(server_ends)();
}
