#include "operations.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace slowfs {
namespace {

// Nobody else writes to the backing folder: the kernel may believe what it knows.
constexpr std::uint64_t kValidSeconds = 3600;
// Readers of a slow disk wait side by side; beyond so many the kernel queues.
constexpr std::uint16_t kMaxBackground = 512;

fuse_attr attributes(const struct stat& from) {
  fuse_attr to{};
  to.ino = from.st_ino;
  to.size = static_cast<std::uint64_t>(from.st_size);
  to.blocks = static_cast<std::uint64_t>(from.st_blocks);
  to.atime = static_cast<std::uint64_t>(from.st_atim.tv_sec);
  to.atimensec = static_cast<std::uint32_t>(from.st_atim.tv_nsec);
  to.mtime = static_cast<std::uint64_t>(from.st_mtim.tv_sec);
  to.mtimensec = static_cast<std::uint32_t>(from.st_mtim.tv_nsec);
  to.ctime = static_cast<std::uint64_t>(from.st_ctim.tv_sec);
  to.ctimensec = static_cast<std::uint32_t>(from.st_ctim.tv_nsec);
  to.mode = from.st_mode;
  to.nlink = static_cast<std::uint32_t>(from.st_nlink);
  to.uid = from.st_uid;
  to.gid = from.st_gid;
  to.blksize = static_cast<std::uint32_t>(from.st_blksize);
  return to;
}

fuse_entry_out entry(std::uint64_t id, const struct stat& status) {
  fuse_entry_out out{};
  out.nodeid = id;
  out.entry_valid = kValidSeconds;
  out.attr_valid = kValidSeconds;
  out.attr = attributes(status);
  return out;
}

template <typename T>
T& handle_of(std::uint64_t handle) {
  return *reinterpret_cast<T*>(handle);
}

// With the kernel's write-back cache also a file opened for writing only is read, and the kernel knows where the end is.
int backing_flags(std::uint32_t flags) {
  if ((flags & O_ACCMODE) == O_WRONLY) flags = (flags & ~static_cast<std::uint32_t>(O_ACCMODE)) | O_RDWR;
  return static_cast<int>(flags & ~static_cast<std::uint32_t>(O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW));
}

int result_of(int result) { return result < 0 ? -errno : 0; }

}  // namespace

void Operations::handle(const std::uint8_t* bytes, std::size_t length) {
  const auto& header = *reinterpret_cast<const fuse_in_header*>(bytes);
  Request request{header, bytes + sizeof header, length - sizeof header, nodes_.find(header.nodeid)};
  switch (header.opcode) {
    case FUSE_FORGET:
      return nodes_.forget(header.nodeid, request.as<fuse_forget_in>().nlookup);
    case FUSE_BATCH_FORGET: {
      const auto& batch = request.as<fuse_batch_forget_in>();
      const auto* each = reinterpret_cast<const fuse_forget_one*>(request.body + sizeof batch);
      for (std::uint32_t i = 0; i < batch.count; i++) nodes_.forget(each[i].nodeid, each[i].nlookup);
      return;
    }
    case FUSE_INTERRUPT:
      return;
    case FUSE_INIT:
      return init(request);
    default:
      if (!request.node) return channel_.reply_error(request.unique(), ESTALE);
      return answer(request);
  }
}

void Operations::answer(const Request& request) {
  switch (request.header.opcode) {
    case FUSE_LOOKUP: return reply_entry(request, request.name());
    case FUSE_GETATTR: return get_attributes(request);
    case FUSE_SETATTR: return set_attributes(request);
    case FUSE_OPEN: return open(request);
    case FUSE_CREATE: return create(request);
    case FUSE_READ: return read(request);
    case FUSE_WRITE: return write(request);
    case FUSE_FSYNC: return sync(request);
    case FUSE_MKNOD: return make_node(request);
    case FUSE_MKDIR: return make_folder(request);
    case FUSE_UNLINK: return remove(request, 0);
    case FUSE_RMDIR: return remove(request, AT_REMOVEDIR);
    case FUSE_RENAME: return rename(request, request.as<fuse_rename_in>().newdir, request.name(sizeof(fuse_rename_in)), 0);
    case FUSE_RENAME2:
      return rename(request, request.as<fuse_rename2_in>().newdir, request.name(sizeof(fuse_rename2_in)), request.as<fuse_rename2_in>().flags);
    case FUSE_OPENDIR: return open_folder(request);
    case FUSE_READDIR: return read_folder(request);
    case FUSE_FALLOCATE: return allocate(request);
    case FUSE_STATFS: return file_system_figures(request);
    case FUSE_RELEASE:
      delete &handle_of<OpenFile>(request.as<fuse_release_in>().fh);
      return finish(request, 0);
    case FUSE_RELEASEDIR:
      delete &handle_of<OpenFolder>(request.as<fuse_release_in>().fh);
      return finish(request, 0);
    case FUSE_FLUSH:
    case FUSE_FSYNCDIR:
    case FUSE_DESTROY: return finish(request, 0);
    default: return finish(request, -ENOSYS);
  }
}

