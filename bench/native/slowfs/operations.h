// Answers the kernel's requests from the backing folder.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "backing.h"
#include "channel.h"
#include "later.h"
#include "rules.h"

namespace slowfs {

class Operations {
 public:
  Operations(Channel& channel, NodeTable& nodes, Rules& rules, Later& later) : channel_(channel), nodes_(nodes), rules_(rules), later_(later) {}

  // Answers one request, now or later. Any thread. `bytes` may be used anew when it returns.
  void handle(const std::uint8_t* bytes, std::size_t length);

 private:
  struct Request {
    const fuse_in_header& header;
    const std::uint8_t* body;
    std::size_t length;
    std::shared_ptr<Node> node;

    template <typename Body>
    const Body& as() const {
      return *reinterpret_cast<const Body*>(body);
    }
    // A name that stands behind the body.
    const char* name(std::size_t at = 0) const { return reinterpret_cast<const char*>(body + at); }
    std::uint64_t unique() const { return header.unique; }
  };
  struct OpenFile {
    Descriptor fd;
    std::shared_ptr<Node> node;
  };
  struct OpenFolder {
    std::vector<std::uint8_t> entries;  // as the kernel wants them
  };

  void init(const Request& request);
  void look_up(const Request& request);
  void get_attributes(const Request& request);
  void set_attributes(const Request& request);
  void open(const Request& request);
  void create(const Request& request);
  void read(const Request& request);
  void write(const Request& request);
  void sync(const Request& request);
  void make_node(const Request& request);
  void make_folder(const Request& request);
  void remove(const Request& request, int flags);
  void rename(const Request& request, std::uint64_t target_folder, const char* names, unsigned flags);
  void open_folder(const Request& request);
  void read_folder(const Request& request);
  void allocate(const Request& request);
  void file_system_figures(const Request& request);
  void answer(const Request& request);

  // Runs `work` when the operation's delay has passed, or answers with the error that a rule asks for.
  void fated(Operation operation, const Node& node, std::uint64_t unique, std::uint64_t bytes, std::function<void()> work);
  void reply_entry(const Request& request, const char* name);
  void finish(const Request& request, int result) { channel_.reply_error(request.unique(), result < 0 ? -result : 0); }

  Channel& channel_;
  NodeTable& nodes_;
  Rules& rules_;
  Later& later_;
};

}  // namespace slowfs
