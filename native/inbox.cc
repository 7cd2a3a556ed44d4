#include "inbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "connection.h"

namespace sluice {

namespace {

int make_event_fd() {
  const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  return fd;
}

}  // namespace

Inbox::Inbox() : event_fd_(make_event_fd()) {}
Inbox::~Inbox() { ::close(event_fd_); }

void Inbox::post(Command command) {
  {
    std::unique_lock lock(mutex_);
    if (closed_) return;
    if (heir_) {
      Inbox& heir = *heir_;
      lock.unlock();
      return heir.post(std::move(command));
    }
    commands_.push_back(std::move(command));
    if (signalled_) return;
    signalled_ = true;
  }
  const std::uint64_t one = 1;
  // Cannot fail: the counter is reset before it could overflow.
  [[maybe_unused]] const ssize_t written = ::write(event_fd_, &one, sizeof one);
}

void Inbox::take(std::vector<Command>& into) {
  into.clear();
  std::uint64_t count;
  // Before the flag falls: a post after that writes anew.
  [[maybe_unused]] const ssize_t got = ::read(event_fd_, &count, sizeof count);
  std::lock_guard lock(mutex_);
  signalled_ = false;
  into.swap(commands_);
}

void Inbox::close() {
  std::vector<Command> dropped;
  std::lock_guard lock(mutex_);
  closed_ = true;
  dropped.swap(commands_);
}

bool Inbox::hand_over(Inbox& heir) {
  std::lock_guard lock(mutex_);
  if (!commands_.empty()) return false;
  heir_ = &heir;
  return true;
}

void Inbox::reopen() {
  std::lock_guard lock(mutex_);
  heir_ = nullptr;
}

}  // namespace sluice
