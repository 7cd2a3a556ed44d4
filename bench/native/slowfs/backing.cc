#include "backing.h"

#include <fcntl.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <system_error>
#include <vector>

namespace slowfs {
namespace {

std::string link_of(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

}  // namespace

std::string Node::name(const std::string& root) const {
  char target[PATH_MAX];
  const ssize_t length = readlink(link_of(path.get()).c_str(), target, sizeof target);
  if (length <= 0) return {};
  const std::string full(target, static_cast<std::size_t>(length));
  return full.rfind(root + "/", 0) == 0 ? full.substr(root.size() + 1) : full;
}

Descriptor Node::open(int flags) const { return Descriptor(::open(link_of(path.get()).c_str(), flags | O_CLOEXEC)); }

NodeTable::NodeTable(const std::string& root) {
  char* resolved = realpath(root.c_str(), nullptr);
  if (resolved == nullptr) throw std::system_error(errno, std::generic_category(), root);
  root_ = resolved;
  std::free(resolved);
  auto node = std::make_shared<Node>();
  node->path = Descriptor(::open(root_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  struct stat status;
  if (!node->path || fstat(node->path.get(), &status) != 0) throw std::system_error(errno, std::generic_category(), root_);
  node->device = status.st_dev;
  node->inode = status.st_ino;
  node->lookups = 1;
  by_inode_[{node->device, node->inode}] = 1;
  nodes_[1] = std::move(node);
}

std::shared_ptr<Node> NodeTable::find(std::uint64_t id) const {
  std::lock_guard lock(mutex_);
  const auto found = nodes_.find(id);
  return found == nodes_.end() ? nullptr : found->second;
}

int NodeTable::look_up(const Node& folder, const char* name, std::uint64_t& id, struct stat& status) {
  Descriptor path(openat(folder.path.get(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!path || fstat(path.get(), &status) != 0) return -errno;
  std::lock_guard lock(mutex_);
  const auto known = by_inode_.find({status.st_dev, status.st_ino});
  if (known != by_inode_.end()) {
    id = known->second;
    nodes_[id]->lookups++;
    return 0;
  }
  auto node = std::make_shared<Node>();
  node->path = std::move(path);
  node->device = status.st_dev;
  node->inode = status.st_ino;
  node->lookups = 1;
  id = next_++;
  by_inode_[{status.st_dev, status.st_ino}] = id;
  nodes_[id] = std::move(node);
  return 0;
}

void NodeTable::forget(std::uint64_t id, std::uint64_t lookups) {
  std::lock_guard lock(mutex_);
  const auto found = nodes_.find(id);
  if (id == 1 || found == nodes_.end()) return;
  Node& node = *found->second;
  node.lookups -= std::min(node.lookups, lookups);
  if (node.lookups > 0) return;
  by_inode_.erase({node.device, node.inode});
  nodes_.erase(found);
}

void NodeTable::each(const std::function<void(std::uint64_t id, const Node&)>& visit) const {
  std::vector<std::pair<std::uint64_t, std::shared_ptr<Node>>> all;
  {
    std::lock_guard lock(mutex_);
    all.assign(nodes_.begin(), nodes_.end());
  }
  for (const auto& [id, node] : all) visit(id, *node);
}

}  // namespace slowfs
