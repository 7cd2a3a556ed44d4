#include "file_lock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <mutex>
#include <utility>

#include "arguments.h"

namespace sluice {
namespace {

// A classic POSIX lock, as Java's FileLock is: that and an open-file-description lock exclude each other too, but only the classic one is
// also seen by tools that ask who holds it. It belongs to the process, and closing *any* descriptor of the file gives it up: so the process keeps a
// list of what it holds, shared by all environments of the addon, and never opens such a file a second time.
std::mutex held_mutex;
std::map<std::pair<dev_t, ino_t>, int>& held() {
  static std::map<std::pair<dev_t, ino_t>, int> files;
  return files;
}

int lock_file(const std::string& path) {
  std::lock_guard guard(held_mutex);
  struct stat status;
  if (stat(path.c_str(), &status) == 0 && held().count({status.st_dev, status.st_ino}) > 0) return -EBUSY;
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return -errno;
  struct flock range = {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  if (fstat(fd, &status) != 0 || fcntl(fd, F_SETLK, &range) != 0) {
    const int error = errno == EACCES ? EAGAIN : errno;
    close(fd);
    return -error;
  }
  held()[{status.st_dev, status.st_ino}] = fd;
  return fd;
}

bool unlock_file(int fd) {
  std::lock_guard guard(held_mutex);
  for (auto it = held().begin(); it != held().end(); ++it) {
    if (it->second != fd) continue;
    held().erase(it);
    close(fd);
    return true;
  }
  return false;
}

Napi::Value lock_call(const Napi::CallbackInfo& info) {
  return guarded(info, [&] { return Napi::Number::New(info.Env(), lock_file(string_argument(info, 0))); });
}

Napi::Value unlock_call(const Napi::CallbackInfo& info) {
  return guarded(info, [&] {
    if (!unlock_file(static_cast<int>(integer_argument(info, 0, 0, 2147483647.0)))) throw std::out_of_range("unknown lock");
    return info.Env().Undefined();
  });
}

}  // namespace

void DefineFileLock(Napi::Env env, Napi::Object exports) {
  exports.Set("lockFile", Napi::Function::New(env, lock_call, "lockFile"));
  exports.Set("unlockFile", Napi::Function::New(env, unlock_call, "unlockFile"));
}

}  // namespace sluice
