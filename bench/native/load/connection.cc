#include "connection.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace load {
namespace {

constexpr std::size_t kPrefix = 8;  // length and correlation id
constexpr std::size_t kMostAnswerBytes = std::size_t{1} << 30;

}  // namespace

Connection::Connection(FileDescriptor socket, std::string address) : socket_(std::move(socket)), address_(std::move(address)) {
  const int flags = fcntl(socket_.get(), F_GETFL);
  if (flags < 0 || fcntl(socket_.get(), F_SETFL, flags | O_NONBLOCK) < 0) fail_errno("fcntl");
}

void Connection::begin(Nanoseconds intended) {
  parts_ = next_request();
  part_ = 0;
  if (expects_answers()) under_way_.push_back(intended);
}

bool Connection::flush() {
  while (sending()) {
    msghdr message{};
    message.msg_iov = &parts_.list[part_];
    message.msg_iovlen = parts_.count - part_;
    const ssize_t sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) return false;
    if (sent < 0) fail_errno(address_);
    auto left = static_cast<std::size_t>(sent);
    for (; part_ < parts_.count && left >= parts_.list[part_].iov_len; part_++) left -= parts_.list[part_].iov_len;
    if (part_ < parts_.count) {
      parts_.list[part_].iov_base = static_cast<std::uint8_t*>(parts_.list[part_].iov_base) + left;
      parts_.list[part_].iov_len -= left;
    }
  }
  return true;
}

std::size_t Connection::wanted_head() const {
  if (head_bytes_ < 4) return kHead;
  return std::min<std::size_t>(kHead, 4 + std::size_t{load_be<std::uint32_t>(head_.data())});
}

// One system call, or none when the kernel has nothing more: then false.
bool Connection::receive_some(Scratch& scratch) {
  if (drained_) {
    drained_ = false;
    return false;
  }
  ssize_t got;
  std::size_t wanted;
  const bool truncates = take_ == Take::Truncate && expected_size() > 0;
  if (truncates && head_whole_) {
    wanted = rest_;
    got = ::recv(socket_.get(), nullptr, wanted, MSG_TRUNC);
  } else {
    // With a known size no byte of the next answer is taken, and none of the records beyond the head.
    wanted = truncates ? std::min(kHead, expected_size()) - head_bytes_ : scratch.size();
    got = ::recv(socket_.get(), scratch.data(), wanted, 0);
  }
  if (got < 0 && errno == EINTR) return true;
  if (got < 0 && errno == EAGAIN) return false;
  if (got < 0) fail_errno(address_);
  if (got == 0) fail(address_ + " closed the connection");
  const auto bytes = static_cast<std::size_t>(got);
  // Less than there was room for: nothing more is there now; spares the call that would say so.
  if (!truncates) drained_ = bytes < wanted;
  if (truncates && head_whole_) {
    rest_ -= bytes;
    unread_ = {};
  } else {
    unread_ = {scratch.data(), bytes};
  }
  return true;
}

// Takes what is unread up to the end of an answer; true when one is whole.
bool Connection::next_answer() {
  while (!head_whole_) {
    if (unread_.empty()) return false;
    const std::size_t taken = std::min(wanted_head() - head_bytes_, unread_.size());
    std::memcpy(head_.data() + head_bytes_, unread_.data(), taken);
    const bool length_was_known = head_bytes_ >= 4;
    head_bytes_ += taken;
    if (!length_was_known && head_bytes_ >= 4 && head_bytes_ > wanted_head()) {
      // The head took bytes of the next answer: they are given back.
      const std::size_t excess = head_bytes_ - wanted_head();
      head_bytes_ -= excess;
      unread_ = unread_.subspan(taken - excess);
    } else {
      unread_ = unread_.subspan(taken);
    }
    if (head_bytes_ < 4) continue;
    const std::size_t size = 4 + std::size_t{load_be<std::uint32_t>(head_.data())};
    if (size < kPrefix || size > kMostAnswerBytes) fail(address_ + " answers with " + std::to_string(size) + " bytes: is it a Kafka broker?");
    if (head_bytes_ == wanted_head()) {
      head_whole_ = true;
      rest_ = size - head_bytes_;
    }
  }
  const std::size_t taken = std::min(rest_, unread_.size());
  rest_ -= taken;
  unread_ = unread_.subspan(taken);
  if (rest_ > 0) return false;
  if (under_way_.empty()) fail(address_ + " answers what was not asked");
  const std::size_t size = 4 + std::size_t{load_be<std::uint32_t>(head_.data())};
  answer(View{head_.data(), head_bytes_}.subspan(kPrefix), size);
  head_bytes_ = 0;
  head_whole_ = false;
  return true;
}

}  // namespace load
