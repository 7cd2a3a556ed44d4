#include "client.h"

#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <thread>

#include "clock.h"

namespace load {
namespace {

constexpr int kPatienceSeconds = 30;
constexpr Nanoseconds kLeaderPatience = 10 * kSecond;
constexpr std::size_t kMostAnswerBytes = std::size_t{1} << 30;

std::pair<std::string, std::string> split(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon + 1 == address.size()) throw UsageFailure(address + " is not host:port");
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return {host, address.substr(colon + 1)};
}

void send_all(int socket, View bytes, const std::string& address) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) fail_errno(address);
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
}

void receive_all(int socket, std::span<std::uint8_t> into, const std::string& address) {
  while (!into.empty()) {
    const ssize_t got = ::recv(socket, into.data(), into.size(), MSG_WAITALL);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) fail(address + ": no answer within " + std::to_string(kPatienceSeconds) + " s");
    if (got < 0) fail_errno(address);
    if (got == 0) fail(address + " closed the connection");
    into = into.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace

FileDescriptor connect_to(const std::string& address) {
  const auto [host, port] = split(address);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &list);
  if (error != 0) fail(address + ": " + gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(list, freeaddrinfo);
  int reason = 0;
  for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
    FileDescriptor socket(::socket(each->ai_family, each->ai_socktype | SOCK_CLOEXEC, each->ai_protocol));
    if (socket.get() < 0) fail_errno("socket");
    const timeval patience{kPatienceSeconds, 0};
    setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    const int on = 1;
    setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(socket.get(), each->ai_addr, each->ai_addrlen) == 0) return socket;
    reason = errno;
  }
  fail_errno(address, reason);
}

Bytes exchange(int socket, const Bytes& request, const std::string& address) {
  send_all(socket, request, address);
  std::array<std::uint8_t, 8> head;
  receive_all(socket, head, address);
  const std::size_t size = load_be<std::uint32_t>(head.data());
  if (size < 4 || size > kMostAnswerBytes) fail(address + " answers with " + std::to_string(size) + " bytes: is it a Kafka broker?");
  Bytes answer(size - 4);
  receive_all(socket, answer, address);
  return answer;
}

std::string error_name(std::int16_t code) {
  static const std::map<std::int16_t, const char*> names = {{-1, "UNKNOWN_SERVER_ERROR"},
                                                            {1, "OFFSET_OUT_OF_RANGE"},
                                                            {2, "CORRUPT_MESSAGE"},
                                                            {3, "UNKNOWN_TOPIC_OR_PARTITION"},
                                                            {5, "LEADER_NOT_AVAILABLE"},
                                                            {6, "NOT_LEADER_OR_FOLLOWER"},
                                                            {7, "REQUEST_TIMED_OUT"},
                                                            {10, "MESSAGE_TOO_LARGE"},
                                                            {17, "INVALID_TOPIC_EXCEPTION"},
                                                            {19, "NOT_ENOUGH_REPLICAS"},
                                                            {29, "TOPIC_AUTHORIZATION_FAILED"},
                                                            {35, "UNSUPPORTED_VERSION"},
                                                            {42, "INVALID_REQUEST"},
                                                            {56, "KAFKA_STORAGE_ERROR"},
                                                            {87, "INVALID_RECORD"},
                                                            {100, "UNKNOWN_TOPIC_ID"}};
  const auto found = names.find(code);
  return found == names.end() ? "error " + std::to_string(code) : std::string(found->second) + " (" + std::to_string(code) + ")";
}

void Client::ask_versions() {
  const Bytes answered = call(frame(request(Api::ApiVersions, 0)));
  Reader reader(answered);
  if (const std::int16_t error = reader.i16(); error != 0) fail(address_ + ": ApiVersions: " + error_name(error));
  for (std::int32_t count = reader.i32(); count > 0; count--) {
    const std::int16_t api = reader.i16();
    const std::int16_t least = reader.i16();
    versions_.push_back({api, least, reader.i16()});
  }
}

void Client::require(Api api, const char* name, std::int16_t version) {
  if (versions_.empty()) ask_versions();
  const auto found = std::find_if(versions_.begin(), versions_.end(), [&](const Range& each) { return each.api == static_cast<std::int16_t>(api); });
  if (found == versions_.end() || found->least > version || found->most < version) {
    fail(address_ + ": the broker has no " + name + " version " + std::to_string(version));
  }
}

