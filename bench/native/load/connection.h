// One connection of the traffic: sends requests that a command makes, cuts the stream of answers, keeps the head of each and drops the rest.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <deque>
#include <string>

#include "clock.h"
#include "file_descriptor.h"
#include "wire.h"

namespace load {

enum class Take { Copy, Truncate };

// Where bytes are received that nobody looks at: it stays in the processor's cache.
using Scratch = std::array<std::uint8_t, 256 * 1024>;

class Connection {
 public:
  Connection(FileDescriptor socket, std::string address);
  virtual ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int socket() const { return socket_.get(); }
  const std::string& address() const { return address_; }

  // Starts to send the next request. Only when `sending` is false.
  void begin(Nanoseconds intended);
  // Goes on sending; true when it is all with the kernel.
  bool flush();
  bool sending() const { return part_ < parts_.count; }

  // Receives what is there, and calls `answered` after each answer. Throws Failure when the peer is gone or an answer is wrong.
  // Ends after some reads, so that a fast peer does not keep the others waiting.
  template <typename Answered>
  void receive(Scratch& scratch, Answered answered) {
    constexpr int kMostReads = 16;
    drained_ = false;
    for (int reads = 0; reads < kMostReads && receive_some(scratch); reads++) {
      while (next_answer()) {
        const Nanoseconds intended = under_way_.front();
        under_way_.pop_front();
        // Nothing was asked beyond it, so nothing more can be there: spares the call that would say so.
        drained_ = drained_ || under_way_.empty();
        answered(intended);
      }
    }
  }

  std::size_t under_way() const { return under_way_.size(); }

  // What open-loop requests wait for this connection: their intended starts.
  std::deque<Nanoseconds> backlog;

  // False when there is nothing more to ask for.
  virtual bool has_more() const { return true; }
  // False when requests get no answer (acks=0).
  virtual bool expects_answers() const { return true; }
  // At the end: returns when the broker has handled all that was sent, where answers do not tell.
  virtual void settle() {}

  std::uint64_t bytes = 0;
  std::uint64_t records = 0;

 protected:
  struct Parts {
    std::array<iovec, 3> list{};
    std::size_t count = 0;
  };
  // The bytes of the next request; they stay until it is sent.
  virtual Parts next_request() = 0;
  // The first bytes (at most kHead) of the answer after its length prefix and correlation id; `size` is that of the whole frame.
  virtual void answer(View head, std::size_t size) = 0;
  // Size of the next answer's frame with its length prefix, when it is known: then Take::Truncate can leave the rest in the kernel.
  virtual std::size_t expected_size() const { return 0; }

  void set_take(Take take) { take_ = take; }

 private:
  static constexpr std::size_t kHead = 512;

  bool receive_some(Scratch& scratch);
  bool next_answer();
  std::size_t wanted_head() const;

  FileDescriptor socket_;
  std::string address_;
  Take take_ = Take::Copy;

  Parts parts_;
  std::size_t part_ = 0;
  std::deque<Nanoseconds> under_way_;

  // The answer that is being received.
  std::array<std::uint8_t, kHead> head_;
  std::size_t head_bytes_ = 0;
  std::size_t rest_ = 0;  // bytes behind the head that are still to come; meaningful when the head is whole
  bool head_whole_ = false;
  // Received and not looked at yet: part of the scratch memory.
  View unread_;
  bool drained_ = false;  // the last receive found all there was
};

}  // namespace load
