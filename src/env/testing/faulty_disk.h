// A disk in memory that fails when it is told to: full, unable to sync, slow to sync, or losing after a crash
// what was never synced. For tests; thread-safe like the real one.
//
// Its limitation: renames and removals survive a crash at once, synced folder or not.
#pragma once

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "base/prng.h"
#include "env/disk.h"

namespace hearth::env {

class FaultyDisk final : public Disk {
 public:
  // ---- faults

  // Room for so many more bytes; what does not fit is cut off and fails with ENOSPC.
  void SetSpace(uint64_t bytes) {
    Set([=](State& state) { state.space = bytes; });
  }
  void FailSyncs(bool fail) {
    Set([=](State& state) { state.syncs_fail = fail; });
  }
  void FailTruncates(bool fail) {
    Set([=](State& state) { state.truncates_fail = fail; });
  }
  void FailRenames(bool fail) {
    Set([=](State& state) { state.renames_fail = fail; });
  }
  // Syncs wait until they are let go.
  void HoldSyncs(bool hold) {
    Set([=](State& state) { state.syncs_held = hold; });
  }

  // What a crash at this moment might leave of a file: what was synced, and a part of any length of what was
  // appended since.
  std::string AfterCrash(const std::string& path, Prng& prng) const {
    std::lock_guard lock(state_->mutex);
    const auto found = state_->files.find(path);
    return found == state_->files.end() ? std::string() : Surviving(*found->second, prng);
  }
  // The crash itself, for every file.
  void Crash(Prng& prng) {
    Set([&](State& state) {
      for (auto& [path, contents] : state.files) contents->bytes = Surviving(*contents, prng);
    });
  }

  uint64_t sync_count() const {
    std::lock_guard lock(state_->mutex);
    return state_->sync_count;
  }
  uint64_t write_count() const {
    std::lock_guard lock(state_->mutex);
    return state_->write_count;
  }
  bool is_sync_waiting() const {
    std::lock_guard lock(state_->mutex);
    return state_->syncs_waiting > 0;
  }
  // What a file holds; empty if there is none.
  std::string Contents(const std::string& path) const {
    std::lock_guard lock(state_->mutex);
    const auto found = state_->files.find(path);
    return found == state_->files.end() ? std::string() : found->second->bytes;
  }
  // Makes or replaces a file, as something that was always there.
  void Put(const std::string& path, std::string bytes) {
    Set([&](State& state) {
      auto contents = std::make_shared<FileContents>();
      contents->bytes = contents->synced = std::move(bytes);
      state.files[path] = std::move(contents);
    });
  }

  // ---- Disk

  Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override {
    std::lock_guard lock(state_->mutex);
    auto& files = state_->files;
    auto found = files.find(path);
    if (found == files.end()) {
      if (mode == OpenMode::kRead) return FailOn("open", path, ENOENT);
      found = files.emplace(path, std::make_shared<FileContents>()).first;
    }
    if (mode == OpenMode::kTruncate) found->second->bytes.clear();
    return std::make_unique<MemoryFile>(state_, found->second, path);
  }
  Status Rename(const std::string& from, const std::string& to) override {
    std::lock_guard lock(state_->mutex);
    if (state_->renames_fail) return FailOn("rename", from, EIO);
    auto node = state_->files.extract(from);
    if (node.empty()) return FailOn("rename", from, ENOENT);
    state_->files[to] = std::move(node.mapped());
    return {};
  }
  Status Remove(const std::string& path) override {
    std::lock_guard lock(state_->mutex);
    if (state_->files.erase(path) + state_->folders.erase(path) == 0) return FailOn("remove", path, ENOENT);
    return {};
  }
  Result<std::vector<std::string>> List(const std::string& folder) override {
    std::lock_guard lock(state_->mutex);
    std::vector<std::string> names;
    const std::string prefix = folder + "/";
    for (const auto& [path, contents] : state_->files) {
      if (path.starts_with(prefix) && path.find('/', prefix.size()) == std::string::npos)
        names.push_back(path.substr(prefix.size()));
    }
    return names;
  }
  Result<std::optional<FileInfo>> Stat(const std::string& path) override {
    std::lock_guard lock(state_->mutex);
    if (state_->folders.contains(path)) return FileInfo{.is_directory = true};
    const auto found = state_->files.find(path);
    if (found == state_->files.end()) return std::nullopt;
    return FileInfo{.size_bytes = found->second->bytes.size()};
  }
  Status MakeDir(const std::string& path) override {
    Set([&](State& state) { state.folders.insert(path); });
    return {};
  }
  Status SyncDir(const std::string&) override { return {}; }

