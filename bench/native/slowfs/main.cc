// slowfs BACKING MOUNTPOINT
//
// A file system that mirrors a folder, and goes slowly or wrong as it is told. Prints "ready" when it is mounted, then answers each line of its
// standard input with one line:
//
//   set OPERATION [delay=MS] [error=ERRNO] [match=PART-OF-NAME] [times=N]     OPERATION: read write fsync open create truncate rename unlink
//   clear                takes all rules away; what waits is answered now
//   release              what waits is answered now; the rules hold on
//   drop [PART-OF-NAME]  writes back and drops what the page cache has of the files: they are cold then
//   stats                one JSON object: per operation how many began, how many wait, their bytes
//
// Unmounts and ends when its standard input ends, or with SIGTERM or SIGINT: so it does not outlive whoever started it.
#include <sys/resource.h>

#include <csignal>
#include <cstring>
#include <iostream>
#include <sstream>
#include <system_error>

#include "operations.h"

namespace slowfs {
namespace {

constexpr unsigned kThreads = 4;

int errno_named(const std::string& name) {
  for (int error = 1; error < 134; error++) {
    const char* known = strerrorname_np(error);
    if (known != nullptr && name == known) return error;
  }
  return -1;
}

std::string set_rule(std::istringstream& words, Rules& rules) {
  Rule rule;
  std::string word;
  words >> word;
  if (!operation_named(word, rule.operation)) return "no operation " + word;
  while (words >> word) {
    const std::size_t equals = word.find('=');
    const std::string key = word.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
    if (key == "match") rule.match = value;
    else if (key == "delay") rule.fate.delay = std::chrono::milliseconds(std::atol(value.c_str()));
    else if (key == "times") rule.times = std::atol(value.c_str());
    else if (key == "error" && errno_named(value) > 0) rule.fate.error = errno_named(value);
    else return "what is " + word;
  }
  rules.set(std::move(rule));
  return "ok";
}

std::string stats(const Rules& rules) {
  std::ostringstream out;
  const auto tallies = rules.tallies();
  for (std::size_t i = 0; i < kOperations; i++)
    out << (i == 0 ? "{" : ",") << '"' << name_of(static_cast<Operation>(i)) << "\":{\"begun\":" << tallies[i].begun << ",\"waiting\":" << tallies[i].waiting
        << ",\"bytes\":" << tallies[i].bytes << '}';
  return out.str() + "}";
}

std::string obey(const std::string& line, Channel& channel, NodeTable& nodes, Rules& rules, Later& later) {
  std::istringstream words(line);
  std::string word;
  words >> word;
  if (word == "set") return set_rule(words, rules);
  if (word == "stats") return stats(rules);
  if (word == "clear") {
    rules.clear();
    later.release();
    return "ok";
  }
  if (word == "release") {
    later.release();
    return "ok";
  }
  if (word == "drop") {
    std::string match;
    words >> match;
    nodes.each([&](std::uint64_t id, const Node& node) {
      if (node.name(nodes.root()).find(match) != std::string::npos) channel.invalidate(id);
    });
    return "ok";
  }
  return "what is " + line;
}

[[noreturn]] void run(const std::string& backing, const std::string& mountpoint) {
  // Signals end the reading of commands, nothing else.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  signal(SIGPIPE, SIG_IGN);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);

  NodeTable nodes(backing);
  Rules rules;
  Later later;
  Channel channel(mountpoint);
  Operations operations(channel, nodes, rules, later);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kThreads; i++)
    threads.emplace_back([&] {
      std::vector<std::uint8_t> request(kRequestBytes);
      while (const std::size_t length = channel.next(request.data())) operations.handle(request.data(), length);
    });
  std::thread commands([&] {
    std::cout << "ready" << std::endl;
    for (std::string line; std::getline(std::cin, line);) std::cout << obey(line, channel, nodes, rules, later) << std::endl;
    kill(getpid(), SIGTERM);
  });
  int signal_number;
  sigwait(&signals, &signal_number);
  // Nothing is slow any more: whoever waits gets an answer, so that the mount can end.
  rules.clear();
  later.stop();
  // In use: then the mount point is free at once, and who still has files open gets ENOTCONN when this process ends.
  if (channel.unmount(false))
    for (std::thread& thread : threads) thread.join();
  else
    channel.unmount(true);
  std::cout.flush();
  _exit(0);
}

}  // namespace
}  // namespace slowfs

int main(int count, char** arguments) {
  if (count != 3) {
    std::cerr << "usage: slowfs BACKING MOUNTPOINT" << std::endl;
    return 2;
  }
  try {
    slowfs::run(arguments[1], arguments[2]);
  } catch (const std::system_error& error) {
    std::cerr << error.what() << std::endl;
    return 1;
  }
}
