// Stores a dataset as it arrives in a temporary file, on a thread of its own, and makes it last from time to
// time, so that there is little to wait for at the end.
//
// Owned by the transfer; engine thread. Destroying one that is not done gives it up; the queue must have been
// made to fail before. The file stays.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "base/result.h"
#include "env/disk.h"
#include "rdb/source.h"

namespace hearth::replication {

class TransferFile {
 public:
  // `on_done` is called on the file's thread at the end.
  TransferFile(env::Disk& disk, std::string path, std::unique_ptr<rdb::ByteSource> source,
               std::function<void()> on_done);
  ~TransferFile() { thread_.join(); }
  TransferFile(const TransferFile&) = delete;
  TransferFile& operator=(const TransferFile&) = delete;

  bool is_done() const { return is_done_.load(std::memory_order_acquire); }
  // How it went, once it is done.
  const Status& status() const { return status_; }
  const std::string& path() const { return path_; }

 private:
  Status Store();

  env::Disk& disk_;
  const std::string path_;
  const std::unique_ptr<rdb::ByteSource> source_;
  const std::function<void()> on_done_;
  Status status_;
  std::atomic<bool> is_done_ = false;
  std::thread thread_;
};

}  // namespace hearth::replication