void Operations::init(const Request& request) {
  const auto& in = request.as<fuse_init_in>();
  fuse_init_out out{};
  out.major = FUSE_KERNEL_VERSION;
  out.minor = FUSE_KERNEL_MINOR_VERSION;
  out.max_readahead = in.max_readahead;
  // Write-back: what was written stays in the page cache as on a disk. Written through, the partly filled page at a file's end would be read again.
  out.flags = in.flags & (FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_WRITEBACK_CACHE | FUSE_MAX_PAGES | FUSE_PARALLEL_DIROPS);
  out.max_background = kMaxBackground;
  out.congestion_threshold = kMaxBackground;
  out.max_write = kMaxWrite;
  out.max_pages = kMaxWrite / 4096;
  out.time_gran = 1;
  channel_.reply_with(request.unique(), out);
}

void Operations::fated(Operation operation, const Node& node, std::uint64_t unique, std::uint64_t bytes, std::function<void()> work) {
  rules_.begun(operation, bytes);
  if (!rules_.concern(operation)) return work();
  const Fate fate = rules_.decide(operation, node.name(nodes_.root()));
  if (fate.error != 0) work = [this, unique, error = fate.error] { channel_.reply_error(unique, error); };
  if (fate.delay.count() == 0) return work();
  rules_.waits(operation, 1);
  later_.after(fate.delay, [this, operation, work = std::move(work)] {
    rules_.waits(operation, -1);
    work();
  });
}

void Operations::reply_entry(const Request& request, const char* name) {
  std::uint64_t id;
  struct stat status;
  const int result = nodes_.look_up(*request.node, name, id, status);
  if (result < 0) return finish(request, result);
  channel_.reply_with(request.unique(), entry(id, status));
}

void Operations::get_attributes(const Request& request) {
  struct stat status;
  if (fstat(request.node->path.get(), &status) != 0) return finish(request, -errno);
  fuse_attr_out out{};
  out.attr_valid = kValidSeconds;
  out.attr = attributes(status);
  channel_.reply_with(request.unique(), out);
}

void Operations::set_attributes(const Request& request) {
  const fuse_setattr_in in = request.as<fuse_setattr_in>();
  const std::string link = "/proc/self/fd/" + std::to_string(request.node->path.get());
  const auto work = [this, request_copy = request.header, node = request.node, in, link] {
    int result = 0;
    if (in.valid & FATTR_SIZE) result = result_of(truncate(link.c_str(), static_cast<off_t>(in.size)));
    if (result == 0 && in.valid & FATTR_MODE) result = result_of(chmod(link.c_str(), in.mode));
    if (result == 0 && in.valid & (FATTR_UID | FATTR_GID))
      result = result_of(chown(link.c_str(), in.valid & FATTR_UID ? in.uid : static_cast<uid_t>(-1), in.valid & FATTR_GID ? in.gid : static_cast<gid_t>(-1)));
    if (result == 0 && in.valid & (FATTR_ATIME | FATTR_MTIME)) {
      const auto time = [&](unsigned given, unsigned now, std::uint64_t seconds, std::uint32_t nanos) {
        if (in.valid & now) return timespec{0, UTIME_NOW};
        return in.valid & given ? timespec{static_cast<time_t>(seconds), static_cast<long>(nanos)} : timespec{0, UTIME_OMIT};
      };
      const timespec times[2] = {time(FATTR_ATIME, FATTR_ATIME_NOW, in.atime, in.atimensec), time(FATTR_MTIME, FATTR_MTIME_NOW, in.mtime, in.mtimensec)};
      result = result_of(utimensat(AT_FDCWD, link.c_str(), times, 0));
    }
    if (result < 0) return channel_.reply_error(request_copy.unique, -result);
    get_attributes({request_copy, nullptr, 0, node});
  };
  if (in.valid & FATTR_SIZE) return fated(Operation::Truncate, *request.node, request.unique(), 0, work);
  work();
}