 private:
  struct FileContents {
    std::string bytes;
    std::string synced;
  };
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    std::map<std::string, std::shared_ptr<FileContents>> files;
    std::set<std::string> folders;
    uint64_t space = UINT64_MAX;
    bool syncs_fail = false;
    bool truncates_fail = false;
    bool renames_fail = false;
    bool syncs_held = false;
    int syncs_waiting = 0;
    uint64_t sync_count = 0;
    uint64_t write_count = 0;
  };

  static std::string Surviving(const FileContents& contents, Prng& prng) {
    const size_t synced = contents.synced.size();
    if (contents.bytes.size() <= synced) return contents.synced;
    return contents.bytes.substr(0, synced + prng.Below(contents.bytes.size() - synced + 1));
  }
  static std::unexpected<Error> FailOn(const char* what, const std::string& path, int code) {
    return Fail(std::string("cannot ") + what + " " + path + ": " + std::strerror(code), code);
  }
  template <typename Change>
  void Set(Change change) {
    {
      std::lock_guard lock(state_->mutex);
      change(*state_);
    }
    state_->changed.notify_all();
  }

  class MemoryFile final : public File {
   public:
    MemoryFile(std::shared_ptr<State> state, std::shared_ptr<FileContents> contents, std::string path)
        : state_(std::move(state)), contents_(std::move(contents)), path_(std::move(path)) {}

    Result<size_t> ReadAt(uint64_t offset, std::span<char> to) override {
      std::lock_guard lock(state_->mutex);
      if (offset >= contents_->bytes.size()) return size_t{0};
      return contents_->bytes.copy(to.data(), to.size(), offset);
    }
    Status Append(std::string_view bytes) override {
      std::lock_guard lock(state_->mutex);
      return Write(contents_->bytes.size(), bytes);
    }
    Status WriteAt(uint64_t offset, std::string_view bytes) override {
      std::lock_guard lock(state_->mutex);
      return Write(offset, bytes);
    }
    Status Sync() override {
      std::unique_lock lock(state_->mutex);
      ++state_->syncs_waiting;
      state_->changed.wait(lock, [this] { return !state_->syncs_held; });
      --state_->syncs_waiting;
      if (state_->syncs_fail) return FailOn("sync", path_, EIO);
      contents_->synced = contents_->bytes;
      ++state_->sync_count;
      return {};
    }
    void StartWriteback(uint64_t, uint64_t) override {}
    Status Truncate(uint64_t size) override {
      std::lock_guard lock(state_->mutex);
      if (state_->truncates_fail) return FailOn("truncate", path_, EIO);
      contents_->bytes.resize(size);
      return {};
    }
    Result<uint64_t> Size() override {
      std::lock_guard lock(state_->mutex);
      return contents_->bytes.size();
    }
    Status Lock() override { return {}; }
    const std::string& path() const override { return path_; }

   private:
    Status Write(uint64_t offset, std::string_view bytes) {
      ++state_->write_count;
      const size_t size = std::min<uint64_t>(bytes.size(), state_->space);
      if (contents_->bytes.size() < offset + size) contents_->bytes.resize(offset + size);
      contents_->bytes.replace(offset, size, bytes.substr(0, size));
      if (state_->space != UINT64_MAX) state_->space -= size;
      if (size < bytes.size()) return FailOn("write to", path_, ENOSPC);
      return {};
    }

    const std::shared_ptr<State> state_;
    const std::shared_ptr<FileContents> contents_;
    const std::string path_;
  };

  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace hearth::env
