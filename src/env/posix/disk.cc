#include "env/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace hearth::env {
namespace {

std::unexpected<Error> FailOn(const char* what, const std::string& path, int code) {
  return Fail(std::string("cannot ") + what + " " + path + ": " + strerror(code), code);
}

class SystemFile final : public File {
 public:
  SystemFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~SystemFile() override { close(fd_); }

  Result<size_t> ReadAt(uint64_t offset, std::span<char> to) override {
    size_t done = 0;
    while (done < to.size()) {
      const ssize_t got = pread(fd_, to.data() + done, to.size() - done, static_cast<off_t>(offset + done));
      if (got == 0) break;
      if (got < 0) {
        if (errno == EINTR) continue;
        return FailOn("read", path_, errno);
      }
      done += static_cast<size_t>(got);
    }
    return done;
  }

  Status Append(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t put = write(fd_, bytes.data(), bytes.size());
      if (put < 0) {
        if (errno == EINTR) continue;
        return FailOn("write to", path_, errno);
      }
      bytes.remove_prefix(static_cast<size_t>(put));
    }
    return {};
  }

  Status WriteAt(uint64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t put = pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (put < 0) {
        if (errno == EINTR) continue;
        return FailOn("write to", path_, errno);
      }
      bytes.remove_prefix(static_cast<size_t>(put));
      offset += static_cast<uint64_t>(put);
    }
    return {};
  }

  Status Sync() override {
    if (fdatasync(fd_) != 0) return FailOn("sync", path_, errno);
    return {};
  }

  void StartWriteback(uint64_t offset, uint64_t size) override {
    sync_file_range(fd_, static_cast<off_t>(offset), static_cast<off_t>(size), SYNC_FILE_RANGE_WRITE);
  }

  Status Truncate(uint64_t size) override {
    if (ftruncate(fd_, static_cast<off_t>(size)) != 0) return FailOn("truncate", path_, errno);
    return {};
  }

  Result<uint64_t> Size() override {
    struct stat info;
    if (fstat(fd_, &info) != 0) return FailOn("stat", path_, errno);
    return static_cast<uint64_t>(info.st_size);
  }

  Status Lock() override {
    if (flock(fd_, LOCK_EX | LOCK_NB) != 0) return FailOn("lock", path_, errno);
    return {};
  }

  const std::string& path() const override { return path_; }

 private:
  const int fd_;
  const std::string path_;
};

int OpenFlags(OpenMode mode) {
  switch (mode) {
    case OpenMode::kRead:
      return O_RDONLY;
    case OpenMode::kAppend:
      return O_RDWR | O_CREAT | O_APPEND;
    case OpenMode::kReadWrite:
      return O_RDWR | O_CREAT;
    case OpenMode::kTruncate:
      return O_RDWR | O_CREAT | O_TRUNC | O_APPEND;
  }
  return O_RDONLY;
}

class SystemDisk final : public Disk {
 public:
  Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override {
    const int fd = open(path.c_str(), OpenFlags(mode) | O_CLOEXEC, 0644);
    if (fd < 0) return FailOn("open", path, errno);
    return std::make_unique<SystemFile>(fd, path);
  }

  Status Rename(const std::string& from, const std::string& to) override {
    if (rename(from.c_str(), to.c_str()) != 0)
      return FailOn(("rename to " + to + " from").c_str(), from, errno);
    return {};
  }

  Status Remove(const std::string& path) override {
    if (remove(path.c_str()) != 0) return FailOn("remove", path, errno);
    return {};
  }

  Result<std::vector<std::string>> List(const std::string& folder) override {
    DIR* handle = opendir(folder.c_str());
    if (handle == nullptr) return FailOn("list", folder, errno);
    std::vector<std::string> names;
    while (const dirent* entry = readdir(handle)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    closedir(handle);
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<std::optional<FileInfo>> Stat(const std::string& path) override {
    struct stat info;
    if (stat(path.c_str(), &info) != 0) {
      if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
      return FailOn("stat", path, errno);
    }
    return FileInfo{.size_bytes = static_cast<uint64_t>(info.st_size),
                    .is_directory = S_ISDIR(info.st_mode),
                    .modified_seconds = info.st_mtim.tv_sec};
  }

  Status MakeDir(const std::string& path) override {
    if (mkdir(path.c_str(), 0755) == 0) return {};
    const int code = errno;
    struct stat info;
    if (code == EEXIST && stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return {};
    return FailOn("make folder", path, code);
  }

  Status SyncDir(const std::string& folder) override {
    const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return FailOn("open folder", folder, errno);
    const int code = fsync(fd) == 0 ? 0 : errno;
    close(fd);
    if (code != 0) return FailOn("sync folder", folder, code);
    return {};
  }
};

}  // namespace

std::unique_ptr<Disk> MakeSystemDisk() { return std::make_unique<SystemDisk>(); }

}  // namespace hearth::env