Client::Answer Client::ask_topic(const std::string& name, int partitions) {
  Writer writer = request(Api::Metadata, 12);
  writer.array(1);
  writer.raw(Uuid{});
  writer.text(name);
  writer.no_tags();
  writer.boolean(false);  // no automatic creation
  writer.boolean(false);
  writer.no_tags();
  const Bytes answered = call(frame(std::move(writer)));
  Reader reader(answered);
  reader.tags();
  reader.i32();
  std::map<std::int32_t, std::string> brokers;
  for (std::size_t count = reader.array(); count > 0; count--) {
    const std::int32_t id = reader.i32();
    const std::string host = reader.text();
    brokers[id] = (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(reader.i32());
    reader.text();
    reader.tags();
  }
  reader.text();
  reader.i32();
  if (reader.array() != 1) fail(address_ + ": Metadata without the topic");
  Answer answer;
  answer.topic.leaders.resize(static_cast<std::size_t>(partitions));
  answer.error = reader.i16();
  answer.topic.name = reader.text();
  answer.topic.id = reader.uuid();
  reader.i8();
  answer.partitions = reader.array();
  for (std::size_t count = answer.partitions; count > 0; count--) {
    reader.i16();
    const std::int32_t index = reader.i32();
    const std::int32_t leader = reader.i32();
    if (index >= 0 && index < partitions && brokers.contains(leader)) answer.topic.leaders[static_cast<std::size_t>(index)] = brokers[leader];
    reader.i32();
    reader.skip_i32s();
    reader.skip_i32s();
    reader.skip_i32s();
    reader.tags();
  }
  return answer;
}

Topic Client::topic(const std::string& name, int partitions) {
  require(Api::Metadata, "Metadata", 12);
  for (const Nanoseconds begin = now();;) {
    Answer answer = ask_topic(name, partitions);
    if (answer.error != 0 && answer.error != 5) fail(address_ + ": topic " + name + ": " + error_name(answer.error));
    if (answer.error == 0 && answer.partitions < static_cast<std::size_t>(partitions)) {
      fail(address_ + ": topic " + name + " has " + std::to_string(answer.partitions) + " partitions, not " + std::to_string(partitions));
    }
    const auto missing = std::find(answer.topic.leaders.begin(), answer.topic.leaders.end(), "");
    if (missing == answer.topic.leaders.end()) return std::move(answer.topic);
    if (now() - begin > kLeaderPatience) {
      fail(address_ + ": topic " + name + " has no leader for partition " + std::to_string(missing - answer.topic.leaders.begin()));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

std::int64_t Client::offset(const std::string& topic, int partition, std::int64_t time) {
  require(Api::ListOffsets, "ListOffsets", 6);
  for (const Nanoseconds begin = now();;) {
    const auto [error, offset] = ask_offset(topic, partition, time);
    if (error == 0) return offset;
    const bool may_pass = error == 3 || error == 5 || error == 6;
    if (!may_pass || now() - begin > kLeaderPatience) {
      fail(address_ + ": ListOffsets of " + topic + "-" + std::to_string(partition) + ": " + error_name(error));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

std::pair<std::int16_t, std::int64_t> Client::ask_offset(const std::string& topic, int partition, std::int64_t time) {
  Writer writer = request(Api::ListOffsets, 6);
  writer.i32(-1);
  writer.i8(0);
  writer.array(1);
  writer.text(topic);
  writer.array(1);
  writer.i32(partition);
  writer.i32(-1);
  writer.i64(time);
  writer.no_tags();
  writer.no_tags();
  writer.no_tags();
  const Bytes answered = call(frame(std::move(writer)));
  Reader reader(answered);
  reader.tags();
  reader.i32();
  reader.array();
  reader.text();
  reader.array();
  reader.i32();
  const std::int16_t error = reader.i16();
  reader.i64();
  return {error, reader.i64()};
}

void await_leaders(const Topic& topic) {
  std::map<std::string, Client> clients;
  for (std::size_t partition = 0; partition < topic.leaders.size(); partition++) {
    const std::string& leader = topic.leaders[partition];
    clients.try_emplace(leader, leader).first->second.offset(topic.name, static_cast<int>(partition), -1);
  }
}

}  // namespace load
