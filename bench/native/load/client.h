// A blocking client for what is asked once before a run: who leads which partition, where a partition begins and ends.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "file_descriptor.h"
#include "wire.h"

namespace load {

// A connected TCP socket (blocking, TCP_NODELAY). Throws Failure "127.0.0.1:9092: Connection refused".
FileDescriptor connect_to(const std::string& address);

// Sends a request on a blocking socket and gives what follows the correlation id of the answer. Throws Failure.
Bytes exchange(int socket, const Bytes& request, const std::string& address);

// Kafka's name of an error code: "UNKNOWN_TOPIC_OR_PARTITION (3)".
std::string error_name(std::int16_t code);

struct Topic {
  std::string name;
  Uuid id{};
  std::vector<std::string> leaders;  // host:port by partition
};

class Client {
 public:
  explicit Client(const std::string& address) : address_(address), socket_(connect_to(address)) {}

  // What follows the correlation id of the answer.
  Bytes call(const Bytes& request) { return exchange(socket_.get(), request, address_); }

  // Throws Failure when the broker has not this version of an API.
  void require(Api api, const char* name, std::int16_t version);

  // Partitions 0 … `partitions`-1, each with a live leader. Waits some seconds for leaders of a topic that is just being created.
  Topic topic(const std::string& name, int partitions);

  // `time` -2: the first offset, -1: the end. Waits some seconds until the leader serves the partition, which Metadata may name long before.
  std::int64_t offset(const std::string& topic, int partition, std::int64_t time);

  const std::string& address() const { return address_; }

 private:
  struct Answer {
    std::int16_t error = 0;
    std::size_t partitions = 0;
    Topic topic;
  };

  void ask_versions();
  Answer ask_topic(const std::string& name, int partitions);
  std::pair<std::int16_t, std::int64_t> ask_offset(const std::string& topic, int partition, std::int64_t time);

  struct Range {
    std::int16_t api;
    std::int16_t least;
    std::int16_t most;
  };

  std::string address_;
  FileDescriptor socket_;
  std::vector<Range> versions_;
};

// Waits until every leader serves its partitions, which Metadata names before that.
void await_leaders(const Topic& topic);

}  // namespace load