void Operations::open(const Request& request) {
  const std::uint32_t flags = request.as<fuse_open_in>().flags;
  fated(Operation::Open, *request.node, request.unique(), 0, [this, unique = request.unique(), node = request.node, flags] {
    Descriptor fd = node->open(backing_flags(flags));
    if (!fd) return channel_.reply_error(unique, errno);
    fuse_open_out out{};
    out.fh = reinterpret_cast<std::uint64_t>(new OpenFile{std::move(fd), node});
    out.open_flags = FOPEN_KEEP_CACHE;
    channel_.reply_with(unique, out);
  });
}

void Operations::create(const Request& request) {
  const auto& in = request.as<fuse_create_in>();
  const char* name = request.name(sizeof in);
  Fate fate;
  rules_.begun(Operation::Create, 0);
  if (rules_.concern(Operation::Create)) fate = rules_.decide(Operation::Create, request.node->name(nodes_.root()) + "/" + name);
  if (fate.error != 0) return finish(request, -fate.error);
  Descriptor fd(openat(request.node->path.get(), name, backing_flags(in.flags) | O_CREAT | O_CLOEXEC | static_cast<int>(in.flags & O_EXCL), in.mode));
  if (!fd) return finish(request, -errno);
  std::uint64_t id;
  struct stat status;
  const int result = nodes_.look_up(*request.node, name, id, status);
  if (result < 0) return finish(request, result);
  fuse_entry_out first = entry(id, status);
  fuse_open_out second{};
  second.fh = reinterpret_cast<std::uint64_t>(new OpenFile{std::move(fd), nodes_.find(id)});
  second.open_flags = FOPEN_KEEP_CACHE;
  channel_.reply(request.unique(), {{&first, sizeof first}, {&second, sizeof second}});
}

void Operations::read(const Request& request) {
  const fuse_read_in in = request.as<fuse_read_in>();
  fated(Operation::Read, *request.node, request.unique(), in.size, [this, unique = request.unique(), in] {
    thread_local std::vector<std::uint8_t> buffer;
    buffer.resize(std::max<std::size_t>(buffer.size(), in.size));
    const ssize_t got = pread(handle_of<OpenFile>(in.fh).fd.get(), buffer.data(), in.size, static_cast<off_t>(in.offset));
    if (got < 0) return channel_.reply_error(unique, errno);
    channel_.reply(unique, {{buffer.data(), static_cast<std::size_t>(got)}});
  });
}

void Operations::write(const Request& request) {
  const fuse_write_in in = request.as<fuse_write_in>();
  const std::uint8_t* from = request.body + sizeof in;
  const auto put = [this, unique = request.unique(), in](const std::uint8_t* bytes) {
    const ssize_t written = pwrite(handle_of<OpenFile>(in.fh).fd.get(), bytes, in.size, static_cast<off_t>(in.offset));
    if (written < 0) return channel_.reply_error(unique, errno);
    fuse_write_out out{};
    out.size = static_cast<std::uint32_t>(written);
    channel_.reply_with(unique, out);
  };
  if (!rules_.concern(Operation::Write)) {
    rules_.begun(Operation::Write, in.size);
    return put(from);
  }
  fated(Operation::Write, *request.node, request.unique(), in.size, [put, bytes = std::vector<std::uint8_t>(from, from + in.size)] { put(bytes.data()); });
}

void Operations::sync(const Request& request) {
  const fuse_fsync_in in = request.as<fuse_fsync_in>();
  fated(Operation::Fsync, *request.node, request.unique(), 0, [this, unique = request.unique(), in] {
    const int fd = handle_of<OpenFile>(in.fh).fd.get();
    const int result = in.fsync_flags & FUSE_FSYNC_FDATASYNC ? fdatasync(fd) : fsync(fd);
    channel_.reply_error(unique, result < 0 ? errno : 0);
  });
}

