#undef _FILE_OFFSET_BITS
#include "watch.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>

#include "journal.h"
#include "rules.h"

namespace sluice_faults {
namespace {

std::string link_of(const char* link) {
  char text[PATH_MAX];
  const long length = syscall(SYS_readlinkat, AT_FDCWD, link, text, sizeof text);
  return length > 0 ? std::string(text, static_cast<std::size_t>(length)) : std::string();
}

bool below_root(const std::string& path, std::string& relative) {
  const std::string& root = setup().root;
  if (root.empty() || path.compare(0, root.size(), root) != 0) return false;
  if (path.size() == root.size()) {
    relative.clear();
    return true;
  }
  if (path[root.size()] != '/') return false;
  relative = path.substr(root.size() + 1);
  while (!relative.empty() && relative.back() == '/') relative.pop_back();
  return true;
}

}  // namespace

Setup& setup() {
  // Never destroyed: threads may write while the process ends.
  static Setup& one = *[] {
    auto* made = new Setup();
    if (const char* root = std::getenv("SLUICE_FAULTS_ROOT")) made->root = root;
    if (const char* control = std::getenv("SLUICE_FAULTS_CONTROL")) made->control = control;
    if (!made->root.empty()) {
      open_journal(std::getenv("SLUICE_FAULTS_JOURNAL"));
      set_rules(std::getenv("SLUICE_FAULTS_RULES"));
    }
    return made;
  }();
  return one;
}

std::string path_of(int fd) {
  char link[32];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  return link_of(link);
}

bool ours(int folder, const char* path, std::string& relative) {
  if (setup().root.empty() || path == nullptr) return false;
  if (path[0] == '/') return below_root(path, relative);
  return below_root((folder == AT_FDCWD ? link_of("/proc/self/cwd") : path_of(folder)) + "/" + path, relative);
}

bool ours(int fd, Target& target) {
  if (setup().root.empty()) return false;
  const int before = errno;
  struct stat status;
  const bool found = below_root(path_of(fd), target.path) && syscall(SYS_fstat, fd, &status) == 0;
  errno = before;
  if (!found) return false;
  target.file = status.st_ino;
  target.folder = S_ISDIR(status.st_mode);
  return true;
}

std::uint64_t inode_at(int folder, const char* path) {
  struct stat status;
  return syscall(SYS_newfstatat, folder, path, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status.st_ino : 0;
}

}  // namespace sluice_faults