// Sockets, above all.
void Operations::make_node(const Request& request) {
  const auto& in = request.as<fuse_mknod_in>();
  const char* name = request.name(sizeof in);
  if (mknodat(request.node->path.get(), name, in.mode, in.rdev) != 0) return finish(request, -errno);
  reply_entry(request, name);
}

void Operations::make_folder(const Request& request) {
  const auto& in = request.as<fuse_mkdir_in>();
  const char* name = request.name(sizeof in);
  if (mkdirat(request.node->path.get(), name, in.mode) != 0) return finish(request, -errno);
  reply_entry(request, name);
}

void Operations::remove(const Request& request, int flags) {
  const std::string name = request.name();
  fated(Operation::Unlink, *request.node, request.unique(), 0, [this, unique = request.unique(), node = request.node, name, flags] {
    channel_.reply_error(unique, unlinkat(node->path.get(), name.c_str(), flags) != 0 ? errno : 0);
  });
}

void Operations::rename(const Request& request, std::uint64_t target_folder, const char* names, unsigned flags) {
  const std::shared_ptr<Node> target = nodes_.find(target_folder);
  if (!target) return finish(request, -ESTALE);
  const std::string from = names;
  const std::string to = names + from.size() + 1;
  fated(Operation::Rename, *request.node, request.unique(), 0, [this, unique = request.unique(), node = request.node, target, from, to, flags] {
    const long result = syscall(SYS_renameat2, node->path.get(), from.c_str(), target->path.get(), to.c_str(), flags);
    channel_.reply_error(unique, result != 0 ? errno : 0);
  });
}

// Folders are small: read whole when they are opened.
void Operations::open_folder(const Request& request) {
  Descriptor fd = request.node->open(O_RDONLY | O_DIRECTORY);
  if (!fd) return finish(request, -errno);
  DIR* stream = fdopendir(dup(fd.get()));
  if (stream == nullptr) return finish(request, -errno);
  auto folder = std::make_unique<OpenFolder>();
  while (const dirent* each = readdir(stream)) {
    const std::size_t name_bytes = std::strlen(each->d_name);
    const std::size_t at = folder->entries.size();
    folder->entries.resize(at + FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + name_bytes));
    auto& out = *reinterpret_cast<fuse_dirent*>(folder->entries.data() + at);
    out.ino = each->d_ino;
    out.off = folder->entries.size();
    out.namelen = static_cast<std::uint32_t>(name_bytes);
    out.type = each->d_type;
    std::memcpy(out.name, each->d_name, name_bytes);
  }
  closedir(stream);
  fuse_open_out out{};
  out.fh = reinterpret_cast<std::uint64_t>(folder.release());
  channel_.reply_with(request.unique(), out);
}

void Operations::read_folder(const Request& request) {
  const auto& in = request.as<fuse_read_in>();
  auto& entries = handle_of<OpenFolder>(in.fh).entries;
  std::size_t end = std::min<std::size_t>(in.offset, entries.size());
  const std::size_t start = end;
  while (end < entries.size()) {
    const std::size_t next = reinterpret_cast<const fuse_dirent*>(entries.data() + end)->off;
    if (next - start > in.size) break;
    end = next;
  }
  channel_.reply(request.unique(), {{entries.data() + start, end - start}});
}

void Operations::allocate(const Request& request) {
  const auto& in = request.as<fuse_fallocate_in>();
  finish(request, result_of(fallocate(handle_of<OpenFile>(in.fh).fd.get(), static_cast<int>(in.mode), static_cast<off_t>(in.offset), static_cast<off_t>(in.length))));
}

void Operations::file_system_figures(const Request& request) {
  struct statvfs figures;
  if (fstatvfs(nodes_.find(1)->path.get(), &figures) != 0 && statvfs(nodes_.root().c_str(), &figures) != 0) return finish(request, -errno);
  fuse_statfs_out out{};
  out.st.blocks = figures.f_blocks;
  out.st.bfree = figures.f_bfree;
  out.st.bavail = figures.f_bavail;
  out.st.files = figures.f_files;
  out.st.ffree = figures.f_ffree;
  out.st.bsize = static_cast<std::uint32_t>(figures.f_bsize);
  out.st.frsize = static_cast<std::uint32_t>(figures.f_frsize);
  out.st.namelen = static_cast<std::uint32_t>(figures.f_namemax);
  channel_.reply_with(request.unique(), out);
}

}  // namespace slowfs
